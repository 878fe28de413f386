"""What the two models are asked: to write a question about an annotated picture, and to answer one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Literal, TypeVar

from pydantic import Field, field_validator

from wherewise.judge.request import Block, Picture, Prompt, harmless
from wherewise.judge.tasks.task import JudgeTask, Reading, ReplyForm

I = TypeVar("I")  # noqa: E741
R = TypeVar("R", bound=ReplyForm)


class Category(StrEnum):
    """What a question is about: the nine categories of STVQA-7K."""

    RELATION = "relation"
    """Where one thing is in relation to another."""
    REACH = "reach"
    """What someone or something touches, holds, or could reach."""
    SIZE = "size"
    """Which thing is larger, taller, wider."""
    ORIENTATION = "orientation"
    """Which way something faces or points."""
    INSTANCE_LOCATION = "instance_location"
    """Where in the picture a thing is."""
    DEPTH = "depth"
    """Which thing is closer to the camera."""
    DISTANCE = "distance"
    """Which things are near each other or far apart."""
    COUNT = "count"
    """How many there are."""
    EXISTENCE = "existence"
    """Whether something is there."""


LEVELS = ("easy", "medium", "hard")

SPATIAL_RELATIONS = (
    *("left of", "right of", "above", "below", "in front of", "behind", "on", "under", "on top of", "beneath"),
    *("inside", "outside", "in", "near", "next to", "beside", "between", "among", "around", "across from"),
    *("against", "along", "over", "attached to", "hanging from", "leaning on", "touching", "facing", "far from"),
    *("closer than", "farther than", "at the edge of", "in the middle of", "surrounded by"),
)
"""Relations of place that questions should use in these words; besides them, what the graph's relations say."""

WRITE_RULES = f"""You write multiple-choice questions that test how well a model sees where things are in a picture. \
You get the annotation of one picture as JSON: its size in pixels, objects (id, bbox as [x1, y1, x2, y2] in pixels \
from the upper left corner, percent of the picture that they cover, attributes) and relations as [subject, predicate, \
object]. Write one question about it.

Which question:
- Its answer follows from the annotation without doubt, and can be seen in the picture.
- It needs the picture: what one would guess without looking should not be right more often than the other options.
- It is about things that a person notices: large, in plain view, with a clear name. Leave out parts of things, tiny \
things (percent below 0.3), and groups.
- Where several objects have one name, say which one is meant by an attribute or by a relation to something that is \
there once, or ask about another object.
- It speaks of the picture as a person would: no ids, no coordinates, no word of annotations or boxes.
- Two boxes whose centres are almost level have no left and right, or above and below. Ask only what is clear.

Categories:
- relation: where one thing is in relation to another. Words: {", ".join(SPATIAL_RELATIONS)}; or the predicate of a \
relation.
- reach: what someone or something touches, holds, wears or could reach.
- size: which of two or more things is larger, smaller, taller, wider.
- orientation: which way something faces, points or moves.
- instance_location: in which part of the picture something is (upper left, centre, ...).
- depth: which thing is closer to the camera or farther from it.
- distance: which things are near each other or far apart.
- count: how many objects of one kind there are. Name the kind with its plain noun, with attributes if need be, and no \
other condition. Options are digits.
- existence: whether something is there. Options are Yes and No.

Options: 2 to 4, one of them right beyond doubt, all others wrong beyond doubt; short, of one kind and about the same \
length; no letters before them. Wrong options are things or places that might be right. The right one may stand \
anywhere.

level: easy (one look), medium (compare two things, or find the right one first), hard (several steps). rating: 1 to \
10, how clear, natural and worth asking the question is; be strict, 8 and above is for the best.

The last message says how many questions of each kind there are so far and what is wanted now. Follow it where the \
picture allows: a clear question of another category is better than a forced one.

Form of the reply, one JSON object and nothing else: {{"question": "...", "options": ["...", "..."], "answer": "A", \
"category": "relation", "level": "medium", "rating": 7}}. answer is the letter of the right option: A for the first."""


class Written(ReplyForm):
    """One question."""

    question: str = Field(min_length=1)
    options: list[str] = Field(min_length=2, max_length=4)
    answer: Literal["A", "B", "C", "D"]
    category: Category
    level: Literal["easy", "medium", "hard"]
    rating: int = Field(ge=1, le=10)

    @field_validator("category", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """Models name relations one by one (``REL_left``); in strict mode an enum takes its own member alone."""
        if not isinstance(value, str):
            return value
        name = value.strip().lower().replace(" ", "_")
        name = "relation" if name.startswith("rel_") else name
        return Category(name) if name in [*Category] else value

    @field_validator("answer", mode="before")
    @classmethod
    def _letter(cls, value: object) -> object:
        """``(b)`` and ``B.`` are B."""
        return value.strip(" ().").upper() if isinstance(value, str) else value


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteItem:
    """A picture to ask about.

    Attributes:
        graph: Its annotation as JSON.
        wanted: What there is so far and what is wanted.
        asked: Questions that were asked about it before.
        picture: Itself, for a writer that sees.
    """

    graph: str
    wanted: str
    asked: tuple[str, ...] = ()
    picture: Picture | None = None

    def blocks(self) -> tuple[Block, ...]:
        """The texts, what stays the same first."""
        again = "Already asked about this picture; ask something else:\n" + "\n".join(f"- {q}" for q in self.asked)
        texts = [self.graph, *([again] if self.asked else []), self.wanted]
        return tuple(Block(name="", text=text) for text in texts)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainTask(JudgeTask[I, R], Generic[I, R]):
    """A task whose material is the toolkit's own, so that it needs no fence around it."""

    def prompt(self, item: I, *, swapped: bool = False) -> Prompt:
        """Pictures, then texts."""
        texts = [harmless(block.text) for block in self.blocks(item)]
        return Prompt(system=self.rules, parts=(*self.pictures(item), *texts))


WRITE: PlainTask[WriteItem, Written] = PlainTask(
    name="curate_write",
    summary="a question about an annotated picture",
    rules=WRITE_RULES,
    form=Written,
    blocks=WriteItem.blocks,
    read=lambda reply: Reading(value=1.0),
    pictures=lambda item: () if item.picture is None else (item.picture,),
)
"""``WriteItem`` -> `Written`."""

CHECK_RULES = """You answer a multiple-choice question about a picture. Look closely, then choose the option that is \
right. If no option is right, if more than one is, or if the picture does not show what the question is about, the \
answer is "none".

Form of the reply, one JSON object and nothing else: {"reason": "what you see, in a sentence", "answer": "A"}."""


class Checked(ReplyForm):
    """A reason, then the letter."""

    reason: str
    answer: Literal["A", "B", "C", "D", "none"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckItem:
    """A question to answer.

    Attributes:
        question: The question.
        options: Its options in the order in which they are shown.
        picture: What it is about.
    """

    question: str
    options: tuple[str, ...]
    picture: Picture

    def blocks(self) -> tuple[Block, ...]:
        """Question and options in one text."""
        lines = [self.question, *(f"({'ABCD'[place]}) {option}" for place, option in enumerate(self.options))]
        return (Block(name="", text="\n".join(lines)),)


CHECK: PlainTask[CheckItem, Checked] = PlainTask(
    name="curate_check",
    summary="the answer of a model that has not seen the solution",
    rules=CHECK_RULES,
    form=Checked,
    blocks=CheckItem.blocks,
    read=lambda reply: Reading(value=None if reply.answer == "none" else 1.0, note=reply.reason[:200]),
    pictures=lambda item: (item.picture,),
)
"""``CheckItem`` -> `Checked`."""
