"""What a question's truth and a reply's claims look like when drawn: boxes, relations, events and cells.

Truth comes from a sample's evidence; claims from the blocks of a reply (``<scene>``, ``<timeline>``, ``<map>``) and
from an answer that is a box or a point. Both have one form, so that a page draws truth solid and claim dashed:

    {"boxes": [{"label", "box", "id"?, "focus"?, "distance"?}], "relations": [[subject, predicate, object]],
     "events": [{"label", "start", "end"}], "cells": [[label, [[column, row], ...]]], "grid": size}

Boxes are in pixels of the original picture. A key whose list would be empty is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from wherewise.answers.coordinates import CoordinateCodec, Frame, decode_box, parse_claims
from wherewise.answers.grid_text import read_grid
from wherewise.answers.timelines import read_timeline
from wherewise.samples import TimelineEvent

_SAID = re.compile(r"<(scene|map|timeline)>(.*?)(?:</\1>|$)", re.DOTALL | re.IGNORECASE)
_ANSWER = re.compile(r"<answer>([^<]{0,400})(?:</answer>|$)", re.IGNORECASE)
_NUMBERS = re.compile(r"\s*[\[(]?\s*(\d{1,6}(?:\.\d{1,6})?(?:\s*,\s*\d{1,6}(?:\.\d{1,6})?){1,3})\s*[\])]?\s*\.?\s*")
MOST = 60
"""Boxes, relations and events of one reply that are drawn; a runaway reply repeats itself thousands of times."""

LONGEST = 20_000
"""Characters of a reply that are searched for claims."""


def truth_of(evidence: Mapping[str, Any] | None, gold: str = "") -> dict[str, Any]:
    """What is so, from the plain form of a sample's evidence.

    Args:
        evidence: ``{"kind": "scene_graph" | "timeline" | "grid_map", ...}``, or None.
        gold: The gold answer as text; a box or a point (in pixels) is drawn as ``answer``.
    """
    found: dict[str, Any] = {}
    record = evidence or {}
    if "objects" in record:
        focus = set(record.get("focus") or ())
        labels = {each["id"]: each["label"] for each in record["objects"]}
        found["boxes"] = [
            {
                "id": each["id"],
                "label": each["label"],
                "box": [round(float(v), 1) for v in each["box"]],
                "focus": each["id"] in focus,
            }
            | ({} if each.get("distance") is None else {"distance": round(float(each["distance"]), 2)})
            for each in record["objects"]
        ]
        found["relations"] = [
            [
                labels.get(each["subject"], each["subject"]),
                each["predicate"],
                labels.get(each["object"], each["object"]),
            ]
            for each in record.get("relations") or ()
        ]
    if "events" in record:
        found["events"] = [{key: each[key] for key in ("label", "start", "end")} for each in record["events"]]
    if "cells" in record:
        found["cells"] = [[label, [list(place) for place in places]] for label, places in record["cells"]]
        found["grid"] = record["size"]
    numbers = _numbers(gold)
    if numbers is not None:
        found["gold"] = {"box": numbers} if len(numbers) == 4 else {"point": numbers}
    return {key: value for key, value in found.items() if value}


def claims_of_reply(
    text: str, codec: CoordinateCodec, size: tuple[int, int] | None, seen: tuple[int, int] | None = None
) -> dict[str, Any]:
    """What a reply says is where and when.

    Args:
        text: The reply.
        codec: How it writes places.
        size: ``(width, height)`` of the original picture; None where it is not known, which draws no box.
        seen: ``(width, height)`` of the picture as the model saw it, for ``pixels``; None takes the original's.
    """
    frame = None
    if size is not None:
        seen_width, seen_height = seen or (None, None)
        frame = Frame(width=size[0], height=size[1], seen_width=seen_width, seen_height=seen_height)
    found: dict[str, list[Any]] = {"boxes": [], "relations": [], "events": [], "cells": []}
    text = text[:LONGEST]
    for match in _SAID.finditer(text):
        tag, body = match[1].lower(), match[2].strip()
        if tag == "timeline":
            events = cast(Sequence[TimelineEvent], read_timeline(body).value or ())
            found["events"] += [{"label": e.label, "start": e.start, "end": e.end} for e in events]
        elif tag == "map":
            cells = cast(Sequence[tuple[str, Sequence[tuple[float, float]]]], read_grid(body).value or ())
            found["cells"] += [[label, [list(place) for place in places]] for label, places in cells]
        elif body.startswith("{"):
            _json_graph(body, codec, frame, found)
        elif frame is not None:
            found["boxes"] += [
                {"label": claim.label, "box": _box(claim.place, codec, frame)}
                | ({} if claim.distance is None else {"distance": round(codec.decode_distance(claim.distance), 2)})
                for claim in parse_claims(body, codec).items
            ]
    answer = _ANSWER.search(text)
    numbers = _numbers(answer[1]) if answer else None
    if numbers is not None and frame is not None:
        found["boxes"].append({"label": "answer", "box": _box(tuple(numbers), codec, frame)})
    return {key: value[:MOST] for key, value in found.items() if value}


def _numbers(text: str) -> list[float] | None:
    """The two numbers of a point or the four of a box that a text consists of."""
    match = _NUMBERS.fullmatch(text)
    numbers = [float(part) for part in match[1].split(",")] if match else []
    return numbers if len(numbers) in (2, 4) else None


def _box(place: tuple[float, ...], codec: CoordinateCodec, frame: Frame) -> list[float]:
    """Written numbers as a box in pixels; a point is a box of a tenth of the picture's sides around it."""
    if len(place) == 4:
        x1, y1, x2, y2 = decode_box(codec, (place[0], place[1], place[2], place[3]), frame)
    else:
        x, y = codec.decode_point((place[0], place[1]), frame)
        half_width, half_height = frame.width / 20, frame.height / 20
        x1, y1, x2, y2 = x - half_width, y - half_height, x + half_width, y + half_height
    return [round(min(max(v, -1e5), 1e5), 1) for v in (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))]


def _json_graph(body: str, codec: CoordinateCodec, frame: Frame | None, found: dict[str, list[Any]]) -> None:
    """A scene graph as JSON: ``objects`` (``id``, ``bbox``), ``relationships`` (subject, predicate, object)."""
    try:
        graph = json.loads(body)
    except (json.JSONDecodeError, RecursionError):  # a reply may say anything; what is not a graph claims nothing
        return
    rows = graph.get("objects")
    for row in rows if isinstance(rows, list) else []:
        box = row.get("bbox", row.get("box")) if isinstance(row, dict) else None
        if frame is None or not isinstance(box, list) or len(box) != 4:
            continue
        if all(type(v) in (int, float) for v in box):
            place = tuple(min(max(float(v), -1e6), 1e6) for v in box)
            found["boxes"].append(
                {"label": str(row.get("id", row.get("label", "?"))), "box": _box(place, codec, frame)}
            )
    relations = graph.get("relationships", graph.get("relations"))
    for row in relations if isinstance(relations, list) else []:
        if isinstance(row, dict) and {"subject", "predicate", "object"} <= set(row):
            found["relations"].append([str(row[key]) for key in ("subject", "predicate", "object")])
