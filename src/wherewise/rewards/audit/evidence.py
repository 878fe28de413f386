"""Evidence that deserves little: boxes, times and cells that no one looked for. Pure functions of the true evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from wherewise.rewards.audit.case import renamed_map
from wherewise.rewards.legacy.from_samples import focus_objects
from wherewise.samples import Evidence, GraphObject, GridMap, SceneGraph, Timeline, TimelineEvent

Forge = Callable[[Evidence], Evidence | None]
"""True evidence to forged; None where it doesn't apply."""

MANY = 500
"""Objects of ``many_boxes``."""


def _objects(change: Callable[[SceneGraph, tuple[GraphObject, ...]], list[GraphObject]]) -> Forge:
    """Forge a scene's focus objects; relations of objects that are kept stay."""

    def forge(evidence: Evidence) -> Evidence | None:
        if not isinstance(evidence, SceneGraph) or not focus_objects(evidence):
            return None
        objects = tuple(change(evidence, focus_objects(evidence)))
        return dataclasses.replace(evidence, objects=objects, focus=tuple(item.id for item in objects))

    return forge


def _huge(graph: SceneGraph, objects: tuple[GraphObject, ...]) -> list[GraphObject]:
    box = (0.0, 0.0, float(graph.width), float(graph.height))
    return [dataclasses.replace(item, box=box, distance=None) for item in objects]


def _elsewhere(graph: SceneGraph, objects: tuple[GraphObject, ...]) -> list[GraphObject]:
    """Small boxes in the corner that is farthest from the object."""
    forged = []
    for item in objects:
        x = 0.0 if item.box[0] + item.box[2] > graph.width else graph.width - graph.width / 20
        y = 0.0 if item.box[1] + item.box[3] > graph.height else graph.height - graph.height / 20
        box = (x, y, x + graph.width / 20, y + graph.height / 20)
        forged.append(dataclasses.replace(item, box=box, distance=None))
    return forged


def _many(graph: SceneGraph, objects: tuple[GraphObject, ...]) -> list[GraphObject]:
    """The objects' labels all over the picture."""
    side, forged = 16, []
    for i in range(MANY):
        item, cell = objects[i % len(objects)], i // len(objects)
        x, y = cell % side * graph.width / side, cell // side % side * graph.height / side
        box = (x, y, x + graph.width / 4, y + graph.height / 4)
        forged.append(dataclasses.replace(item, id=f"{item.id}_{i}", box=box))
    return forged


def _repeated(graph: SceneGraph, objects: tuple[GraphObject, ...]) -> list[GraphObject]:
    return [dataclasses.replace(objects[0], id=f"{objects[0].id}_{i}") for i in range(20)]


def _degenerate(graph: SceneGraph, objects: tuple[GraphObject, ...]) -> list[GraphObject]:
    return [dataclasses.replace(item, box=(0.0, 0.0, 0.0, 0.0), distance=None) for item in objects]


def _nameless(graph: SceneGraph, objects: tuple[GraphObject, ...]) -> list[GraphObject]:
    words = ("thing", "item", "matter", "stuff", "piece", "entity")
    return [dataclasses.replace(item, label=words[i % len(words)], attributes=()) for i, item in enumerate(objects)]


def _safe_claim(evidence: Evidence) -> Evidence | None:
    if not isinstance(evidence, Timeline) or len(evidence.events) < 4:
        return None
    return Timeline(events=evidence.events[:1])


def _whole_clip(evidence: Evidence) -> Evidence | None:
    if not isinstance(evidence, Timeline) or len(evidence.events) < 2:
        return None
    last = max(event.end for event in evidence.events)
    return Timeline(events=tuple(dataclasses.replace(event, start=0, end=last) for event in evidence.events))


def _all_times(evidence: Evidence) -> Evidence | None:
    if not isinstance(evidence, Timeline) or len(evidence.events) < 2:
        return None
    last = int(max(event.end for event in evidence.events))
    labels = [event.label for event in evidence.events]
    claims = [TimelineEvent(label=label, start=t, end=t) for t in range(0, last + 1, 2) for label in labels]
    return Timeline(events=tuple(claims[:200]))


def _centre(evidence: Evidence) -> Evidence | None:
    if not isinstance(evidence, GridMap) or not evidence.cells:
        return None
    middle = (evidence.size // 2, evidence.size // 2)
    return GridMap(
        size=evidence.size, cells=tuple((name, tuple(middle for _ in cells)) for name, cells in evidence.cells)
    )


def _full(evidence: Evidence) -> Evidence | None:
    if not isinstance(evidence, GridMap) or not evidence.cells:
        return None
    every = tuple((x, y) for y in range(evidence.size) for x in range(evidence.size))
    return GridMap(size=evidence.size, cells=tuple((name, every) for name, _ in evidence.cells))


FORGERIES: dict[str, tuple[Forge, str]] = {
    "huge_box": (_objects(_huge), "every box is the whole picture"),
    "boxes_elsewhere": (_objects(_elsewhere), "small boxes where the objects are not"),
    "many_boxes": (_objects(_many), f"{MANY} boxes all over the picture"),
    "repeated_object": (_objects(_repeated), "one right object 20 times"),
    "degenerate_boxes": (_objects(_degenerate), "boxes without any area"),
    "nameless_boxes": (_objects(_nameless), "right boxes of things without a name"),
    "one_safe_claim": (_safe_claim, "the first event alone"),
    "whole_clip_claims": (_whole_clip, "every event lasts for the whole clip"),
    "claims_at_all_times": (_all_times, "every event every two seconds"),
    "centre_map": (_centre, "every object in the middle of the grid"),
    "full_map": (_full, "every object in every cell"),
}
"""Forged evidence by name, and what it is in words."""


def false_evidence(evidence: Evidence) -> Evidence | None:
    """Evidence that is well-formed and wrong: what an honest mistake looks like."""
    match evidence:
        case SceneGraph():
            return FORGERIES["boxes_elsewhere"][0](evidence)
        case Timeline():
            return Timeline(events=tuple(dataclasses.replace(e, label="A zebra sings") for e in evidence.events))
        case GridMap():
            return renamed_map(evidence)
