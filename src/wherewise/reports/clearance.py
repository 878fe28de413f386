"""How far a question is from being ambiguous: what was measured, in multiples of the margin that it had to keep.

1 is just clear enough to be asked; 2 keeps twice the margin. Families that hold several measures against margins give
the tightest that their facts tell; ratios are compared by their logarithms. Families whose facts tell none have none.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Facts = Mapping[str, Any]
Margins = Mapping[str, Any]
Measure = Callable[[Facts, Margins], float | None]


def _log_ratio(first: float, second: float, least: float) -> float | None:
    """How often the margin ratio `least` fits into the ratio of two lengths or volumes."""
    if min(first, second) <= 0 or least <= 1:
        return None
    return abs(math.log(first / second)) / math.log(least)


def _steps(values: Sequence[float], least: Callable[[float], float]) -> float | None:
    """The tightest step between neighbours in sorted order, held against a margin that depends on the smaller."""
    ordered = sorted(values)
    ratios = [(b - a) / least(a) for a, b in itertools.pairwise(ordered) if least(a) > 0]
    return min(ratios, default=None)


def _depth(values: Sequence[float], margins: Margins) -> float | None:
    return _steps(values, lambda near: max(margins["depth_gap"], margins["depth_ratio"] * near))


def _front_behind(facts: Facts, margins: Margins) -> float | None:
    middles = [sum(span) / len(span) for span in facts["depths"]]
    found = [_depth(middles, margins), _depth(facts["surfaces"], margins)]
    return min((each for each in found if each is not None), default=None)


def _size(facts: Facts, margins: Margins) -> float | None:
    pairs = (facts["volumes"], facts["longest"])
    found = [_log_ratio(pair[0], pair[1], margins["size_ratio"]) for pair in pairs]
    return min((each for each in found if each is not None), default=None)


def _size_order(facts: Facts, margins: Margins) -> float | None:
    found = [_log_ratio(a, b, margins["size_ratio"]) for a, b in itertools.pairwise(facts["volumes"])]
    return min((each for each in found if each is not None), default=None)


def _borders(*borders: float) -> Measure:
    """Angle to the nearest border between two answers."""

    def measure(facts: Facts, margins: Margins) -> float | None:
        away = min(abs((facts["angle"] - border + 180) % 360 - 180) for border in borders)
        return away / margins["direction_angle"] if margins["direction_angle"] else None

    return measure


def _clock(facts: Facts, margins: Margins) -> float | None:
    inside = 15 - abs((facts["clockwise"] + 15) % 30 - 15)
    return inside / margins["clock_angle"] if margins["clock_angle"] else None


def _share(name: str) -> Measure:
    return lambda facts, margins: abs(facts["shift"]) / margins[name] if margins[name] else None


def _apart(name: str, gap: str) -> Measure:
    return lambda facts, margins: _steps(facts[name], lambda _: margins[gap])


def _first_two(facts: Facts, margins: Margins) -> float | None:
    return _steps(sorted(facts["distances"])[:2], lambda _: margins["reference_gap"])


MEASURES: dict[str, Measure] = {
    "left_right": _share("horizontal_gap"),
    "above_below": _share("vertical_gap"),
    "camera_distance": lambda facts, margins: _depth(facts["near"], margins),
    "depth_order": lambda facts, margins: _depth(facts["distances"], margins),
    "front_behind": _front_behind,
    "reference_distance": _apart("distances", "reference_gap"),
    "relative_distance": _first_two,
    "size": _size,
    "size_order": _size_order,
    "appearance_order": _apart("times", "appearance_gap"),
    "temporal_order": _apart("times", "appearance_gap"),
    "relative_direction_easy": _borders(0, 180),
    "relative_direction_medium": _borders(0, 135, -135),
    "relative_direction_hard": _borders(0, 90, 180, -90),
    "perspective": _borders(0, 180),
    "clock_direction": _clock,
    "proximity": lambda facts, margins: _log_ratio(facts["distance"], facts["asked"], margins["number_ratio"]),
    "reach": lambda facts, margins: _log_ratio(facts["distance"], margins["reach"], margins["number_ratio"]),
    "fit": lambda facts, margins: _log_ratio(facts["gap"], facts["width"], margins["number_ratio"]),
}
"""For each family whose facts tell it, its tightest measure in multiples of the margin."""


def clearance(task: str, facts: Facts, margins: Margins) -> float | None:
    """How many times its margin a question keeps.

    A record that says so itself, with a number under ``facts["margin"]``, is taken at its word.

    Args:
        task: Its family.
        facts: What its answer was derived from.
        margins: Ambiguity margins by name, as the manifest's generator config has them; may be empty.

    Returns:
        The multiple, or None where family, facts or margins don't tell.
    """
    told = facts.get("margin")
    if isinstance(told, int | float) and not isinstance(told, bool) and math.isfinite(told):
        return float(told)
    if task not in MEASURES or not margins:
        return None
    return _measured(MEASURES[task], facts, margins)


def _measured(measure: Measure, facts: Facts, margins: Margins) -> float | None:
    try:
        found = measure(facts, margins)
    except (KeyError, TypeError, IndexError, ValueError):  # another generator's facts under the same task name
        return None
    return found if found is not None and math.isfinite(found) else None
