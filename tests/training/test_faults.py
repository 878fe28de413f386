"""What goes wrong in a run, one thing a test, and what comes of it."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from test_train_resume import assert_same_run, quiet, train
from training_toy import grpo_config, sft_config, toy_samples

from wherewise.cli.errors import ExitCode, report
from wherewise.rewards import RewardConfig
from wherewise.samples import Image, Sample
from wherewise.samples.errors import InputError, Terminated
from wherewise.training.loop import Progress, TrainingError
from wherewise.training.recovery.checkpoint import last_complete
from wherewise.training.recovery.disk import CheckpointError
from wherewise.training.recovery.quarantine import TooMany
from wherewise.training.recovery.watchdog import Activity, Watchdog

REWARDS = Path(__file__).parent / "training_toy_rewards.py"
CORRUPT = "toy-007"


def records(folder: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def with_a_corrupt_picture(count: int = 20) -> list[Sample]:
    """One sample in twenty has a picture that ends in the middle."""
    samples = toy_samples(count)
    picture = samples[7].media[0]
    assert isinstance(picture, Image)
    assert picture.data is not None
    samples[7] = replace(samples[7], media=(replace(picture, data=picture.data[:60]),))
    return samples


@pytest.mark.parametrize("make", [sft_config, grpo_config])
def test_corrupt_media_are_named_and_left_out(make: Any, tiny: Path, tmp_path: Path) -> None:
    samples = with_a_corrupt_picture()
    per_step = {"batch_size": 10} if make is sft_config else {"prompts_per_step": 10, "generations": 2}
    changes = {"steps": 4, "preflight": 1, "max_quarantined": 0.05, "save_every": 2, **per_step}

    def stop_at_3(progress: Progress) -> None:
        if progress.step == 3:
            raise KeyboardInterrupt

    straight = train(make(tiny, tmp_path / "straight", **changes), samples=samples)
    broken = make(tiny, tmp_path / "broken", **changes)
    with pytest.raises(KeyboardInterrupt):
        train(broken, samples=samples, on_progress=stop_at_3)
    train(broken, samples=samples)
    assert_same_run(straight.folder, broken.out)
    for folder in (straight.folder, broken.out):
        (entry,) = records(folder, "quarantine.jsonl")
        assert entry["sample_id"] == CORRUPT
        assert CORRUPT in entry["reason"]
    with pytest.raises(TooMany, match=rf"1 of 20 samples could not be read.*max_quarantined[\s\S]*{CORRUPT}"):
        train(make(tiny, tmp_path / "strict", **{**changes, "max_quarantined": 0.04}), samples=samples)


def test_a_step_without_a_readable_picture_changes_nothing(tiny: Path, tmp_path: Path) -> None:
    changes = {"steps": 20, "preflight": 1, "max_quarantined": 0.05, "prompts_per_step": 1, "save_every": None}
    result = train(grpo_config(tiny, tmp_path / "run", generations=2, **changes), samples=with_a_corrupt_picture())
    empty = [r for r in records(result.folder, "metrics.jsonl") if r["length"] is None]
    assert len(empty) == 1
    assert empty[0]["grad_norm"] == 0
    assert not empty[0]["bad"]


def rewards_of(name: str) -> tuple[RewardConfig, ...]:
    return (RewardConfig(name=f"{REWARDS}:likes_e"), RewardConfig(name=f"{REWARDS}:{name}"))


def test_a_reward_that_raises_names_the_sample_and_ends_the_run_beyond_a_budget(tiny: Path, tmp_path: Path) -> None:
    changes = {"rewards": rewards_of("raises_on_red"), "steps": 1, "prompts_per_step": 4}
    result = train(grpo_config(tiny, tmp_path / "run", max_reward_errors=16, **changes))
    errors = records(result.folder, "reward_errors.jsonl")
    red = {s.id for s in toy_samples() if s.options[0] == "red" and s.answer.text == "red"}  # type: ignore[union-attr]
    assert errors
    assert {e["sample_id"] for e in errors} <= red
    assert "KeyError: 'no such thing'" in errors[0]["error"]
    assert result.metrics["unjudged"] == pytest.approx(len(errors) / 16)
    with pytest.raises(TooMany, match=r"reward '.*raises_on_red' on sample 'toy-"):
        train(grpo_config(tiny, tmp_path / "strict", max_reward_errors=1, **changes))


def test_none_for_one_completion_leaves_that_one_out(tiny: Path, tmp_path: Path) -> None:
    config = grpo_config(
        tiny, tmp_path / "run", rewards=rewards_of("none_for_the_longest"), steps=1, prompts_per_step=2
    )
    result = train(config)
    groups = records(result.folder / "rollouts", "step-000001.jsonl")
    for group in groups:
        texts = [c["text"] for c in group["completions"]]
        for completion in group["completions"]:
            missing = len(completion["text"]) == max(map(len, texts))
            assert (completion["reward"] is None) == (completion["advantage"] is None) == missing
            assert ("returned None" in completion["note"]) == missing
    assert result.metrics["unjudged"] > 0
    assert not (result.folder / "reward_errors.jsonl").exists()


def test_a_reward_that_returns_something_else_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"returns_text' returned str: return wherewise.rewards.Score"):
        train(grpo_config(tiny, tmp_path / "run", rewards=rewards_of("returns_text"), steps=1))


@pytest.mark.parametrize("make", [sft_config, grpo_config])
def test_a_step_that_is_not_finite_is_skipped_and_kept(make: Any, tiny: Path, tmp_path: Path) -> None:
    # a penalty of infinite weight, or weights that an enormous step made infinite
    cause = {"beta": 1e39} if make is grpo_config else {"optim": {"lr": 1e30, "grad_clip": None}}
    config = make(tiny, tmp_path / "run", steps=3, max_bad_steps=2, **cause)
    with pytest.raises(TrainingError, match="not finite in 2 steps in a row"):
        train(config)
    first, *_ = records(config.out, "bad_steps.jsonl")
    tensors = load_file(config.out / first["tensors"])
    assert first["sample_ids"]
    assert any(name.endswith("input_ids") for name in tensors)
    if make is grpo_config:
        assert {"ids", "advantages", "weights"} <= {name.rpartition("/")[2] for name in tensors}


def test_a_full_disk_leaves_the_checkpoint_before(tiny: Path, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_after_3(progress: Progress) -> None:
        if progress.step == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))

    config = sft_config(tiny, tmp_path / "run")
    try:
        with pytest.raises(CheckpointError, match=r"no room for the checkpoint of step 4[\s\S]*lower `keep`"):
            train(config, on_progress=fill_after_3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    found, problems = last_complete(config.out / "checkpoints")
    assert found is not None
    assert found.step == 2
    assert not problems
    assert [p.name for p in (config.out / "checkpoints").iterdir()] == ["step-000002"]
    resumed = train(config)
    assert_same_run(train(sft_config(tiny, tmp_path / "straight")).folder, resumed.folder)


@pytest.mark.parametrize("make", [sft_config, grpo_config])
def test_sigterm_saves_and_ends_with_its_own_code(make: Any, tiny: Path, tmp_path: Path) -> None:
    def term_after_2(progress: Progress) -> None:
        if progress.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    window = {"num_iterations": 2} if make is grpo_config else {}
    config = make(tiny, tmp_path / "run", save_every=None, **window)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated, match="ended after step 3 of 6") as stopped:
        train(config, on_progress=term_after_2)
    assert signal.getsignal(signal.SIGTERM) is before
    assert report(stopped.value) == ExitCode.TERMINATED == 143
    resumed = train(config)
    assert resumed.resumed_from == 3
    straight = train(make(tiny, tmp_path / "straight", save_every=None, **window))
    assert_same_run(straight.folder, resumed.folder)


def test_a_gpu_that_is_full_is_told_with_three_settings(tiny: Path, tmp_path: Path) -> None:
    def full(progress: Progress) -> None:
        if progress.step == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    with pytest.raises(TrainingError, match=r"micro_prompts \(now 2\).*max_new_tokens.*max_frames.*2.00 GiB"):
        train(grpo_config(tiny, tmp_path / "grpo"), on_progress=full)
    with pytest.raises(TrainingError, match=r"micro_batch \(now 3\).*model.lora.*max_frames"):
        train(sft_config(tiny, tmp_path / "sft"), on_progress=full)


def test_the_watchdog_names_rank_phase_and_samples(tmp_path: Path) -> None:
    said: list[str] = []
    activity = Activity(rank=3)
    with Watchdog(activity=activity, seconds=0.05, folder=tmp_path, say=said.append):
        activity.now("reward", ["a", "b"], step=7)
        while len(said) < 1:
            time.sleep(0.01)
        time.sleep(0.2)
        assert len(said) == 1
        activity.now("rollout")
        while len(said) < 2:
            time.sleep(0.01)
    assert "rank 3, step 7, phase 'reward', samples a, b" in said[0]
    stacks = (tmp_path / "stalls" / "rank-3-step-000007-reward.txt").read_text()
    assert "test_the_watchdog_names_rank_phase_and_samples" in stacks
    assert "phase 'rollout'" in said[1]


def test_a_tracker_that_is_not_installed_is_refused_before_anything(tmp_path: Path) -> None:
    missing = [name for name in ("swanlab", "trackio") if not _installed(name)]
    config = sft_config(tmp_path / "no model at all", tmp_path / "run", trackers=missing)
    if not missing:
        pytest.skip("all trackers are installed")
    with pytest.raises(InputError, match=rf"trackers: .*{missing[0]}.* not installed: pip install"):
        train(config, on_progress=quiet)
    assert not config.out.exists()


def _installed(name: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(name) is not None
