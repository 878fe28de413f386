"""Things that are built in: windows, doors and ceiling lamps, made to measure from boxes and drums."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from wherewise.scenes.simulate.furniture import Material, Model

#: `Model.mount` of what is built in.
BUILT_IN = "built in"

#: How deep a window's or closed door's hole is cut into the wall, metres.
DEPTH = 0.16

Part = tuple[np.ndarray, np.ndarray, np.ndarray, int]


def box(low: Sequence[float], high: Sequence[float], material: int) -> Part:
    """A cuboid: points (24, 3), normals (24, 3), faces (12, 3), material."""
    points: list[list[float]] = []
    normals: list[list[float]] = []
    faces: list[tuple[int, int, int]] = []
    for axis in range(3):
        for side in (0, 1):
            normal = [0.0, 0.0, 0.0]
            normal[axis] = 2.0 * side - 1.0
            first = len(points)
            for a, b in ((0, 0), (1, 0), (1, 1), (0, 1)):
                corner = [0.0, 0.0, 0.0]
                corner[axis] = (low, high)[side][axis]
                corner[(axis + 1) % 3] = (low, high)[a][(axis + 1) % 3]
                corner[(axis + 2) % 3] = (low, high)[b][(axis + 2) % 3]
                points.append(corner)
                normals.append(normal)
            faces += [(first, first + 1, first + 2), (first, first + 2, first + 3)]
    return np.array(points), np.array(normals), np.array(faces), material


def drum(radius: tuple[float, float], z: tuple[float, float], material: int, sides: int = 20) -> Part:
    """A closed frustum about the z axis, `radius` at both heights."""
    angles = np.arange(sides) * (2 * math.pi / sides)
    ring = np.stack([np.cos(angles), np.sin(angles)], 1)
    points, normals, faces = [], [], []
    for k in (0, 1):
        points.append(np.column_stack([ring * radius[k], np.full(sides, z[k])]))
        normals.append(np.column_stack([ring, np.zeros(sides)]))
    for k in (0, 1):
        points.append(np.column_stack([ring * radius[k], np.full(sides, z[k])]))
        normals.append(np.tile([0.0, 0.0, 2.0 * k - 1.0], (sides, 1)))
    for i in range(sides):
        j = (i + 1) % sides
        faces += [(i, j, sides + j), (i, sides + j, sides + i)]
        if 0 < i < sides - 1:
            faces += [(2 * sides, 2 * sides + i, 2 * sides + j), (3 * sides, 3 * sides + i, 3 * sides + j)]
    return np.concatenate(points), np.concatenate(normals), np.array(faces), material


def build(name: str, category: str, parts: Sequence[Part], materials: Sequence[Material]) -> Model:
    """A model of some parts; it is moved to stand on z = 0 with its middle at x = y = 0."""
    points = np.concatenate([part[0] for part in parts])
    low, high = points.min(0), points.max(0)
    points = points - np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    offsets = np.cumsum([0, *(len(part[0]) for part in parts[:-1])])
    size = high - low
    return Model(
        id=name,
        category=category,
        size=(float(size[0]), float(size[1]), float(size[2])),
        support=None,
        creator="wherewise",
        licence="Apache-2.0",
        materials=tuple(materials),
        points=points.astype(np.float32),
        normals=np.concatenate([part[1] for part in parts]).astype(np.float32),
        uvs=np.zeros((len(points), 2), np.float32),
        faces=np.concatenate([part[2] + o for part, o in zip(parts, offsets, strict=True)]).astype(np.int32),
        face_materials=np.concatenate([np.full(len(part[2]), part[3]) for part in parts]).astype(np.int32),
        mount=BUILT_IN,
    )


def window(width: float, height: float, dark: bool) -> Model:
    """A window with a mullion, 8 cm deep; through it one sees the sky above something green."""
    frame = (70, 54, 42) if dark else (240, 240, 238)
    materials = [
        Material(color=frame, texture=-1),
        Material(color=(196, 218, 245), texture=-1, glow=1.5),
        Material(color=(128, 148, 112), texture=-1, glow=0.8),
    ]
    w, bar = width / 2, 0.06
    land = height * 0.38
    parts = [
        box((-w, -0.04, 0), (w, 0.04, bar), 0),
        box((-w, -0.04, height - bar), (w, 0.04, height), 0),
        box((-w, -0.04, bar), (-w + bar, 0.04, height - bar), 0),
        box((w - bar, -0.04, bar), (w, 0.04, height - bar), 0),
        box((-w + bar, 0.0, land), (w - bar, 0.01, height - bar), 1),
        box((-w + bar, 0.0, bar), (w - bar, 0.01, land), 2),
    ]
    panes = max(1, round(width / 0.7))
    for k in range(1, panes):
        x = -w + width * k / panes
        parts.append(box((x - 0.02, -0.03, bar), (x + 0.02, 0.03, height - bar), 0))
    return build("window", "window", parts, materials)


def door(width: float, height: float, tone: tuple[int, int, int]) -> Model:
    """A closed door leaf in its frame, with two panels and a handle."""
    frame = tuple(min(255, round(value * 0.9 + 20)) for value in tone)
    materials = [
        Material(color=(frame[0], frame[1], frame[2]), texture=-1),
        Material(color=tone, texture=-1),
        Material(color=(tone[0] * 4 // 5, tone[1] * 4 // 5, tone[2] * 4 // 5), texture=-1),
        Material(color=(150, 150, 152), texture=-1),
    ]
    w, bar = width / 2, 0.05
    parts = [
        box((-w, -0.05, 0), (-w + bar, 0.05, height), 0),
        box((w - bar, -0.05, 0), (w, 0.05, height), 0),
        box((-w + bar, -0.05, height - bar), (w - bar, 0.05, height), 0),
        box((-w + bar, -0.02, 0), (w - bar, 0.02, height - bar), 1),
        box((-w + 0.17, -0.028, 0.2), (w - 0.17, -0.02, 0.9), 2),
        box((-w + 0.17, -0.028, 1.1), (w - 0.17, -0.02, height - 0.2), 2),
        box((w - 0.15, -0.05, 1.0), (w - 0.1, -0.02, 1.05), 3),
        box((w - 0.24, -0.065, 1.01), (w - 0.1, -0.045, 1.04), 3),
    ]
    return build("door", "door", parts, materials)


def ceiling_lamp(radius: float, drop: float, tone: tuple[int, int, int]) -> Model:
    """A lamp that hangs `drop` metres from the ceiling to its lower edge."""
    materials = [
        Material(color=(60, 60, 62), texture=-1),
        Material(color=tone, texture=-1, glow=0.9),
        Material(color=(255, 250, 235), texture=-1, glow=2.2),
    ]
    shade = min(0.2, 0.6 * drop)
    parts = [
        drum((radius, 0.6 * radius), (0.0, shade), 1),
        drum((0.7 * radius, 0.7 * radius), (-0.004, 0.0), 2),
        drum((0.008, 0.008), (shade, drop), 0, sides=8),
        drum((0.05, 0.05), (drop - 0.02, drop), 0, sides=12),
    ]
    return build("ceilingLamp", "ceiling lamp", parts, materials)
