"""Does the answer follow from the reasoning?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wherewise.judge.request import Block
from wherewise.judge.tasks.task import JudgeTask, Reading, ReplyForm

RULES = """You decide whether an answer is the one that a reasoning arrives at.

You get a question, a reasoning and an answer. Neither has to be right: judge only whether they agree. First \
find what the reasoning concludes; where it changes its mind, its last conclusion counts; where it concludes \
twice without taking one back, it has no conclusion. An option's letter and its text are the same answer, and so \
are equal numbers in other words or units. Then say
- "consistent" if the answer says the same;
- "inconsistent" if it says something else;
- "undecided" if the reasoning reaches no conclusion, or isn't about the question.

Form of the reply: {"conclusion": "what the reasoning concludes, in a few words, or none", "verdict": \
"consistent" or "inconsistent" or "undecided"}."""


class ConsistencyForm(ReplyForm):
    """What was concluded, and whether the answer says so."""

    conclusion: str
    verdict: Literal["consistent", "inconsistent", "undecided"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsistencyItem:
    """A reply taken apart.

    Attributes:
        question: The question, with its options.
        think: The reasoning.
        answer: The final answer.
    """

    question: str
    think: str
    answer: str


def _read(reply: ConsistencyForm) -> Reading:
    values = {"consistent": 1.0, "inconsistent": 0.0, "undecided": None}
    return Reading(value=values[reply.verdict], note=f"{reply.verdict}; concluded: {reply.conclusion[:200]}")


def _settled(item: ConsistencyItem) -> Reading | None:
    missing = [name for name, text in (("reasoning", item.think), ("answer", item.answer)) if not text.strip()]
    return Reading(value=0.0, note=f"no {' and no '.join(missing)}") if missing else None


CONSISTENCY: JudgeTask[ConsistencyItem, ConsistencyForm] = JudgeTask(
    name="consistency",
    summary="1 if the answer is what the reasoning concludes, 0 if not, None if it concludes nothing",
    rules=RULES,
    form=ConsistencyForm,
    blocks=lambda item: (
        Block(name="question", text=item.question),
        Block(name="reasoning", text=item.think),
        Block(name="answer", text=item.answer),
    ),
    read=_read,
    settled=_settled,
)
"""``ConsistencyItem`` -> 1, 0 or undecided; 0 without a judge where reasoning or answer is missing."""
