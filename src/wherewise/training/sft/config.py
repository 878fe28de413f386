"""Configuration of supervised fine-tuning; needs no torch."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from wherewise.training.config import PositiveInt, RunConfig, check_length


class SFTConfig(RunConfig):
    """Supervised fine-tuning: cross-entropy of the reply's tokens alone."""

    steps: PositiveInt | None = None
    """Optimiser steps; give this or `epochs`."""
    epochs: float | None = Field(default=None, gt=0)
    """Passes over the samples; give this or `steps`."""
    batch_size: PositiveInt = 16
    """Samples an optimiser step."""
    micro_batch: PositiveInt = 8
    """Most samples a backward pass."""
    micro_tokens: PositiveInt | None = None
    """Most tokens a backward pass, padding included; samples of like length go together. None: `micro_batch` alone
    decides."""
    pack: bool = False
    """True: the samples of a backward pass lie one after another in one row, without padding and without seeing each
    other. Qwen families only."""
    turns: PositiveInt = 1
    """Most questions about the same media that become one conversation, in the dataset's order; every reply is learnt,
    and the media are encoded once."""

    @model_validator(mode="after")
    def _length(self) -> Self:
        check_length(self.steps, self.epochs)
        return self
