"""How much does a reasoning claim to rest on what is to be seen? Without the pictures, as Video-R2's VAS asks it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from wherewise.judge.request import Block
from wherewise.judge.tasks.task import JudgeTask, Reading, ReplyForm

RULES = """You rate from 0 to 10 how far a reasoning claims to rest on what is to be seen in a picture or video.

You get a question and a reasoning, and no picture: whether the claims are true is not the matter, and neither is the \
answer. What counts is whether the reasoning names what it sees: things and their colours, numbers, places, writing, \
who does what, and in which order.
- 10: step by step, dense and specific, and what is seen decides the question;
- 7 to 9: several specific statements about what is shown;
- 4 to 6: some specific facts, without place or time;
- 1 to 3: general talk of "the video" or "the image", mostly a play with the options;
- 0: nothing about what is to be seen, or no reasoning at all.
Phrases such as "I see" or "the video shows" earn nothing without content, and neither do times without content.

Form of the reply: {"reason": "the decisive statements, in a sentence", "score": a whole number, 0 to 10}."""


class VisualClaimsForm(ReplyForm):
    """A reason, then a score."""

    reason: str
    score: int = Field(ge=0, le=10, json_schema_extra={"enum": [*range(11)]})


@dataclass(frozen=True, kw_only=True, slots=True)
class VisualClaimsItem:
    """A reasoning and what it is about.

    Attributes:
        question: The question.
        think: The reasoning.
    """

    question: str
    think: str


VISUAL_CLAIMS: JudgeTask[VisualClaimsItem, VisualClaimsForm] = JudgeTask(
    name="visual_claims",
    summary="0 to 1 (the judge's 0 to 10, by ten): how far the reasoning claims to rest on what is to be seen",
    rules=RULES,
    form=VisualClaimsForm,
    blocks=lambda item: (Block(name="question", text=item.question), Block(name="reasoning", text=item.think)),
    read=lambda reply: Reading(value=reply.score / 10, note=reply.reason[:200]),
    settled=lambda item: None if item.think.strip() else Reading(value=0.0, note="no reasoning"),
)
"""``VisualClaimsItem`` -> 0 to 1; 0 unasked without a reasoning."""
