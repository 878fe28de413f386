"""What a reply writes inside ``<scene>``: JSON objects and relations, or the compact line of claims."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from wherewise.answers.coordinates import CoordinateCodec, Frame, decode_box, parse_claims

Box = tuple[float, float, float, float]

_ID = re.compile(r"[A-Za-z_]{1,80}(?: [A-Za-z_]{1,80}){0,8}\.\d{1,6}")

MAX_CHARS = 200_000
"""A longer scene is not read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenObject:
    """One object of a written scene.

    Attributes:
        id: As relations refer to it; for the compact line its place in the list.
        label: Its name in words.
        box: ``(x1, y1, x2, y2)`` in pixels of the original picture.
    """

    id: str
    label: str
    box: Box


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenScene:
    """A scene as a reply writes it.

    Attributes:
        objects: In order.
        relations: ``(subject id, predicate, object id)``, in order.
        states_relations: The layout can hold relations (JSON can, the compact line cannot).
        problems: What is malformed, in words.
        malformed: Number of entries that are no object or relation.
    """

    objects: tuple[WrittenObject, ...] = ()
    relations: tuple[tuple[str, str, str], ...] = ()
    states_relations: bool = False
    problems: tuple[str, ...] = ()
    malformed: int = 0


def parse_scene(body: str, codec: CoordinateCodec, frame: Frame) -> WrittenScene:
    """Read the body of ``<scene>``.

    JSON (``{"objects": [{"id": "red chair.1", "bbox": [x1, y1, x2, y2]}], "relationships": [{"subject": "red chair.1",
    "predicate": "left of", "object": "lamp.1"}]}``, SpatialThinker's layout) is recognised by its first brace; all else
    is the compact line ``red chair (x1,y1,x2,y2[,distance]); ...``. Numbers are in the codec's units: for ``pixels``
    those of the frame that the model saw. Entries that don't fit are counted and named, never guessed.

    Args:
        body: What stands between the tags.
        codec: How places are written; one that writes boxes.
        frame: Picture sizes, original and seen.
    """
    if len(body) > MAX_CHARS:
        return WrittenScene(problems=(f"the scene is longer than {MAX_CHARS} characters",), malformed=1)
    if not body.lstrip().startswith("{"):
        claims = parse_claims(body, codec)
        objects = tuple(
            WrittenObject(id=str(i), label=claim.label, box=_decoded(claim.place, codec, frame))
            for i, claim in enumerate(claims.items)
        )
        problems = (f"{claims.malformed} malformed claims",) if claims.malformed else ()
        return WrittenScene(objects=objects, problems=problems, malformed=claims.malformed)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:  # a reply may hold anything: bad syntax, huge numbers, deep nesting
        return WrittenScene(states_relations=True, problems=(f"not JSON: {str(error)[:80]}",), malformed=1)
    problems_found: list[str] = []
    for key in value:
        if key not in ("objects", "relationships"):
            problems_found.append(f"unknown key {key[:40]!r}")
    objects_found: list[WrittenObject] = []
    seen: set[str] = set()
    entries = _entries(value, "objects", problems_found)
    for entry in entries:
        problem = _object_problem(entry, seen)
        if problem:
            problems_found.append(problem)
            continue
        seen.add(entry["id"])
        label = entry["id"].rpartition(".")[0].replace("_", " ")
        objects_found.append(
            WrittenObject(id=entry["id"], label=label, box=_decoded(tuple(entry["bbox"]), codec, frame))
        )
    relations: list[tuple[str, str, str]] = []
    rows = _entries(value, "relationships", problems_found)
    for row in rows:
        problem = _relation_problem(row, seen)
        if problem:
            problems_found.append(problem)
        else:
            relations.append((row["subject"], row["predicate"], row["object"]))
    malformed = len(entries) + len(rows) - len(objects_found) - len(relations)
    return WrittenScene(
        objects=tuple(objects_found),
        relations=tuple(relations),
        states_relations=True,
        problems=tuple(problems_found),
        malformed=malformed,
    )


def _decoded(place: tuple[float, ...], codec: CoordinateCodec, frame: Frame) -> Box:
    x1, y1, x2, y2 = (float(number) for number in place)
    return decode_box(codec, (x1, y1, x2, y2), frame)


def _entries(value: dict[str, Any], key: str, problems: list[str]) -> list[Any]:
    entries = value.get(key, [])
    if isinstance(entries, list):
        return entries
    problems.append(f"{key!r} is no list")
    return []


def _object_problem(entry: Any, seen: set[str]) -> str | None:
    if not isinstance(entry, dict) or set(entry) != {"id", "bbox"}:
        return "an object has not exactly the keys id and bbox"
    name, box = entry["id"], entry["bbox"]
    if not isinstance(name, str) or not _ID.fullmatch(name):
        return f"object id {str(name)[:40]!r} is not name.number"
    if name in seen:
        return f"object id {name[:40]!r} repeats"
    if not isinstance(box, list) or len(box) != 4 or not all(_is_number(number) for number in box):
        return f"the box of {name[:40]!r} is not four numbers"
    if box[2] <= box[0] or box[3] <= box[1]:
        return f"the box of {name[:40]!r} is empty or inverted"
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9


def _relation_problem(row: Any, ids: set[str]) -> str | None:
    keys = ("subject", "predicate", "object")
    if not isinstance(row, dict) or set(row) != set(keys) or not all(isinstance(row[key], str) for key in keys):
        return "a relation has not exactly the texts subject, predicate and object"
    strangers = [row[key] for key in ("subject", "object") if row[key] not in ids]
    if strangers:
        return f"a relation names {strangers[0][:40]!r}, which is no written object"
    return None if row["predicate"].strip() else "a relation has no predicate"
