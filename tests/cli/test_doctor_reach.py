"""``wherewise doctor`` on drivers, the hub and a judge: against files and servers on loopback."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherewise.cli.config import load_config
from wherewise.cli.doctor import doctor
from wherewise.cli.doctor_findings import Finding, Status
from wherewise.cli.doctor_reach import driver_finding, hub_findings, judge_finding, nvidia_driver
from wherewise.judge.config import JudgeFile

KEY = "sk-a-secret-that-nobody-prints"


class Answers(http.server.BaseHTTPRequestHandler):
    """A hub and a judge with one model, for whoever knows the key."""

    def do_GET(self) -> None:
        wanted = self.path.startswith("/api") or self.headers.get("Authorization") == f"Bearer {KEY}"
        self.send_response(200 if wanted else 401)
        self.end_headers()
        self.wfile.write(json.dumps({"data": [{"id": "referee"}]}).encode() if wanted else b"{}")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def closed_port() -> int:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_the_hub(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "not" / "there" / "yet"))
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", address)
    hub, disk = hub_findings()
    assert (hub.status, disk.name) == (Status.OK, "hub disk")
    assert hub.detail == f"{address} answers; without a token (gated models want one: hf auth login)"
    monkeypatch.setenv("HF_TOKEN", KEY)
    hub, _ = hub_findings()
    assert hub.detail.endswith("with a token")
    assert KEY not in repr(hub)
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed_port()}")
    hub, _ = hub_findings()
    assert hub.status is Status.WARN
    assert "does not answer" in hub.detail
    assert "HF_ENDPOINT" in hub.fix
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    hub, _ = hub_findings()
    assert hub.status is Status.OK
    assert "not asked" in hub.detail


def judge_file(folder: Path, address: str, model: str = "referee") -> Path:
    file = folder / "judge.yaml"
    file.write_text(f"judge: {{base_url: {address}/v1, model: {model}, api_key_env: DOCTOR_TEST_KEY}}\n")
    return file


def asked(file: Path) -> Finding:
    return judge_finding(load_config(JudgeFile, file).value.judge)


def test_a_judge(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = asked(judge_file(tmp_path, address))
    assert (found.status, found.fix) == (Status.FAIL, "export DOCTOR_TEST_KEY=...")
    monkeypatch.setenv("DOCTOR_TEST_KEY", "wrong")
    found = asked(judge_file(tmp_path, address))
    assert (found.status, found.fix) == (Status.FAIL, "check the key in DOCTOR_TEST_KEY")
    monkeypatch.setenv("DOCTOR_TEST_KEY", KEY)
    found = asked(judge_file(tmp_path, address))
    assert (found.status, found.detail, found.fix) == (Status.OK, f"{address}/v1 serves referee", "")
    found = asked(judge_file(tmp_path, address, "umpire"))
    assert (found.status, found.detail) == (Status.FAIL, f"{address}/v1 serves referee, not umpire")
    found = asked(judge_file(tmp_path, f"http://127.0.0.1:{closed_port()}"))
    assert found.status is Status.FAIL
    assert "wherewise judge serve-command referee" in found.fix
    assert KEY not in repr(found)


def test_the_judge_is_asked_on_the_command_line(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("DOCTOR_TEST_KEY", "wrong")
    assert doctor(json_=True, judge=judge_file(tmp_path, address)) == 1
    assert {f["name"]: f["status"] for f in json.loads(capsys.readouterr().out)}["judge"] == "fail"


def test_drivers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proc = tmp_path / "version"
    proc.write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  535.183.01  Release Build\nGCC version: gcc 11.4.0\n"
    )
    assert nvidia_driver(proc) == (535, 183, 1)
    smi = tmp_path / "bin" / "nvidia-smi"
    smi.parent.mkdir()
    smi.write_text("#!/bin/sh\necho 535.183.01\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(smi.parent), prepend=":")
    assert nvidia_driver(tmp_path / "none") == (535, 183, 1)
    if not Path("/proc/driver/nvidia/version").exists():
        (good,) = driver_finding("12.8")
        assert (good.status, good.detail) == (Status.OK, "NVIDIA 535.183.1")
        (old,) = driver_finding("13.0")
        assert old.status is Status.WARN
        assert "older than CUDA 13.0 needs (580)" in old.detail
        monkeypatch.setenv("PATH", str(tmp_path))
        assert list(driver_finding("13.0")) == []
