"""Learning curves: which keys of ``metrics.jsonl`` are drawn, and under which titles. The page draws them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

CURVES: tuple[tuple[str, str], ...] = (
    ("loss", "loss"),
    ("reward (mean of a step)", "reward/total"),
    ("share of right rollouts", "accuracy"),
    ("groups with no signal", "no_signal"),
    ("reply length in tokens", "length"),
    ("truncated replies", "truncated"),
    ("entropy per token", "entropy"),
    ("KL to the reference", "kl"),
    ("gradient norm", "grad_norm"),
    ("learning rate", "lr"),
    ("seconds a step", "seconds"),
)
"""Charts of a run: title and the key of ``metrics.jsonl`` that it draws."""

DIGITS = 5
"""Significant digits of a point."""


def points(rows: Sequence[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    """``(step, value)`` of the rows that have a finite number under the key."""
    return [
        (row["step"], float(f"{row[key]:.{DIGITS}g}"))
        for row in rows
        if isinstance(row.get(key), int | float) and math.isfinite(row[key])
    ]


def curves(runs: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> list[dict[str, Any]]:
    """Charts of one or several runs, one line a run, and the rewards by name; charts without points are left out.

    Args:
        runs: Names and rows of ``metrics.jsonl``.

    Returns:
        ``{"title", "series": [{"name", "points"}]}``, one a chart.
    """
    charts: list[dict[str, Any]] = [
        {"title": title, "series": [{"name": name, "points": points(rows, key)} for name, rows in runs]}
        for title, key in CURVES
    ]
    for name, rows in runs:
        parts = sorted({key for row in rows for key in row if key.startswith("reward/") and key != "reward/total"})
        title = "reward by part" if len(runs) == 1 else f"reward by part: {name}"
        series = [{"name": key.removeprefix("reward/"), "points": points(rows, key)} for key in parts]
        charts.append({"title": title, "series": series})
    kept = [chart | {"series": [each for each in chart["series"] if each["points"]]} for chart in charts]
    return [chart for chart in kept if chart["series"]]
