"""How far a judge can be trusted: items whose verdict is known, shown once as usual and once in reverse order."""

from __future__ import annotations

import io
import json
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from PIL import Image, ImageDraw

from wherewise.judge.config import PriceConfig
from wherewise.judge.judge import Judge
from wherewise.judge.request import Picture
from wherewise.judge.rules import timeline_claims
from wherewise.judge.tasks import (
    TASKS,
    ConsistencyItem,
    CorrectnessItem,
    GroundingItem,
    TimelineForm,
    TimelineItem,
)
from wherewise.judge.verdict import Outcome, Verdict
from wherewise.samples.evidence import TimelineEvent

SIDE = 256
"""Width and height of the calibration's pictures in pixels."""

TIME_SLACK = 1.0
"""Seconds by which a claim's time may miss the known one."""

MOVED = 0.2
"""A value that differs by more than this between the two orders counts as changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """An item and the test that a right verdict passes."""

    item: Any
    accepts: Callable[[Verdict], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskReport:
    """What one task's calibration found.

    Attributes:
        task: Name of the task.
        items: Items asked about.
        agreed: Judged items whose verdict is the known one.
        unjudged: Items without verdict, by reason.
        compared: Items judged in both orders; 0 where the task shows a single text.
        changed: Those of them whose verdict hangs on the order.
        shift: Mean value in the usual order minus that in reverse order; None without such pairs.
        p50: Median time of a verdict in seconds; None without any.
        p95: 95th percentile of the same.
        paths: Verdicts by the way they were had.
        prompt_tokens: Tokens sent, both orders together.
        completion_tokens: Tokens received.
        cost: Their price; None if no prices are known.
    """

    task: str
    items: int
    agreed: int
    unjudged: Mapping[str, int]
    compared: int
    changed: int
    shift: float | None
    p50: float | None
    p95: float | None
    paths: Mapping[str, int]
    prompt_tokens: int
    completion_tokens: int
    cost: float | None

    @property
    def judged(self) -> int:
        """Items with a verdict."""
        return self.items - sum(self.unjudged.values())

    @property
    def agreement(self) -> float | None:
        """Share of the judged items with the known verdict; None without any."""
        return self.agreed / self.judged if self.judged else None

    @property
    def none_share(self) -> float:
        """Share of items without verdict."""
        return 1 - self.judged / self.items

    def record(self) -> dict[str, Any]:
        """Itself as plain data."""
        names = ("task", "items", "judged", "agreed", "agreement", "none_share", "compared", "changed", "shift")
        more = ("p50", "p95", "prompt_tokens", "completion_tokens", "cost")
        return {name: getattr(self, name) for name in (*names, *more)} | {
            "unjudged": dict(self.unjudged),
            "paths": dict(self.paths),
        }


def calibration(task: str) -> list[Known]:
    """The items of a task whose verdict is known, in a fixed order.

    Raises:
        KeyError: There is no such task.
    """
    text = (resources.files("wherewise.judge") / "calibration" / f"{TASKS[task].name}.jsonl").read_text("utf-8")
    return [_KINDS[task](json.loads(line)) for line in text.splitlines()]


def measure(judge: Judge, task: str, *, limit: int | None = None, price: PriceConfig | None = None) -> TaskReport:
    """Ask about a task's known items in both orders.

    Args:
        judge: Without cache, if its times are to mean something.
        task: Name of the task.
        limit: Use the first so many items only.
        price: For the cost.

    Raises:
        JudgeStopped: The judge's budget was passed.
    """
    known = calibration(task)[:limit]
    items = [entry.item for entry in known]
    first = judge.run(TASKS[task], items)
    swappable = len(TASKS[task].blocks(items[0])) > 1
    second = judge.run(TASKS[task], items, swapped=True) if swappable else []
    pairs = [(one, two) for one, two in zip(first, second, strict=False) if one.outcome.judged and two.outcome.judged]
    both = [(one.value, two.value) for one, two in pairs if one.value is not None and two.value is not None]
    verdicts = [*first, *second]
    seconds = sorted(verdict.seconds for verdict in verdicts if verdict.outcome.judged and not verdict.cached)
    sent = sum(verdict.prompt_tokens for verdict in verdicts)
    received = sum(verdict.completion_tokens for verdict in verdicts)
    return TaskReport(
        task=task,
        items=len(items),
        agreed=sum(v.outcome.judged and entry.accepts(v) for v, entry in zip(first, known, strict=True)),
        unjudged=Counter(verdict.outcome.value for verdict in first if not verdict.outcome.judged),
        compared=len(pairs),
        changed=sum(_differ(one, two) for one, two in pairs),
        shift=statistics.fmean(one - two for one, two in both) if both else None,
        p50=_quantile(seconds, 0.5),
        p95=_quantile(seconds, 0.95),
        paths=Counter(verdict.path for verdict in verdicts if verdict.outcome.judged),
        prompt_tokens=sent,
        completion_tokens=received,
        cost=price.cost(sent, received) if price else None,
    )


def rules_agreement(limit: int | None = None) -> tuple[int, int]:
    """How many of the timeline's known items the rules get right without any judge, and of how many."""
    known = calibration("timeline")[:limit]
    verdicts = [Verdict(value=0.0, reply=_as_form(timeline_claims(entry.item.think))) for entry in known]
    return sum(entry.accepts(verdict) for entry, verdict in zip(known, verdicts, strict=True)), len(known)


def draw(shapes: Sequence[Mapping[str, Any]]) -> Picture:
    """Coloured circles, squares and triangles on light grey, by centre and half size in pixels, as PNG."""
    picture = Image.new("RGB", (SIDE, SIDE), "lightgray")
    pen = ImageDraw.Draw(picture)
    for shape in shapes:
        (x, y), r = shape["at"], shape["size"]
        match shape["shape"]:
            case "circle":
                pen.ellipse((x - r, y - r, x + r, y + r), fill=shape["color"])
            case "square":
                pen.rectangle((x - r, y - r, x + r, y + r), fill=shape["color"])
            case "triangle":
                pen.polygon(((x, y - r), (x - r, y + r), (x + r, y + r)), fill=shape["color"])
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return Picture(data=stream.getvalue())


def _differ(one: Verdict, two: Verdict) -> bool:
    if one.value is None or two.value is None:
        return one.value is not two.value
    return abs(one.value - two.value) > MOVED


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _as_form(events: Sequence[TimelineEvent]) -> TimelineForm:
    claims = [{"start": f"{event.start}", "end": f"{event.end}", "text": event.label} for event in events]
    return TimelineForm.model_validate({"claims": claims})


def _timeline(row: Mapping[str, Any]) -> Known:
    def accepts(verdict: Verdict) -> bool:
        if not isinstance(verdict.reply, TimelineForm):
            return False
        found = [(event.start, event.end) for event in verdict.reply.events()]
        wanted = sorted((start, end) for start, end in row["claims"])
        near = [
            abs(a - c) <= TIME_SLACK and abs(b - d) <= TIME_SLACK for (a, b), (c, d) in zip(found, wanted, strict=False)
        ]
        return len(found) == len(wanted) and all(near)

    return Known(item=TimelineItem(think=row["think"]), accepts=accepts)


def _consistency(row: Mapping[str, Any]) -> Known:
    wanted = {"consistent": 1.0, "inconsistent": 0.0, "undecided": None}[row["verdict"]]
    return Known(
        item=ConsistencyItem(question=row["question"], think=row["think"], answer=row["answer"]),
        accepts=lambda verdict: verdict.value == wanted,
    )


def _grounding(row: Mapping[str, Any]) -> Known:
    return Known(
        item=GroundingItem(question=row["question"], think=row["think"], pictures=(draw(row["picture"]),)),
        accepts=lambda verdict: (
            verdict.outcome is Outcome.OK and row["low"] <= round(10 * (verdict.value or 0.0)) <= row["high"]
        ),
    )


def _correctness(row: Mapping[str, Any]) -> Known:
    return Known(
        item=CorrectnessItem(question=row["question"], reference=row["reference"], answer=row["answer"]),
        accepts=lambda verdict: verdict.value == float(row["verdict"] == "correct"),
    )


_KINDS: dict[str, Callable[[Mapping[str, Any]], Known]] = {
    "timeline": _timeline,
    "consistency": _consistency,
    "grounding": _grounding,
    "correctness": _correctness,
}
