"""Results as a few lines of plain text: the score, its interval, what stands beside it, and what to be wary of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wherewise.evaluation.compare import Comparison
from wherewise.evaluation.metrics import Average, Scored, Summary
from wherewise.evaluation.statistics import PairedTest

_SHOWN_IDS = 5
_SHOWN_RULES = 6


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines: the first column to the left, the others to the right.

    >>> align([["task", "score"], ["all", "7.0"]])
    ['task  score', 'all     7.0']
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in cells).rstrip()
        for cells in (list(enumerate(zip(row, widths, strict=True))) for row in rows)
    ]


def summary_lines(summary: Summary, manifest: Mapping[str, Any]) -> list[str]:
    """The table of one run.

    Args:
        summary: Its figures.
        manifest: Content of its ``manifest.json``.
    """
    headline = Average(manifest["headline"])
    averages = {Average.MACRO: summary.macro, Average.MICRO: summary.micro}
    estimate = summary.micro.estimate
    rows = [["", "score", "95% interval", "chance", "most frequent", "questions"]]
    for average in sorted(averages, key=lambda a: a is not headline):
        mark = " (headline)" if average is headline else ""
        over = "mean over tasks" if average is Average.MACRO else "mean over questions"
        rows.append(_row(f"{average.value}: {over}{mark}", averages[average]))
    rows.extend(_row(task, scored) for task, scored in summary.tasks.items())
    n = estimate.n
    rates = [
        f"{name} {round(rate * n)} ({_percent(rate)}%)"
        for name, rate in (
            ("abstained", summary.abstained),
            ("truncated", summary.truncated),
            ("failed", summary.failed),
            ("contradictory", summary.conflicting),
        )
    ]
    rules = [f"{rule or 'none'} {count}" for rule, count in list(summary.rules.items())[:_SHOWN_RULES]]
    more = len(summary.rules) - len(rules)
    return [
        f"{manifest['title']}: {manifest['model']['name']}, {n} questions in {estimate.groups} groups, "
        f"protocol {manifest['protocol_id'][:12]}",
        *align(rows),
        f"{', '.join(rates)}; all of them count in the score",
        f"answers read by: {', '.join(rules)}" + (f", {more} more" if more > 0 else ""),
        verdict(averages[headline]),
        *(f"note: {note}" for note in manifest["notes"]),
    ]


def _row(name: str, scored: Scored) -> list[str]:
    estimate = scored.estimate
    interval = f"[{_percent(estimate.low)}, {_percent(estimate.high)}]"
    return [
        name,
        _percent(estimate.score),
        interval,
        _percent(scored.chance),
        _percent(scored.frequent),
        str(estimate.n),
    ]


def verdict(scored: Scored) -> str:
    """Whether the score says more than its baselines, in words."""
    estimate = scored.estimate
    best = max(scored.chance, scored.frequent)
    if estimate.low > best:
        return "The score is above chance and above the most frequent answer."
    if estimate.high < scored.chance:
        return "The score is below chance: look at the abstained and failed replies."
    if estimate.low > scored.chance:
        return "The score is above chance, but not distinguishable from always giving the most frequent answer."
    return "The score is not distinguishable from chance."


def comparison_lines(comparison: Comparison) -> list[str]:
    """The table of two runs."""
    c = comparison
    rows = [["", "B - A", "95% interval", "p"]]
    for average, test in ((Average.MICRO, c.micro), (Average.MACRO, c.macro)):
        mark = " (headline)" if average is c.headline else ""
        rows.append([f"{average.value}{mark}", *_difference(test)])
    rows.extend([task, f"{100 * value:+.1f}", "", ""] for task, value in c.tasks.items())
    lines = [
        f"A: {c.name_a}, {_percent(c.score_a)}",
        f"B: {c.name_b}, {_percent(c.score_b)} (micro, {c.micro.n} shared questions in {c.micro.groups} groups)",
        *align(rows),
        f"fixed {len(c.fixed)}, broken {len(c.broken)}, both wrong {len(c.both_wrong)}, both right {c.both_right}; "
        f"exact McNemar p = {_p(c.mcnemar_p)} (takes questions as independent)",
        f"a run of this size finds a difference of {100 * c.detectable:.1f} points with 80% power",
    ]
    for name, ids in (("fixed", c.fixed), ("broken", c.broken)):
        if ids:
            rest = f" and {len(ids) - _SHOWN_IDS} more" if len(ids) > _SHOWN_IDS else ""
            lines.append(f"{name}: {', '.join(ids[:_SHOWN_IDS])}{rest}")
    if c.only_a or c.only_b:
        lines.append(f"left out: {len(c.only_a)} questions only in A, {len(c.only_b)} only in B")
    if c.protocol_difference:
        lines.append(f"warning: the protocols differ ({c.protocol_difference})")
    return lines


def _difference(test: PairedTest) -> list[str]:
    interval = f"[{100 * test.low:+.1f}, {100 * test.high:+.1f}]"
    return [f"{100 * test.difference:+.1f}", interval, _p(test.p_value)]


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
