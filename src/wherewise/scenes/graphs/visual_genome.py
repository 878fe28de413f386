"""Visual Genome: objects and relationships of photographs, in the files of the dataset itself.

Source: the readme of the data dumps (visualgenome.org, "Data Readme"), version 1.2 and later. Read are

* ``image_data.json``: ``[{"image_id", "width", "height", "url"}]``,
* ``objects.json``: ``[{"image_id", "objects": [{"object_id", "names": [..], "x", "y", "w", "h"}]}]``,
* ``relationships.json``: ``[{"image_id", "relationships": [{"predicate", "subject": {..}, "object": {..}}]}]``, where
  subject and object are written as in ``objects.json``.

``x`` and ``y`` are the left and upper edge, all in pixels of the picture; the picture's file is the last two parts of
its ``url`` (``VG_100K/2370463.jpg``). An object has several names where annotators differed; the first is taken.
Boxes reach out of the picture now and then and are cut. Subjects and objects of a relationship that ``objects.json``
does not list are added with their own boxes.

Annotation is free, so scenes are not complete, see `wherewise.scenes.graphs.vg150`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wherewise.samples.errors import DatasetError
from wherewise.samples.evidence import Relation
from wherewise.samples.plain import short
from wherewise.scenes.graphs.flat import FlatObject, flat_scene
from wherewise.scenes.graphs.predicates import canonical
from wherewise.scenes.graphs.records import array_items, list_of, mapping, number_of, text_of, whole
from wherewise.scenes.scene import Scene


def visual_genome(folder: Path) -> Iterator[tuple[Scene, str]]:
    """The pictures of a Visual Genome folder, in the order of ``objects.json``, each with the path of its file.

    ``objects.json`` and ``relationships.json`` are read side by side, item by item.

    Raises:
        DatasetError: A file is missing, a field is wrong, or the two files list pictures in different order.
    """
    images = {}
    path = folder / "image_data.json"
    for number, entry in array_items(path):
        try:
            images[whole(entry, "image_id", "")] = entry
        except DatasetError as error:
            raise error.at(file=str(path), sample=f"item {number}") from error
    related = array_items(folder / "relationships.json")
    path = folder / "objects.json"
    for number, entry in array_items(path):
        try:
            known_as = whole(entry, "image_id", "")
            _, relations = next(related, (number, {"image_id": None}))
            if relations.get("image_id") != known_as:
                raise DatasetError(
                    f"relationships.json has picture {relations.get('image_id')} here",
                    field="image_id",
                    fix="take both files from the same release",
                )
            if known_as not in images:
                raise DatasetError(
                    "image_data.json does not have it", field="image_id", fix="take files of one release"
                )
            yield _scene(known_as, images[known_as], entry, relations), picture_path(images[known_as])
        except DatasetError as error:
            raise error.at(file=str(path), sample=f"item {number}") from error


def picture_path(image: Mapping[str, Any]) -> str:
    """File of a picture inside the folder of pictures.

    >>> picture_path({"url": "https://cs.stanford.edu/people/rak248/VG_100K/2370463.jpg"})
    'VG_100K/2370463.jpg'
    """
    return "/".join(text_of(image, "url", "image_data: ").split("/")[-2:])


def _scene(known_as: int, image: Mapping[str, Any], entry: Mapping[str, Any], related: Mapping[str, Any]) -> Scene:
    width, height = whole(image, "width", "image_data: "), whole(image, "height", "image_data: ")
    objects: dict[str, FlatObject] = {}

    def add(item: Mapping[str, Any], field: str) -> str | None:
        name = str(whole(item, "object_id", field))
        if name not in objects:
            made = _object(name, item, field, width, height)
            if made is None:
                return None
            objects[name] = made
        return name

    for number, item in enumerate(list_of(entry, "objects", "")):
        add(mapping(item, f"objects[{number}]"), f"objects[{number}].")
    relations = []
    for number, item in enumerate(list_of(related, "relationships", "")):
        field = f"relationships[{number}]."
        item = mapping(item, field.rstrip("."))
        ends = [add(mapping(item.get(end), f"{field}{end}"), f"{field}{end}.") for end in ("subject", "object")]
        if ends[0] is not None and ends[1] is not None and ends[0] != ends[1]:
            predicate = canonical(text_of(item, "predicate", field))
            relations.append(Relation(subject=ends[0], predicate=predicate, object=ends[1]))
    return flat_scene(
        f"visual-genome-{known_as}",
        list(objects.values()),
        width=width,
        height=height,
        source="visual_genome",
        complete=False,
        relations=tuple(dict.fromkeys(relations)),
        facts={"image_id": known_as},
    )


def _object(name: str, item: Mapping[str, Any], field: str, width: int, height: int) -> FlatObject | None:
    """The object; None where nothing of its box lies in the picture."""
    names = item.get("names", [item["name"]] if "name" in item else [])
    if not isinstance(names, list) or not names or not isinstance(names[0], str) or not names[0].strip():
        raise DatasetError(f"{short(names)} are no names", field=f"{field}names", fix="write a list of words")
    x, y, w, h = (number_of(item, edge, field) for edge in ("x", "y", "w", "h"))
    box = (max(0.0, x), max(0.0, y), min(float(width), x + w), min(float(height), y + h))
    if box[2] <= box[0] or box[3] <= box[1]:
        return None
    return FlatObject(id=name, category=names[0].strip().lower(), box=box)
