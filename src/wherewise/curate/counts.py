"""Counts and yes-or-no questions of existence, held against the graph.

Language models count badly, and an annotated picture can be counted exactly. A plain count (``How many yellow squares
are there in the picture?``) is counted in the graph, by noun and attribute words, and its answer put right. A count
with a condition that the graph cannot check (``... on the left of the tree``) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from wherewise.curate.graph import ANYTHING, PictureGraph, Thing
from wherewise.curate.words import lemmas, number_in, with_number

_FILLER = {
    *("how", "many", "are", "is", "there", "can", "be", "you", "do", "does", "we", "see", "seen", "count", "visible"),
    *("in", "the", "this", "image", "picture", "photo", "photograph", "scene", "shown", "present", "total", "of", "a"),
    *("altogether", "all", "number", "what", "appear", "displayed", "have", "has", "it", "contain", "depicted", "here"),
    *("any", "an", "single", "at", "least", "one", "some", "show", "no", "yes", "exist", "found"),
}
"""Words that change nothing about what is counted."""

_ASKS_COUNT = re.compile(r"\b(?:how many|what is the (?:total )?number of|count the)\b", re.IGNORECASE)
_ASKS_EXISTENCE = re.compile(r"^\s*(?:(?:is|are) there|can you see|do you see|does the \w+ (?:show|contain))\b")
SAME_BOX = 0.7
"""IoU from which two boxes of one noun are one object, where annotators could box an object twice."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vocabulary:
    """Words that a dataset's annotators use: only of these can be said that there are none.

    A picture of shapes has towers and grey boxes that nobody annotates; what is never annotated is not absent.

    Attributes:
        nouns: Last words of categories, in the singular.
        attributes: Attribute words.
    """

    nouns: set[str] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)

    def learn(self, graph: PictureGraph) -> None:
        """Take in the words of one picture."""
        for thing in graph.things:
            self.nouns.add(thing.nouns[-1])
            self.attributes.update(thing.attributes)

    def has(self, phrase: Sequence[str]) -> bool:
        """Whether a phrase is a known noun behind known attributes."""
        return bool(phrase) and phrase[-1] in self.nouns and set(phrase[:-1]) <= self.attributes


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What the graph says to a count or a question of existence.

    Attributes:
        number: How many there are.
        things: They.
    """

    number: int
    things: tuple[Thing, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Uncounted:
    """Why the graph cannot say."""

    why: str


def asks_count(question: str) -> bool:
    """Whether a question asks for a number of things."""
    return _ASKS_COUNT.search(question) is not None


def asks_existence(question: str) -> bool:
    """Whether a question asks if something is there."""
    return _ASKS_EXISTENCE.search(question.lower()) is not None


def counted(graph: PictureGraph, question: str, words_known: Vocabulary) -> Counted | Uncounted:
    """How many of what a plain question names are annotated.

    A noun that the graph doesn't have, and other graphs of the dataset have, gives 0 where the annotation is complete.
    """
    words = lemmas(question)
    mentions = graph.mentions(question)
    named = [mention for mention in mentions if not (mention.noun[0] in _FILLER and len(mention.noun) == 1)]
    covered = {place for mention in named for place in range(mention.start, mention.end)}
    rest = [word for place, word in enumerate(words) if place not in covered and word not in _FILLER]
    if len(named) > 1:
        return Uncounted(why="it names several things: " + ", ".join(" ".join(m.noun) for m in named))
    if not named:
        if graph.complete and _side_by_side(words, rest) and words_known.has(rest):
            return Counted(number=0, things=())
        return Uncounted(why="it names nothing that is annotated")
    if rest:
        return Uncounted(why="the graph cannot check " + " ".join(rest))
    [mention] = named
    if mention.noun[0] in ANYTHING and not graph.complete:
        return Uncounted(why="not everything is annotated")
    if any(thing.several for thing in mention.things):
        return Uncounted(why="some boxes hold groups")
    things = mention.things if graph.complete else _once(mention.things)
    return Counted(number=len(things), things=things)


def _side_by_side(words: Sequence[str], rest: Sequence[str]) -> bool:
    """Whether the words of `rest` are one phrase, not a noun and a condition elsewhere."""
    places = [place for place, word in enumerate(words) if word in rest]
    return bool(places) and places == list(range(places[0], places[0] + len(rest)))


def _once(things: Sequence[Thing]) -> tuple[Thing, ...]:
    """Without the second box of an object that was boxed twice."""
    kept: list[Thing] = []
    for thing in things:
        if all(overlap(thing.box, other.box) < SAME_BOX for other in kept):
            kept.append(thing)
    return tuple(kept)


def overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    """Intersection over union of two boxes.

    >>> overlap((0, 0, 2, 2), (1, 0, 3, 2))
    0.3333333333333333
    """
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0, width) * max(0, height)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union else 0.0


def put_right(options: Sequence[str], marked: int, number: int) -> tuple[tuple[str, ...], int] | None:
    """Options and marked place so that the number is the answer; None if an option is no number.

    Where an option says the number, it becomes the marked one; else the marked one is rewritten.

    >>> put_right(["2", "3"], 0, 3), put_right(["two", "three"], 0, 4), put_right(["some", "3"], 1, 2)
    ((('2', '3'), 1), (('four', 'three'), 0), None)
    """
    values = [number_in(option) for option in options]
    if None in values or len(set(values)) < len(values):
        return None
    if number in values:
        return tuple(options), values.index(number)
    changed = list(options)
    changed[marked] = with_number(options[marked], number)
    return tuple(changed), marked
