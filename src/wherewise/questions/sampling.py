"""Question to `Sample`: evidence, rationale and facts in the contract's form."""

from __future__ import annotations

from typing import Literal

from wherewise.questions.config import MarginsConfig
from wherewise.questions.geometry import depth_range, overlap_share
from wherewise.questions.question import Question
from wherewise.questions.referring import Referent, depth_known, depth_margin, referents
from wherewise.samples.evidence import GraphObject, Relation, SceneGraph, Timeline, TimelineEvent
from wherewise.samples.media import Media
from wherewise.samples.sample import Sample
from wherewise.scenes import Scene, SceneObject, View, Visibility


def to_sample(
    question: Question,
    scene: Scene,
    media: tuple[Media, ...],
    *,
    number: int,
    split: str = "train",
    license: str = "CC0-1.0",
    margins: MarginsConfig | None = None,
    rationale: Literal["words", "metric"] = "words",
) -> Sample:
    """Turn a question into a sample.

    Args:
        question: The question.
        scene: The scene it was asked of; its id is the sample's group.
        media: What the model sees of the scene.
        number: Number of the question within scene and task; part of the id.
        split: Split that the scene belongs to.
        license: Licence of media and text.
        margins: Margins that decide which objects and relations the evidence lists; defaults where None.
        rationale: ``metric`` prefers the reason with numbers where the question has one.
    """
    margins = margins or MarginsConfig()
    evidence = question.evidence
    if evidence is None and len(scene.views) == 1:
        evidence = scene_graph(scene, question.focus, margins)
    elif evidence is None and scene.views and not scene.pictures:
        evidence = timeline(scene)
    told = question.reckoning if rationale == "metric" and question.reckoning else question.rationale
    return Sample(
        id=f"{scene.id}-{question.task}-{number}",
        media=media,
        question=question.text,
        options=question.options,
        answer=question.answer,
        task=question.task,
        evidence=evidence,
        rationale=told,
        group=scene.id,
        split=split,
        source=scene.source,
        license=license,
        seed=scene.seed,
        facts=dict(question.facts),
    )


def scene_graph(scene: Scene, focus: tuple[str, ...], margins: MarginsConfig) -> SceneGraph:
    """The nameable objects of a still and the clear relations between those in focus and the others.

    Relations are listed in one direction: ``left_of``, ``above``, ``in_front_of``.
    """
    view = scene.views[0]
    named, _ = referents(scene, view, margins)
    listed = [(item.object, item.seen) for item in named]
    known = {item.object.id for item in named}
    listed += [(scene.object(name), view.visible[name]) for name in focus if name not in known and _is_seen(view, name)]
    relations = [
        relation
        for first in named
        for second in named
        if first is not second and (first.object.id in focus or second.object.id in focus)
        for relation in _relations(first, second, scene, margins)
    ]
    return SceneGraph(
        width=view.camera.width,
        height=view.camera.height,
        objects=tuple(_graph_object(thing, seen) for thing, seen in listed),
        relations=tuple(relations),
        focus=tuple(name for name in focus if _is_seen(view, name)),
    )


def _is_seen(view: View, name: str) -> bool:
    return name in view.visible and view.visible[name].box is not None


def _graph_object(thing: SceneObject, seen: Visibility) -> GraphObject:
    assert seen.box is not None
    x1, y1, x2, y2 = seen.box
    attributes = {"category": thing.category} | ({"color": thing.color} if thing.color else {})
    return GraphObject(
        id=thing.id,
        label=thing.label,
        box=(float(x1), float(y1), float(x2), float(y2)),
        distance=seen.distance,
        attributes=tuple(sorted(attributes.items())),
    )


def _relations(first: Referent, second: Referent, scene: Scene, margins: MarginsConfig) -> list[Relation]:
    found: list[str] = []
    camera = scene.views[0].camera
    for axis, predicate, extent, least in (
        (0, "left_of", camera.width, margins.horizontal_gap),
        (1, "above", camera.height, margins.vertical_gap),
    ):
        shared = overlap_share((first.box[axis], first.box[axis + 2]), (second.box[axis], second.box[axis + 2]))
        if second.center[axis] - first.center[axis] > least * extent and shared < margins.max_overlap:
            found.append(predicate)
    if not depth_known(scene):
        return [Relation(subject=first.object.id, predicate=name, object=second.object.id) for name in found]
    near, far = depth_range(camera, first.object), depth_range(camera, second.object)
    if sum(far) - sum(near) > 2 * depth_margin(scene, sum(near) / 2, margins) and (
        near[0] < far[0] and near[1] < far[1]
    ):
        found.append("in_front_of")
    return [Relation(subject=first.object.id, predicate=name, object=second.object.id) for name in found]


def timeline(scene: Scene) -> Timeline:
    """When each object of a clip is in view, from its first to its last visible pixel."""
    spans: dict[str, tuple[float, float]] = {}
    for view in scene.views:
        for name in view.visible:
            spans[name] = (spans[name][0] if name in spans else view.time, view.time)
    events = [TimelineEvent(label=scene.object(name).label, start=a, end=b) for name, (a, b) in spans.items()]
    return Timeline(events=tuple(sorted(events, key=lambda event: (event.start, event.label))))
