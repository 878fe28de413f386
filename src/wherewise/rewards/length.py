"""Rewards of a reply's length: a bonus inside a window, DAPO's penalty near the limit."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wherewise.answers.styles import PromptConfig
from wherewise.rewards.accuracy import AccuracyParams, accuracy
from wherewise.rewards.base import Completion, Reward
from wherewise.rewards.score import Score
from wherewise.samples import Sample


class LengthBonusParams(BaseModel):
    """Parameters of the ``length_bonus`` reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    least: int = Field(default=320, ge=0)
    """Fewest tokens that earn the bonus."""
    most: int = Field(default=512, ge=1)
    """Most tokens that earn the bonus."""
    accuracy_above: float = Field(default=0.1, ge=0, lt=1)
    """The answer's accuracy must be greater than this."""
    accuracy: AccuracyParams = AccuracyParams()
    """How the answer is judged."""

    @model_validator(mode="after")
    def _window(self) -> Self:
        if self.most < self.least:
            raise ValueError(f"most ({self.most}) is less than least ({self.least})")
        return self


def length_bonus(params: LengthBonusParams | None = None) -> Reward:
    """1 if the reply has ``least`` to ``most`` tokens, wasn't cut off, and its answer is right enough; else 0.

    SpaceR and Video-R1 add .2 for it (``SG_RLVR_trainer.py``: give it the weight 0.2), and only where more than one
    completion of the group has earned it, so that a lone good reply earns nothing; that condition is dropped here.
    """
    params = params or LengthBonusParams()
    judge = accuracy(params.accuracy)

    def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        verdict = judge(completion, sample, prompt)
        if verdict.value is None:
            return verdict
        inside = params.least <= completion.tokens <= params.most and not completion.truncated
        parts = {"tokens": float(completion.tokens), "accuracy": verdict.value}
        return Score(value=float(inside and verdict.value > params.accuracy_above), parts=parts)

    return reward


class OverlongParams(BaseModel):
    """Parameters of the ``overlong`` reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(default=512, ge=1)
    """Tokens from which on the penalty is whole; usually the run's ``max_new_tokens``."""
    cache: int = Field(default=128, ge=1)
    """Tokens before the limit over which the penalty grows."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.cache > self.limit:
            raise ValueError(f"cache ({self.cache}) is more than limit ({self.limit})")
        return self


def overlong(params: OverlongParams | None = None) -> Reward:
    """DAPO's soft overlong punishment (arXiv 2503.14476, eq. 13), in [-1, 0].

    With L tokens: 0 for ``L <= limit - cache``, ``((limit - cache) - L) / cache`` up to `limit`, -1 beyond it. A reply
    that the token limit ended is -1 too: its length is not what the model wanted to write.
    """
    params = params or OverlongParams()

    def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        if completion.truncated:
            return Score(value=-1.0, note="the token limit ended the reply")
        over = completion.tokens - (params.limit - params.cache)
        return Score(value=-min(1.0, max(0.0, over / params.cache)), parts={"tokens": float(completion.tokens)})

    return reward
