"""Runs as lines of text: what a run has reached, for a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wherewise.evaluation.tables import align
from wherewise.reports.curves import points
from wherewise.reports.rollouts import read_jsonl, run_config

SHOWN: tuple[tuple[str, str], ...] = (
    ("loss", "loss"),
    ("reward", "reward/total"),
    ("right rollouts", "accuracy"),
    ("groups with no signal", "no_signal"),
    ("reply length", "length"),
    ("truncated", "truncated"),
    ("KL", "kl"),
    ("gradient norm", "grad_norm"),
)
"""Rows of the table: name and key of ``metrics.jsonl``."""

SHARE = 0.1
"""Part of the steps at either end whose mean is shown."""


def run_lines(name: str, folder: Path) -> list[str]:
    """A run's state in one line, and a table of the means of its first and its last tenth of steps.

    Raises:
        ValueError: A file of the run is damaged; the message names it.
    """
    rows = read_jsonl(folder / "metrics.jsonl")
    planned = run_config(folder).get("steps")
    steps = rows[-1]["step"] if rows else 0
    seconds = sum(value for _, value in points(rows, "seconds"))
    of = f" of {planned}" if isinstance(planned, int) else ""
    state = "finished" if (folder / "final").is_dir() else "not finished"
    head = f"{name}: {steps}{of} steps, {state}, {_duration(seconds)} of steps"
    table = [["", "first 10 %", "last 10 %", "change"], *_rows(rows)]
    return [head] if len(table) == 1 else [head, *align(table)]


def _rows(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    parts = sorted({key for row in rows for key in row if key.startswith("reward/") and key != "reward/total"})
    found = []
    for name, key in (*SHOWN, *((key.replace("/", ": "), key) for key in parts)):
        values = [value for _, value in points(rows, key)]
        if values:
            count = max(1, round(len(values) * SHARE))
            first, last = sum(values[:count]) / count, sum(values[-count:]) / count
            found.append([name, f"{first:.3g}", f"{last:.3g}", f"{last - first:+.3g}"])
    return found


def _duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> _duration(42), _duration(90 * 60), _duration(50 * 3600)
    ('42 s', '1 h 30 min', '50 h 0 min')
    """
    minutes = round(seconds / 60)
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def evaluation_lines(evaluations: Sequence[tuple[str, Path]]) -> list[str]:
    """A table of evaluations, one a line, the chance level and the most frequent answer last; in percent."""
    rows = [["", "accuracy", "95% interval", "macro", "questions", "abstained"]]
    baselines: tuple[float, float] = (0.0, 0.0)
    for name, folder in evaluations:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        micro = summary["micro"]
        score, low, high = (f"{100 * micro['estimate'][key]:.1f}" for key in ("score", "low", "high"))
        macro, abstained = f"{100 * summary['macro']['estimate']['score']:.1f}", f"{100 * summary['abstained']:.1f}"
        rows.append([name, score, f"[{low}, {high}]", macro, str(micro["estimate"]["n"]), abstained])
        baselines = micro["chance"], micro["frequent"]
    for name, share in zip(("chance", "most frequent"), baselines, strict=True):
        rows.append([name, f"{100 * share:.1f}", "", "", "", ""])
    return align(rows)
