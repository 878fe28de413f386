"""What a reward is: a pure function of a completion, its sample and the prompt's config; or of a whole group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

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


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplyGroup:
    """The completions of one prompt.

    Attributes:
        completions: At least one.
        sample: The question that all of them answer.
        prompt: How it was put.
        shuffled: Completions of the same question on frames in another order; empty unless a reward asks for them
            (`GroupReward.shuffled_share`) and the sample is a video.
    """

    completions: tuple[Completion, ...]
    sample: Sample
    prompt: PromptConfig
    shuffled: tuple[Completion, ...] = ()


class Reward(Protocol):
    """Judges one completion on its own."""

    def __call__(self, completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        """The score; its value is None when the sample cannot be judged by this reward."""
        ...


@runtime_checkable
class GroupReward(Reward, Protocol):
    """Judges the completions of one prompt together: to compare them, or to do slow work once for all.

    Called with one completion it judges a group of one.
    """

    @property
    def shuffled_share(self) -> float:
        """Completions on shuffled frames that it needs, as a share of the group's size; 0 for none."""
        ...

    def score_group(self, group: ReplyGroup) -> tuple[Score, ...]:
        """One score a completion, in order."""
        ...


@dataclass(frozen=True, slots=True)
class GroupFunction:
    """A function of a group as a `GroupReward`.

    Attributes:
        function: The group to one score a completion, in order.
        shuffled_share: See `GroupReward.shuffled_share`.
    """

    function: Callable[[ReplyGroup], Sequence[Score]]
    shuffled_share: float = 0.0

    def score_group(self, group: ReplyGroup) -> tuple[Score, ...]:
        """The function's scores.

        Raises:
            ValueError: There are more or fewer than completions.
        """
        scores = tuple(self.function(group))
        if len(scores) != len(group.completions):
            name = getattr(self.function, "__name__", repr(self.function))
            raise ValueError(f"group reward {name}: {len(scores)} scores for {len(group.completions)} completions")
        return scores

    def __call__(self, completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        """The score of a group of one."""
        return self.score_group(ReplyGroup(completions=(completion,), sample=sample, prompt=prompt))[0]


def group_reward(function: Callable[[ReplyGroup], Sequence[Score]]) -> GroupFunction:
    """Decorator: a function of a `ReplyGroup` becomes a reward.

    >>> @group_reward
    ... def shortest(group):
    ...     least = min(len(c.text) for c in group.completions)
    ...     return [Score(value=float(len(c.text) == least)) for c in group.completions]
    >>> isinstance(shortest, GroupReward)
    True
    """
    return GroupFunction(function)
