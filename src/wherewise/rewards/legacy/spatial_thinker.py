"""SpatialThinker's reward (arXiv 2511.07403; ``hunarbatra/SpatialThinker``, ``verl/utils/reward_score/``)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field
from scipy.optimize import linear_sum_assignment

from wherewise.rewards.base import Completion
from wherewise.rewards.legacy.entry import LegacyReward, Params, Row
from wherewise.rewards.legacy.from_samples import lettered_answer, scene_json
from wherewise.rewards.legacy.tags import first_block
from wherewise.rewards.score import Score
from wherewise.rewards.similarity import LabelSimilarity, label_similarity
from wherewise.samples import Sample, SceneGraph
from wherewise.samples.errors import DatasetError
from wherewise.samples.plain import short

BLOCKS = ("observe", "think", "scene", "answer")
"""The tags that the format asks for."""

_ID = re.compile(r"[a-zA-Z_]+\.\d+")
_KEYS = ("id", "bbox")
_EPSILON = 1e-7
_NO_PREDICTION = 1e5


class SceneRow(Row):
    """A line of ``legacy.spatial_sgg``."""

    completion: str = Field(description="write the reply as text")
    """The reply."""
    ground_truth: str = Field(description='write "<scene>{...}</scene><answer>(A) behind</answer>"')
    """The data's ``answer_option_text``: ``<scene>`` with the JSON graph, ``<answer>`` with letter and text."""
    image_size: list[int] = Field(min_length=2, max_length=2, description="write [width, height] in pixels")
    """``[width, height]`` in pixels of the picture that the boxes refer to (the seed reads it from the prompt)."""


class SceneParams(Params):
    """Parameters of ``legacy.spatial_sgg``."""

    similarity: Literal["exact", "embedding"] = "exact"
    """How alike labels are in the matching: equal or not, or MiniLM's cosine; the seed's are spaCy vectors' cosines."""


def mapped_ciou(first: Sequence[float], second: Sequence[float]) -> float:
    """``(CIoU + 1) / 2`` as the seed computes it; nothing is clamped, and bad boxes aren't rejected.

    ``CIoU = IoU - (d^2 / c^2 + alpha v)`` with ``1e-7`` added to the union, to ``c^2`` and to both heights in
    ``v = 4 / pi^2 (atan(w2 / h2) - atan(w1 / h1))^2``; ``alpha = v / ((1 - IoU) + v)``, 0 where that divides by 0.

    NaN where the seed's code would divide by 0.
    """
    w1, h1, w2, h2 = first[2] - first[0], first[3] - first[1], second[2] - second[0], second[3] - second[1]
    shared = max(0.0, min(first[2], second[2]) - max(first[0], second[0])) * max(
        0.0, min(first[3], second[3]) - max(first[1], second[1])
    )
    union = w1 * h1 + w2 * h2 - shared + _EPSILON
    if union == 0 or h1 + _EPSILON == 0 or h2 + _EPSILON == 0:
        return math.nan
    overlap = shared / union
    apart = ((first[0] + first[2]) / 2 - (second[0] + second[2]) / 2) ** 2 + (
        (first[1] + first[3]) / 2 - (second[1] + second[3]) / 2
    ) ** 2
    around = (max(first[2], second[2]) - min(first[0], second[0])) ** 2 + (
        max(first[3], second[3]) - min(first[1], second[1])
    ) ** 2
    shape = (4 / math.pi**2) * (math.atan(w2 / (h2 + _EPSILON)) - math.atan(w1 / (h1 + _EPSILON))) ** 2
    trade = (1 - overlap) + shape
    alpha = shape / trade if trade != 0 else 0.0
    return (overlap - (apart / (around + _EPSILON) + alpha * shape) + 1) / 2


def read_scene(text: str) -> dict[str, Any]:
    """The JSON object in the first ``<scene>``; empty when there is none."""
    body = first_block(text, "scene")
    if body is None:
        return {}
    try:
        value = json.loads(body.strip())
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _true_scene(text: str) -> dict[str, Any]:
    scene = read_scene(text)
    items = scene.get("objects") or []
    wrong = [item for item in items if not isinstance(item, dict) or not _is_object({k: item.get(k) for k in _KEYS})]
    if wrong:
        raise DatasetError(
            f"the true scene has an object {short(wrong[0])}",
            field="ground_truth",
            fix='write objects as {"id": "name.1", "bbox": [x1, y1, x2, y2]}',
        )
    return scene


def _answer(text: str) -> str:
    return (first_block(text, "answer") or "").strip()


def _is_object(item: Any) -> bool:
    if not isinstance(item, dict) or set(item) != {"id", "bbox"} or not isinstance(item["id"], str):
        return False
    box = item["bbox"]
    return (
        _ID.fullmatch(item["id"]) is not None
        and isinstance(box, list)
        and len(box) == 4
        and all(isinstance(value, (int, float)) for value in box)
    )


def _is_relation(item: Any) -> bool:
    if not isinstance(item, dict):
        return False
    parts = [item.get(key) for key in ("subject", "predicate", "object")]
    if not all(isinstance(part, str) for part in parts):
        return False
    return _ID.fullmatch(item["subject"]) is not None and _ID.fullmatch(item["object"]) is not None


def scene_format(text: str) -> float:
    """1 if every block is there, each opening tag exactly once, and ``<scene>`` holds a valid, non-empty JSON object.

    The order of the blocks is free, text around them too, and closing tags may repeat. An object has exactly ``id``
    (``name.number``, no two alike) and ``bbox`` (four numbers; true and false count as such); a relation has
    ``subject``, ``predicate`` and ``object`` and may have more; its ids need not be objects. A missing list is empty.
    """
    if any(first_block(text, tag) is None or text.count(f"<{tag}>") != 1 for tag in BLOCKS):
        return 0.0
    scene = read_scene(text)
    objects, relations = scene.get("objects", []), scene.get("relationships", [])
    if not scene or not isinstance(objects, list) or not isinstance(relations, list):
        return 0.0
    if not all(map(_is_object, objects)) or not all(map(_is_relation, relations)):
        return 0.0
    ids = [item["id"] for item in objects]
    return float(len(ids) == len(set(ids)))


def scene_count(predicted: Mapping[str, Any], truth: Mapping[str, Any]) -> float:
    """``max(0, 1 - |n' - n| / max(n, 1))`` of the objects; with true relations .7 of that and .3 of the same for them.

    0 where either side has no list of objects.
    """
    ours, gold = predicted.get("objects"), truth.get("objects")
    if not isinstance(ours, list) or not isinstance(gold, list):
        return 0.0
    objects = max(0.0, 1 - abs(len(ours) - len(gold)) / max(len(gold), 1))
    said, true = predicted.get("relationships") or [], truth.get("relationships") or []
    if not true:
        return objects
    return objects * 0.7 + max(0.0, 1 - abs(len(said) - len(true)) / max(len(true), 1)) * 0.3


def _label(item: Mapping[str, Any]) -> str:
    return str(item["id"]).replace("_", " ").replace("-", " ").strip().lower().split(".")[0]


def scene_spatial(
    predicted: Mapping[str, Any], truth: Mapping[str, Any], size: tuple[int, int], similarity: LabelSimilarity
) -> float | None:
    """``sum over matched true objects of (CIoU + 1) / 2``, over the number of true objects.

    Matching: Hungarian, at the cost ``2 (1 - similarity) + (1 - (CIoU + 1) / 2)``; every true object gets a prediction
    as long as there are any. Boxes are divided by the picture's size first. Without true objects: 1, unless there are
    neither true relations nor an empty prediction: then 0. None where a box holds no finite numbers: the seed's code
    raises an exception there.
    """
    gold, ours = truth.get("objects") or [], predicted.get("objects") or []
    relations = truth.get("relationships") or []
    if not isinstance(gold, list) or not isinstance(ours, list) or not isinstance(relations, list):
        return 0.0
    if not gold:
        return 1.0 if relations or not ours else 0.0
    if not ours:
        return 0.0
    scale = (1.0 / size[0], 1.0 / size[1]) * 2
    true_boxes, boxes = (
        [[value * factor for value, factor in zip(item["bbox"], scale, strict=True)] for item in items]
        for items in (gold, ours)
    )
    agreement = np.array([[mapped_ciou(theirs, box) for theirs in true_boxes] for box in boxes])
    if not np.isfinite(agreement).all():
        return None
    alike = similarity.matrix([_label(item) for item in ours], [_label(item) for item in gold])
    cost = 2.0 * (1.0 - alike) + (1.0 - agreement)
    missing = max(0, len(gold) - len(ours))
    rows, columns = linear_sum_assignment(np.vstack([cost, np.full((missing, len(gold)), _NO_PREDICTION)]))
    matched = [agreement[row, column] for row, column in zip(rows, columns, strict=True) if row < len(ours)]
    return float(sum(matched)) / len(gold)


def spatial_sgg(row: SceneRow, params: SceneParams) -> Score:
    """``.1 F + .2 N + .5 A + .2 S``: format, count, accuracy, boxes, each only if the one before allows it.

    F is `scene_format`. If F is 0, all is 0. N is `scene_count`. A is 1 if the bodies of the first ``<answer>`` agree
    but for case, letter and text together. S is `scene_spatial`, and 0 unless A is 1.

    Source: ``spatial_sgg.py``. What is wrong with it: ``(A) behind`` is right, but ``A``, ``(A)`` and ``behind`` are
    wrong; a ground truth without ``<answer>`` makes an empty answer right; boxes that are far off still earn up to
    about half of S, because CIoU is mapped to [0, 1] instead of clamped; surplus boxes cost nothing in S; labels only
    steer the matching, so that a wrong label with the right box earns all; relations are counted but never compared;
    boxes outside of the picture, empty or upside down are taken as they are.

    Parts: ``format``, ``count``, ``accuracy``, ``spatial``. The value is None where a box is NaN or infinite: there the
    seed's code raises.
    """
    form = scene_format(row.completion)
    parts = {"format": form, "count": 0.0, "accuracy": 0.0, "spatial": 0.0}
    if form != 1.0:
        return Score(value=0.0, parts=parts, note="format: all is 0")
    predicted, truth = read_scene(row.completion), _true_scene(row.ground_truth)
    parts["count"] = scene_count(predicted, truth)
    parts["accuracy"] = float(_answer(row.completion).lower() == _answer(row.ground_truth).lower())
    if parts["accuracy"] == 1.0:
        size = (row.image_size[0], row.image_size[1])
        spatial = scene_spatial(predicted, truth, size, label_similarity(params.similarity))
        if spatial is None:
            return Score(value=None, parts=parts, note="a box isn't finite: the seed's code raises an exception")
        parts["spatial"] = spatial
    value = parts["format"] * 0.1 + parts["count"] * 0.2 + parts["accuracy"] * 0.5 + parts["spatial"] * 0.2
    return Score(value=value, parts=parts)


def _row_of(completion: Completion, sample: Sample) -> SceneRow | str:
    if not isinstance(sample.evidence, SceneGraph):
        return "it has no scene graph"
    graph = sample.evidence
    truth = f"<scene>{scene_json(graph)}</scene>\n<answer>{lettered_answer(sample, '({letter}) {text}')}</answer>"
    return SceneRow(completion=completion.text, ground_truth=truth, image_size=[graph.width, graph.height])


def write(sample: Sample, think: str) -> str:
    """A reply in the layout of the published prompt: observe, scene, think, answer."""
    empty = '{"objects": [], "relationships": []}'
    scene = scene_json(sample.evidence) if isinstance(sample.evidence, SceneGraph) else empty
    answer = lettered_answer(sample, "({letter}) {text}")
    return f"<observe>A picture.</observe>\n<scene>{scene}</scene>\n<think>{think}</think>\n<answer>{answer}</answer>"


REWARDS = (
    LegacyReward(
        name="legacy.spatial_sgg",
        source="hunarbatra/SpatialThinker: verl/utils/reward_score/spatial_sgg.py",
        summary="SpatialThinker: .1 format + .2 count + .5 accuracy + .2 mapped CIoU, gated",
        row=SceneRow,
        params=SceneParams,
        score=spatial_sgg,
        row_of=_row_of,
        write=write,
    ),
)
"""What this module adds to the legacy rewards."""
