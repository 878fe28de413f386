"""Damaged files: each is read or refused with an error; none crashes, hangs, strays or fills the memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fuzz_mutations import mutated

HERE = Path(__file__).parent
MEMORY = 2 * 2**30
"""Most bytes that the process may take."""


def run_cases(seed: str, first: int, count: int, work: Path) -> list[dict[str, Any]]:
    """Outcomes of the cases, in order; a case that ends the process is one, and the next begins a new process."""
    outcomes: list[dict[str, Any]] = []
    while len(outcomes) < count:
        begin = first + len(outcomes)
        command = [sys.executable, str(HERE / "fuzz_cases.py"), seed, str(begin), str(count - len(outcomes)), str(work)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        told = [json.loads(line) for line in done.stdout.splitlines()]
        outcomes += [entry for entry in told if "outcome" in entry]
        if done.returncode != 0:
            assert told, done.stderr[-3000:]
            ended = {"outcome": "died", "note": f"exit {done.returncode}: {done.stderr[-1500:]}"}
            outcomes.append({**told[-1], **ended, "peak": 0, "seconds": 0.0})
    return outcomes


def check_outcomes(outcomes: list[dict[str, Any]]) -> str:
    """All are well; returns a summary."""
    wrong = [entry for entry in outcomes if entry["outcome"] not in ("read", "refused")]
    assert not wrong, json.dumps(wrong[:5], indent=1)
    peak = max(entry["peak"] for entry in outcomes)
    assert peak < MEMORY
    refused = [entry for entry in outcomes if entry["outcome"] == "refused"]
    assert refused
    assert all(entry["note"].strip() for entry in refused)
    longest = max(entry["seconds"] for entry in outcomes)
    return (
        f"{len(outcomes)} damaged files: {len(refused)} refused, {len(outcomes) - len(refused)} read, "
        f"longest {longest:.2f} s, most memory {peak / 2**20:.0f} MiB"
    )


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    outcomes = run_cases("quick", 0, 100, tmp_path)
    check_outcomes(outcomes)
    assert len({entry["reader"] for entry in outcomes}) == 20


@pytest.mark.slow
def test_thousands_of_damaged_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcomes: list[dict[str, Any]] = []
    for batch in range(5):
        outcomes += run_cases("thousands", 500 * batch, 500, tmp_path / str(batch))
    told = check_outcomes(outcomes)
    with capsys.disabled():
        print(f"\n{told}")


def test_the_watch_sees_what_strays_hangs_and_crashes(tmp_path: Path) -> None:
    """The harness itself: a reader that misbehaves is caught in each way."""
    code = f"""
import sys
sys.path.insert(0, {str(HERE)!r})
from pathlib import Path
import fuzz_cases, fuzz_readers
from fuzz_mutations import OUTSIDE

fuzz_cases.SECONDS = 0.3

def make(folder):
    (folder / "a.txt").write_text("hello")

def stray(folder, damaged):
    (folder / "link" / "secret.png").read_bytes()

def spin(folder, damaged):
    while True:
        pass

def crash(folder, damaged):
    raise KeyError("gone")

def greedy(folder, damaged):
    bytearray(3 << 30)

def good(folder, damaged):
    damaged.read_bytes()

fuzz_readers.READERS.clear()
for read in (stray, spin, crash, greedy, good):
    fuzz_readers.READERS[read.__name__] = fuzz_readers.Reader(make=make, read=read)
fuzz_cases.main("watch", 0, 5, Path({str(tmp_path)!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    outcomes = {entry["reader"]: entry for entry in told if "outcome" in entry}
    found = {name: entry["outcome"] for name, entry in outcomes.items()}
    assert found == {"stray": "strayed", "spin": "slow", "crash": "crashed", "greedy": "crashed", "good": "read"}
    assert "MemoryError" in outcomes["greedy"]["note"]
    assert "secret.png" in outcomes["stray"]["note"]


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".srt", ".mp4"])
def test_damage_follows_from_the_seed_and_changes_the_file(suffix: str) -> None:
    data = b'[{"a": [1, 2, {"b": "c"}]}]\n' * (1 if suffix == ".json" else 3)
    first = [mutated(data, suffix, random.Random(f"s/{k}"), outside="/x") for k in range(40)]
    again = [mutated(data, suffix, random.Random(f"s/{k}"), outside="/x") for k in range(40)]
    assert first == again
    assert sum(damaged != data for damaged in first) >= 35
