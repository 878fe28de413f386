"""Work in processes that are killed: the same results in the same order, and nothing done twice after a restart."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wherewise.workers import in_order
from wherewise.workers.kept import write_kept

ROOT = Path(__file__).parents[2]


def square(item: int) -> int:
    return item * item


def square_once(item: tuple[str, int]) -> int:
    """Notes each call in a file; the fifth kills its process the first time."""
    folder, number = item
    with (Path(folder) / "calls").open("a") as stream:
        stream.write(f"{number}\n")
    if number == 5 and not (Path(folder) / "died").exists():
        (Path(folder) / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def die(item: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return item


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers: int, tmp_path: Path) -> None:
    assert list(in_order(square, range(23), workers=workers)) == [k * k for k in range(23)]
    assert list(in_order(square, range(23), workers=workers, keep=tmp_path / "kept")) == [k * k for k in range(23)]
    assert len(list((tmp_path / "kept").glob("*.part"))) == 23


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    items = [(str(tmp_path), k) for k in range(12)]
    assert list(in_order(square_once, items, workers=2)) == [k * k for k in range(12)]
    assert (tmp_path / "died").exists()


def test_what_is_kept_is_not_done_again(tmp_path: Path) -> None:
    (tmp_path / "died").touch()
    items = [(str(tmp_path), k) for k in range(6)]
    first = in_order(square_once, items, keep=tmp_path / "kept")
    assert [next(first) for _ in range(4)] == [0, 1, 4, 9]
    first.close()
    assert list(in_order(square_once, items, workers=2, keep=tmp_path / "kept")) == [0, 1, 4, 9, 16, 25]
    assert sorted((tmp_path / "calls").read_text().split()) == ["0", "1", "2", "3", "4", "5"]


def test_what_always_dies_is_given_up() -> None:
    with pytest.raises(RuntimeError, match="worker processes died 8 times in a row, at chunk 0"):
        list(in_order(die, [1, 2], workers=2))


def test_a_file_that_is_not_whole_is_done_again(tmp_path: Path) -> None:
    items = [(str(tmp_path), k) for k in range(4)]
    assert list(in_order(square_once, items, keep=tmp_path / "kept")) == [0, 1, 4, 9]
    hurt = tmp_path / "kept" / "000002.part"
    hurt.write_bytes(hurt.read_bytes()[:-3])
    (tmp_path / "kept" / "000001.part").write_bytes(b"")
    assert list(in_order(square_once, items, workers=2, keep=tmp_path / "kept")) == [0, 1, 4, 9]
    assert sorted((tmp_path / "calls").read_text().split()) == ["0", "1", "1", "2", "2", "3"]


def test_a_kept_file_cannot_call_anything(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, ("touch /tmp/should-not-be",)

    write_kept(tmp_path / "000000.part", pickle.dumps(Evil()))
    with pytest.raises(pickle.UnpicklingError, match="system"):
        list(in_order(square, [1], keep=tmp_path))


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def children(parent: int) -> list[int]:
    """Processes whose parent is `parent`, from /proc."""
    out = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(words[1]) == parent:
            out.append(int(stat.parent.name))
    return out


def finished(folder: Path) -> int:
    """Chunks that are kept so far."""
    return len(list(folder.glob(".made/*/*.part")))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to find the workers")
def test_twenty_kills_leave_the_same_dataset(tmp_path: Path) -> None:
    """``kill -9`` of workers and of the parent at random times, 20 in one generation."""
    config = {
        "seed": 3, "workers": 2, "sidecars": True, "splits": {"train": 1000, "test": 80},
        "simulate": {
            "width": 96, "height": 96, "objects": [2, 5], "framing": "objects", "furnish": False, "tint": 1.0,
            "distinct_colors": True,
        },
        "questions": {"families": ["existence", "counting", "left_right"], "block": 32},
    }  # fmt: skip
    (tmp_path / "data.yaml").write_text(json.dumps(config))
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}

    def start(out: Path) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", "from wherewise.cli.main import main; main()", "data", "simulate"]
        command += [str(tmp_path / "data.yaml"), "--out", str(out), "--quiet"]
        return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    whole = start(tmp_path / "whole")
    assert whole.wait(600) == 0, whole.stderr
    rng = random.Random(0)
    hurt = tmp_path / "hurt"
    kills = {"worker": 0, "parent": 0}
    process = start(hurt)
    finished_early = 0
    deadline = time.monotonic() + 900
    while sum(kills.values()) < 20 and time.monotonic() < deadline:
        before, patience = finished(hurt), time.monotonic() + 60
        # now and then at once, while processes start; mostly after some work was done
        while (
            rng.random() < 0.9 and finished(hurt) == before and time.monotonic() < patience and process.poll() is None
        ):
            time.sleep(0.2)
        time.sleep(rng.uniform(0.0, 1.5))
        if process.poll() is not None:
            assert process.returncode == 0, (process.stderr and process.stderr.read(), kills)
            finished_early = sum(kills.values())
            break
        workers = children(process.pid)
        if rng.random() < 0.35 or not workers:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills["parent"] += 1
            process = start(hurt)
        else:
            victim = rng.choice(workers)
            os.kill(victim, signal.SIGKILL)
            kills["worker"] += 1
    assert finished_early == 0, f"the run was over after {finished_early} kills: make it longer"
    assert process.wait(900) == 0, (process.stderr and process.stderr.read(), kills)
    assert sum(kills.values()) == 20
    assert min(kills.values()) >= 3
    assert files(hurt) == files(tmp_path / "whole")
    assert not (hurt / ".made").exists()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to find the workers")
def test_workers_end_with_a_killed_parent(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path[:0] = [{str(ROOT / 'src')!r}, {str(Path(__file__).parent)!r}]\n"
        "import time\n"
        "from wherewise.workers import in_order\n"
        "if __name__ == '__main__':\n"
        "    list(in_order(time.sleep, [30.0] * 4, workers=2))\n"
    )
    (tmp_path / "sleepers.py").write_text(code)
    parent = subprocess.Popen([sys.executable, str(tmp_path / "sleepers.py")])
    workers: list[int] = []
    for _ in range(200):
        time.sleep(0.1)
        workers = [pid for pid in children(parent.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        if len(workers) == 2:
            break
    assert len(workers) == 2
    time.sleep(2.0)
    parent.kill()
    parent.wait()
    for _ in range(100):
        if not any(Path(f"/proc/{pid}").exists() for pid in workers):
            return
        time.sleep(0.1)
    raise AssertionError("workers outlive their parent")
