"""A layout and a look as the arrays that the kernels read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wherewise.scenes.simulate.furniture import TEXTURE_SIDE, Catalogue, Model, load_catalogue
from wherewise.scenes.simulate.look import FLOORS, LINEAR, Look, floor_texture
from wherewise.scenes.simulate.occlusion import face_geometry
from wherewise.scenes.simulate.placement import Layout, Placed
from wherewise.scenes.simulate.raster import project_parallel, rasterize
from wherewise.scenes.simulate.shade import Light, Surface

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Solid:
    """The shapes of a scene: all that depth, ids and visibility need.

    Attributes:
        points: (V, 3) metres.
        faces: (F, 3).
        face_object: (F,) index of the object, from 1.
        ranges: First and one-past-last face of each object.
        bounds: (2, 3) corners of the room.
    """

    points: F32
    faces: I32
    face_object: I32
    ranges: tuple[tuple[int, int], ...]
    bounds: F64


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class World:
    """A solid with its surface and light: all that stays the same for every view of one scene."""

    solid: Solid
    surface: Surface
    light: Light


def pyramid(texture: NDArray[np.uint8]) -> F32:
    """Mip pyramid of a square display texture: all levels' linear texels, one after the other, (N, 3)."""
    level = LINEAR[texture]
    parts = [level.reshape(-1, 3)]
    while level.shape[0] > 1:
        half = level.shape[0] // 2
        level = ((level[0::2, 0::2] + level[1::2, 0::2]) + (level[0::2, 1::2] + level[1::2, 1::2])) * np.float32(0.25)
        parts.append(level.reshape(half * half, 3))
    return np.concatenate(parts)


@lru_cache(maxsize=1)
def _texels() -> tuple[F32, int, F32]:
    """All furniture textures' pyramids, texels of one pyramid, mean colour of each texture."""
    pyramids = [pyramid(texture) for texture in load_catalogue().textures]
    return (np.concatenate(pyramids), len(pyramids[0]), np.stack([p[-1] for p in pyramids]))


def _materials(item: Placed, catalogue: Catalogue) -> tuple[F32, I32, F32]:
    """Colours, textures and tints of an object's materials."""
    _, length, means = _texels()
    model = item.model
    colors = LINEAR[np.array([material.color for material in model.materials], np.uint8)].reshape(-1, 3).copy()
    textures = np.array([m.texture * length if m.texture >= 0 else -1 for m in model.materials], np.int32)
    tints = np.zeros(len(model.materials), np.float32)
    if item.tone is not None:
        tone = LINEAR[np.array(item.tone, np.uint8)]
        greys = np.array(
            [
                float(means[m.texture].mean()) if m.texture >= 0 else float(color.mean())
                for m, color in zip(model.materials, colors, strict=True)
            ]
        )
        share = _areas(model)
        mean = max(float((greys * share).sum()), 1e-4)
        for k, material in enumerate(model.materials):
            relative = min(0.5 + 0.5 * greys[k] / mean, 1.3)
            colors[k] = tone * np.float32(relative)
            if material.texture >= 0:
                tints[k] = 1.0 / (3 * max(greys[k], 1e-4))
    return colors.astype(np.float32), textures, tints


@lru_cache(maxsize=FLOORS)
def _floor(number: int) -> F32:
    return pyramid(floor_texture(number))


_AREAS: dict[str, F64] = {}


def _areas(model: Model) -> F64:
    """Share of each material in the model's surface."""
    if model.id not in _AREAS:
        p = model.points[model.faces].astype(np.float64)
        area = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
        size = np.sqrt((area * area).sum(1))
        total = np.bincount(model.face_materials, size, minlength=len(model.materials))
        _AREAS[model.id] = total / total.sum()
    return _AREAS[model.id]


def _turn(yaw: float) -> F32:
    c, s = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], np.float32)


def build_solid(layout: Layout) -> Solid:
    """Shapes of a layout in the world frame."""
    points, faces, objects, ranges = [], [], [], []
    vertex = face = 0
    for index, item in enumerate(layout.placed, start=1):
        model = item.model
        points.append(_rotate(model.points, _turn(item.yaw)) + np.array([item.x, item.y, item.z], np.float32))
        faces.append(model.faces + np.int32(vertex))
        objects.append(np.full(len(model.faces), index, np.int32))
        ranges.append((face, face + len(model.faces)))
        vertex += len(model.points)
        face += len(model.faces)
    x, y = layout.width / 2, layout.depth / 2
    return Solid(
        points=np.concatenate(points),
        faces=np.concatenate(faces),
        face_object=np.concatenate(objects),
        ranges=tuple(ranges),
        bounds=np.array([[-x, -y, 0.0], [x, y, layout.height]]),
    )


def light_map(solid: Solid, sun: tuple[float, float, float], side: int) -> tuple[F32, F64, F64, float]:
    """Depth of the furniture seen from the key light: map, axes, centre, pixels per metre."""
    direction = np.array(sun)
    right = np.array([direction[1], -direction[0], 0.0])
    right /= math.sqrt(float(right @ right))
    axes = np.stack([right, np.cross(right, direction), direction])
    low, high = (solid.points.min(0).astype(np.float64), solid.points.max(0).astype(np.float64))
    origin = (low + high) / 2
    span = high - low
    scale = side / (math.sqrt(float(span @ span)) + 0.2)
    picture, owner = (np.zeros((side, side), np.float32), np.zeros((side, side), np.int32))
    screen = np.empty((len(solid.points), 3))
    project_parallel(solid.points, axes, origin, scale, side, screen)
    rasterize(solid.faces, screen, screen, picture, owner)
    return picture, axes, origin, scale


def build_world(layout: Layout, solid: Solid, look: Look, shadow_side: int) -> World:
    """Give a solid its look and light."""
    catalogue = load_catalogue()
    normals, materials, colors, textures, tints = [], [], [], [], []
    material = 0
    for item in layout.placed:
        normals.append(_rotate(item.model.normals, _turn(item.yaw)))
        materials.append(item.model.face_materials + np.int32(material))
        color, texture, tint = _materials(item, catalogue)
        colors.append(color)
        textures.append(texture)
        tints.append(tint)
        material += len(color)
    uvs = np.concatenate([item.model.uvs for item in layout.placed])
    face_normals = np.empty((len(solid.faces), 3), np.float32)
    density = np.empty(len(solid.faces), np.float32)
    face_geometry(solid.points, uvs, solid.faces, face_normals, density, float(TEXTURE_SIDE))
    picture, axes, origin, scale = light_map(solid, look.sun, shadow_side)
    floor = _floor(look.floor) * np.array(look.floor_tone, np.float32)
    walls = LINEAR[np.array([*look.walls, (0, 0, 0), look.ceiling, look.skirting], np.uint8)].astype(np.float64)
    bounce = floor[-1].astype(np.float64) * np.array(look.sun_color) * 0.35
    surface = Surface(
        faces=solid.faces,
        normals=np.concatenate(normals),
        uvs=uvs,
        face_material=np.concatenate(materials),
        face_object=solid.face_object,
        face_normals=face_normals,
        density=density,
        material_color=np.concatenate(colors),
        material_texture=np.concatenate(textures),
        material_tint=np.concatenate(tints),
        texels=_texels()[0],
        floor=floor,
        walls=walls,
        bounds=solid.bounds,
        room=np.array([look.floor_scale, look.skirting_height, look.gloss]),
    )
    light = Light(
        light_map=picture,
        axes=axes,
        origin=origin,
        scale=scale,
        lights=np.array([look.sun_color, look.lamp, look.ambient, look.lamp_color, bounce]),
        exposure=look.exposure,
    )
    return World(solid=solid, surface=surface, light=light)


def _rotate(vectors: F32, turn: F32) -> F32:
    """``vectors @ turn`` written out, so that no BLAS chooses the order of additions."""
    turned: F32 = vectors[:, :1] * turn[0] + vectors[:, 1:2] * turn[1] + vectors[:, 2:] * turn[2]
    return turned
