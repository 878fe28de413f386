"""A penalty for saying the same again and again."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field

from wherewise.answers.styles import PromptConfig
from wherewise.rewards.base import Completion, Reward
from wherewise.rewards.score import Score
from wherewise.samples import Sample

_SPACELESS = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_SPACELESS}]|[^\W{_SPACELESS}]+")


class RepetitionParams(BaseModel):
    """Parameters of the ``repetition`` reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int = Field(default=4, ge=1)
    """Words of the sequences that are counted."""
    tolerance: float = Field(default=0.0, ge=0, lt=1)
    """Share of repeated sequences that costs nothing."""


def repeated_share(text: str, size: int) -> float:
    """``1 - distinct / all`` sequences of `size` words, in [0, 1); 0 for a shorter text. Case doesn't count.

    A character of a script without spaces is a word of its own.

    >>> repeated_share("left left left left", 1), repeated_share("a b c", 4)
    (0.75, 0.0)
    """
    words = _WORD.findall(text.lower())
    total = len(words) - size + 1
    if total <= 0:
        return 0.0
    return 1 - len(set(zip(*(words[i:] for i in range(size)), strict=False))) / total


def repetition(params: RepetitionParams | None = None) -> Reward:
    """``-max(0, repeated_share - tolerance) / (1 - tolerance)``, in (-1, 0].

    After Yeo et al., "Demystifying Long Chain-of-Thought Reasoning in LLMs" (arXiv 2502.03373), as in open-r1's
    ``get_repetition_penalty_reward``; there words are what spaces separate, so that a text without spaces never
    repeats.
    """
    params = params or RepetitionParams()

    def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        share = repeated_share(completion.text, params.size)
        over = max(0.0, share - params.tolerance) / (1 - params.tolerance)
        return Score(value=-over if over else 0.0, parts={"repeated": share})

    return reward
