"""Where one can walk: a grid of free floor, and straight walks over it from object to object."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wherewise.questions.geometry import Point2, extent, outline
from wherewise.scenes import Door, Scene, SceneObject

STEP = 0.1
"""Side of a cell, in metres."""
LOW, HIGH = 0.05, 1.6
"""What ends below or begins above these heights is in nobody's way, in metres."""

Array = NDArray[np.float64]


def inside_many(points: Array, polygon: Sequence[Point2]) -> NDArray[np.bool_]:
    """Which points ``(n, 2)`` lie in a simple polygon."""
    odd = np.zeros(len(points), dtype=bool)
    for (x1, y1), (x2, y2) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        if y1 == y2:
            continue
        crosses = (y1 > points[:, 1]) != (y2 > points[:, 1])
        odd ^= crosses & (points[:, 0] < (x2 - x1) * (points[:, 1] - y1) / (y2 - y1) + x1)
    return odd


def _to_border(points: Array, polygon: Sequence[Point2]) -> Array:
    best = np.full(len(points), np.inf)
    for start, end in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
        a, d = np.array(start), np.array(end) - np.array(start)
        along = np.clip((points - a) @ d / max(1e-18, float(d @ d)), 0, 1)
        best = np.minimum(best, np.linalg.norm(points - a - along[:, None] * d, axis=1))
    return best


def _through(points: Array, door: Door, radius: float) -> NDArray[np.bool_]:
    """Points within an open door, wide enough for the radius on both sides."""
    a, b = np.array(door.ends[0]), np.array(door.ends[1])
    width = float(np.linalg.norm(b - a))
    if not door.open or width <= 2 * radius:
        return np.zeros(len(points), dtype=bool)
    along = (b - a) / width
    offset = points - (a + b) / 2
    across = offset @ np.array([-along[1], along[0]])
    between: NDArray[np.bool_] = (np.abs(offset @ along) <= width / 2 - radius) & (np.abs(across) <= radius + 0.3)
    return between


@dataclass(frozen=True, kw_only=True, slots=True)
class FreeSpace:
    """Floor where someone of a given radius can stand.

    Attributes:
        origin: Lower corner of cell (0, 0) in metres.
        indoors: ``(columns, rows)``, whether the middle of a cell is over a floor or in a door.
        clear: The same, a radius away from all walls.
        blocked: ``(obstacles, columns, rows)``, whether the middle of a cell is within a radius of an obstacle.
    """

    origin: Point2
    indoors: NDArray[np.bool_]
    clear: NDArray[np.bool_]
    blocked: NDArray[np.bool_]

    def straight(self, start: Point2, end: Point2, ends: Sequence[int]) -> bool:
        """Whether one can walk straight from the middle of one obstacle to that of another.

        Args:
            start: Where the walk begins.
            end: Where it ends.
            ends: The obstacles at both ends, which are in nobody's way; near them walls aren't either.
        """
        count = max(2, math.ceil(math.dist(start, end) / (STEP / 2)))
        shares = np.linspace(0, 1, count + 1)[:, None]
        spots = np.array(start) * (1 - shares) + np.array(end) * shares
        i, j = np.floor((spots - np.array(self.origin)) / STEP).astype(int).T
        if not ((i >= 0) & (j >= 0) & (i < self.clear.shape[0]) & (j < self.clear.shape[1])).all():
            return False
        beside = self.blocked[list(ends)][:, i, j].any(axis=0)
        others = np.delete(self.blocked, list(ends), axis=0)[:, i, j].any(axis=0)
        return bool((~others & (self.clear[i, j] | (beside & self.indoors[i, j]))).all())


Walks = dict[str, tuple[str, ...]]
"""For each object the others to which one can walk straight."""


def straight_walks(scene: Scene, things: Sequence[SceneObject], radius: float) -> Walks:
    """The walks of a scene with a known room between some of its objects; those in nobody's way cannot be walked to."""
    standing = [thing for thing in scene.objects if extent(thing)[1] >= LOW and extent(thing)[0] <= HIGH]
    wanted = {thing.id for thing in things}
    return _walks(
        tuple(room.floor for room in scene.rooms) or (scene.room,),
        scene.doors,
        tuple(outline(thing) for thing in standing),
        tuple((i, t.id, (t.center[0], t.center[1])) for i, t in enumerate(standing) if t.id in wanted),
        radius,
    )


@lru_cache(maxsize=4)
def _walks(
    floors: tuple[tuple[Point2, ...], ...],
    doors: tuple[Door, ...],
    obstacles: tuple[tuple[Point2, ...], ...],
    stops: tuple[tuple[int, str, Point2], ...],
    radius: float,
) -> Walks:
    space = free_space(floors, doors, obstacles, radius)
    return {
        name: tuple(there for j, there, end in stops if j != i and space.straight(start, end, (i, j)))
        for i, name, start in stops
    }


def free_space(
    floors: Sequence[Sequence[Point2]],
    doors: Sequence[Door],
    obstacles: Sequence[Sequence[Point2]],
    radius: float,
) -> FreeSpace:
    """Floor of some rooms where someone of a radius can stand, doors included, and what the obstacles take of it."""
    corners = np.array([point for floor in floors for point in floor])
    low, high = corners.min(axis=0), corners.max(axis=0)
    columns, rows = (int(n) for n in np.ceil((high - low) / STEP))
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows), indexing="ij"), axis=-1).reshape(-1, 2)
    points = (grid + 0.5) * STEP + low
    indoors, clear = np.zeros(len(points), dtype=bool), np.zeros(len(points), dtype=bool)
    for floor in floors:
        within = inside_many(points, floor)
        indoors |= within
        clear |= within & (_to_border(points, floor) >= radius)
    for door in doors:
        between = _through(points, door, radius)
        indoors |= between
        clear |= between
    blocked = [inside_many(points, each) | (_to_border(points, each) < radius) for each in obstacles]
    shape = (columns, rows)
    return FreeSpace(
        origin=(float(low[0]), float(low[1])),
        indoors=indoors.reshape(shape),
        clear=clear.reshape(shape),
        blocked=np.array(blocked, dtype=bool).reshape(len(blocked), *shape),
    )
