"""Do the pictures show what a reasoning says they show?"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field

from wherewise.judge.request import Block, Picture
from wherewise.judge.tasks.task import JudgeTask, Reading, ReplyForm

RULES = """You rate from 0 to 10 how well a reasoning rests on the pictures that you are given.

You get one or more pictures (frames of a video in order, or a still), a question and a reasoning. Check each \
statement of the reasoning about what is to be seen (objects, colours, counts, places, actions) against the \
pictures.
- 10: it names the visible facts that matter for the question, and all of them are right;
- 7 or 8: mostly right, a small detail wrong or missing;
- 5: about as much right as wrong, or right but only loosely about these pictures;
- 2 or 3: most statements wrong;
- 0: it says nothing about what is to be seen, or what it says is made up.
Only statements that can be checked count. Length, style and words such as "I see" or "clearly" earn nothing, \
and neither does a right final answer.

Form of the reply: {"reason": "the decisive right and wrong statements, in a sentence", "score": a whole number, \
0 to 10}."""


class GroundingForm(ReplyForm):
    """A reason, then a score."""

    reason: str
    score: int = Field(ge=0, le=10, json_schema_extra={"enum": [*range(11)]})


@dataclass(frozen=True, kw_only=True, slots=True)
class GroundingItem:
    """A reasoning and what it is about.

    Attributes:
        question: The question.
        think: The reasoning.
        pictures: The still, or the frames in order.

    Raises:
        ValueError: There is no picture: without one nothing can be checked.
    """

    question: str
    think: str
    pictures: tuple[Picture, ...]

    def __post_init__(self) -> None:
        if not self.pictures:
            raise ValueError("visual grounding needs at least one picture")


GROUNDING: JudgeTask[GroundingItem, GroundingForm] = JudgeTask(
    name="grounding",
    summary="0 to 1 (the judge's 0 to 10, by ten): do the pictures show what the reasoning says",
    rules=RULES,
    form=GroundingForm,
    blocks=lambda item: (Block(name="question", text=item.question), Block(name="reasoning", text=item.think)),
    pictures=lambda item: item.pictures,
    read=lambda reply: Reading(value=reply.score / 10, note=reply.reason[:200]),
    settled=lambda item: None if item.think.strip() else Reading(value=0.0, note="no reasoning"),
)
"""``GroundingItem`` -> 0 to 1; ``verdict.reply.score`` is the judge's 0 to 10; 0 unasked where nothing is said."""
