"""kill -9 in the middle, then resume: the final weights are those of the run that nobody touched."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kill_target import STEPS
from test_train_resume import assert_same_run, train
from training_toy import grpo_config, sft_config

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "src"


def start(phase: str, model: Path, out: Path) -> subprocess.Popen[bytes]:
    paths = [str(SOURCE), str(HERE), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in paths if p), "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, str(HERE / "kill_target.py"), phase, str(model), str(out)]
    return subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def steps_done(out: Path) -> int:
    file = out / "metrics.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


def kill_after(process: subprocess.Popen[bytes], out: Path, step: int, *, wait: float = 0.0) -> None:
    """Send SIGKILL `wait` seconds after `step` steps are logged: while the next one, or a checkpoint, is being made."""
    while steps_done(out) < step:
        if process.poll() is not None:
            assert process.stderr is not None
            pytest.fail(f"the run ended by itself: {process.stderr.read().decode()}")
        time.sleep(0.002)
    time.sleep(wait)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def config_of(phase: str, model: Path, out: Path) -> object:
    if phase == "sft":
        return sft_config(model, out, steps=STEPS, save_every=3)
    return grpo_config(model, out, steps=STEPS, save_every=3, num_iterations=2, optim="muon")


@pytest.mark.parametrize("phase", ["sft", "grpo"])
def test_killed_run_resumes_to_the_same_bits(phase: str, tiny: Path, tmp_path: Path) -> None:
    step = random.Random(phase).randint(4, 30)
    broken = tmp_path / "broken"
    kill_after(start(phase, tiny, broken), broken, step)
    assert not (broken / "final").exists()
    resumed = train(config_of(phase, tiny, broken))  # type: ignore[arg-type]
    assert resumed.resumed_from is not None
    assert resumed.resumed_from >= step - 3
    straight = train(config_of(phase, tiny, tmp_path / "straight"))  # type: ignore[arg-type]
    assert_same_run(straight.folder, resumed.folder)


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["sft", "grpo"])
def test_killed_five_times(phase: str, tiny: Path, tmp_path: Path) -> None:
    chance = random.Random(f"{phase} again")
    broken = tmp_path / "broken"
    for step in sorted(chance.sample(range(1, STEPS - 4), 5)):
        process = start(phase, tiny, broken)
        kill_after(process, broken, step)
        time.sleep(chance.random() * 0.05)
    process = start(phase, tiny, broken)
    _, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors.decode()
    straight = train(config_of(phase, tiny, tmp_path / "straight"))  # type: ignore[arg-type]
    assert_same_run(straight.folder, broken)


def kill_in_a_checkpoint(process: subprocess.Popen[bytes], out: Path, step: int) -> None:
    """Send SIGKILL while a checkpoint is being written, once `step` steps are logged."""
    while steps_done(out) < step or not any((out / "checkpoints").glob(".tmp-step-*")):
        if process.poll() is not None:
            assert process.stderr is not None
            pytest.fail(f"the run ended by itself: {process.stderr.read().decode()}")
    process.kill()
    process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["sft", "grpo"])
def test_killed_twenty_times(phase: str, tiny: Path, tmp_path: Path) -> None:
    """At random moments of rollouts and backward passes, and every fourth time in the middle of a checkpoint."""
    chance = random.Random(f"{phase} twenty")
    broken = tmp_path / "broken"
    half_written = 0
    for number, step in enumerate(sorted(chance.sample(range(1, STEPS - 4), 20))):
        process = start(phase, tiny, broken)
        if number % 4 == 3:
            kill_in_a_checkpoint(process, broken, step)
            half_written += any((broken / "checkpoints").glob(".tmp-step-*"))
        else:
            kill_after(process, broken, step, wait=chance.random() * 0.3)
    assert half_written >= 3
    process = start(phase, tiny, broken)
    _, errors = process.communicate(timeout=900)
    assert process.returncode == 0, errors.decode()
    straight = train(config_of(phase, tiny, tmp_path / "straight"))  # type: ignore[arg-type]
    assert_same_run(straight.folder, broken)
