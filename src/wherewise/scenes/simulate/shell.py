"""Walls, floors, ceilings and the openings in them as triangles with materials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wherewise.scenes.simulate.fixtures import DEPTH
from wherewise.scenes.simulate.plan import THICKNESS, Cut, Opening, Plan, RoomPlan, inward

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

#: Materials of a room, in the order of `Shell.face_material`: five a room.
FLOOR, WALL, CEILING, SKIRTING, TRIM = range(5)
KINDS = 5
#: Metres between two values of `near_walls`.
CELL = 0.05


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shell:
    """What a home is built of.

    Attributes:
        points: (V, 3) metres.
        normals: (V, 3) unit vectors into the room.
        uvs: (V, 2) metres along the surface.
        faces: (F, 3).
        face_material: (F,) ``KINDS * room + kind``.
    """

    points: F32
    normals: F32
    uvs: F32
    faces: I32
    face_material: I32


class _Builder:
    def __init__(self) -> None:
        self.points: list[Sequence[float]] = []
        self.normals: list[Sequence[float]] = []
        self.uvs: list[Sequence[float]] = []
        self.materials: list[int] = []

    def quad(
        self, corners: Sequence[Sequence[float]], normal: Sequence[float], uvs: Sequence[Sequence[float]], material: int
    ) -> None:
        self.points += corners
        self.normals += [normal] * 4
        self.uvs += uvs
        self.materials.append(material)

    def level(self, box: Sequence[float], z: float, up: float, material: int) -> None:
        """A level rectangle."""
        x0, y0, x1, y1 = box
        plan = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        self.quad([(x, y, z) for x, y in plan], (0, 0, up), plan, material)


def build_shell(plan: Plan, skirtings: Sequence[float]) -> Shell:
    """Triangles of all rooms; `skirtings` are the heights of their skirting boards."""
    builder = _Builder()
    for index, room in enumerate(plan.rooms):
        for part in room.parts():
            builder.level(part, 0.0, 1.0, KINDS * index + FLOOR)
            builder.level(part, plan.height, -1.0, KINDS * index + CEILING)
        for wall in range(len(room.walls())):
            _wall(builder, room, wall, plan.height, skirtings[index], KINDS * index)
    count = len(builder.materials)
    first = 4 * np.arange(count, dtype=np.int32)[:, None]
    faces = np.concatenate([first + np.array([0, 1, 2]), first + np.array([0, 2, 3])], 1).reshape(-1, 3)
    return Shell(
        points=np.array(builder.points, np.float32),
        normals=np.array(builder.normals, np.float32),
        uvs=np.array(builder.uvs, np.float32),
        faces=faces.astype(np.int32),
        face_material=np.repeat(np.array(builder.materials, np.int32), 2),
    )


def _wall(builder: _Builder, room: RoomPlan, wall: int, height: float, skirting: float, first: int) -> None:
    """One wall with its holes, and what one sees of the wall's inside in them."""
    (ax, ay), (bx, by) = room.walls()[wall]
    length = math.hypot(bx - ax, by - ay)
    ux, uy = (bx - ax) / length, (by - ay) / length
    nx, ny = inward(room, wall)

    def at(s: float, z: float, deep: float = 0.0) -> tuple[float, float, float]:
        return ax + ux * s - nx * deep, ay + uy * s - ny * deep, z

    def panel(s: float, t: float, low: float, high: float) -> None:
        for bottom, top, kind in ((low, min(high, skirting), SKIRTING), (max(low, skirting), high, WALL)):
            if top - bottom > 1e-9 and t - s > 1e-9:
                spots = [(s, bottom), (t, bottom), (t, top), (s, top)]
                builder.quad([at(*spot) for spot in spots], (nx, ny, 0), spots, first + kind)

    done = 0.0
    for opening in sorted((o for o in room.openings if o.wall == wall), key=lambda o: o.start):
        panel(done, opening.start, 0.0, height)
        panel(opening.start, opening.end, 0.0, opening.low)
        panel(opening.start, opening.end, opening.high, height)
        _reveal(builder, opening, at, (ux, uy), first)
        done = opening.end
    panel(done, length, 0.0, height)


def _reveal(builder: _Builder, opening: Opening, at, along: tuple[float, float], first: int) -> None:  # type: ignore[no-untyped-def]
    """Sides, head, and sill or threshold of an opening. A doorway's is built from its first room only."""
    if opening.cut is Cut.DOORWAY and opening.other is not None and KINDS * opening.other < first:
        return
    deep = THICKNESS if opening.cut is Cut.DOORWAY else DEPTH
    s, t, low, high = opening.start, opening.end, opening.low, opening.high
    ux, uy = along
    trim = first + TRIM
    flat = [(0, low), (deep, low), (deep, high), (0, high)]
    for place, sign in ((s, 1.0), (t, -1.0)):
        builder.quad([at(place, z, d) for d, z in flat], (sign * ux, sign * uy, 0), flat, trim)
    across = [(s, 0.0), (t, 0.0), (t, deep), (s, deep)]
    builder.quad([at(p, high, d) for p, d in across], (0, 0, -1), across, trim)
    floor = first + FLOOR if opening.cut is Cut.DOORWAY else trim
    builder.quad([at(p, low, d) for p, d in across], (0, 0, 1), across, floor)


def near_walls(plan: Plan) -> tuple[F32, F64]:
    """Distance of the floor to the nearest wall on a grid.

    Returns:
        (rows, columns) metres; and x and y of the first value, values per metre.
    """
    from scipy.ndimage import distance_transform_edt

    x0, y0, x1, y1 = plan.bounds()
    columns, rows = int((x1 - x0) / CELL) + 5, int((y1 - y0) / CELL) + 5
    xs, ys = x0 - 2 * CELL + CELL * np.arange(columns), y0 - 2 * CELL + CELL * np.arange(rows)
    floor = np.zeros((rows, columns), bool)
    # doorways reach a little into both rooms, so that no line of wall is left between
    ways = [(a - CELL, b - CELL, c + CELL, d + CELL) for (a, b, c, d), _, _ in plan.doorways()]
    for a, b, c, d in (*(room.box for room in plan.rooms), *ways):
        floor |= ((ys > b) & (ys < d))[:, None] & ((xs > a) & (xs < c))[None]
    for a, b, c, d in (notch for room in plan.rooms for notch in room.notches):
        floor &= ~(((ys >= b) & (ys <= d))[:, None] & ((xs >= a) & (xs <= c))[None])
    distance = distance_transform_edt(floor) * CELL - CELL / 2
    return np.maximum(distance, 0).astype(np.float32), np.array([xs[0], ys[0], 1 / CELL])
