"""CLEVR scenes: cubes, spheres and cylinders on a plane, with the picture of each worked out from its numbers.

Source: ``CLEVR_{split}_scenes.json`` and ``image_generation/`` of facebookresearch/clevr-dataset-gen, which writes it:

* ``3d_coords`` are the centre of an object in Blender units, z up, the ground at z = 0; objects stand on the ground and
  are as wide and deep as they are high, so half their edge is the z of the centre;
* ``pixel_coords`` are ``(u, v, depth)``: rounded pixels of the picture and the depth along the viewing direction, in
  units;
* ``rotation`` is drawn from 0 to 360 and handed to Blender as it is, which takes radians;
* ``relationships[name][i]`` lists the objects that are left of, right of, in front of or behind object i on the ground;
* ``directions`` are left, right, in front, behind, above and below on the ground, seen from the camera.

The file has no lens. Pixels and depths fix it: distances between objects are known in 3D, so the focal length follows
by least squares, and with ``directions`` the camera's place and tilt. What each object shows in the picture is then
drawn by ray casting (cubes with sharp edges, where Blender's are a little rounded). A unit is not a metre, so
`Scene.units_known` is False; proportions are right. The annotation is complete.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherewise.samples.errors import DatasetError
from wherewise.samples.evidence import Relation
from wherewise.samples.plain import short
from wherewise.scenes.graphs.records import finite, list_of, mapping, text_of
from wherewise.scenes.graphs.solids import Solid, draw_solids
from wherewise.scenes.scene import Camera, Scene, SceneObject, View

PREDICATES = {"left": "left_of", "right": "right_of", "front": "in_front_of", "behind": "behind"}
SHAPES = ("cube", "sphere", "cylinder")
MISFIT = 3.0
"""Largest mean error, in pixels, between ``pixel_coords`` and the camera that was found."""

Array = NDArray[np.float64]


def clevr_scene(record: Mapping[str, Any], *, width: int = 480, height: int = 320) -> Scene:
    """One scene of the ``scenes`` list.

    Args:
        record: The scene.
        width: Width of its picture in pixels.
        height: Height of its picture in pixels.

    Raises:
        DatasetError: A field is missing or wrong, or no camera fits the numbers.
    """
    picture = text_of(record, "image_filename", "")
    entries = list_of(record, "objects", "")
    objects, pixels = [], []
    for number, entry in enumerate(entries):
        field = f"objects[{number}]."
        item = mapping(entry, field[:-1])
        objects.append(_object(item, number, field))
        pixels.append(_vector(item, "pixel_coords", field))
    solids = [Solid(kind=o.category, center=o.center, half=o.center[2], yaw=o.yaw, name=o.id) for o in objects]
    directions = mapping(record.get("directions"), "directions")
    right, behind = (np.array(_vector(directions, name, "directions.")) for name in ("right", "behind"))
    camera = clevr_camera(
        np.array([thing.center for thing in objects]), np.array(pixels), right, behind, width=width, height=height
    )
    return Scene(
        id=picture.rpartition(".")[0] or picture,
        objects=tuple(objects),
        views=(View(camera=camera, visible=draw_solids(solids, camera)),),
        source="clevr",
        facts={"image": picture, "visibility": "drawn"},
        units_known=False,
        complete=True,
        relations=tuple(_relations(mapping(record.get("relationships"), "relationships"), objects)),
    )


def _object(item: Mapping[str, Any], number: int, field: str) -> SceneObject:
    shape = text_of(item, "shape", field)
    if shape not in SHAPES:
        raise DatasetError(f"{shape!r} is no shape", field=f"{field}shape", fix=f"write one of {', '.join(SHAPES)}")
    x, y, z = _vector(item, "3d_coords", field)
    if z <= 0:
        raise DatasetError(f"the centre is at height {z:g}", field=f"{field}3d_coords", fix="write x, y, z with z > 0")
    turn = finite(item.get("rotation", 0.0), f"{field}rotation")
    return SceneObject(
        id=f"{shape}-{number}",
        index=number + 1,
        category=shape,
        center=(x, y, z),
        size=(2 * z, 2 * z, 2 * z),
        yaw=math.degrees(turn) % 360,
        color=text_of(item, "color", field),
        attributes={"size": text_of(item, "size", field), "material": text_of(item, "material", field)},
    )


def _vector(item: Mapping[str, Any], name: str, field: str) -> tuple[float, float, float]:
    x, y, z = (finite(v, f"{field}{name}[{i}]") for i, v in enumerate(list_of(item, name, field, length=3)))
    return x, y, z


def _relations(table: Mapping[str, Any], objects: Sequence[SceneObject]) -> list[Relation]:
    found = []
    for name, predicate in PREDICATES.items():
        for number, related in enumerate(list_of(table, name, "relationships.", length=len(objects))):
            if not isinstance(related, list):
                place = f"relationships.{name}[{number}]"
                raise DatasetError(f"{short(related)} is no list", field=place, fix="write object numbers")
            for other in related:
                if not isinstance(other, int) or not 0 <= other < len(objects):
                    raise DatasetError(
                        f"{other!r} is no object", field=f"relationships.{name}[{number}]", fix="write object numbers"
                    )
                found.append(Relation(subject=objects[other].id, predicate=predicate, object=objects[number].id))
    return found


def clevr_camera(points: Array, pixels: Array, right: Array, behind: Array, *, width: int, height: int) -> Camera:
    """The camera that sees these points at these pixels.

    Args:
        points: ``(n, 3)`` centres in world units, n >= 2.
        pixels: ``(n, 3)``: u, v in pixels and depth in units.
        right: ``(3,)`` direction to the right, level.
        behind: ``(3,)`` direction away from the camera, level.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.

    Raises:
        DatasetError: There are fewer than two points, or no upright pinhole camera fits them.
    """
    if len(points) < 2:
        raise DatasetError("a camera follows from two objects or more", field="objects", fix="leave the scene out")
    depth = pixels[:, 2]
    across = (pixels[:, :2] - np.array([width / 2, height / 2])) * depth[:, None]
    i, j = np.triu_indices(len(points), k=1)
    spread = np.sum((across[i] - across[j]) ** 2, axis=1)
    flat = np.sum((points[i] - points[j]) ** 2, axis=1) - (depth[i] - depth[j]) ** 2
    inverse = float(np.sum(spread * flat) / max(float(np.sum(spread**2)), 1e-12))
    focal = 1 / math.sqrt(inverse) if inverse > 0 else float(width)
    seen = np.column_stack([across / focal, depth])
    up = np.array([0.0, 0.0, 1.0])
    level, raised = points @ behind, points @ up
    ahead, down = seen[:, 2] - seen[:, 2].mean(), seen[:, 1] - seen[:, 1].mean()
    level, raised = level - level.mean(), raised - raised.mean()
    # forward = cos p * behind - sin p * up, down = -sin p * behind - cos p * up: the best p in closed form
    pitch = math.atan2(float(-(ahead @ raised) - (down @ level)), float(ahead @ level - down @ raised))
    forward = math.cos(pitch) * behind - math.sin(pitch) * up
    below = -math.sin(pitch) * behind - math.cos(pitch) * up
    axes = np.stack([right, below, forward])
    position = (points - seen @ axes).mean(axis=0)
    local = (points - position) @ axes.T
    found = local[:, :2] / local[:, 2:] * focal + np.array([width / 2, height / 2])
    error = float(np.abs(found - pixels[:, :2]).mean()) if (local[:, 2] > 0).all() else math.inf
    if error > MISFIT:
        raise DatasetError(
            f"no camera of {width} x {height} pixels fits 3d_coords and pixel_coords (off by {error:.1f} pixels)",
            field="objects",
            fix="give the size of the pictures",
        )
    rows = [(float(row[0]), float(row[1]), float(row[2])) for row in axes]
    return Camera(
        width=width,
        height=height,
        focal=focal,
        position=(float(position[0]), float(position[1]), float(position[2])),
        rotation=(rows[0], rows[1], rows[2]),
    )
