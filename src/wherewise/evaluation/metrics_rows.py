"""Score of one reply where right or wrong does not suffice: relative accuracy, camera motion, a point in a region."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from wherewise.answers.compare import MRA_THRESHOLDS

_EPSILON = 1e-9
_ACTION = re.compile(
    r"\b(move_(?:right|left|up|down|forward|backward)|rotate_(?:right|left|up|down))\s{0,3}:\s{0,3}(-?\d{1,9}(?:\.\d{1,9})?)"
)
_POINT = re.compile(r"[(\[]\s{0,3}(\d{1,9}(?:\.\d{0,12})?)\s{0,3},\s{0,3}(\d{1,9}(?:\.\d{0,12})?)\s{0,3}[)\]]")
MOTION_AXES = (
    ("move_right", "move_left"),
    ("move_up", "move_down"),
    ("move_forward", "move_backward"),
    ("rotate_right", "rotate_left"),
    ("rotate_up", "rotate_down"),
)
"""Directions that count positive and negative on the five axes of a camera's motion."""


class Metric(StrEnum):
    """Score of one reply."""

    ACCURACY = "accuracy"
    """1 if the answer is right, else 0."""
    MRA = "mra"
    """Mean relative accuracy of a number: share of t in .50, .55 ... .95 with relative error <= 1 - t."""
    VIEW_CHANGE = "view_change"
    """Mean over five signed axes of a camera's motion of the mean relative accuracy on each."""
    POINT_IN_POLYGON = "point_in_polygon"
    """1 if the first point of the reply lies in the gold polygon, else 0."""


def read_motion(text: str) -> dict[str, float] | None:
    """``move_right:0.3,rotate_left:20`` as a dictionary; None where a text names no action.

    >>> read_motion("move_right:0.3, rotate_left:20")
    {'move_right': 0.3, 'rotate_left': 20.0}
    """
    found = {name: float(value) for name, value in _ACTION.findall(text)}
    return found or None


def axes(motion: Mapping[str, float]) -> tuple[float, ...]:
    """Signed values on the five axes of `MOTION_AXES`."""
    return tuple(motion.get(plus, 0.0) - motion.get(minus, 0.0) for plus, minus in MOTION_AXES)


def score_view_change(reply: Mapping[str, float] | None, gold: Mapping[str, float], *, by_reply: bool = True) -> float:
    """SPAR-Bench's score of a camera motion.

    Args:
        reply: What was read, or None (scores 0).
        gold: The true motion.
        by_reply: The released code passes its arguments the other way round, so that the error is relative to the
            reply's value; False takes it relative to the gold value. Either way a divisor of 0 leaves the absolute
            difference.

    >>> score_view_change({"move_right": 0.3}, {"move_right": 0.3})
    1.0
    """
    if reply is None:
        return 0.0
    scores = []
    for value, truth in zip(axes(reply), axes(gold), strict=True):
        divisor = abs(value if by_reply else truth)
        error = abs(value - truth) / divisor if divisor else abs(value - truth)
        scores.append(sum(error <= 1 - t + _EPSILON for t in MRA_THRESHOLDS) / len(MRA_THRESHOLDS))
    return sum(scores) / len(scores)


def first_point(text: str) -> tuple[float, float] | None:
    """The first ``(x, y)`` or ``[x, y]`` of a text, in the numbers as written.

    >>> first_point("The spot is [(0.41, 0.5), (0.6, 0.7)].")
    (0.41, 0.5)
    """
    match = _POINT.search(text)
    return (float(match[1]), float(match[2])) if match else None


def in_polygon(point: Sequence[float], polygon: Sequence[Sequence[float]]) -> bool:
    """Ray casting: whether a point lies inside; the polygon closes itself.

    >>> square = [(0, 0), (1, 0), (1, 1), (0, 1)]
    >>> in_polygon((0.5, 0.5), square), in_polygon((1.5, 0.5), square)
    (True, False)
    """
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside
