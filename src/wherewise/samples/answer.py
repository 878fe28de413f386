"""The gold answer of a sample. Its kind is declared here, never guessed from a string."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One of the sample's options.

    Attributes:
        letter: ``A`` for the first option, ``B`` for the second, ...
        text: The option's text; must equal ``options[index]``.
    """

    kind: ClassVar[str] = "choice"
    letter: str
    text: str

    def __post_init__(self) -> None:
        if len(self.letter) != 1 or self.letter not in LETTERS:
            raise ValueError(f"an option letter is one of A-Z, got {self.letter!r}")

    @property
    def index(self) -> int:
        """Position in ``options``, from 0."""
        return LETTERS.index(self.letter)


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """A number in a declared unit.

    Attributes:
        value: The true value, finite.
        unit: Unit that the question asks for (``m``, ``cm``, ``s``, ``deg``), or None for a bare count.
        tolerance: Absolute tolerance in `unit` for "equal"; None means exact for counts, relative metrics otherwise.
    """

    kind: ClassVar[str] = "number"
    value: float
    unit: str | None = None
    tolerance: float | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"a gold number must be finite, got {self.value}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Boolean:
    """Yes (True) or no (False)."""

    kind: ClassVar[str] = "boolean"
    value: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """Free text."""

    kind: ClassVar[str] = "text"
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """Items in their true order."""

    kind: ClassVar[str] = "order"
    items: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Box:
    """An axis-aligned box ``[x1, y1, x2, y2]`` in pixels of the original image."""

    kind: ClassVar[str] = "box"
    xyxy: tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A point ``[x, y]`` in pixels of the original image."""

    kind: ClassVar[str] = "point"
    xy: tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class GridMap:
    """Object positions on a square grid seen from above (a cognitive map).

    Attributes:
        size: Cells along each side.
        cells: For each object label, its cells as ``(column, row)``, both in ``0 .. size-1``.
    """

    kind: ClassVar[str] = "grid_map"
    size: int
    cells: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]


Answer = Choice | Number | Boolean | Text | Order | Box | Point | GridMap
ANSWER_KINDS: dict[str, type[Answer]] = {c.kind: c for c in (Choice, Number, Boolean, Text, Order, Box, Point, GridMap)}


def answer_text(answer: Answer) -> str:
    """The answer as a person would write it.

    >>> answer_text(Boolean(value=True)), answer_text(Number(value=3.0)), answer_text(Choice(letter="B", text="left"))
    ('yes', '3', 'left')
    """
    match answer:
        case Choice():
            return answer.text
        case Number():
            number = f"{answer.value:g}"
            return number if answer.unit is None else f"{number} {answer.unit}"
        case Boolean():
            return "yes" if answer.value else "no"
        case Text():
            return answer.value
        case Order():
            return ", ".join(answer.items)
        case Box():
            return "[" + ", ".join(f"{v:g}" for v in answer.xyxy) + "]"
        case Point():
            return "[" + ", ".join(f"{v:g}" for v in answer.xy) + "]"
        case GridMap():
            return "{" + ", ".join(f'"{k}": {[list(c) for c in cells]}' for k, cells in answer.cells) + "}"
