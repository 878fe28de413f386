"""Does a free answer say the same as the reference?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wherewise.judge.request import Block
from wherewise.judge.tasks.task import JudgeTask, Reading, ReplyForm

RULES = """You decide whether an answer to a question is right, given a reference answer that is right.

The answer is correct if it says what the reference says, in any words, language or unit, and nothing that \
contradicts it. It is incorrect if it says something else, leaves out a part of the reference that the question \
asks for, names several alternatives, stays too vague to tell, or doesn't answer. A number is correct if it \
equals the reference's up to the rounding that the reference shows. More detail does no harm unless it \
contradicts the reference. Do not answer the question yourself: the reference alone decides.

Form of the reply: {"reason": "what decides, in a sentence", "verdict": "correct" or "incorrect"}."""


class CorrectnessForm(ReplyForm):
    """A reason, then a verdict."""

    reason: str
    verdict: Literal["correct", "incorrect"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CorrectnessItem:
    """An answer and what it should say."""

    question: str
    reference: str
    answer: str


CORRECTNESS: JudgeTask[CorrectnessItem, CorrectnessForm] = JudgeTask(
    name="correctness",
    summary="1 if a free answer says what the reference says, else 0",
    rules=RULES,
    form=CorrectnessForm,
    blocks=lambda item: (
        Block(name="question", text=item.question),
        Block(name="reference", text=item.reference),
        Block(name="answer", text=item.answer),
    ),
    read=lambda reply: Reading(value=float(reply.verdict == "correct"), note=reply.reason[:200]),
    settled=lambda item: None if item.answer.strip() else Reading(value=0.0, note="no answer"),
)
"""``CorrectnessItem`` -> 1 or 0; 0 without a judge where nothing is answered."""
