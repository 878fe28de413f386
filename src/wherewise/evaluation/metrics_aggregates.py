"""How a benchmark forms its score from its questions' scores: each official formula as a named pure function.

Every function takes predictions and gives a `Measured`: the value, what it is made of, and over how many units. Where a
part that the formula needs is absent the value is None and `missing` names the part; nothing is filled in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from wherewise.evaluation.records import Prediction


class Average(StrEnum):
    """How scores of several tasks become one."""

    MICRO = "micro"
    """Mean over questions."""
    MACRO = "macro"
    """Mean over tasks of the mean over a task's questions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """What a formula gives.

    Attributes:
        value: The score in 0..1, or None where the questions do not suffice.
        units: Questions or groups of questions that it is formed over.
        parts: Scores that it is made of, by name.
        missing: What the formula needs and the questions lack.
    """

    value: float | None
    units: int
    parts: Mapping[str, float] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Aggregate:
    """A named formula.

    Attributes:
        name: Name in summaries.
        formula: The formula in words and symbols.
        source: Code or paper that it comes from.
        compute: The formula.
    """

    name: str
    formula: str
    source: str
    compute: Callable[[Sequence[Prediction]], Measured]


def mean(values: Sequence[float]) -> float:
    """Plain mean of at least one value."""
    return sum(values) / len(values)


def weighted_mean(parts: Sequence[tuple[float, float]]) -> float:
    """Mean of ``(score, questions)`` pairs by their questions: the micro average from a table's rows.

    >>> round(weighted_mean([(67.70, 290), (70.19, 360), (54.08, 1200)]), 2)
    59.35
    """
    return sum(score * weight for score, weight in parts) / sum(weight for _, weight in parts)


def _by(predictions: Sequence[Prediction], key: Callable[[Prediction], str]) -> dict[str, list[Prediction]]:
    groups: dict[str, list[Prediction]] = defaultdict(list)
    for prediction in sorted(predictions, key=lambda p: p.id):
        groups[key(prediction)].append(prediction)
    return dict(sorted(groups.items()))


def _tag(prediction: Prediction, name: str) -> str:
    return str(prediction.tags[name])


def _scores(groups: Mapping[str, Sequence[Prediction]]) -> dict[str, float]:
    return {name: mean([p.score for p in members]) for name, members in groups.items()}


def _all_right(groups: Mapping[str, Sequence[float]]) -> Measured:
    """Share of groups whose scores are all 1."""
    return Measured(value=mean([float(min(scores) == 1.0) for scores in groups.values()]), units=len(groups))


CV_SOURCES = ("ADE20K", "COCO", "Omni3D")


def cv_bench(predictions: Sequence[Prediction]) -> Measured:
    """CV-Bench: ``1/2 ((ADE20K + COCO) / 2 + Omni3D)`` over the accuracies by source."""
    parts = _scores(_by(predictions, lambda p: _tag(p, "source")))
    return cv_bench_from_sources(parts, units=len(predictions))


def cv_bench_from_sources(parts: Mapping[str, float], *, units: int = 0) -> Measured:
    """The formula of CV-Bench from accuracies by source.

    >>> cv_bench_from_sources({"ADE20K": 0.5, "COCO": 0.7, "Omni3D": 0.4}).value
    0.5
    """
    if missing := tuple(source for source in CV_SOURCES if source not in parts):
        return Measured(value=None, units=units, parts=parts, missing=missing)
    flat = (parts["ADE20K"] + parts["COCO"]) / 2
    return Measured(value=(flat + parts["Omni3D"]) / 2, units=units, parts={**parts, "2D": flat, "3D": parts["Omni3D"]})


def cv_bench_2d(predictions: Sequence[Prediction]) -> Measured:
    """CV-Bench 2D: mean of the accuracies on ADE20K and on COCO."""
    chosen = [p for p in predictions if _tag(p, "source") != "Omni3D"]
    parts = _scores(_by(chosen, lambda p: _tag(p, "source")))
    if missing := tuple(source for source in CV_SOURCES[:2] if source not in parts):
        return Measured(value=None, units=len(chosen), parts=parts, missing=missing)
    return Measured(value=(parts["ADE20K"] + parts["COCO"]) / 2, units=len(chosen), parts=parts)


def cv_bench_3d(predictions: Sequence[Prediction]) -> Measured:
    """CV-Bench 3D: accuracy on Omni3D."""
    chosen = [p for p in predictions if _tag(p, "source") == "Omni3D"]
    if not chosen:
        return Measured(value=None, units=0, missing=("Omni3D",))
    return Measured(value=mean([p.score for p in chosen]), units=len(chosen))


def cv_bench_qualitative(predictions: Sequence[Prediction]) -> Measured:
    """Micro accuracy on CV-Bench without Count: Relation 650, Depth 600, Distance 600."""
    chosen = [p for p in predictions if p.task != "Count"]
    tasks = _scores(_by(chosen, lambda p: p.task))
    if missing := tuple(task for task in ("Relation", "Depth", "Distance") if task not in tasks):
        return Measured(value=None, units=len(chosen), parts=tasks, missing=missing)
    return Measured(value=mean([p.score for p in chosen]), units=len(chosen), parts=tasks)


VSI_TASKS = (
    "object_counting",
    "object_abs_distance",
    "object_size_estimation",
    "room_size_estimation",
    "object_rel_distance",
    "object_rel_direction",
    "route_planning",
    "obj_appearance_order",
)
VSI_DIRECTIONS = tuple(f"object_rel_direction_{level}" for level in ("easy", "medium", "hard"))


def vsi_mean_of_8(predictions: Sequence[Prediction]) -> Measured:
    """VSI-Bench: unweighted mean of eight tasks; relative direction is the mean of easy, medium and hard."""
    return vsi_from_tasks(_scores(_by(predictions, lambda p: p.task)), units=len(predictions))


def vsi_from_tasks(tasks: Mapping[str, float], *, units: int = 0) -> Measured:
    """The mean of eight from scores by question type (ten of them, or eight with direction already averaged)."""
    parts = {name: score for name, score in tasks.items() if name not in VSI_DIRECTIONS}
    if all(name in tasks for name in VSI_DIRECTIONS):
        parts["object_rel_direction"] = mean([tasks[name] for name in VSI_DIRECTIONS])
    if missing := tuple(name for name in VSI_TASKS if name not in parts):
        return Measured(value=None, units=units, parts=parts, missing=missing)
    return Measured(value=mean([parts[name] for name in VSI_TASKS]), units=units, parts=parts)


def circular(predictions: Sequence[Prediction]) -> Measured:
    """3DSRBench CircularEval: all rotations of a question right; a flipped question is a group of its own."""
    return circular_groups({_tag(p, "qid"): p.score for p in predictions}, mode="circular")


def flip(predictions: Sequence[Prediction]) -> Measured:
    """3DSRBench FlipEval: a question and its flipped twin both right, each rotation a pair of its own."""
    return circular_groups({_tag(p, "qid"): p.score for p in predictions}, mode="flip")


def flip_circular(predictions: Sequence[Prediction]) -> Measured:
    """3DSRBench FlipEval with CircularEval: all rotations of a question and of its flipped twin right."""
    return circular_groups({_tag(p, "qid"): p.score for p in predictions}, mode="flip_circular")


def circular_groups(scores: Mapping[str, float], *, mode: str) -> Measured:
    """3DSRBench's groups by question id: 8 characters, then ``-flip``, then ``-1`` ... for a rotation.

    >>> scores = {"AAAAAAAA": 1, "AAAAAAAA-1": 1, "AAAAAAAA-flip": 0, "AAAAAAAA-flip-1": 1}
    >>> [circular_groups(scores, mode=mode).value for mode in ("circular", "flip", "flip_circular")]
    [0.5, 0.5, 0.0]
    """
    groups: dict[str, list[float]] = defaultdict(list)
    for qid, score in scores.items():
        if mode == "circular":
            key = qid[:13] if "-flip" in qid else qid[:8]
        else:
            key = qid.replace("-flip", "") if mode == "flip" else qid[:8]
        groups[key].append(score)
    return _all_right(groups)


def pair_accuracy(predictions: Sequence[Prediction]) -> Measured:
    """MMVP: share of pairs with both right; questions 1 and 2, 3 and 4, ... form a pair. Half pairs are left out."""
    return pairs_right({int(_tag(p, "index")): p.score for p in predictions})


def pairs_right(scores: Mapping[int, float]) -> Measured:
    """Pair accuracy from scores by index, counted from 1.

    >>> pairs_right({1: 1, 2: 1, 3: 1, 4: 0, 5: 1})
    Measured(value=0.5, units=2, parts={}, missing=('1 half pairs',))
    """
    groups: dict[str, list[float]] = defaultdict(list)
    for index, score in scores.items():
        groups[str((index - 1) // 2)].append(score)
    whole = {key: members for key, members in groups.items() if len(members) == 2}
    halves = len(groups) - len(whole)
    missing = (f"{halves} half pairs",) if halves else ()
    if not whole:
        return Measured(value=None, units=0, missing=missing)
    return Measured(value=_all_right(whole).value, units=len(whole), missing=missing)


def _hallusion_right(prediction: Prediction) -> float:
    """Right, where no answer is right too if the question goes without the figure that it needs (VS, figure 0)."""
    unseen = _tag(prediction, "category") == "VS" and _tag(prediction, "figure_id") == "0"
    return 1.0 if unseen and prediction.abstained and prediction.error is None else prediction.score


def _hallusion_key(prediction: Prediction, last: str) -> str:
    return "_".join(_tag(prediction, name) for name in ("category", "subcategory", "set_id", last))


def hallusion_a(predictions: Sequence[Prediction]) -> Measured:
    """HallusionBench aAcc: share of questions right."""
    return Measured(value=mean([_hallusion_right(p) for p in predictions]), units=len(predictions))


def hallusion_q(predictions: Sequence[Prediction]) -> Measured:
    """HallusionBench qAcc: share of questions that are right for all their figures."""
    groups: dict[str, list[float]] = defaultdict(list)
    for p in predictions:
        groups[_hallusion_key(p, "question_id")].append(_hallusion_right(p))
    return _all_right(groups)


def hallusion_f(predictions: Sequence[Prediction]) -> Measured:
    """HallusionBench fAcc: share of figures with all questions right; VS questions without figure are left out."""
    groups: dict[str, list[float]] = defaultdict(list)
    for p in predictions:
        if not (_tag(p, "category") == "VS" and _tag(p, "figure_id") == "0"):
            groups[_hallusion_key(p, "figure_id")].append(_hallusion_right(p))
    return _all_right(groups) if groups else Measured(value=None, units=0, missing=("questions with figures",))


def nextqa_types(predictions: Sequence[Prediction]) -> Measured:
    """NExT-QA: accuracy over all questions, with Acc_C, Acc_T and Acc_D; TP counts as TN."""
    parts = {f"Acc_{kind}": score for kind, score in _scores(_by(predictions, lambda p: p.task[:1])).items()}
    kinds = _scores(_by(predictions, lambda p: "TN" if p.task == "TP" else p.task))
    return Measured(value=mean([p.score for p in predictions]), units=len(predictions), parts={**parts, **kinds})


SPAR_LEVELS: dict[str, tuple[str, ...]] = {
    "Low": (
        "depth_prediction_oc",
        "depth_prediction_oo",
        "distance_prediction_oc",
        "distance_prediction_oo",
        "depth_prediction_oc_mv",
        "depth_prediction_oo_mv",
        "distance_prediction_oo_mv",
        "distance_prediction_oc_mv",
    ),
    "Middle": ("view_change_infer", "position_matching", "camera_motion_infer"),
    "High": (
        "obj_spatial_relation_oo",
        "obj_spatial_relation_oc_mv",
        "obj_spatial_relation_oo_mv",
        "spatial_imagination_oc",
        "spatial_imagination_oo",
        "spatial_imagination_oc_mv",
        "spatial_imagination_oo_mv",
        "distance_infer_center_oo",
        "distance_infer_center_oo_mv",
    ),
}


def spar_levels(predictions: Sequence[Prediction]) -> Measured:
    """SPAR-Bench: unweighted mean of its 20 tasks, with the levels Low (8), Middle (3) and High (9)."""
    tasks = _scores(_by(predictions, lambda p: p.task))
    wanted = [task for names in SPAR_LEVELS.values() for task in names]
    parts = {
        level: mean([tasks[name] for name in names])
        for level, names in SPAR_LEVELS.items()
        if all(name in tasks for name in names)
    }
    if missing := tuple(task for task in wanted if task not in tasks):
        return Measured(value=None, units=len(predictions), parts=parts, missing=missing)
    return Measured(value=mean([tasks[task] for task in wanted]), units=len(predictions), parts=parts)


def chance_adjusted(predictions: Sequence[Prediction]) -> Measured:
    """CAA: ``sum(hit - 1/n) / sum(1 - 1/n)`` over questions of n options; 0 is a uniform guess, 1 all right."""
    counts = [len(p.options) for p in predictions]
    if any(count < 2 for count in counts):
        return Measured(value=None, units=len(predictions), missing=("options",))
    gain = sum(p.score - 1 / n for p, n in zip(predictions, counts, strict=True))
    return Measured(value=gain / sum(1 - 1 / n for n in counts), units=len(predictions))


def by_tag(tag: str) -> Callable[[Sequence[Prediction]], Measured]:
    """Micro average with the accuracy by a tag's values as its parts."""

    def compute(predictions: Sequence[Prediction]) -> Measured:
        parts = _scores(_by(predictions, lambda p: _tag(p, tag)))
        return Measured(value=mean([p.score for p in predictions]), units=len(predictions), parts=parts)

    return compute


_CV = "github.com/cambrian-mllm/cambrian, CV-Bench dataset card"
_VSI = "github.com/vision-x-nyu/thinking-in-space, lmms_eval/tasks/vsibench/utils.py"
_DSR = "3DSRBench (Ma et al. 2024), VLMEvalKit image_mcq.py"
_HALLUSION = "github.com/tianyi-lab/HallusionBench, utils.py"

AGGREGATES: dict[str, Aggregate] = {
    a.name: a
    for a in (
        Aggregate(
            name="cv_bench", formula="((ADE20K + COCO) / 2 + Omni3D) / 2 by source", source=_CV, compute=cv_bench
        ),
        Aggregate(name="cv_bench_2d", formula="(ADE20K + COCO) / 2 by source", source=_CV, compute=cv_bench_2d),
        Aggregate(name="cv_bench_3d", formula="accuracy on Omni3D", source=_CV, compute=cv_bench_3d),
        Aggregate(
            name="cv_bench_qualitative",
            formula="mean over the questions of Relation, Depth and Distance",
            source="ReinforceSight's subset of 1,850",
            compute=cv_bench_qualitative,
        ),
        Aggregate(
            name="vsi_mean_of_8",
            formula="mean of 8 tasks; direction = mean of easy, medium, hard",
            source=_VSI,
            compute=vsi_mean_of_8,
        ),
        Aggregate(name="circular", formula="all rotations right; flips apart", source=_DSR, compute=circular),
        Aggregate(name="flip", formula="question and flipped twin right", source=_DSR, compute=flip),
        Aggregate(
            name="flip_circular", formula="all rotations of both twins right", source=_DSR, compute=flip_circular
        ),
        Aggregate(
            name="pair_accuracy",
            formula="both questions of a pair right",
            source="github.com/tsb0601/MMVP",
            compute=pair_accuracy,
        ),
        Aggregate(name="aAcc", formula="questions right", source=_HALLUSION, compute=hallusion_a),
        Aggregate(name="qAcc", formula="questions right for all their figures", source=_HALLUSION, compute=hallusion_q),
        Aggregate(name="fAcc", formula="figures with all questions right", source=_HALLUSION, compute=hallusion_f),
        Aggregate(
            name="nextqa_types",
            formula="mean over questions; C, T, D by type; TP as TN",
            source="github.com/doc-doc/NExT-QA, eval_mc.py",
            compute=nextqa_types,
        ),
        Aggregate(
            name="spar_levels",
            formula="mean of 20 tasks; Low 8, Middle 3, High 9",
            source="SPAR-Bench in lmms-eval, sparbench/utils.py",
            compute=spar_levels,
        ),
        Aggregate(
            name="caa",
            formula="sum(hit - 1/n) / sum(1 - 1/n)",
            source="SITE-Bench, chance-adjusted accuracy",
            compute=chance_adjusted,
        ),
        Aggregate(
            name="by_source", formula="mean over questions; by data source", source="", compute=by_tag("data_source")
        ),
        Aggregate(
            name="by_duration", formula="mean over questions; by duration", source="", compute=by_tag("duration")
        ),
        Aggregate(
            name="by_data_type",
            formula="mean over questions; pictures and clips",
            source="",
            compute=by_tag("data_type"),
        ),
        Aggregate(
            name="by_category", formula="mean over questions; by category", source="", compute=by_tag("category")
        ),
        Aggregate(name="by_dim", formula="mean over questions; by dimension", source="", compute=by_tag("dim")),
    )
}
