"""Room scans as scenes: metadata and frames of a folder, read in order."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wherewise.samples.errors import DatasetError
from wherewise.samples.files import read_text
from wherewise.samples.media import Video
from wherewise.scenes.annotated import Annotated, Refusal
from wherewise.scenes.boxes import OrientedBox, upright_axes
from wherewise.scenes.scans.arkitscenes import ARKITSCENES
from wherewise.scenes.scans.conventions import Convention
from wherewise.scenes.scans.frames import poses_fit, read_frames, scan_views
from wherewise.scenes.scans.metadata import Instance, ScanRecord, read_metadata
from wherewise.scenes.scans.scannet import SCANNET
from wherewise.scenes.scans.scannetpp import SCANNETPP
from wherewise.scenes.scene import Scene, SceneObject, View

CONVENTIONS: dict[str, Convention] = {each.dataset: each for each in (SCANNET, SCANNETPP, ARKITSCENES)}
"""The scan sets that are read, by name."""
UPRIGHT = 1e-4
"""Boxes that lean by less than this many degrees count as upright."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanFiles:
    """Where the files of some scans are.

    Attributes:
        metadata: File of scene metadata, or a folder of ``*meta_info*.json``.
        frames: File of frame metadata, or a folder of ``*frame_metadata*.json``; None for scans without poses.
        media_root: Folder of the videos.
        media: Video of a scene, inside `media_root`; ``{dataset}`` and ``{scene}`` are filled in.
        places: CSV with ``video_id`` and ``visit_id``: which scenes show the same place; None where scene ids tell.
        rate: Frame numbers per second of the video.
        license: Licence of the media; None for the scan set's own.
    """

    metadata: Path
    frames: Path | None = None
    media_root: Path | None = None
    media: str = "{dataset}/{scene}.mp4"
    places: Path | None = None
    rate: float = 30.0
    license: str | None = None


@dataclass(kw_only=True, slots=True)
class Scans:
    """Room scans; iterate over it to get `Annotated` scenes, file after file, in the order of the files.

    Raises:
        DatasetError: A file is missing or something in it is wrong, or a scene comes twice.
    """

    files: ScanFiles
    _visits: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._visits = {} if self.files.places is None else read_places(self.files.places)

    def place(self, dataset: str, scene: str) -> str:
        """The physical place of a scene, as ``dataset/place``."""
        convention = CONVENTIONS.get(dataset)
        name = self._visits.get(scene) or (scene if convention is None else convention.place(scene))
        return f"{dataset}/{name}"

    def __iter__(self) -> Iterator[Annotated]:
        frames: dict[str, tuple[str, Any]] = {}
        if self.files.frames is not None:
            for path in listed(self.files.frames, "*frame_metadata*.json"):
                frames |= {scene: (str(path), entry) for scene, entry in read_frames(path).items()}
        seen: dict[tuple[str, str], str] = {}
        for path in listed(self.files.metadata, "*meta_info*.json"):
            for record in read_metadata(path, CONVENTIONS):
                key = (record.dataset, record.scene)
                if key in seen:
                    raise DatasetError(
                        f"the scene stands in {seen[key]}, too", file=str(path), sample=record.scene, fix="keep one"
                    )
                seen[key] = str(path)
                yield self._annotated(record, frames.get(record.scene))

    def _annotated(self, record: ScanRecord, frames: tuple[str, Any] | None) -> Annotated:
        place = self.place(record.dataset, record.scene)
        scene, known_as = scan_scene(record, place=place)
        notes: tuple[Refusal, ...] = ()
        if frames is not None:
            file, entry = frames
            views = scan_views(entry, scene.objects, known_as, rate=self.files.rate, file=file, scene=record.scene)
            if poses_fit(views, scene.objects):
                scene = with_views(scene, views)
            else:
                notes = (Refusal.POSES_DISAGREE,)
        path = self.files.media.format(dataset=record.dataset, scene=record.scene)
        there = self.files.media_root is not None and (self.files.media_root / path).is_file()
        return Annotated(
            scene=scene,
            key=(record.dataset, record.scene),
            place=place,
            media=(Video(path=path),) if there else (),
            license=self.files.license or CONVENTIONS[record.dataset].license,
            notes=notes,
        )


def listed(path: Path, pattern: str) -> list[Path]:
    """The file itself, or the files of a folder that match, sorted.

    Raises:
        DatasetError: There is none.
    """
    found = sorted(path.glob(pattern)) if path.is_dir() else [path]
    if not found or not found[0].is_file():
        what = f"no {pattern} in this folder" if path.is_dir() else "there is no such file or folder"
        raise DatasetError(what, file=str(path), fix="correct the path")
    return found


def read_places(path: Path) -> dict[str, str]:
    """Video id -> visit id, from a CSV with these two columns.

    Raises:
        DatasetError: It is missing, or lacks a column.
    """
    if not path.is_file():
        raise DatasetError("there is no such file", file=str(path), fix="correct the path in 'places'")
    try:
        reader = csv.DictReader(io.StringIO(read_text(path), newline=""), restval="")
        missing = {"video_id", "visit_id"} - set(reader.fieldnames or ())
        if missing:
            raise DatasetError(
                f"has no column {' and '.join(sorted(missing))}", file=str(path), fix="give video_id and visit_id"
            )
        return {row["video_id"].strip(): row["visit_id"].strip() for row in reader}
    except csv.Error as error:
        raise DatasetError(f"no table: {error}", file=str(path), fix="save it as CSV again") from error


def scan_scene(record: ScanRecord, *, place: str) -> tuple[Scene, dict[str, str]]:
    """A record as a scene without views.

    The world frame stays that of the file, so the floor is not at z = 0 (``facts["floor_known"]`` is false).

    Returns:
        The scene, and for each instance id (as text) the id of its object.
    """
    objects, known_as = [], {}
    boxed: dict[str, int] = {}
    for index, instance in enumerate(record.instances, start=1):
        thing = _object(instance, index)
        objects.append(thing)
        boxed[instance.category] = boxed.get(instance.category, 0) + 1
        if instance.instance is not None:
            known_as[str(instance.instance)] = thing.id
    unboxed = sorted(
        category for category in {*record.counts, *boxed} if record.counts.get(category, 0) != boxed.get(category, 0)
    )
    scene = Scene(
        id=f"{record.dataset}-{record.scene}",
        objects=tuple(objects),
        views=(),
        source=record.dataset,
        facts={
            "dataset": record.dataset,
            "scene": record.scene,
            "place": place,
            "room_size": record.room_size,
            "counts": dict(record.counts),
            "counts_differ": unboxed,
            "floor_known": False,
        },
    )
    return scene, known_as


def with_views(scene: Scene, views: tuple[View, ...]) -> Scene:
    """The scene with the views of its frames."""
    return Scene(
        id=scene.id,
        objects=scene.objects,
        views=views,
        source=scene.source,
        facts={**scene.facts, "visibility": "boxes"},
    )


def _object(instance: Instance, index: int) -> SceneObject:
    box, tilt = upright_first(instance.box)
    width, depth, height = (float(length) for length in box.lengths)
    first = box.axes[0]
    yaw = math.degrees(math.atan2(first[1], first[0]))
    rows = tuple(tuple(float(value) for value in row) for row in box.axes)
    return SceneObject(
        id=f"{instance.category.replace(' ', '-')}-{instance.number}",
        index=index,
        category=instance.category,
        center=(float(box.center[0]), float(box.center[1]), float(box.center[2])),
        size=(width, depth, height),
        yaw=yaw,
        axes=None if tilt < UPRIGHT else (rows[0], rows[1], rows[2]),  # type: ignore[arg-type]
    )


def upright_first(box: OrientedBox) -> tuple[OrientedBox, float]:
    """The same box with its axes as width, depth, height: the steepest axis last and upwards, right-handed.

    Returns:
        The box, and by how many degrees its height leans.
    """
    steepest = int(np.argmax(np.abs(box.axes[:, 2])))
    order = [axis for axis in range(3) if axis != steepest] + [steepest]
    axes, lengths = box.axes[order].copy(), box.lengths[order]
    if axes[2, 2] < 0:
        axes[2] *= -1
    if float(np.linalg.det(axes)) < 0:
        axes[1] *= -1
    tilt = math.degrees(math.atan2(math.hypot(float(axes[2, 0]), float(axes[2, 1])), float(axes[2, 2])))
    if tilt < UPRIGHT:
        axes = np.array(upright_axes(math.degrees(math.atan2(axes[0, 1], axes[0, 0]))), dtype=np.float64)
    return OrientedBox(center=box.center, lengths=lengths, axes=axes), tilt
