"""Dense reward: the places claimed in ``<scene>`` against the scene itself."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.optimize import linear_sum_assignment

from wherewise.answers.compare import normalise
from wherewise.answers.coordinates import Claim, CoordinateCodec, Frame, parse_claims
from wherewise.answers.styles import PromptConfig, PromptStyle, frame_of, gold_claims
from wherewise.rewards.base import Completion, Reward
from wherewise.rewards.score import Score
from wherewise.samples import GraphObject, Sample, SceneGraph
from wherewise.samples.errors import InputError


class PositionParams(BaseModel):
    """Parameters of the ``positions`` reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reach: float = Field(default=3.0, gt=0)
    """Difference at which a coordinate earns nothing: tenths of the picture, and half metres of distance."""
    category_credit: float = Field(default=0.0, ge=0, le=1)
    """Label factor when only the object's category is right (``blue chair`` for ``red chair``)."""
    color_credit: float = Field(default=0.0, ge=0, le=1)
    """Label factor when only the object's colour is right (``red table`` for ``red chair``)."""
    max_claims: int = Field(default=32, ge=1)
    """Claims beyond this many are never matched; they still count as surplus."""


def label_factor(claimed: str, truth: GraphObject, params: PositionParams) -> float:
    """1 for the same normalised label, a configured credit for category or colour alone, else 0."""
    claimed, label = normalise(claimed), normalise(truth.label)
    if claimed == label:
        return 1.0
    attributes = dict(truth.attributes)
    category, color = normalise(attributes.get("category", "")), normalise(attributes.get("color", ""))
    credit = 0.0
    if category and (claimed == category or claimed.endswith(f" {category}")):
        credit = max(credit, params.category_credit)
    if color and color in claimed.split():
        credit = max(credit, params.color_credit)
    return credit


def closeness(claim: Claim, truth: Claim, codec: CoordinateCodec, frame: Frame, reach: float) -> float:
    """Mean over the truth's dimensions of ``max(0, 1 - |difference| / reach)``; a missing distance earns 0 there.

    Differences are in tenths of the picture's width or height, and in half metres for the distance.
    """
    tenth = codec.tenth(frame)
    terms = [
        max(0.0, 1 - abs(ours - gold) / tenth[i % 2] / reach)
        for i, (ours, gold) in enumerate(zip(claim.place, truth.place, strict=True))
    ]
    if truth.distance is not None:
        away = None if claim.distance is None else abs(claim.distance - truth.distance) * codec.distance_step / 0.5
        terms.append(0.0 if away is None else max(0.0, 1 - away / reach))
    return sum(terms) / len(terms)


def _scene_body(text: str) -> str | None:
    end = text.rfind("</scene>")
    start = text.rfind("<scene>", 0, end) if end >= 0 else -1
    return None if start < 0 else text[start + len("<scene>") : end]


def positions(params: PositionParams | None = None) -> Reward:
    """How well the claims of ``<scene>`` agree with the objects that the question is about.

    With gold claims ``g`` (the graph's focus objects, ``n`` of them) and ``m`` written entries, malformed ones too::

        credit(c, g) = label(c, g) * mean over x, y[, distance] of max(0, 1 - |c - g| / reach)
        value        = 2 * max over one-to-one matchings of sum(credit) / (n + m)

    so that missing and surplus claims both cost (a soft F1, in [0, 1]); both empty is 1. It follows the spatial reward
    of SpatialThinker (arXiv 2511.07403), which matches predicted to true boxes by Hungarian assignment and averages
    ``(CIoU + 1) / 2`` over the true objects; there disjoint boxes still earn up to .5 and surplus boxes cost nothing.

    A reply without a complete ``<scene>`` scores 0. A sample without scene graph scores None.

    Raises:
        InputError: The prompt's style has no ``<scene>``, or a focus id names no object (in the returned function).
    """
    params = params or PositionParams()

    def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        if prompt.style is not PromptStyle.SCENE_GRAPH:
            raise InputError(
                f"the positions reward needs prompt style 'scene_graph', got {prompt.style.value!r}; "
                "change the style or drop the reward"
            )
        if not isinstance(sample.evidence, SceneGraph):
            return Score(value=None, note=f"sample {sample.id!r} has no scene graph")
        body = _scene_body(completion.text)
        if body is None:
            return Score(value=0.0, note="no complete <scene>")
        frame, codec = frame_of(sample, completion.seen), prompt.codec
        gold = gold_claims(sample, prompt, completion.seen)
        written = parse_claims(body, codec)
        claims, entries = written.items[: params.max_claims], len(written.items) + written.malformed
        parts = {"gold": float(len(gold)), "claims": float(entries), "malformed": float(written.malformed)}
        if not gold or not claims:
            return Score(value=float(not gold and not entries), parts=parts)
        objects = {item.id: item for item in sample.evidence.objects}
        focus = [objects[key] for key in sample.evidence.focus]
        labels = np.array([[label_factor(claim.label, truth, params) for truth in focus] for claim in claims])
        places = np.array([[closeness(claim, truth, codec, frame, params.reach) for truth in gold] for claim in claims])
        rows, columns = linear_sum_assignment(-labels * places)
        credit = float((labels * places)[rows, columns].sum())
        parts |= {"credit": credit, "labels": float(labels[rows, columns].sum()) / len(gold)}
        return Score(value=min(1.0, 2 * credit / (len(gold) + entries)), parts=parts)

    return reward
