"""What becomes of a written question: a candidate, put right where the graph can count, or a refusal."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from wherewise.curate.counts import Uncounted, Vocabulary, asks_count, asks_existence, counted, put_right
from wherewise.curate.graph import ANYTHING, PictureGraph, Thing
from wherewise.curate.tasks import Category, Written
from wherewise.samples.evidence import SceneGraph


class Reason(StrEnum):
    """Why a reply was refused."""

    UNPARSABLE = "unparsable"
    """It does not have the asked form."""
    NO_REPLY = "no_reply"
    """The server failed on this request alone, or refused it."""
    OPTIONS = "options"
    """Options are empty or say the same, or the answer's letter names none."""
    NO_QUESTION = "no_question"
    """The text asks nothing."""
    NAMES_ANNOTATION = "names_annotation"
    """It speaks of ids, boxes or coordinates, which nobody sees in the picture."""
    NOT_IN_GRAPH = "not_in_graph"
    """It names nothing that is annotated."""
    NOT_SALIENT = "not_salient"
    """All that a noun of it may mean is too small to be noticed."""
    NOT_COUNTABLE = "not_countable"
    """A count that the graph cannot check."""
    COUNT_OPTIONS = "count_options"
    """A count whose options are no numbers."""
    CONTRADICTS_GRAPH = "contradicts_graph"
    """It says that something is not there which is annotated, or the reverse."""
    REPEATED = "repeated"
    """The same question about the same picture."""
    UNWANTED = "unwanted"
    """A category that no share was given to."""
    RATING = "rating"
    """Rated too low by its writer."""
    NOT_CONFIRMED = "not_confirmed"
    """The checking model never gave the marked answer."""
    NOT_CHECKED = "not_checked"
    """The checking model gave no reply that could be used."""
    SURPLUS = "surplus"
    """Nothing is wrong with it: its category has enough."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A reply that is not used.

    Attributes:
        id: Id of the question.
        reason: Why.
        detail: The same in words.
        reply: What the model said: its text where it has not the asked form, else its fields.
    """

    id: str
    reason: Reason
    detail: str
    reply: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A question that may be used.

    Attributes:
        id: Its id, unique in the dataset.
        scene: Scene that it asks about.
        question: Its text.
        options: Its options.
        marked: Place of the right option.
        category: What it is about.
        level: ``easy``, ``medium`` or ``hard``, as its writer says.
        rating: 1 .. 10, as its writer says.
        evidence: The objects that it speaks of.
        corrected: Options and answer as they were written, where the graph counted otherwise.
    """

    id: str
    scene: str
    question: str
    options: tuple[str, ...]
    marked: int
    category: Category
    level: Literal["easy", "medium", "hard"]
    rating: int
    evidence: SceneGraph
    corrected: dict[str, Any] | None = field(default=None)


_LETTERED = re.compile(r"^\(?[A-D][).:]\s+")
_OF_ANNOTATION = re.compile(r"\b[a-z_]+\.\d+\b|\[\s*\d+\s*,|\bbbox\b|bounding box|\bannotat|\bpixels?\b", re.IGNORECASE)


def review(
    written: Written,
    graph: PictureGraph,
    *,
    name: str,
    words_known: Vocabulary,
    asked: Collection[str],
    shares: Collection[Category],
    min_share: float,
    complete_counts: bool,
    min_rating: int,
) -> Candidate | Refused:
    """Check a question by rules alone, and put a count right.

    Args:
        written: The question.
        graph: The annotation that it was written from.
        name: Id of the question.
        words_known: Words of the dataset's annotations.
        asked: Questions about the same picture that were accepted before, as `plain` gives them.
        shares: The categories that are wanted.
        min_share: Least share of the picture of the largest object of each noun.
        complete_counts: Whether counts need a complete annotation.
        min_rating: Least rating.
    """

    def refused(reason: Reason, detail: str) -> Refused:
        return Refused(id=name, reason=reason, detail=detail, reply=written.model_dump(mode="json"))

    question = " ".join(written.question.split())
    options = tuple(_LETTERED.sub("", " ".join(option.split())) for option in written.options)
    marked = "ABCD".index(written.answer)
    category = _category(written, question)
    if marked >= len(options):
        return refused(Reason.OPTIONS, f"the answer is {written.answer}, there are {len(options)} options")
    if not all(options) or len({option.casefold() for option in options}) < len(options):
        return refused(Reason.OPTIONS, f"options are empty or equal: {list(options)}")
    if "?" not in question:
        return refused(Reason.NO_QUESTION, "no question mark")
    if found := _OF_ANNOTATION.search("\n".join([question, *options])):
        return refused(Reason.NAMES_ANNOTATION, f"it says {found[0]!r}")
    if category not in shares:
        return refused(Reason.UNWANTED, f"category {category}")
    if plain(question) in asked:
        return refused(Reason.REPEATED, "asked about this picture before")
    corrected: dict[str, Any] | None = None
    counted_things: tuple[Thing, ...] | None = None
    if category is Category.COUNT:
        if complete_counts and not graph.complete:
            return refused(Reason.NOT_COUNTABLE, "not everything is annotated")
        count = counted(graph, question, words_known)
        if isinstance(count, Uncounted):
            return refused(Reason.NOT_COUNTABLE, count.why)
        right = put_right(options, marked, count.number)
        if right is None:
            return refused(Reason.COUNT_OPTIONS, f"not all are numbers, or two are equal: {list(options)}")
        if right != (options, marked):
            corrected = {"options": list(options), "answer": options[marked], "counted": count.number}
        (options, marked), counted_things = right, count.things
    elif category is Category.EXISTENCE and asks_existence(question):
        against = _contradiction(graph, question, options[marked], words_known)
        if against is not None:
            return refused(Reason.CONTRADICTS_GRAPH, against)
    kept, small = _spoken_of(graph, question, options[marked], counted_things, min_share)
    if small:
        return refused(Reason.NOT_SALIENT, f"{small} is too small")
    if not kept and category not in (Category.COUNT, Category.EXISTENCE):
        return refused(Reason.NOT_IN_GRAPH, "no noun of it is annotated")
    if written.rating < min_rating:
        return refused(Reason.RATING, f"rated {written.rating}, wanted {min_rating}")
    return Candidate(
        id=name,
        scene=graph.scene,
        question=question,
        options=options,
        marked=marked,
        category=category,
        level=written.level,
        rating=written.rating,
        evidence=graph.part(kept),
        corrected=corrected,
    )


def plain(question: str) -> str:
    """A question without case and punctuation, to compare it with others."""
    return " ".join(re.findall(r"\w+", question.casefold()))


def _category(written: Written, question: str) -> Category:
    """The category, a count being what asks for a number: the answer is then held against the graph."""
    return Category.COUNT if asks_count(question) else written.category


def _contradiction(graph: PictureGraph, question: str, answer: str, words_known: Vocabulary) -> str | None:
    """What the graph says against a yes or a no; None where it cannot tell, or agrees."""
    count = counted(graph, question, words_known)
    if isinstance(count, Uncounted):
        return None
    said = plain(answer).partition(" ")[0]
    if said == "no" and count.number:
        return f"{count.number} are annotated"
    if said == "yes" and not count.number and graph.complete:
        return "none is annotated, and everything is"
    return None


def _spoken_of(
    graph: PictureGraph, question: str, answer: str, counted_things: Sequence[Thing] | None, min_share: float
) -> tuple[list[Thing], str | None]:
    """The objects that question and right option name, and a noun of which none is large enough."""
    if counted_things is not None:
        tiny = [thing for thing in counted_things if thing.share < min_share]
        return list(counted_things), tiny[0].id if tiny else None
    kept: dict[str, Thing] = {}
    for text in (question, answer):
        for mention in graph.mentions(text):
            if len(mention.noun) == 1 and mention.noun[0] in {*ANYTHING, "image", "picture", "photo", "scene"}:
                continue
            if mention.things and mention.things[0].share < min_share:
                return [], " ".join(mention.noun)
            kept |= {thing.id: thing for thing in mention.things}
    return list(kept.values()), None
