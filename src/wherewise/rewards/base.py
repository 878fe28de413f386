"""What a reward is: a pure function of a completion, its sample and the prompt's config."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wherewise.answers.styles import PromptConfig
from wherewise.rewards.score import Score
from wherewise.samples import Sample


@dataclass(frozen=True, kw_only=True, slots=True)
class Completion:
    """One reply of the model.

    Attributes:
        text: The reply without special tokens.
        truncated: True if the token limit ended it.
        tokens: Its length in tokens.
        seen: ``(width, height)`` in pixels of the first picture as the model saw it, if it was resized and is known.
    """

    text: str
    truncated: bool = False
    tokens: int = 0
    seen: tuple[int, int] | None = None


class Reward(Protocol):
    """Judges one completion on its own."""

    def __call__(self, completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        """The score; its value is None when the sample cannot be judged by this reward."""
        ...


class GroupReward(Protocol):
    """Judges the completions of one group together."""

    def __call__(self, completions: Sequence[Completion], sample: Sample, prompt: PromptConfig) -> tuple[Score, ...]:
        """One score a completion, in order."""
        ...
