"""``wherewise doctor``: what it says here, without torch, and with something broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from wherewise.cli import doctor
from wherewise.cli.doctor import CORE, OPTIONAL, Needed, Status, findings
from wherewise.cli.errors import EXTRAS

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub has tests of its own (`test_doctor_reach`)."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_every_finding_that_is_not_ok_has_a_fix() -> None:
    found = list(findings())
    assert {"python", "cores", "memory", "disk", "numpy", "torch", "torchvision", "transformers", "av", "hub"} <= {
        finding.name for finding in found
    }
    for finding in found:
        assert bool(finding.fix) == (finding.status is not Status.OK), finding
        assert finding.status is not Status.FAIL, finding


def test_bounds_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert sorted(needed.requirement for needed in CORE) == sorted(project["dependencies"])
    optional = (*OPTIONAL, doctor.TORCH, doctor.TORCHVISION, doctor.AV)
    declared = {
        wanted for extra in ("train", "video", "judge", "photos") for wanted in project["optional-dependencies"][extra]
    }
    assert {needed.requirement for needed in optional} == declared
    for needed in optional:
        assert needed.requirement in project["optional-dependencies"][EXTRAS[needed.module]]
    assert project["requires-python"] == ">=" + ".".join(map(str, doctor.MIN_PYTHON))


def test_without_torch_json_and_exit_0(tmp_path: Path) -> None:
    """A process that can see this environment's base packages, but none of torch's family."""
    code = (
        "import importlib.metadata as m, sys\n"
        "class Gone:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in ('torch', 'torchvision', 'transformers', 'peft', 'accelerate', 'av'):\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Gone())\n"
        "real = m.version\n"
        "def version(name):\n"
        "    if name in ('torch', 'torchvision', 'transformers', 'peft', 'accelerate', 'av'):\n"
        "        raise m.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "m.version = version\n"
        "from wherewise.cli.main import run\n"
        "sys.exit(run(['doctor', '--json']))\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert found["torch"] == {
        "name": "torch",
        "status": "warn",
        "detail": "not installed; only for training and running models",
        "fix": "pip install 'wherewise[train]'",
    }
    assert found["av"]["fix"] == "pip install 'wherewise[video]'"
    assert found["numpy"]["status"] == "ok"


def test_broken_core_package_is_exit_1(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    too_old = Needed("numpy", "numpy", "999.0")
    too_new = Needed("pyyaml", "yaml", "1.0", "2")
    absent = Needed("no-such-package", "no_such_package", "1.0")
    wrong = Needed("rich", "rich_is_not_called_so", "13.0")
    monkeypatch.setattr(doctor, "CORE", (too_old, too_new, absent, wrong))
    assert doctor.doctor() == 1
    out = capsys.readouterr().out
    assert f"{version('numpy')}, older than the oldest that was tested (999.0)" in out
    assert f"{version('pyyaml')}, newer than all that was tested (below 2)" in out
    assert "pip install 'no-such-package>=1.0'" in out
    assert "can't be imported: ModuleNotFoundError" in out
    assert "4 broken" in out


@pytest.mark.parametrize(
    ("text", "release"), [("2.13.0+cpu", (2, 13)), ("6", (6,)), ("6.0.0", (6,)), ("5.10.1rc1", (5, 10, 1)), ("0", (0,))]
)
def test_release(text: str, release: tuple[int, ...]) -> None:
    assert doctor._release(text) == release


def test_machine_figures_are_sane() -> None:
    assert 0 < doctor.usable_cores() <= (os.cpu_count() or 1)
    assert doctor.usable_memory() > 2**28


def test_deep_says_what_the_starter_computes(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    assert doctor.doctor(deep="starter") == 0
    out = capsys.readouterr().out
    for check in ("family", "batched = single", "not blind", "prefix = plain", "gradients", "drawn = scored"):
        assert f"ok    {check}" in out
    assert "save and load" in out
    assert "0 broken" in out


def test_deep_finds_a_blind_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch")
    from wherewise.models.load import save_model
    from wherewise.models.tiny import build_tiny

    model, processor = build_tiny("qwen2_5_vl")
    with torch.no_grad():
        for parameter in model.model.visual.merger.parameters():
            parameter.zero_()
    assert doctor.doctor(deep=str(save_model(model, processor, tmp_path / "blind")), json_=True) == 1
    found = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert found["not blind"]["status"] == "fail"
    assert "check the checkpoint's vision tower" in found["not blind"]["fix"]
    assert found["prefix = plain"]["status"] == "ok"
