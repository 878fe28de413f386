"""Ray gives what the pool gives, whatever dies. Needs ``wherewise[ray]``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_pool import ROOT, files, square, square_once

from wherewise.workers import Engine, EngineError, in_order


@pytest.fixture
def ray_workers_see_the_tests(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'wherewise[ray]'")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), str(Path(__file__).parent)]))
    yield
    ray.shutdown()


def test_without_ray_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineError, match=r"pip install 'wherewise\[ray\]'"):
        in_order(square, [1], engine=Engine.RAY)


@pytest.mark.engine
@pytest.mark.usefixtures("ray_workers_see_the_tests")
def test_results_come_in_order_and_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    items = [(str(tmp_path), k) for k in range(24)]
    kept = tmp_path / "kept"
    assert list(in_order(square_once, items, workers=2, engine=Engine.RAY, keep=kept)) == [k * k for k in range(24)]
    assert (tmp_path / "died").exists()
    assert len(list(kept.glob("*.part"))) == 24


@pytest.mark.engine
@pytest.mark.usefixtures("ray_workers_see_the_tests")
def test_what_is_kept_is_not_done_again(tmp_path: Path) -> None:
    (tmp_path / "died").touch()
    items = [(str(tmp_path), k) for k in range(6)]
    list(in_order(square_once, items[:4], keep=tmp_path / "kept"))
    found = list(in_order(square_once, items, workers=2, keep=tmp_path / "kept", engine=Engine.RAY))
    assert found == [0, 1, 4, 9, 16, 25]
    assert sorted((tmp_path / "calls").read_text().split()) == ["0", "1", "2", "3", "4", "5"]


def simulate(out: Path, *changes: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "wherewise", "data", "simulate", str(ROOT / "recipes" / "rooms" / "stills.yaml")]
    command += ["--seed", "3", "--limit", "48", "--out", str(out), "--quiet", *changes]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)


def task_processes() -> list[int]:
    """Ray's worker processes that are making scenes now."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().startswith(b"ray::Map"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


@pytest.mark.engine
@pytest.mark.usefixtures("ray_workers_see_the_tests")
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to find the workers")
def test_a_dataset_from_ray_is_that_of_the_pool_after_two_deaths(tmp_path: Path) -> None:
    """A worker is killed, then everything; the second start does the rest."""
    assert simulate(tmp_path / "pool", "workers=2").wait(600) == 0
    first = simulate(tmp_path / "ray", "workers=2", "engine=ray")
    kept = tmp_path / "ray" / ".made"
    killed = False
    while first.poll() is None and len(list(kept.rglob("*.part"))) < 8:
        if not killed and len(list(kept.rglob("*.part"))) >= 3 and (victims := task_processes()):
            os.kill(victims[0], signal.SIGKILL)
            killed = True
        time.sleep(0.02)
    assert killed, "the run was over before a worker could be killed"
    assert first.poll() is None, "the run was over before it could be cut off"
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    before = len(list(kept.rglob("*.part")))
    assert before >= 8
    assert simulate(tmp_path / "ray", "workers=2", "engine=ray").wait(600) == 0
    assert files(tmp_path / "ray") == files(tmp_path / "pool")
