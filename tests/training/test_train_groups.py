"""Group rewards in a run: completions on shuffled frames, missing values, advantages as rewards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError
from test_train_grpo import phase_of
from test_train_video import clips
from training_toy import grpo_config, save_tiny, toy_samples

from wherewise.media.video import Frames
from wherewise.rewards import ReplyGroup, RewardConfig, Score, group_reward
from wherewise.rewards.base import GroupFunction
from wherewise.training import train_grpo
from wherewise.training.config import FramesConfig
from wherewise.training.data import shuffle_frames


def test_shuffled_frames_are_the_same_frames_at_the_same_times() -> None:
    clip = Frames(array=np.arange(5, dtype=np.uint8)[:, None, None, None], times=(0.0, 0.5, 1.0, 1.5, 2.0))
    orders = []
    for seed in ("1:a", "2:a", "1:a"):
        shuffled = shuffle_frames(clip, seed)
        orders.append([int(frame[0, 0, 0]) for frame in shuffled.array])
        assert shuffled.times == clip.times
    assert sorted(orders[0]) == list(range(5))
    assert orders[0] == orders[2] != orders[1]
    two = Frames(array=clip.array[:2], times=clip.times[:2])
    assert all([int(f[0, 0, 0]) for f in shuffle_frames(two, str(s)).array] == [1, 0] for s in range(8))


def test_videos_are_completed_on_shuffled_frames_too(tmp_path: Path) -> None:
    seen: list[ReplyGroup] = []

    @group_reward
    def spy(group: ReplyGroup) -> list[Score]:
        seen.append(group)
        return [Score(value=float(i)) for i, _ in enumerate(group.completions)]

    model = save_tiny(tmp_path / "model", "qwen3_vl")
    frames = FramesConfig(max_frames=4)
    phase = phase_of(model, tmp_path, generations=3, prompts_per_step=2, max_new_tokens=4, frames=frames)
    object.__setattr__(phase.session, "samples", (*clips()[:1], *toy_samples(1)))
    object.__setattr__(phase.sampler, "size", 2)
    object.__setattr__(phase.rewards, "functions", (GroupFunction(spy.function, shuffled_share=0.5),))
    phase.sample(1)
    assert {group.sample.media[0].__class__.__name__: len(group.shuffled) for group in seen} == {"Video": 2, "Image": 0}
    assert all(len(group.completions) == 3 for group in seen)


def test_a_run_with_mixed_advantages(tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model", "qwen3_vl")
    toy = str(Path(__file__).parent / "training_toy_rewards.py")
    nested = {"of": [{"name": f"{toy}:likes_e"}, {"name": "accuracy", "weight": 0.0}]}
    rewards = (RewardConfig(name="mapo", params=nested),)
    with pytest.raises(ValidationError, match="set `scaling: none`"):
        grpo_config(model, tmp_path / "run", rewards=rewards)
    config = grpo_config(model, tmp_path / "run", rewards=rewards, scaling="none", steps=1)
    result = train_grpo(config, samples=toy_samples())
    assert result.metrics["grad_norm"] > 0
    assert result.metrics["reward/total"] == pytest.approx(0, abs=1e-6)


def test_a_run_may_fail_on_a_missing_value(tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model", "qwen3_vl")
    toy = str(Path(__file__).parent / "training_toy_rewards.py")
    rewards = (RewardConfig(name=f"{toy}:never"),)
    config = grpo_config(model, tmp_path / "run", rewards=rewards, missing="fail", steps=1)
    with pytest.raises(ValueError, match=r"never' could not judge a reply \(no judge\)"):
        train_grpo(config, samples=toy_samples())
