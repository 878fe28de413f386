"""Does the reasoning say the same as the answer? By rule; a judge can be asked instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wherewise.answers.compare import normalise
from wherewise.answers.parse import KINDS, parse
from wherewise.answers.parsed import Parsed
from wherewise.answers.styles import PromptConfig, render_prompt
from wherewise.rewards.base import Completion
from wherewise.rewards.blocks import body_of
from wherewise.samples import Number, Sample

_SENTENCE_END = re.compile(r"[\n\r]+|[.!?](?=\s|$)")
_CONCLUDES = re.compile(
    r"\b(?:therefore|thus|hence|so|consequently|in conclusion|overall|(?:the|my|final) answer|answer is|must be|"
    r"i conclude|we conclude)\b",
    re.IGNORECASE,
)

MAX_CHARS = 20_000
"""Only so much of the end of a reasoning is read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reasoning:
    """A reply taken apart.

    Attributes:
        question: The prompt's text.
        think: Body of ``<think>``; empty without one.
        answer: Body of the last ``<answer>``, or the text behind the reasoning.
    """

    question: str
    think: str
    answer: str


class ConsistencyJudge(Protocol):
    """Says of each reply whether its answer follows from its reasoning; all of a group at once."""

    def __call__(self, replies: Sequence[Reasoning]) -> Sequence[float | None]:
        """1 where it does, 0 where not, None where that could not be judged."""
        ...


def reasoning_of(completion: Completion, sample: Sample, prompt: PromptConfig) -> Reasoning:
    """The parts of a reply."""
    answer = body_of(completion.text, "answer")
    if answer is None:
        answer = completion.text.rpartition("</think>")[2].strip()
    return Reasoning(
        question=render_prompt(sample, prompt), think=body_of(completion.text, "think") or "", answer=answer
    )


def conclusion_of(think: str, sample: Sample, prompt: PromptConfig) -> Parsed | None:
    """What a reasoning concludes, read as an answer of the sample's kind; None where no rule finds a conclusion.

    The last sentence with a concluding word ("so", "therefore", "the answer is") or, without one, the last sentence.
    """
    if sample.answer.kind not in KINDS or sample.answer.kind == "text":
        return None
    sentences = [part.strip() for part in _SENTENCE_END.split(think[-MAX_CHARS:]) if part.strip()]
    if not sentences:
        return None
    concluding = [sentence for sentence in sentences if _CONCLUDES.search(sentence)]
    unit = sample.answer.unit if isinstance(sample.answer, Number) else None
    parsed = parse(
        sample.answer.kind, (concluding or sentences)[-1], options=sample.options, unit=unit, style=prompt.style
    )
    return None if parsed.abstained else parsed


def agrees(completion: Completion, sample: Sample, prompt: PromptConfig) -> bool | None:
    """Whether the reply's answer is what its reasoning concludes; None where either cannot be read."""
    parts = reasoning_of(completion, sample, prompt)
    concluded = conclusion_of(parts.think, sample, prompt)
    unit = sample.answer.unit if isinstance(sample.answer, Number) else None
    if concluded is None:
        return None
    given = parse(sample.answer.kind, completion.text, options=sample.options, unit=unit, style=prompt.style)
    if given.abstained:
        return None
    return _same(concluded) == _same(given)


def _same(parsed: Parsed) -> object:
    value = parsed.value
    if isinstance(value, str):
        return normalise(value)
    if isinstance(value, tuple):
        return tuple(normalise(item) if isinstance(item, str) else item for item in value)
    return value
