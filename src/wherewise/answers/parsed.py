"""What the parser found in a reply."""

from __future__ import annotations

from dataclasses import dataclass

from wherewise.samples import TimelineEvent

Cells = tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
"""For each label its cells ``(column, row)``, as `GridMap.cells`: what is read for a grid map."""

Value = str | float | bool | tuple[str, ...] | tuple[float, ...] | Cells | tuple[TimelineEvent, ...] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """One reading of one reply.

    Attributes:
        kind: The answer kind that was asked for.
        value: ``choice``: its letter; ``number``: a float in the asked unit; ``boolean``: a bool; ``text``: a string;
            ``order``: the items; ``box``/``point``: the numbers as written; ``grid_map``: labels and their cells, as
            `GridMap.cells`; ``timeline``: its events by start. None where it abstains.
        rule: Where the answer stood and what read it (``tag/letter``), or why there is none (``whole/several``).
        truncated: The reply ends inside an open block.
        conflicts: Contradictions that were resolved, in words.
    """

    kind: str
    value: Value
    rule: str
    truncated: bool = False
    conflicts: tuple[str, ...] = ()

    @property
    def abstained(self) -> bool:
        """True if the reply holds no answer."""
        return self.value is None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """One kind's reading of the answering part, before it is wrapped in `Parsed`."""

    value: Value
    rule: str
    conflicts: tuple[str, ...] = ()
