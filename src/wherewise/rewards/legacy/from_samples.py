"""Our samples in the seeds' notation: option texts, numbers and answers as their data writes them."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from wherewise.answers.styles import number_text
from wherewise.samples import (
    Box,
    Choice,
    GraphObject,
    GridMap,
    Number,
    Point,
    Sample,
    SceneGraph,
    Timeline,
    TimelineEvent,
    answer_text,
)

_NOT_A_NAME = re.compile(r"[^a-zA-Z]+")


def plain_answer(sample: Sample) -> str:
    """The answer alone: an option's text, a number without unit, ``yes`` or ``no``.

    Boxes and points are in pixels of the original picture.
    """
    match sample.answer:
        case Number():
            return number_text(sample.answer.value)
        case Box():
            return json.dumps([round(value) for value in sample.answer.xyxy])
        case Point():
            return json.dumps([round(value) for value in sample.answer.xy])
    return answer_text(sample.answer)


def lettered_answer(sample: Sample, pattern: str) -> str:
    """An option by a pattern of ``{letter}`` and ``{text}``; any other answer plainly."""
    if isinstance(sample.answer, Choice):
        return pattern.format(letter=sample.answer.letter, text=sample.answer.text)
    return plain_answer(sample)


def focus_objects(graph: SceneGraph) -> tuple[GraphObject, ...]:
    """The objects that the question is about; without a focus, all of them."""
    known = {item.id: item for item in graph.objects}
    return tuple(known[key] for key in graph.focus) if graph.focus else graph.objects


def scene_json(graph: SceneGraph) -> str:
    """SpatialThinker's scene graph: ids ``name.number``, boxes in pixels of the original picture, relations of both."""
    objects: list[dict[str, Any]] = []
    ids: dict[str, str] = {}
    for item in focus_objects(graph):
        name = _NOT_A_NAME.sub("_", item.label).strip("_") or "object"
        ids[item.id] = f"{name}.{len(ids) + 1}"
        objects.append({"id": ids[item.id], "bbox": [round(value, 2) for value in item.box]})
    relations = [
        {"subject": ids[r.subject], "predicate": r.predicate, "object": ids[r.object]}
        for r in graph.relations
        if r.subject in ids and r.object in ids
    ]
    return json.dumps({"objects": objects, "relationships": relations})


def grid_map_of(sample: Sample) -> GridMap | None:
    """The sample's grid map: its evidence, or its answer."""
    if isinstance(sample.evidence, GridMap):
        return sample.evidence
    return sample.answer if isinstance(sample.answer, GridMap) else None


def clock(seconds: float) -> str:
    """``MM:SS``, or ``HH:MM:SS`` from an hour on; rounded to the nearest second, halves up.

    >>> clock(62.5), clock(3600)
    ('01:03', '01:00:00')
    """
    whole = math.floor(seconds + 0.5)
    minutes = f"{whole // 60 % 60:02d}:{whole % 60:02d}"
    return f"{whole // 3600:02d}:{minutes}" if whole >= 3600 else minutes


def clock_key(event: TimelineEvent) -> str:
    """When an event is, as Video-R2's data writes it: ``MM:SS`` or ``MM:SS-MM:SS``."""
    start, end = clock(event.start), clock(event.end)
    return start if start == end else f"{start}-{end}"


def timeline_table(timeline: Timeline) -> dict[str, str]:
    """Video-R2's ``temporal_grounding``: time to sentence; of events at the same time the last one stays."""
    return {clock_key(event): event.label for event in timeline.events}


def timeline_text(timeline: Timeline) -> str:
    """The timeline as reasoning tells it: a sentence per event, its time in front."""
    return " ".join(f"{clock_key(event)} {event.label}." for event in timeline.events)
