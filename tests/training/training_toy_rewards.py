"""Rewards for tests: smooth ones, and ones that cannot always judge."""

from __future__ import annotations

from wherewise.answers.styles import PromptConfig
from wherewise.rewards import Completion, Score
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
