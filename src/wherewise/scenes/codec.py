"""A `Scene` as one JSON record, and back, without loss: what a verifier or a viewer needs besides the picture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from wherewise.samples.errors import DatasetError
from wherewise.samples.files import read_lines
from wherewise.samples.plain import from_plain, load_json, short, to_plain
from wherewise.scenes.scene import Scene

_OPTIONAL: dict[str, dict[str, Any]] = {
    "scene": {"units_known": True, "complete": True, "pictures": False, "rooms": [], "doors": [], "relations": []},
    "object": {"attributes": {}},
    "view": {"poses": {}, "gone": []},
}
"""Fields that a record leaves out where they have these values; a reader fills them in."""


def scene_to_record(scene: Scene) -> dict[str, Any]:
    """Plain JSON values of a scene; optional fields are left out where they say nothing.

    Raises:
        DatasetError: A value has no exact JSON form.
    """
    record = _lean(to_plain(scene, "scene"), "scene")
    record["objects"] = [_lean(thing, "object") for thing in record["objects"]]
    record["views"] = [_lean(view, "view") for view in record["views"]]
    return record


def _lean(record: dict[str, Any], kind: str) -> dict[str, Any]:
    left_out = _OPTIONAL[kind]
    return {name: value for name, value in record.items() if name not in left_out or value != left_out[name]}


def scene_from_record(record: Mapping[str, Any]) -> Scene:
    """The scene of a record.

    Raises:
        DatasetError: A field is missing, unknown or of the wrong type.
    """
    scene = from_plain(Scene, dict(record), "scene")
    assert isinstance(scene, Scene)
    return scene


def scene_line(scene: Scene) -> str:
    """The scene as one line of a ``.jsonl`` file, newline included."""
    return json.dumps(scene_to_record(scene), ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def write_scenes(scenes: Iterable[Scene], path: Path) -> int:
    """Write scenes one a line; returns how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for scene in scenes:
            stream.write(scene_line(scene))
            count += 1
    return count


def read_scenes(path: Path) -> Iterator[Scene]:
    """Read scenes from a ``.jsonl`` file as a stream.

    Raises:
        DatasetError: A line is not a scene; names file, line, field and fix.
    """
    for number, line in read_lines(path):
        try:
            record = load_json(line, None)
            if not isinstance(record, dict):
                raise DatasetError(f"{short(record)} is no scene", fix="write {...}")
            yield scene_from_record(record)
        except DatasetError as error:
            raise error.at(file=str(path), row=number) from error
