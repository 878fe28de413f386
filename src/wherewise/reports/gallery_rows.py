"""A sample as one row of the gallery's data: plain values, parts that many samples share stored once."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wherewise.reports.clearance import clearance
from wherewise.samples.answer import Box, Choice, GridMap, Point, answer_text
from wherewise.samples.evidence import SceneGraph, Timeline
from wherewise.samples.media import Media, Video
from wherewise.samples.plain import to_plain
from wherewise.samples.sample import Sample

ANSWERS_SHOWN = 14
"""Answers of a task in the balance chart; the rest are counted together."""


class Table:
    """Values that several rows share, each stored once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    def add(self, value: Any) -> int:
        """Position of an equal value, stored now if there is none yet."""
        key = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(value)
        return self._places[key]


def medium_key(sample: Sample, medium: Media) -> str:
    """Names a medium of a group: its path or the hash of its bytes, and the span of a clip."""
    source = medium.path if medium.data is None else hashlib.sha256(medium.data).hexdigest()
    span = f"{medium.start}-{medium.end}-{medium.frame_times}" if isinstance(medium, Video) else ""
    return "\x1f".join((sample.split, sample.group, str(source), span))


def medium_record(medium: Media) -> dict[str, Any]:
    """What a medium says of itself."""
    record: dict[str, Any] = {"type": "video" if isinstance(medium, Video) else "image", "path": medium.path}
    record |= {"width": medium.width, "height": medium.height, "shots": []}
    if isinstance(medium, Video):
        record |= {"fps": medium.fps, "duration": medium.duration, "start": medium.start, "end": medium.end}
    return {name: value for name, value in record.items() if value is not None}


@dataclass(kw_only=True, slots=True)
class Tally:
    """Answers and letters of one task, over all its samples.

    Attributes:
        answers: How often each answer comes.
        letters: How often each option letter is right.
        kinds: How often each answer kind comes.
    """

    answers: Counter[str] = field(default_factory=Counter)
    letters: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, sample: Sample) -> None:
        """Count a sample."""
        self.answers[answer_text(sample.answer)] += 1
        self.kinds[sample.answer.kind] += 1
        if isinstance(sample.answer, Choice):
            self.letters[sample.answer.letter] += 1

    def record(self) -> dict[str, Any]:
        """Plain values for the page."""
        return {
            "answers": self.answers.most_common(ANSWERS_SHOWN),
            "distinct": len(self.answers),
            "total": self.answers.total(),
            "letters": sorted(self.letters.items()),
            "kinds": self.kinds.most_common(),
        }


class Rows:
    """Rows, and the tables that they point into.

    Attributes:
        rows: One a sample.
        media: Media by position; their shots are filled in later.
        graphs: Objects of scene graphs.
        timelines: Events of clips.
    """

    def __init__(self, margins: Mapping[str, Any]) -> None:
        self.rows: list[dict[str, Any]] = []
        self.media: list[dict[str, Any]] = []
        self.graphs = Table()
        self.timelines = Table()
        self._margins = margins
        self._media_places: dict[str, int] = {}

    def media_of(self, sample: Sample) -> list[int]:
        """Positions of a sample's media, stored now where they are new."""
        places = []
        for medium in sample.media:
            key = medium_key(sample, medium)
            if key not in self._media_places:
                self._media_places[key] = len(self.media)
                self.media.append(medium_record(medium))
            places.append(self._media_places[key])
        return places

    def add(self, sample: Sample) -> None:
        """Store a sample's row."""
        answer = sample.answer
        row: dict[str, Any] = {
            "id": sample.id,
            "task": sample.task,
            "split": sample.split,
            "group": sample.group,
            "kind": answer.kind,
            "question": sample.question,
            "answer": answer_text(answer),
            "media": self.media_of(sample),
        }
        optional: dict[str, Any] = {
            "options": list(sample.options),
            "letter": answer.letter if isinstance(answer, Choice) else None,
            "rationale": sample.rationale,
            "facts": short_numbers(to_plain(sample.facts, "facts")),
            "margin": _rounded(clearance(sample.task, sample.facts, self._margins)),
            "source": sample.source,
            "license": sample.license,
            "seed": None if sample.seed is None else str(sample.seed),
            **self._gold(sample),
            **self._evidence(sample),
        }
        self.rows.append(row | {name: value for name, value in optional.items() if value not in (None, "", [], {})})

    def _gold(self, sample: Sample) -> dict[str, Any]:
        match sample.answer:
            case Box(xyxy=box):
                return {"gold": {"box": list(box)}}
            case Point(xy=point):
                return {"gold": {"point": list(point)}}
            case GridMap() as grid:
                return {"cells": _cells(grid)}
        return {}

    def _evidence(self, sample: Sample) -> dict[str, Any]:
        match sample.evidence:
            case SceneGraph() as graph:
                objects = [
                    [each.id, each.label, [round(v, 2) for v in each.box], _rounded(each.distance)]
                    for each in graph.objects
                ]
                value = {"width": graph.width, "height": graph.height, "objects": objects}
                relations = [[each.subject, each.predicate, each.object] for each in graph.relations]
                return {"graph": self.graphs.add(value), "relations": relations, "focus": list(graph.focus)}
            case Timeline(events=events):
                return {"timeline": self.timelines.add([[e.label, round(e.start, 3), round(e.end, 3)] for e in events])}
            case GridMap() as grid:
                return {"cells": _cells(grid)}
        return {}


def _cells(grid: GridMap) -> dict[str, Any]:
    return {"size": grid.size, "cells": [[label, [list(cell) for cell in cells]] for label, cells in grid.cells]}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def short_numbers(value: Any) -> Any:
    """Plain values with floats cut to six significant digits."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, list):
        return [short_numbers(item) for item in value]
    if isinstance(value, dict):
        return {name: short_numbers(item) for name, item in value.items()}
    return value
