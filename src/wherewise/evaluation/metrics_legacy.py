"""Rules of published harnesses with their faults, so that a published number can be explained; never the score.

Each is reported beside the official formula under a name that begins with ``legacy``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from wherewise.evaluation.metrics_aggregates import Aggregate, Measured, mean
from wherewise.evaluation.metrics_formulas import AGGREGATES
from wherewise.evaluation.metrics_rows import Metric
from wherewise.evaluation.records import Prediction
from wherewise.samples import LETTERS

_EPSILON = 1e-9
_TAG = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_LEAD = re.compile(r"^\([A-Za-z]\)\s{0,3}")


def mra_of_nine(value: float | None, truth: float) -> float:
    """Video-R2's relative accuracy: nine evenly spaced thresholds from .50 to .95, where the official rule has ten.

    >>> round(mra_of_nine(1.3, 1.0), 3)
    0.444
    """
    if value is None or truth == 0:
        return 0.0
    error = abs(value - truth) / abs(truth)
    return float(np.mean(error <= 1 - np.linspace(0.5, 0.95, 9) + _EPSILON))


def video_r2_overall(predictions: Sequence[Prediction]) -> Measured:
    """Video-R2's VSI-Bench overall: mean over ten question types (three of them directions), with `mra_of_nine`."""
    types: dict[str, list[float]] = {}
    for p in sorted(predictions, key=lambda p: p.id):
        score = p.score
        if p.tags.get("metric") == Metric.MRA:
            value = float(p.value) if isinstance(p.value, (int, float)) and p.error is None else None
            score = mra_of_nine(value, float(p.gold["value"]))
        types.setdefault(p.task, []).append(score)
    parts = {task: mean(scores) for task, scores in sorted(types.items())}
    if len(parts) < 10:
        return Measured(value=None, units=len(predictions), parts=parts, missing=(f"{10 - len(parts)} question types",))
    return Measured(value=mean(list(parts.values())), units=len(predictions), parts=parts)


def spatial_thinker_letter(reply: str, options: Sequence[str]) -> str:
    """SpatialThinker's reading: an option's whole text, perhaps behind ``(X)``; anything else becomes A.

    >>> [spatial_thinker_letter(reply, ["above", "below"]) for reply in ("(B) below", "below", "B", "(B)", "B. below")]
    ['B', 'B', 'A', 'A', 'A']
    """
    body = reply.split("Answer:")[-1]
    tagged = _TAG.findall(body)
    text = _LEAD.sub("", (tagged[-1] if tagged else body).strip()).strip().lower()
    lowered = [option.lower() for option in options]
    return LETTERS[lowered.index(text)] if text in lowered else "A"


def spatial_thinker(predictions: Sequence[Prediction]) -> Measured:
    """Micro accuracy with `spatial_thinker_letter`; a provider's failure is wrong."""
    choices = [p for p in predictions if p.kind == "choice"]
    if not choices:
        return Measured(value=None, units=0, missing=("choices",))
    hits = [float(p.error is None and spatial_thinker_letter(p.reply, p.options) == p.gold["letter"]) for p in choices]
    return Measured(value=mean(hits), units=len(hits))


def contained(reply: str, gold: str) -> bool:
    """ReinforceSight's match without its synonym lists: equal, or one contains the other; an empty reply is right.

    >>> contained("bright", "right"), contained("", "left"), contained("left", "right")
    (True, True, False)
    """
    a, b = reply.strip().lower(), gold.strip().lower()
    return a in b or b in a


def reinforcesight_containment(predictions: Sequence[Prediction]) -> Measured:
    """Micro accuracy with `contained` over the last ``<answer>``, else the whole reply, and the gold option's text."""
    choices = [p for p in predictions if p.kind == "choice"]
    if not choices:
        return Measured(value=None, units=0, missing=("choices",))
    hits = []
    for p in choices:
        tagged = _TAG.findall(p.reply)
        hits.append(float(p.error is None and contained(tagged[-1] if tagged else p.reply, str(p.gold["text"]))))
    return Measured(value=mean(hits), units=len(hits))


def answered_only(predictions: Sequence[Prediction]) -> Measured:
    """Dora's accuracy: replies without an answer are dropped from the denominator."""
    answered = [p.score for p in predictions if p.error is None and not p.abstained]
    if not answered:
        return Measured(value=None, units=0, missing=("answers",))
    return Measured(value=mean(answered), units=len(answered))


LEGACY: dict[str, Aggregate] = {
    a.name: a
    for a in (
        Aggregate(
            name="legacy_video_r2",
            formula="mean of 10 question types; numbers by 9 thresholds",
            source="github.com/mbzuai-oryx/Video-R2, post_process_vsibench_predictions.py",
            compute=video_r2_overall,
        ),
        Aggregate(
            name="legacy_spatialthinker",
            formula="option's text or A; mean over questions",
            source="github.com/hunarbatra/SpatialThinker, evaluation/evals.py",
            compute=spatial_thinker,
        ),
        Aggregate(
            name="legacy_reinforcesight",
            formula="reply contains the option's text or the other way round; synonyms left out",
            source="github.com/jdchawla29/reinforcesight, src/eval/evaluate.py",
            compute=reinforcesight_containment,
        ),
        Aggregate(
            name="legacy_answered_only",
            formula="mean over questions with an answer",
            source="github.com/ostadabbas/SoS-Structure-Over-Scale, scripts/eval_mcq.py",
            compute=answered_only,
        ),
    )
}

FORMULAS: Mapping[str, Aggregate] = {**AGGREGATES, **LEGACY}
"""All formulas, official, variant and legacy."""
