"""VG150 scene graphs as rows of objects and relationships, the source of STVQA-7K.

Source: ``JosephZ/vg150_train_sgg_prompt`` as gpt4vision/R1-SGG documents it; the same layout stands in the answers of
STVQA-7K. A row has ``image_id``, ``image``, ``objects`` (``[{"id": "man.1", "bbox": [x1, y1, x2, y2]}]``, pixels) and
``relationships`` (``[{"subject": "man.1", "predicate": "behind", "object": "bike.1"}]``); the two may be lists or the
JSON text of lists. Files are Parquet (the picture inside) or JSON lines (``width`` and ``height`` in each row, or a
picture to measure).

Visual Genome was annotated freely: what nobody boxed may be there all the same. So scenes are not complete, and nothing
is counted or called absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from wherewise.samples.errors import DatasetError
from wherewise.samples.evidence import Relation
from wherewise.samples.plain import load_json, short
from wherewise.scenes.graphs.flat import FlatObject, flat_scene
from wherewise.scenes.graphs.predicates import canonical
from wherewise.scenes.graphs.records import finite, list_of, mapping, text_of
from wherewise.scenes.scene import Scene

OBJECT_ID = re.compile(r"(.+?)\.(\d+)")
COLUMNS = ("image_id", "image", "width", "height", "objects", "relationships", "file_name")


def vg150_scene(record: Mapping[str, Any], *, width: int, height: int, name: str) -> Scene:
    """The scene of one row.

    Args:
        record: The row.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
        name: Id of the scene.

    Raises:
        DatasetError: A field is missing or wrong.
    """
    objects = []
    for number, entry in enumerate(_parts(record, "objects")):
        field = f"objects[{number}]."
        item = mapping(entry, field[:-1])
        known_as = text_of(item, "id", field)
        match = OBJECT_ID.fullmatch(known_as)
        if match is None:
            raise DatasetError(f"{known_as!r} is not name.number", field=f"{field}id", fix="write man.1, man.2 ...")
        x1, y1, x2, y2 = (
            finite(value, f"{field}bbox[{i}]") for i, value in enumerate(list_of(item, "bbox", field, length=4))
        )
        if x2 <= x1 or y2 <= y1:
            raise DatasetError(
                f"{[x1, y1, x2, y2]} has no area",
                field=f"{field}bbox",
                fix="write x1, y1, x2, y2 with x1 < x2, y1 < y2",
            )
        box = (max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2))
        if box[2] - box[0] < (x2 - x1) / 2 or box[3] - box[1] < (y2 - y1) / 2:
            raise DatasetError(
                f"{[x1, y1, x2, y2]} lies outside the picture of {width} x {height}",
                field=f"{field}bbox",
                fix="write pixels of the picture as it is stored",
            )
        objects.append(FlatObject(id=known_as, category=match[1].replace("_", " ").lower(), box=box))
    known = {item.id for item in objects}
    relations = []
    for number, entry in enumerate(_parts(record, "relationships")):
        field = f"relationships[{number}]."
        item = mapping(entry, field[:-1])
        ends = [text_of(item, end, field) for end in ("subject", "object")]
        for end, which in zip(ends, ("subject", "object"), strict=True):
            if end not in known:
                raise DatasetError(f"there is no object {end!r}", field=f"{field}{which}", fix="write an object's id")
        relations.append(
            Relation(subject=ends[0], predicate=canonical(text_of(item, "predicate", field)), object=ends[1])
        )
    return flat_scene(
        name,
        objects,
        width=width,
        height=height,
        source="vg150",
        complete=False,
        relations=tuple(dict.fromkeys(relations)),
        facts={"image_id": record.get("image_id")},
    )


def _parts(record: Mapping[str, Any], name: str) -> list[Any]:
    value = record.get(name)
    if isinstance(value, str):
        value = load_json(value, name)
    if not isinstance(value, list):
        raise DatasetError(f"expected a list, got {short(value)}", field=name, fix="write a list, or JSON text of one")
    return value
