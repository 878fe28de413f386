from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from training_toy import grpo_config

from wherewise.cli.config import ConfigError, load_config
from wherewise.rewards import RewardConfig
from wherewise.training.grpo.advantages import Advantage, AdvantageScaling
from wherewise.training.grpo.config import GRPOConfig

MODEL, OUT = Path("model"), Path("out")
ACCURACY = RewardConfig(name="accuracy")


@pytest.mark.parametrize(
    ("changes", "key", "reason"),
    [
        ({"kl": "k1"}, "kl", "set `beta` above 0"),
        ({"kl_in": "reward"}, "kl_in", "set `beta` above 0"),
        ({"kl_clip": 10}, "kl_clip", "set `beta` above 0"),
        ({"kl_correction": True}, "kl_correction", "set `beta` above 0"),
        ({"beta": 0.1, "kl_in": "reward", "kl_correction": True}, "kl_correction", "set `kl_in: loss`"),
        ({"beta": 0.1, "kl": "full", "kl_in": "reward"}, "kl", "set `kl_in: loss`"),
        ({"beta": 0.1, "kl": "full", "kl_correction": True}, "kl_correction", "is exact"),
        ({"advantage": "reinforce++", "scaling": "std"}, "scaling", "has its own scaling"),
        ({"advantage": "mapo"}, "mapo_by", "no reward is called 'accuracy'"),
        ({"rewards": (RewardConfig(name="mapo"),)}, "rewards", "set `scaling: none`"),
        ({"reward_order": "normalise_then_sum", "scaling": "std"}, "reward_order", "leave out `scaling`"),
        ({"reward_order": "normalise_then_sum", "advantage": "rloo"}, "reward_order", "set it to grpo"),
        (
            {"reward_order": "normalise_then_sum", "rewards": (RewardConfig(name="accuracy", gate=True),)},
            "reward_order",
            r"gates and needs \(accuracy\)",
        ),
        ({"reward_order": "normalise_then_sum", "missing": "renormalise"}, "missing", "set drop_completion"),
        ({"reward_order": "normalise_then_sum", "beta": 0.1, "kl_in": "reward"}, "kl_in", "set `kl_in: loss`"),
        ({"loss_type": "cispo", "clip_dual": 3}, "clip_dual", "has no dual clip"),
        ({"clip_high": 0.5, "clip_dual": 1.4}, "clip_dual", r"more than 1 \+ clip_high = 1.5"),
        ({"truncated": "penalise"}, "truncated", "needs `overlong_cache`"),
        ({"overlong_cache": 3}, "overlong_cache", "set that, or leave this out"),
        ({"truncated": "penalise", "overlong_cache": 99}, "overlong_cache", r"more than max_new_tokens \(5\)"),
        (
            {"truncated": "penalise", "overlong_cache": 3, "rewards": (ACCURACY, RewardConfig(name="overlong"))},
            "rewards",
            "there twice",
        ),
        ({"sampler_correction": "token_mask", "top_p": 0.9}, "sampler_correction", "set `top_p: 1.0`"),
    ],
)
def test_contradictions_name_their_key(changes: dict[str, Any], key: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason) as caught:
        grpo_config(MODEL, OUT, **changes)
    assert key in {error["loc"][0] for error in caught.value.errors()}


def test_all_contradictions_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        grpo_config(MODEL, OUT, kl="k1", overlong_cache=3, loss_type="gmpo", clip_dual=3)
    assert [error["loc"] for error in caught.value.errors()] == [("kl",), ("clip_dual",), ("overlong_cache",)]


def test_contradictions_are_located_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text("out: out\nmodel: {path: starter}\nsteps: 1\nloss_type: cispo\nclip_dual: 3\n")
    with pytest.raises(ConfigError, match=r"run\.yaml:5:\d+.*clip_dual: `loss_type: cispo` has no dual clip"):
        load_config(GRPOConfig, file, ())


def test_defaults_are_grpo_as_published() -> None:
    config = grpo_config(MODEL, OUT)
    assert (config.advantage, config.own_scaling) == (Advantage.GRPO, AdvantageScaling.STD)
    assert config.mixture == config.rewards
    assert config.dynamic_sampling is None


def test_a_resolved_config_is_a_config() -> None:
    """What a run writes down can be read again: no contradiction comes of spelled-out defaults."""
    for changes in ({}, {"advantage": "remax"}, {"loss_type": "cispo"}, {"reward_order": "normalise_then_sum"}):
        config = grpo_config(MODEL, OUT, **changes)
        assert GRPOConfig.model_validate(config.model_dump(mode="json")) == config


def test_penalised_length_is_a_reward_of_the_mixture() -> None:
    config = grpo_config(MODEL, OUT, truncated="penalise", overlong_cache=2)
    assert config.mixture[-1] == RewardConfig(name="overlong", params={"limit": 5, "cache": 2})
