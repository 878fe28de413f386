"""Reading scene metadata of the VSI-Bench schema, with every mistake located.

One JSON file describes many scenes::

    {"scene0704_00": {"dataset": "scannet", "room_size": 14.2, "object_counts": {"chair": 2},
                      "object_bbox": {"chair": [{"centroid": [x, y, z], "axesLengths": [a, b, c],
                                                 "normalizedAxes": [9 numbers], "min": [...], "max": [...]}, ...]}}}

Source: ``data/meta_info`` of vision-x-nyu/thinking-in-space. VITA-Group/VLM-3R writes the same with ``object_bboxes``
for ``object_bbox`` and an ``instance_id`` in each box; both are read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherewise.samples.errors import DatasetError
from wherewise.samples.files import read_text
from wherewise.samples.plain import load_json, short
from wherewise.scenes.boxes import OrientedBox
from wherewise.scenes.scans.conventions import BoxAxes, Convention

ORTHONORMAL = 1e-3
"""Largest error of the products of two axes of a box."""
EXTENT = 0.01
"""Largest difference, in metres, between a box and the ``min`` and ``max`` that stand beside it."""

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One annotated object.

    Attributes:
        category: What it is.
        number: Place among the boxes of its category, from 0.
        box: Where it is.
        instance: Id that the frames of the scan call it by, if the file has one.
    """

    category: str
    number: int
    box: OrientedBox
    instance: int | str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanRecord:
    """What a metadata file says about one scene.

    Attributes:
        dataset: Scan set that it belongs to.
        scene: Id of the scene in that set.
        room_size: Floor area in square metres.
        counts: Number of objects of each category.
        instances: The objects that have boxes, category after category.
        file: File that says so.
    """

    dataset: str
    scene: str
    room_size: float
    counts: Mapping[str, int]
    instances: tuple[Instance, ...]
    file: str


def read_table(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object.

    Raises:
        DatasetError: It is missing, no text, no JSON, or holds something else.
    """
    try:
        table = load_json(read_text(path), None)
    except DatasetError as error:
        raise error.at(file=str(path)) from error
    if not isinstance(table, dict):
        raise DatasetError(
            f"holds {short(table)} instead of an object", file=str(path), fix='write {"scene id": {...}}'
        )
    return table


def read_metadata(path: Path, conventions: Mapping[str, Convention]) -> Iterator[ScanRecord]:
    """The scenes of one file, in its order.

    Args:
        path: The file. A scene without a ``dataset`` belongs to the set that the file's name begins with.
        conventions: What the files of each scan set mean, by its name.

    Raises:
        DatasetError: Something in the file is wrong; names file, scene, field and fix.
    """
    by_name = [name for name in sorted(conventions, key=len, reverse=True) if path.name.startswith(name)]
    for scene, entry in read_table(path).items():
        try:
            table = _object(entry, "")
            dataset = table.get("dataset", by_name[0] if by_name else None)
            if not isinstance(dataset, str) or dataset not in conventions:
                raise DatasetError(
                    f"{dataset!r} is no scan set that is known",
                    field="dataset",
                    fix=f"write one of {', '.join(conventions)}, or begin the file's name with it",
                )
            yield _record(scene, table, conventions[dataset], str(path))
        except DatasetError as error:
            raise error.at(file=str(path), sample=scene) from error


def _record(scene: str, table: Mapping[str, Any], convention: Convention, file: str) -> ScanRecord:
    if not convention.scene_id.fullmatch(scene):
        raise DatasetError(
            f"{scene!r} is no scene id of {convention.dataset}",
            field="scene id",
            fix=f"ids match {convention.scene_id.pattern}; is the dataset right?",
        )
    size = _number(_get(table, "room_size"), "room_size") * convention.metres**2
    if size <= 0:
        raise DatasetError(f"{size} is no floor area", field="room_size", fix="write square metres, above 0")
    counts = {}
    for category, count in _object(_get(table, "object_counts"), "object_counts").items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise DatasetError(
                f"{short(count)} is no count", field=f"object_counts.{category}", fix="write a whole number, 0 or more"
            )
        counts[category] = count
    name = "object_bboxes" if "object_bboxes" in table else "object_bbox"
    instances = []
    for category, boxes in _object(_get(table, name), name).items():
        if not isinstance(boxes, list):
            raise DatasetError(f"{short(boxes)} is no list", field=f"{name}.{category}", fix="write a list of boxes")
        for number, entry in enumerate(boxes):
            field = f"{name}.{category}[{number}]"
            box = _box(_object(entry, field), field, convention)
            known_as = entry.get("instance_id")
            instances.append(Instance(category=category, number=number, box=box, instance=known_as))
    return ScanRecord(
        dataset=convention.dataset,
        scene=scene,
        room_size=size,
        counts=counts,
        instances=tuple(instances),
        file=file,
    )


def _box(entry: Mapping[str, Any], field: str, convention: Convention) -> OrientedBox:
    center = _vector(entry, "centroid", 3, field) * convention.metres
    lengths = _vector(entry, "axesLengths", 3, field) * convention.metres
    axes = _vector(entry, "normalizedAxes", 9, field).reshape(3, 3)
    axes = axes if convention.axes is BoxAxes.ROWS else axes.T
    if (lengths <= 0).any():
        raise DatasetError(
            f"{lengths.tolist()} are no lengths",
            field=f"{field}.axesLengths",
            fix="leave the box out, or write lengths above 0",
        )
    error = float(np.abs(axes @ axes.T - np.eye(3)).max())
    if error > ORTHONORMAL:
        raise DatasetError(
            f"the axes are not at right angles and of length 1 (off by {error:.3g})",
            field=f"{field}.normalizedAxes",
            fix="write three unit vectors, one after the other",
        )
    box = OrientedBox(center=center, lengths=lengths, axes=axes)
    corners = box.corners()
    for name, found in (("min", corners.min(axis=0)), ("max", corners.max(axis=0))):
        if name in entry:
            off = float(np.abs(_vector(entry, name, 3, field) * convention.metres - found).max())
            if off > EXTENT:
                raise DatasetError(
                    f"the box ends {off:.3f} m away from it, so this is not how {convention.dataset} writes boxes",
                    field=f"{field}.{name}",
                    fix=f"write normalizedAxes by {convention.axes}, lengths in units of {convention.metres:g} m",
                )
    return box


def _get(table: Mapping[str, Any], name: str) -> Any:
    if name not in table:
        raise DatasetError(f"{name!r} is missing", fix=f"add {name!r}")
    return table[name]


def _object(value: Any, field: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DatasetError(f"expected an object {{...}}, got {short(value)}", field=field, fix="write an object {...}")
    return value


def _number(value: Any, field: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise DatasetError(f"expected a number, got {short(value)}", field=field, fix="write a finite number")
    return float(value)


def _vector(entry: Mapping[str, Any], name: str, length: int, field: str) -> Array:
    field = f"{field}.{name}"
    if name not in entry:
        raise DatasetError(f"{name!r} is missing", field=field, fix=f"add {name!r}")
    values = entry[name]
    if not isinstance(values, list) or len(values) != length:
        raise DatasetError(
            f"expected {length} numbers, got {short(values)}", field=field, fix=f"write a list of {length} numbers"
        )
    return np.array([_number(value, f"{field}[{i}]") for i, value in enumerate(values)], dtype=np.float64)
