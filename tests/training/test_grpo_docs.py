"""The tables of docs/grpo.md name every setting, and its configs are configs."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import pytest
import yaml

from wherewise.rewards import build_rewards
from wherewise.training.grpo.advantages import Advantage, AdvantageScaling
from wherewise.training.grpo.config import (
    GRPOConfig,
    KLEstimator,
    LossType,
    RewardOrder,
    SamplerCorrection,
)

TEXT = (Path(__file__).parents[2] / "docs" / "grpo.md").read_text(encoding="utf-8")
CONFIGS = re.findall(r"^\*\*(.+?)\*\*.*?```yaml\n(.+?)```", TEXT, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("kind", [LossType, Advantage, AdvantageScaling, KLEstimator, RewardOrder, SamplerCorrection])
def test_every_setting_is_named(kind: type[StrEnum]) -> None:
    missing = [member.value for member in kind if not re.search(rf"`(\w+: )?{re.escape(member.value)}`", TEXT)]
    assert set(missing) <= {"off", "std"}


def test_there_is_a_config_for_every_published_run() -> None:
    assert len(CONFIGS) == TEXT.count("```yaml") == 6


@pytest.mark.parametrize(("name", "text"), CONFIGS, ids=[name for name, _ in CONFIGS])
def test_configs_are_valid(name: str, text: str) -> None:
    config = GRPOConfig.model_validate({"out": "runs/x", **yaml.safe_load(text)})
    assert build_rewards(config.mixture, config.missing).configs == config.mixture
