"""A scene as a page draws it from above, and what each shown view sees: plain values, rounded, none of the rest."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from wherewise.reports.shots import id_color
from wherewise.samples.errors import DatasetError
from wherewise.samples.manifest import SPLIT_NAME
from wherewise.samples.plain import load_json
from wherewise.scenes.boxes import oriented_box
from wherewise.scenes.codec import scene_from_record
from wherewise.scenes.scene import Scene, SceneObject, View

Point = tuple[float, float]


def find_scenes(folder: Path, wanted: Mapping[str, Collection[str]]) -> Iterator[tuple[str, Scene]]:
    """The scenes of some groups from ``scenes-{split}.jsonl`` in a dataset folder.

    Args:
        folder: The dataset folder.
        wanted: Groups by split; a split without a file has no scenes.

    Yields:
        Split and scene; lines of other groups are not decoded.

    Raises:
        DatasetError: A line is not JSON, or a wanted one is no scene; names file and line.
    """
    for split, groups in wanted.items():
        path = folder / f"scenes-{split}.jsonl"
        if not SPLIT_NAME.fullmatch(split) or not path.is_file():
            continue
        with path.open(encoding="utf-8") as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    record = load_json(line, None)
                    if isinstance(record, dict) and record.get("id") in groups:
                        yield split, scene_from_record(record)
                except DatasetError as error:
                    raise error.at(file=str(path), row=number) from error


def outline(thing: SceneObject) -> list[Point]:
    """The object's box seen from above: its convex hull, counter-clockwise."""
    spots = sorted({(round(float(x), 3), round(float(y), 3)) for x, y, _ in oriented_box(thing).corners()})
    if len(spots) < 3:
        return list(spots)

    def half(points: list[Point]) -> list[Point]:
        kept: list[Point] = []
        for p in points:
            while len(kept) > 1 and _turn(kept[-2], kept[-1], p) <= 1e-9:
                kept.pop()
            kept.append(p)
        return kept[:-1]

    return half(spots) + half(spots[::-1])


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def has_plan(scene: Scene) -> bool:
    """Whether there is anything to draw from above: things with an extent on the floor."""
    return any(thing.size[0] > 0 and thing.size[1] > 0 for thing in scene.objects)


def plan_record(scene: Scene, shown: Collection[int]) -> dict[str, Any]:
    """What the page's script draws of a scene.

    Args:
        scene: The scene.
        shown: Positions of the views whose pictures are on the page; only these tell what they see.

    Returns:
        ``room`` and ``rooms`` as corners, ``doors``, ``objects`` (outline, centre, size, front, trail, color of the
        id), ``cameras`` as ``[x, y, forward x, forward y, time]``, ``fov`` in degrees, and for each shown view
        ``moved``, the outlines of things that stand elsewhere then, and ``seen``, rows
        ``[object, x1, y1, x2, y2, visible fraction, distance]``. Metres where `units` is true.
    """
    places = {thing.id: position for position, thing in enumerate(scene.objects)}
    first = scene.views[0].camera if scene.views else None
    return {
        "plan": has_plan(scene),
        "room": _corners(scene.room),
        "rooms": [{"name": room.name, "floor": _corners(room.floor)} for room in scene.rooms],
        "doors": [{"ends": _corners(door.ends), "open": door.open} for door in scene.doors],
        "objects": [_thing(scene, thing) for thing in scene.objects],
        "cameras": [
            [*_rounded(view.camera.position[:2]), *_rounded(view.camera.rotation[2][:2]), round(view.time, 3)]
            for view in scene.views
        ],
        "fov": None if first is None else round(2 * math.degrees(math.atan(first.width / 2 / first.focal)), 1),
        "pictures": scene.pictures,
        "units": scene.units_known,
        "moved": {
            str(position): moved for position in sorted(shown) if (moved := _moved(scene, scene.views[position]))
        },
        "seen": {
            str(position): [
                [places[name], *seen.box, round(seen.fraction, 2), None if far is None else round(far, 2)]
                for name, seen in scene.views[position].visible.items()
                if seen.box is not None and name in places
                for far in [seen.distance]
            ]
            for position in sorted(shown)
        },
    }


def _thing(scene: Scene, thing: SceneObject) -> dict[str, Any]:
    moves = any(thing.id in view.poses for view in scene.views)
    trail = [placed(thing, view).center[:2] for view in scene.views] if moves else []
    return {
        "id": thing.id,
        "label": thing.label,
        "outline": outline(thing),
        "center": _rounded(thing.center),
        "size": _rounded(thing.size),
        "front": None if thing.front is None else _rounded(thing.front[:2]),
        "support": thing.support,
        "trail": [_rounded(spot) for spot in trail] or None,
        "color": "#{:02x}{:02x}{:02x}".format(*id_color(thing.index)),
    }


def placed(thing: SceneObject, view: View) -> SceneObject:
    """The object where it stands at the moment of a view."""
    pose = view.poses.get(thing.id)
    return thing if pose is None else dataclasses.replace(thing, center=pose.center, yaw=pose.yaw)


def _moved(scene: Scene, view: View) -> dict[str, list[Point]]:
    """Outlines of the objects that do not stand where the scene puts them; none for what is gone."""
    here = {name: outline(placed(scene.object(name), view)) for name in view.poses}
    return here | {name: [] for name in view.gone}


def _rounded(numbers: tuple[float, ...]) -> list[float]:
    return [round(number, 3) for number in numbers]


def _corners(points: Collection[Point]) -> list[list[float]]:
    return [_rounded(point) for point in points]


def view_of(scene: Scene, *, medium: int, time: float | None) -> int | None:
    """Position of the view that a shot shows; None where the scene has no such view.

    Args:
        scene: The scene.
        medium: Position of the medium in the sample.
        time: Time of the frame in seconds, or None for a picture.
    """
    if not scene.views:
        return None
    if time is None:
        return medium if medium < len(scene.views) and (scene.pictures or len(scene.views) == 1) else None
    nearest = min(range(len(scene.views)), key=lambda position: abs(scene.views[position].time - time))
    gaps = [b.time - a.time for a, b in itertools.pairwise(scene.views)]
    slack = max(gaps, default=0.0) / 2 + 1e-3
    return nearest if abs(scene.views[nearest].time - time) <= slack else None
