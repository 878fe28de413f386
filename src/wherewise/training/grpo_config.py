"""Configuration of GRPO; needs no torch."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from wherewise.rewards import MissingPolicy, RewardConfig
from wherewise.training.advantages import AdvantageScaling
from wherewise.training.config import PositiveInt, RunConfig, StrictConfig, check_length


class LossType(StrEnum):
    """How per-token losses are averaged."""

    GRPO = "grpo"
    """Mean over the tokens of a completion, then over completions (DeepSeekMath): long wrong answers are punished
    less per token."""
    DR_GRPO = "dr_grpo"
    """Sum over tokens divided by the constant ``max_new_tokens``, then mean over completions: no length bias."""
    DAPO = "dapo"
    """Sum over all tokens of the step divided by their number."""
    BNPO = "bnpo"
    """As `DAPO` within each micro-batch, micro-batches weighted by their number of completions."""


class RolloutsConfig(StrictConfig):
    """What is written under ``rollouts/``."""

    every: PositiveInt = 10
    """Steps between written rollouts; the first and last step are always written."""
    groups: PositiveInt = 4
    """Groups written each time."""


class GRPOConfig(RunConfig):
    """Group-relative policy optimisation with verifiable rewards."""

    rewards: tuple[RewardConfig, ...] = (RewardConfig(name="accuracy"), RewardConfig(name="format", weight=0.1))
    """The mixture of rewards."""
    missing: MissingPolicy = MissingPolicy.DROP_COMPLETION
    """What happens to a completion whose reward could not be judged."""
    audit: Literal["refuse", "warn", "off"] = "refuse"
    """Before training, the mixture is tried with replies that deserve nothing (``wherewise reward audit``): if it pays
    one, the run is refused, or only warned of."""
    steps: PositiveInt | None = None
    """Optimiser steps; give this or `epochs`."""
    epochs: float | None = Field(default=None, gt=0)
    """Passes over the prompts; give this or `steps`."""
    prompts_per_step: PositiveInt = 8
    """Prompts (groups) sampled at a time."""
    generations: int = Field(default=8, ge=2)
    """Completions a prompt."""
    micro_prompts: PositiveInt = 8
    """Prompts a forward-backward pass."""
    num_iterations: PositiveInt = 1
    """Optimiser steps on the same completions."""
    max_new_tokens: PositiveInt = 128
    """Longest completion."""
    temperature: float = Field(default=1.0, gt=0)
    """Sampling temperature; log-probabilities of the loss are taken at it too."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Nucleus sampling; below 1 the loss's log-probabilities are not those that were sampled from."""
    loss_type: LossType = LossType.DAPO
    """How per-token losses are averaged."""
    scaling: AdvantageScaling = AdvantageScaling.STD
    """What centred rewards are divided by."""
    clip_low: float = Field(default=0.2, gt=0, lt=1)
    """The probability ratio is clipped below at ``1 - clip_low``."""
    clip_high: float = Field(default=0.2, gt=0)
    """The probability ratio is clipped above at ``1 + clip_high``."""
    beta: float = Field(default=0.0, ge=0)
    """Weight of the KL penalty (k3) to the starting model: adapters switched off, or a frozen copy."""
    mask_truncated: bool = False
    """True: completions that the token limit ended do not enter the loss."""
    rollouts: RolloutsConfig = RolloutsConfig()
    """Which completions are written down."""

    @model_validator(mode="after")
    def _length(self) -> Self:
        check_length(self.steps, self.epochs)
        return self

    @model_validator(mode="after")
    def _advantages_are_used_as_they_are(self) -> Self:
        if self.scaling is not AdvantageScaling.NONE and any(reward.name == "mapo" for reward in self.rewards):
            raise ValueError("the reward 'mapo' is an advantage already: set `scaling: none`")
        return self
