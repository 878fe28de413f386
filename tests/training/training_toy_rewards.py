"""Rewards for tests: smooth ones, and ones that cannot always judge."""

from __future__ import annotations

from wherewise.answers.styles import PromptConfig
from wherewise.rewards import Completion, ReplyGroup, Score
from wherewise.samples import Sample


def likes_e(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
    """Share of lower-case letters in the reply."""
    text = completion.text
    return Score(value=sum(c.islower() for c in text) / max(1, len(text)), parts={"letters": float(len(text))})


def blind_to_odd(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
    """As `likes_e`, but replies of odd length cannot be judged."""
    if len(completion.text) % 2:
        return Score(value=None, note="odd length")
    return likes_e(completion, sample, prompt)


def never(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
    """Nothing can be judged."""
    return Score(value=None, note="no judge")


def likes_some_questions(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
    """As `likes_e` for one of the two questions; nothing for the other."""
    return likes_e(completion, sample, prompt) if sample.question == "Red or blue?" else Score(value=0.0)


def likes_length(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
    """The number of characters."""
    return Score(value=float(len(completion.text)))


def raises_on_red(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
    """Raises an error on pictures that are red."""
    if sample.answer.text == "red":  # type: ignore[union-attr]
        raise KeyError("no such thing")
    return Score(value=0.0)


class _Longest:
    """Returns None, not a score, for the longest replies of a group."""

    shuffled_share = 0.0

    def score_group(self, group: ReplyGroup) -> tuple[Score | None, ...]:
        longest = max(len(c.text) for c in group.completions)
        return tuple(None if len(c.text) == longest else Score(value=0.0) for c in group.completions)

    def __call__(self, completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        return Score(value=0.0)


none_for_the_longest = _Longest()


def returns_text(completion: Completion, sample: Sample, prompt: PromptConfig) -> str:
    """Forgets to make a score."""
    return "good"
