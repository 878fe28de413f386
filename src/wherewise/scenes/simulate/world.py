"""A layout and a look as the arrays that the kernels read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wherewise.scenes.simulate.fixtures import BUILT_IN
from wherewise.scenes.simulate.furniture import TEXTURE_SIDE, Catalogue, Model
from wherewise.scenes.simulate.look import FLOORS, LINEAR, SIDE, Finish, Look, floor_texture
from wherewise.scenes.simulate.materials import WALL_SCALE, ceiling_texture, home_floor_texture, wall_texture
from wherewise.scenes.simulate.occlusion import face_geometry
from wherewise.scenes.simulate.placement import Layout, Placed
from wherewise.scenes.simulate.raster import project_parallel, rasterize
from wherewise.scenes.simulate.shade import Light, Surface
from wherewise.scenes.simulate.shell import CEILING, FLOOR, KINDS, SKIRTING, TRIM, WALL, Shell, build_shell, near_walls

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
        bounds: (2, 3) corners of the room, or of the box round the home.
        shadows: Objects that cast shadows, the first of all; what is built in does not.
        shady: Vertices of these.
        shell: Walls, floors and ceilings of a home; their faces come last in `faces`, as object 0.
    """

    points: F32
    faces: I32
    face_object: I32
    ranges: tuple[tuple[int, int], ...]
    bounds: F64
    shadows: int
    shady: int
    shell: Shell | None = None


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


@lru_cache(maxsize=4)
def _texels(catalogue: Catalogue) -> tuple[F32, int, F32]:
    """All furniture textures' pyramids, texels of one pyramid, mean colour of each texture."""
    pyramids = [pyramid(texture) for texture in catalogue.textures]
    return (np.concatenate(pyramids), len(pyramids[0]), np.stack([p[-1] for p in pyramids]))


def _materials(item: Placed, catalogue: Catalogue) -> tuple[F32, I32, F32]:
    """Colours, textures and tints of an object's materials."""
    _, length, means = _texels(catalogue)
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


@lru_cache(maxsize=256)
def _areas(model: Model) -> F64:
    """Share of each material in the model's surface."""
    p = model.points[model.faces].astype(np.float64)
    area = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
    size = np.sqrt((area * area).sum(1))
    total = np.bincount(model.face_materials, size, minlength=len(model.materials))
    share: F64 = total / total.sum()
    return share


def _turn(yaw: float) -> F32:
    c, s = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]], np.float32)


def build_solid(layout: Layout, finishes: Sequence[Finish] = ()) -> Solid:
    """Shapes of a layout in the world frame; `finishes` are those of its plan's rooms, if it has one."""
    points, faces, objects, ranges = [], [], [], []
    vertex = face = shadows = shady = 0
    for index, item in enumerate(layout.placed, start=1):
        model = item.model
        points.append(_rotate(model.points, _turn(item.yaw)) + np.array([item.x, item.y, item.z], np.float32))
        faces.append(model.faces + np.int32(vertex))
        objects.append(np.full(len(model.faces), index, np.int32))
        ranges.append((face, face + len(model.faces)))
        vertex += len(model.points)
        if model.mount != BUILT_IN:
            shadows, shady = index, vertex
        face += len(model.faces)
    shell: Shell | None = None
    out = 0.0
    if layout.plan is not None:
        shell = build_shell(layout.plan, [finish.skirting_height for finish in finishes])
        points.append(shell.points)
        faces.append(shell.faces + np.int32(vertex))
        objects.append(np.zeros(len(shell.faces), np.int32))
        out = 0.5
    x, y = layout.width / 2 + out, layout.depth / 2 + out
    return Solid(
        points=np.concatenate(points),
        faces=np.concatenate(faces),
        face_object=np.concatenate(objects),
        ranges=tuple(ranges),
        shadows=shadows,
        shady=shady,
        bounds=np.array([[-x, -y, 0.0], [x, y, layout.height]]),
        shell=shell,
    )


def light_map(solid: Solid, sun: tuple[float, float, float], side: int) -> tuple[F32, F64, F64, float]:
    """Depth of the furniture seen from the key light: map, axes, centre, pixels per metre."""
    direction = np.array(sun)
    right = np.array([direction[1], -direction[0], 0.0])
    right /= math.sqrt(float(right @ right))
    axes = np.stack([right, np.cross(right, direction), direction])
    shady = solid.ranges[solid.shadows - 1][1] if solid.shadows else 0
    points, faces = solid.points[: max(1, solid.shady)], solid.faces[:shady]
    low, high = (points.min(0).astype(np.float64), points.max(0).astype(np.float64))
    origin = (low + high) / 2
    span = high - low
    scale = side / (math.sqrt(float(span @ span)) + 0.2)
    picture, owner = (np.zeros((side, side), np.float32), np.zeros((side, side), np.int32))
    screen = np.empty((len(points), 3))
    project_parallel(points, axes, origin, scale, side, screen)
    rasterize(faces, screen, screen, picture, owner)
    return picture, axes, origin, scale


def build_world(
    layout: Layout, solid: Solid, look: Look, shadow_side: int, catalogue: Catalogue, finishes: Sequence[Finish] = ()
) -> World:
    """Give a solid its look and light."""
    normals, materials, colors, textures, tints, glows, uvs = [], [], [], [], [], [], []
    material = 0
    for item in layout.placed:
        normals.append(_rotate(item.model.normals, _turn(item.yaw)))
        materials.append(item.model.face_materials + np.int32(material))
        uvs.append(item.model.uvs)
        color, texture, tint = _materials(item, catalogue)
        colors.append(color)
        textures.append(texture)
        tints.append(tint)
        glows.append(np.array([m.glow for m in item.model.materials], np.float32))
        material += len(color)
    gloss = [np.full(material, 0.12)]
    first_shell = solid.ranges[-1][1]
    face_rooms, near, frame, lamps = np.zeros(1, np.int32), np.zeros((2, 2), np.float32), np.zeros(4), np.zeros((1, 3))
    floor = _floor(look.floor) * np.array(look.floor_tone, np.float32)
    bounce = floor[-1].astype(np.float64) * np.array(look.sun_color) * 0.35
    if layout.plan is not None and solid.shell is not None:
        shell = solid.shell
        floor, shell_colors, shell_textures, shell_gloss, scales = _finish(finishes)
        normals.append(shell.normals)
        scale = scales[shell.face_material]
        uvs.append((shell.uvs.reshape(-1, 4, 2) / scale[::2, None, None]).reshape(-1, 2).astype(np.float32))
        materials.append(shell.face_material + np.int32(material))
        colors.append(shell_colors)
        textures.append(shell_textures)
        gloss.append(shell_gloss)
        for extra in (tints, glows):
            extra.append(np.zeros(len(shell_colors), np.float32))
        rooms = [
            np.full(end - start, item.room) for item, (start, end) in zip(layout.placed, solid.ranges, strict=True)
        ]
        face_rooms = np.concatenate([*rooms, shell.face_material // KINDS]).astype(np.int32)
        near, around = near_walls(layout.plan)
        frame = np.array([*around, layout.plan.height])
        lamps = np.array([(*room.middle(), layout.height - 0.45) for room in layout.plan.rooms])
        means = [floor[_PYRAMID * (i + 1) - 1] for i in range(len(finishes))]
        bounce = np.stack(means).mean(0).astype(np.float64) * np.array(look.sun_color) * 0.35
    all_uvs = np.concatenate(uvs)
    face_normals = np.empty((len(solid.faces), 3), np.float32)
    density = np.empty(len(solid.faces), np.float32)
    face_geometry(solid.points, all_uvs, solid.faces, face_normals, density, float(TEXTURE_SIDE))
    density[first_shell:] *= np.float32(SIDE / TEXTURE_SIDE)
    picture, axes, origin, scale_map = light_map(solid, look.sun, shadow_side)
    walls = LINEAR[np.array([*look.walls, (0, 0, 0), look.ceiling, look.skirting], np.uint8)].astype(np.float64)
    surface = Surface(
        faces=solid.faces,
        normals=np.concatenate(normals),
        uvs=all_uvs,
        face_material=np.concatenate(materials),
        face_object=solid.face_object,
        face_normals=face_normals,
        density=density,
        material_color=np.concatenate(colors),
        material_texture=np.concatenate(textures),
        material_tint=np.concatenate(tints),
        texels=_texels(catalogue)[0],
        floor=floor,
        walls=walls,
        bounds=solid.bounds,
        room=np.array([look.floor_scale, look.skirting_height, look.gloss]),
        material_glow=np.concatenate(glows),
        shell=first_shell,
        face_room=face_rooms,
        near_walls=near,
        near_frame=frame,
        material_gloss=np.concatenate(gloss),
    )
    light = Light(
        light_map=picture,
        axes=axes,
        origin=origin,
        scale=scale_map,
        lights=np.array([look.sun_color, look.lamp, look.ambient, look.lamp_color, bounce]),
        exposure=look.exposure,
        lamps=lamps,
    )
    return World(solid=solid, surface=surface, light=light)


_PYRAMID = (4 * SIDE * SIDE - 1) // 3


@lru_cache(maxsize=24)
def _home_texture(kind: int, number: int) -> F32:
    """Pyramid of a texture of one of the banks."""
    return pyramid({FLOOR: home_floor_texture, WALL: wall_texture, CEILING: ceiling_texture}[kind](number))


def _finish(finishes: Sequence[Finish]) -> tuple[F32, F32, I32, F64, F64]:
    """Texels of all rooms' textures; and colour, first texel (or -1), gloss, metres a repeat of each material."""
    texels = [_home_texture(FLOOR, finish.floor) for finish in finishes]
    count = KINDS * len(finishes)
    colors, textures = np.ones((count, 3), np.float32), np.full(count, -1, np.int32)
    gloss, scales = np.zeros(count), np.ones(count)
    for room, finish in enumerate(finishes):
        first = KINDS * room
        colors[first + FLOOR] = finish.floor_tone
        textures[first + FLOOR] = _PYRAMID * room
        gloss[first + FLOOR] = finish.gloss
        scales[first + FLOOR] = finish.floor_scale
        for kind, number, paint in (
            (WALL, finish.wall, finish.wall_color),
            (CEILING, finish.ceiling, finish.ceiling_color),
        ):
            if number is None:
                colors[first + kind] = LINEAR[np.array(paint, np.uint8)]
                continue
            textures[first + kind] = _PYRAMID * len(texels)
            scales[first + kind] = WALL_SCALE if kind == WALL else 1.2
            texels.append(_home_texture(kind, number))
        colors[[first + SKIRTING, first + TRIM]] = LINEAR[np.array(finish.skirting, np.uint8)]
    return np.concatenate(texels), colors, textures, gloss, scales


def _rotate(vectors: F32, turn: F32) -> F32:
    """``vectors @ turn`` written out, so that no BLAS chooses the order of additions."""
    turned: F32 = vectors[:, :1] * turn[0] + vectors[:, 1:2] * turn[1] + vectors[:, 2:] * turn[2]
    return turned
