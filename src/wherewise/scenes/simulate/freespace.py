"""Where a camera or a person can go: a grid of free places, and short ways on it that keep away from things."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wherewise.scenes.simulate.placement import Layout, Placed, footprint, gap
from wherewise.scenes.simulate.plan import Point, Rectangle

#: Metres between two places of the grid.
STEP = 0.1

F64 = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Free:
    """Free places of a layout at some height.

    Attributes:
        low: x and y of the first place, metres.
        clearance: (rows, columns) metres from each place to the nearest wall or thing; 0 where it is not free.
    """

    low: Point
    clearance: F64

    def at(self, row: int, column: int) -> Point:
        """Metres of a place."""
        return self.low[0] + STEP * column, self.low[1] + STEP * row

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """Row and column of the nearest place; it may lie outside."""
        return round((y - self.low[1]) / STEP), round((x - self.low[0]) / STEP)

    def room(self, x: float, y: float) -> float:
        """Clearance of the place nearest to (x, y)."""
        row, column = self.cell(x, y)
        inside = 0 <= row < self.clearance.shape[0] and 0 <= column < self.clearance.shape[1]
        return float(self.clearance[row, column]) if inside else 0.0


def floors(layout: Layout) -> list[Rectangle]:
    """Rectangles of floor to walk on, doorways included."""
    if layout.plan is None:
        return [(-layout.width / 2, -layout.depth / 2, layout.width / 2, layout.depth / 2)]
    ways = []
    for (a, b, c, d), _, _ in layout.plan.doorways():
        # through the wall, a step into both rooms
        along_x = c - a > d - b
        ways.append((a, b - STEP, c, d + STEP) if along_x else (a - STEP, b, c + STEP, d))
    return [room.box for room in layout.plan.rooms] + ways


def free_places(layout: Layout, bottom: float, top: float, skip: Sequence[Placed] = ()) -> Free:
    """The grid, for something that reaches from `bottom` to `top` metres above the floor.

    Args:
        layout: The room or home.
        bottom: What lies lower can be stepped over.
        top: What hangs higher can be passed under.
        skip: Things that are not in the way.
    """
    from scipy.ndimage import distance_transform_edt

    x0, y0 = -layout.width / 2 - STEP, -layout.depth / 2 - STEP
    columns, rows = int(layout.width / STEP) + 4, int(layout.depth / STEP) + 4
    xs, ys = x0 + STEP * np.arange(columns), y0 + STEP * np.arange(rows)
    free = np.zeros((rows, columns), bool)
    for a, b, c, d in floors(layout):
        free |= ((ys > b) & (ys < d))[:, None] & ((xs > a) & (xs < c))[None]
    for notch in (n for room in layout.plan.rooms for n in room.notches) if layout.plan else ():
        free &= ~(((ys >= notch[1]) & (ys <= notch[3]))[:, None] & ((xs >= notch[0]) & (xs <= notch[2]))[None])
    for item in layout.placed:
        if item.z >= top or item.z + item.model.size[2] <= bottom or any(item is other for other in skip):
            continue
        c, s = math.cos(math.radians(item.yaw)), math.sin(math.radians(item.yaw))
        dx, dy = xs[None] - item.x, ys[:, None] - item.y
        half = (item.model.size[0] / 2, item.model.size[1] / 2)
        free &= ~((np.abs(c * dx + s * dy) <= half[0]) & (np.abs(-s * dx + c * dy) <= half[1]))
    return Free(low=(float(x0), float(y0)), clearance=distance_transform_edt(free) * STEP)


def reach(free: Free, clearance: float) -> list[NDArray[np.intp]]:
    """Connected areas where there is `clearance`, the largest first: (n, 2) rows and columns each."""
    from scipy.ndimage import label

    labels, count = label(free.clearance >= clearance)
    areas = [np.argwhere(labels == k) for k in range(1, count + 1)]
    return sorted(areas, key=len, reverse=True)


def find_way(free: Free, start: Point, goal: Point, clearance: float) -> list[Point] | None:
    """A short way that keeps `clearance`, and more of it where that costs little; None when there is none."""
    first, last = free.cell(*start), free.cell(*goal)
    rows, columns = free.clearance.shape
    cost = {first: 0.0}
    before: dict[tuple[int, int], tuple[int, int]] = {}
    queue = [(0.0, first)]
    done: set[tuple[int, int]] = set()
    while queue:
        _, here = heapq.heappop(queue)
        if here == last:
            out = [here]
            while out[-1] != first:
                out.append(before[out[-1]])
            return [free.at(*cell) for cell in reversed(out)]
        if here in done:
            continue
        done.add(here)
        for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            there = (here[0] + dr, here[1] + dc)
            if not (0 <= there[0] < rows and 0 <= there[1] < columns) or free.clearance[there] < clearance:
                continue
            narrow = max(0.0, 0.6 - float(free.clearance[there]))
            new = cost[here] + math.sqrt(dr * dr + dc * dc) * (1 + 4 * narrow)
            if new < cost.get(there, math.inf):
                cost[there] = new
                before[there] = here
                rest = math.hypot(last[0] - there[0], last[1] - there[1])
                heapq.heappush(queue, (new + rest, there))
    return None


def touches(layout: Layout, x: float, y: float, z: float, radius: float) -> bool:
    """Whether a ball of `radius` at a place touches a thing's box or leaves the rooms."""
    if layout.plan is not None:
        inside = layout.plan.room_at(x, y, radius) is not None or any(
            a - THRESHOLD <= x <= c + THRESHOLD and b - THRESHOLD <= y <= d + THRESHOLD
            for a, b, c, d in (_open(way, radius) for way, _, _ in layout.plan.doorways())
        )
        if not inside or z > layout.height - radius:
            return True
    elif abs(x) > layout.width / 2 - radius or abs(y) > layout.depth / 2 - radius:
        return True
    square = [(x - 0.005, y - 0.005), (x + 0.005, y - 0.005), (x + 0.005, y + 0.005), (x - 0.005, y + 0.005)]
    for item in layout.placed:
        if item.z > z + radius or item.z + item.model.size[2] < z - radius:
            continue
        if math.hypot(x - item.x, y - item.y) > math.hypot(*item.model.size[:2]) / 2 + radius + 0.02:
            continue
        if gap(square, footprint(item)) < radius:
            return True
    return False


def _open(way: Rectangle, radius: float) -> Rectangle:
    """The middle of a doorway that a ball of `radius` can pass, as long as the wall is thick and a bit more."""
    a, b, c, d = way
    if c - a > d - b:
        return a + radius, b - radius, c - radius, d + radius
    return a - radius, b + radius, c + radius, d - radius


#: What two floors may miss each other by.
THRESHOLD = 1e-9
