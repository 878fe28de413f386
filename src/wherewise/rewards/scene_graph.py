"""SpatialThinker's dense reward: format, count, answer, and the written scene against the true one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field
from scipy.optimize import linear_sum_assignment

from wherewise.answers.boxes import pairwise_ciou
from wherewise.answers.coordinates import decode_box, encode_box
from wherewise.answers.styles import PromptConfig, PromptStyle, frame_of
from wherewise.rewards.accuracy import AccuracyParams, accuracy
from wherewise.rewards.base import Completion, ReplyGroup
from wherewise.rewards.blocks import body_of, layout_problem
from wherewise.rewards.scene_text import WrittenScene, parse_scene
from wherewise.rewards.score import Score
from wherewise.rewards.similarity import MINILM, LabelSimilarity, SimilarityName, label_similarity
from wherewise.samples import GraphObject, Relation, Sample, SceneGraph
from wherewise.samples.errors import DatasetError, InputError


class SceneWeights(BaseModel):
    """Weights of the four terms; SpatialThinker's by default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: float = Field(default=0.1, ge=0)
    """The reply keeps the layout and its scene is well formed."""
    count: float = Field(default=0.2, ge=0)
    """The right things, the right number of times, wherever they are."""
    accuracy: float = Field(default=0.5, ge=0)
    """The answer is right."""
    spatial: float = Field(default=0.2, ge=0)
    """Objects where they are, and relations."""


class SceneGraphParams(BaseModel):
    """Parameters of the ``scene_graph`` reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights: SceneWeights = SceneWeights()
    """Weights of the terms."""
    gate: Literal["lexicographic", "none"] = "lexicographic"
    """``lexicographic``: without the format all is 0, and `spatial` needs a right answer; ``none``: a plain sum."""
    relations: float = Field(default=0.3, ge=0, le=1)
    """Share of the relations in the spatial term, where the graph has relations and the layout can hold them."""
    objects: Literal["focus", "all"] = "focus"
    """Which objects of the graph a perfect scene holds: those that the question is about, or all."""
    similarity: SimilarityName = "exact"
    """How labels and predicates are compared: ``exact``, ``words``, or ``embedding``."""
    model: str = MINILM
    """``embedding`` only: the packaged MiniLM, or a name that sentence-transformers loads."""
    min_similarity: float = Field(default=0.5, ge=0, le=1)
    """Labels and predicates less alike than this do not match at all."""
    blocks: tuple[str, ...] = ()
    """Blocks of the layout, in order; empty takes those of the prompt's style."""
    accuracy: AccuracyParams = AccuracyParams()
    """How the answer is judged."""
    right_at: float = Field(default=1.0, gt=0, le=1)
    """``lexicographic``: the answer counts as right from this accuracy on."""
    max_objects: int = Field(default=64, ge=1)
    """Written objects and relations beyond this many are never matched; they still count as surplus."""


@dataclass(frozen=True, slots=True)
class SceneGraphReward:
    """R = .1 F + .2 N + .5 A + .2 S, each term in [0, 1], with SpatialThinker's weights (arXiv 2511.07403).

    With n true and m written objects (malformed ones too), ``sim`` the label similarity (0 below `min_similarity`), and
    boxes in pixels of the original picture, decoded from the frame that the model saw::

        F = 1 if every block stands once, in order, and the scene is well formed, else 0
        N = 2 * max over one-to-one matchings of sum(sim) / (n + m)
        A = accuracy of the answer, by its declared kind
        O = 2 * max over one-to-one matchings of sum(sim * max(0, CIoU)) / (n + m)
        P = 2 * max over one-to-one matchings of sum(sim of predicates) / (true + written relations),
            where a written relation can only match a true one whose subject and object its own are matched with in O
        S = (1 - relations) * O + relations * P;  S = O without true relations, or where the layout cannot hold them

    ``lexicographic``: F = 0 makes R 0, and S counts only if A is at least `right_at`.

    What is different from the published ``spatial_sgg``: there (CIoU + 1) / 2 pays disjoint boxes up to .5, and surplus
    boxes nothing; relations and label similarity have no effect on S; N compares bare numbers, so that any n objects
    earn it; the answer must repeat letter and text; blocks may stand in any order; boxes are compared in original
    pixels although the model sees, and points into, a resized picture.

    Attributes:
        params: What to measure and how.
        shuffled_share: No shuffled frames are needed.
    """

    params: SceneGraphParams
    shuffled_share: float = 0.0

    def __call__(self, completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        """The score of one reply; None where the sample has no graph or its answer cannot be judged."""
        return self.score_group(ReplyGroup(completions=(completion,), sample=sample, prompt=prompt))[0]

    def score_group(self, group: ReplyGroup) -> tuple[Score, ...]:
        """Scores of all completions; labels of all of them are embedded in one batch.

        Raises:
            InputError: The prompt's style has no ``<scene>``, or its codec writes no boxes.
            DatasetError: The graph's focus or a relation names an object that it does not have.
        """
        params, sample, prompt = self.params, group.sample, group.prompt
        if prompt.style is not PromptStyle.SCENE_GRAPH and "scene" not in params.blocks:
            raise InputError(
                f"the scene_graph reward needs prompt style 'scene_graph', got {prompt.style.value!r}; "
                "change the style or drop the reward"
            )
        if not prompt.codec.box_claims:
            raise InputError(
                f"the scene_graph reward compares boxes, and coordinates {prompt.coordinates!r} write centres; "
                "choose 'pixels' or 'norm1000', or the positions reward"
            )
        if not isinstance(sample.evidence, SceneGraph):
            return tuple(Score(value=None, note=f"sample {sample.id!r} has no scene graph") for _ in group.completions)
        scenes = [self._written(completion, sample, prompt) for completion in group.completions]
        truth, relations = true_scene(sample, sample.evidence, params.objects)
        similarity = label_similarity(params.similarity, params.model)
        similarity.prepare(
            [
                *(item.label for item in truth),
                *(relation.predicate for relation in relations),
                *(item.label for scene in scenes if scene for item in scene.objects[: params.max_objects]),
                *(row[1] for scene in scenes if scene for row in scene.relations[: params.max_objects]),
            ]
        )
        judge = accuracy(params.accuracy)
        return tuple(
            self._score(completion, scene, judge(completion, sample, prompt), group, truth, relations, similarity)
            for completion, scene in zip(group.completions, scenes, strict=True)
        )

    def _written(self, completion: Completion, sample: Sample, prompt: PromptConfig) -> WrittenScene | None:
        body = body_of(completion.text, "scene")
        return None if body is None else parse_scene(body, prompt.codec, frame_of(sample, completion.seen))

    def _score(
        self,
        completion: Completion,
        scene: WrittenScene | None,
        answer: Score,
        group: ReplyGroup,
        truth: Sequence[GraphObject],
        relations: Sequence[Relation],
        similarity: LabelSimilarity,
    ) -> Score:
        params, prompt = self.params, group.prompt
        problem = layout_problem(completion.text, params.blocks or prompt.blocks)
        if completion.truncated:
            problem = "the token limit ended the reply"
        elif problem is None and scene is not None and scene.problems:
            problem = f"<scene>: {scene.problems[0]}"
        parts = {"format": float(problem is None), "count": 0.0, "objects": 0.0, "spatial": 0.0}
        if scene is not None:
            frame = frame_of(group.sample, completion.seen)
            codec = prompt.codec
            writable = [decode_box(codec, encode_box(codec, item.box, frame), frame) for item in truth]
            parts |= compare(scene, truth, writable, relations, similarity, params)
        if answer.value is not None:
            parts["accuracy"] = answer.value
        elif params.weights.accuracy > 0:
            return Score(value=None, parts=parts, note=f"the answer could not be judged: {answer.note}")
        weights, counted = params.weights, dict(parts)
        if params.gate == "lexicographic":
            if problem is not None:
                counted = dict.fromkeys(parts, 0.0)
            elif parts.get("accuracy", 1.0) < params.right_at:
                counted["spatial"] = 0.0
        value = sum(weight * counted.get(name, 0.0) for name, weight in weights.model_dump().items())
        return Score(value=value, parts=parts, note="; ".join(text for text in (problem, answer.note) if text))


def true_scene(
    sample: Sample, graph: SceneGraph, wanted: Literal["focus", "all"]
) -> tuple[tuple[GraphObject, ...], tuple[Relation, ...]]:
    """The objects that a perfect scene holds, and the relations between them.

    Raises:
        DatasetError: The focus or a relation names an object that the graph does not have.
    """
    objects = {item.id: item for item in graph.objects}
    named = {*graph.focus, *(key for row in graph.relations for key in (row.subject, row.object))}
    if named - set(objects):
        raise DatasetError(
            f"focus or relations name objects that the graph does not have: {sorted(named - set(objects))}",
            sample=sample.id,
            field="evidence",
            fix="add the objects or correct the ids",
        )
    kept = dict.fromkeys(graph.focus if wanted == "focus" else objects)
    relations = tuple(row for row in graph.relations if row.subject in kept and row.object in kept)
    return tuple(objects[key] for key in kept), relations


def _matched(credit: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs of the best one-to-one matching that earn anything."""
    rows, columns = linear_sum_assignment(-credit)
    return [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if credit[i, j] > 0]


def _soft_f1(credit: npt.NDArray[np.float64], pairs: Sequence[tuple[int, int]], true: int, written: int) -> float:
    """``2 * matched credit / (true + written)``; 1 when there is nothing on either side."""
    if not true + written:
        return 1.0
    return min(1.0, 2 * sum(float(credit[i, j]) for i, j in pairs) / (true + written))


def compare(
    scene: WrittenScene,
    truth: Sequence[GraphObject],
    boxes: Sequence[Sequence[float]],
    relations: Sequence[Relation],
    similarity: LabelSimilarity,
    params: SceneGraphParams,
) -> dict[str, float]:
    """The terms of a written scene: ``count``, ``objects``, ``spatial``, and ``relations`` where they count.

    Args:
        scene: As written.
        truth: The true objects.
        boxes: Their boxes as the codec can write them, in original pixels, so that a perfect scene earns 1.
        relations: The true relations.
        similarity: Compares labels and predicates.
        params: Thresholds.
    """
    objects = scene.objects[: params.max_objects]
    alike = similarity.matrix([item.label for item in objects], [item.label for item in truth])
    alike = np.where(alike >= params.min_similarity, alike, 0.0)
    placed = alike * pairwise_ciou([item.box for item in objects], boxes).clip(0)
    pairs = _matched(placed)
    # Malformed entries may have been objects or relations: they cost as surplus objects.
    written = len(scene.objects) + scene.malformed
    found = {
        "count": _soft_f1(alike, _matched(alike), len(truth), written),
        "objects": _soft_f1(placed, pairs, len(truth), written),
    }
    found["spatial"] = found["objects"]
    if not relations or not scene.states_relations or not params.relations:
        return found
    rows = scene.relations[: params.max_objects]
    stands_for = {objects[i].id: truth[j].id for i, j in pairs}
    same = similarity.matrix([row[1] for row in rows], [row.predicate for row in relations])
    ends = np.array(
        [
            [(stands_for.get(a), stands_for.get(b)) == (row.subject, row.object) for row in relations]
            for a, _, b in rows
        ],
        dtype=bool,
    ).reshape(len(rows), len(relations))
    credit = np.where(ends & (same >= params.min_similarity), same, 0.0)
    found["relations"] = _soft_f1(credit, _matched(credit), len(relations), len(scene.relations))
    found["spatial"] = (1 - params.relations) * found["objects"] + params.relations * found["relations"]
    return found


def scene_graph(params: SceneGraphParams | None = None) -> SceneGraphReward:
    """The reward of some parameters."""
    return SceneGraphReward(params or SceneGraphParams())
