"""Floor plans: one to four rooms of rectangular, L or T outline, their walls and what is cut into them.

A wall is an edge of a room's outline, which runs counter-clockwise, so that the room is on its left. Neighbouring
rooms stand `THICKNESS` apart. Lengths are metres.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, pairwise

import numpy as np

from wherewise.scenes.simulate.options import Home, Shape

#: Thickness of a wall.
THICKNESS = 0.12
#: Width and height of doorways, and of the way before them that stays free.
DOOR_WIDTH, DOOR_HEIGHT, DOOR_WAY = 0.9, 2.03, 0.75

Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]


class Cut(StrEnum):
    """What is cut into a wall."""

    DOORWAY = "doorway"
    """An open way into the next room."""
    ENTRANCE = "entrance"
    """A closed door that leads outside."""
    WINDOW = "window"
    """A window to the outside."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """A rectangle cut into a wall.

    Attributes:
        cut: What it is.
        wall: Index of the room's wall.
        start: Where it begins along the wall.
        end: Where it ends along the wall.
        low: Height of its lower edge.
        high: Height of its upper edge.
        other: Index of the room behind it, or None.
    """

    cut: Cut
    wall: int
    start: float
    end: float
    low: float
    high: float
    other: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomPlan:
    """One room.

    Attributes:
        name: Unique within the home.
        kind: Key of `placement.ROOMS`: what stands in it.
        box: ``(x0, y0, x1, y1)``: the rectangle round it.
        notches: Corners of `box` that are not part of the room.
        openings: What is cut into its walls.
    """

    name: str
    kind: str
    box: Rectangle
    notches: tuple[Rectangle, ...] = ()
    openings: tuple[Opening, ...] = ()

    def outline(self) -> tuple[Point, ...]:
        """Corners, counter-clockwise."""
        x0, y0, x1, y1 = self.box
        out: list[Point] = []
        for cx, cy in ((x0, y0), (x1, y0), (x1, y1), (x0, y1)):
            notch = next((n for n in self.notches if cx in (n[0], n[2]) and cy in (n[1], n[3])), None)
            if notch is None:
                out.append((cx, cy))
                continue
            ix = notch[2] if cx == notch[0] else notch[0]
            iy = notch[3] if cy == notch[1] else notch[1]
            first, last = ((cx, iy), (ix, cy)) if (cx == x0) == (cy == y0) else ((ix, cy), (cx, iy))
            out += [first, (ix, iy), last]
        return tuple(out)

    def walls(self) -> list[tuple[Point, Point]]:
        """Start and end of each wall."""
        corners = self.outline()
        return [(corners[i], corners[(i + 1) % len(corners)]) for i in range(len(corners))]

    def parts(self) -> list[Rectangle]:
        """Rectangles that make up its floor."""
        x0, y0, x1, y1 = self.box
        xs = sorted({x0, x1, *(n[0] for n in self.notches), *(n[2] for n in self.notches)})
        ys = sorted({y0, y1, *(n[1] for n in self.notches), *(n[3] for n in self.notches)})
        cells = [(a, c, b, d) for a, b in pairwise(xs) for c, d in pairwise(ys)]
        return [cell for cell in cells if self.holds((cell[0] + cell[2]) / 2, (cell[1] + cell[3]) / 2)]

    def holds(self, x: float, y: float, margin: float = 0.0) -> bool:
        """Whether a place is in the room, `margin` from its walls."""
        x0, y0, x1, y1 = self.box
        if not (x0 + margin < x < x1 - margin and y0 + margin < y < y1 - margin):
            return False
        return not any(n[0] - margin < x < n[2] + margin and n[1] - margin < y < n[3] + margin for n in self.notches)

    def area(self) -> float:
        """Square metres of floor."""
        return sum((c - a) * (d - b) for a, b, c, d in self.parts())

    def middle(self) -> Point:
        """Centre of its largest part."""
        a, b, c, d = max(self.parts(), key=lambda part: (part[2] - part[0]) * (part[3] - part[1]))
        return (a + c) / 2, (b + d) / 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """A home.

    Attributes:
        rooms: Its rooms; the middle of the rectangle round all of them is x = y = 0.
        height: Of all ceilings.
    """

    rooms: tuple[RoomPlan, ...]
    height: float

    def bounds(self) -> Rectangle:
        """The rectangle round all rooms."""
        boxes = [room.box for room in self.rooms]
        return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)

    def room_at(self, x: float, y: float, margin: float = 0.0) -> int | None:
        """Index of the room that holds a place."""
        return next((i for i, room in enumerate(self.rooms) if room.holds(x, y, margin)), None)

    def doorways(self) -> list[tuple[Rectangle, int, int]]:
        """Each open doorway once: the floor between its two walls, and the rooms it joins."""
        out = []
        for index, room in enumerate(self.rooms):
            for opening in room.openings:
                if opening.cut is Cut.DOORWAY and opening.other is not None and opening.other > index:
                    a, b = along(room, opening)
                    nx, ny = inward(room, opening.wall)
                    c = (b[0] - nx * THICKNESS, b[1] - ny * THICKNESS)
                    out.append((_around((a, b, c)), index, opening.other))
        return out


def _around(points: Sequence[Point]) -> Rectangle:
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    return min(xs), min(ys), max(xs), max(ys)


def inward(room: RoomPlan, wall: int) -> Point:
    """Unit vector from a wall into the room."""
    (ax, ay), (bx, by) = room.walls()[wall]
    length = math.hypot(bx - ax, by - ay)
    return (ay - by) / length, (bx - ax) / length


def along(room: RoomPlan, opening: Opening) -> tuple[Point, Point]:
    """Ends of an opening on the floor, in the wall's direction."""
    (ax, ay), (bx, by) = room.walls()[opening.wall]
    length = math.hypot(bx - ax, by - ay)
    ux, uy = (bx - ax) / length, (by - ay) / length
    return (
        (ax + ux * opening.start, ay + uy * opening.start),
        (ax + ux * opening.end, ay + uy * opening.end),
    )


def way(room: RoomPlan, opening: Opening, reach: float = DOOR_WAY) -> Rectangle:
    """The floor before a door that has to stay free."""
    a, b = along(room, opening)
    nx, ny = inward(room, opening.wall)
    return _around((a, b, (a[0] + nx * reach, a[1] + ny * reach)))


def draw_plan(home: Home, sides: tuple[float, float], kinds: Sequence[str], rng: np.random.Generator) -> Plan | None:
    """A random plan whose rooms' sides lie about in `sides`; None when this draw gives none."""
    count = int(rng.integers(home.rooms[0], home.rooms[1] + 1))
    boxes = _boxes(count, sides, rng)
    if boxes is None:
        return None
    names = [kinds[int(i)] for i in rng.permutation(len(kinds))[:count]]
    outer = _around([(b[0], b[1]) for b in boxes] + [(b[2], b[3]) for b in boxes])
    rooms = [
        RoomPlan(name=f"room {i + 1}", kind=kind, box=box, notches=_notches(home, box, outer, rng))
        for i, (kind, box) in enumerate(zip(names, boxes, strict=True))
    ]
    openings = _doorways(rooms, rng)
    if openings is None:
        return None
    _outer_openings(home, rooms, openings, rng)
    return Plan(
        rooms=tuple(
            RoomPlan(name=room.name, kind=room.kind, box=room.box, notches=room.notches, openings=tuple(cuts))
            for room, cuts in zip(rooms, openings, strict=True)
        ),
        height=float(rng.uniform(*home.height)),
    )


def _boxes(count: int, sides: tuple[float, float], rng: np.random.Generator) -> list[Rectangle] | None:
    """Rectangles of all rooms: a large one, cut `count` - 1 times."""
    drawn = [(float(rng.uniform(*sides)), float(rng.uniform(*sides))) for _ in range(count)]
    if count == 1:
        ((width, depth),) = drawn
    else:
        area, aspect = sum(w * d for w, d in drawn), float(rng.uniform(0.7, 1.4))
        width, depth = math.sqrt(area * aspect), math.sqrt(area / aspect)
    boxes: list[Rectangle] = [(-width / 2, -depth / 2, width / 2, depth / 2)]
    while len(boxes) < count:
        index = max(range(len(boxes)), key=lambda i: (boxes[i][2] - boxes[i][0]) * (boxes[i][3] - boxes[i][1]))
        x0, y0, x1, y1 = boxes.pop(index)
        share = float(rng.uniform(0.4, 0.6))
        if x1 - x0 > y1 - y0:
            at = x0 + share * (x1 - x0)
            boxes += [(x0, y0, at - THICKNESS / 2, y1), (at + THICKNESS / 2, y0, x1, y1)]
        else:
            at = y0 + share * (y1 - y0)
            boxes += [(x0, y0, x1, at - THICKNESS / 2), (x0, at + THICKNESS / 2, x1, y1)]
    shortest = min(min(b[2] - b[0], b[3] - b[1]) for b in boxes)
    return boxes if shortest >= max(2.0, 0.75 * sides[0]) else None


def _notches(home: Home, box: Rectangle, outer: Rectangle, rng: np.random.Generator) -> tuple[Rectangle, ...]:
    """Corners to leave out; only corners of the whole home can go."""
    shape = home.shapes[int(rng.integers(len(home.shapes)))]
    x0, y0, x1, y1 = box
    free = [(x, y) for x in (x0, x1) for y in (y0, y1) if x in (outer[0], outer[2]) and y in (outer[1], outer[3])]
    width, depth = x1 - x0, y1 - y0
    if shape is Shape.L and free:
        chosen = [free[int(rng.integers(len(free)))]]
    elif shape is Shape.T:
        sides = [pair for pair in combinations(free, 2) if pair[0][0] == pair[1][0] or pair[0][1] == pair[1][1]]
        chosen = list(sides[int(rng.integers(len(sides)))]) if sides else []
    else:
        chosen = []
    # both notches of a T lie on one side and share it
    across = [0.5, 0.5]
    if len(chosen) == 2:
        across = [0.3, 0.3] if chosen[0][1] == chosen[1][1] else [0.5, 0.5]
    out = []
    for x, y in chosen:
        w = width * float(rng.uniform(0.7, 1.0)) * across[0]
        d = depth * float(rng.uniform(0.7, 1.0)) * (0.3 if len(chosen) == 2 and across[0] == 0.5 else 0.5)
        if width - len(chosen) * w < 1.6 or depth - d < 1.6:
            continue
        out.append(
            (x if x == x0 else x1 - w, y if y == y0 else y1 - d, x0 + w if x == x0 else x, y0 + d if y == y0 else y)
        )
    return tuple(out)


def _shared(one: RoomPlan, two: RoomPlan) -> list[tuple[int, int, float, float, float]]:
    """Pairs of walls that face away from each other at `THICKNESS`: both indices, and the shared stretch on the first.

    The last number is where the first wall's start lies on the second, measured from that one's end.
    """
    out = []
    for i, (a, b) in enumerate(one.walls()):
        for j, (c, d) in enumerate(two.walls()):
            n, m = inward(one, i), inward(two, j)
            if n[0] * m[0] + n[1] * m[1] > -0.5:
                continue
            if abs((c[0] - a[0]) * n[0] + (c[1] - a[1]) * n[1] + THICKNESS) > 1e-6:
                continue
            length = math.hypot(b[0] - a[0], b[1] - a[1])
            u = ((b[0] - a[0]) / length, (b[1] - a[1]) / length)
            s, t = (sum((p[k] - a[k]) * u[k] for k in range(2)) for p in (d, c))
            low, high = max(0.0, s), min(length, t)
            if high - low > DOOR_WIDTH + 0.3:
                out.append((i, j, low, high, t))
    return out


def _doorways(rooms: list[RoomPlan], rng: np.random.Generator) -> list[list[Opening]] | None:
    """Doorways that join all rooms, and now and then one more; None when they can't be joined."""
    openings: list[list[Opening]] = [[] for _ in rooms]
    group = list(range(len(rooms)))
    pairs = list(combinations(range(len(rooms)), 2))
    for i, j in (pairs[int(k)] for k in rng.permutation(len(pairs))):
        walls = _shared(rooms[i], rooms[j])
        if not walls or (group[i] == group[j] and rng.random() > 0.3):
            continue
        wall, other, low, high, end = walls[int(rng.integers(len(walls)))]
        start = float(rng.uniform(low + 0.12, high - DOOR_WIDTH - 0.12))
        back = end - start - DOOR_WIDTH
        for here, side, at, there in ((i, wall, start, j), (j, other, back, i)):
            openings[here].append(
                Opening(
                    cut=Cut.DOORWAY, wall=side, start=at, end=at + DOOR_WIDTH, low=0.0, high=DOOR_HEIGHT, other=there
                )
            )
        group = [group[i] if g == group[j] else g for g in group]
    return openings if len(set(group)) == 1 else None


def _outer_openings(home: Home, rooms: list[RoomPlan], openings: list[list[Opening]], rng: np.random.Generator) -> None:
    """Add windows and an entrance to walls with nothing behind them."""
    entrance = float(rng.random()) < home.entrance
    for i in (int(k) for k in rng.permutation(len(rooms))):
        room = rooms[i]
        for wall, (a, b) in enumerate(room.walls()):
            length = math.hypot(b[0] - a[0], b[1] - a[1])
            n = inward(room, wall)
            steps = [0.05 + 0.1 * k for k in range(10)]
            outside = [(a[0] + t * (b[0] - a[0]) - 0.5 * n[0], a[1] + t * (b[1] - a[1]) - 0.5 * n[1]) for t in steps]
            if length < 1.5 or any(other.holds(x, y, -0.05) for other in rooms for x, y in outside):
                continue
            if entrance and length > DOOR_WIDTH + 0.5:
                entrance = False
                start = float(rng.uniform(0.2, length - DOOR_WIDTH - 0.2))
                openings[i].append(
                    Opening(cut=Cut.ENTRANCE, wall=wall, start=start, end=start + DOOR_WIDTH, low=0.0, high=DOOR_HEIGHT)
                )
            elif rng.random() < home.windows:
                width = float(rng.uniform(0.8, min(2.0, length - 0.6)))
                start = float(rng.uniform(0.3, length - width - 0.3)) if length - width > 0.6 else (length - width) / 2
                low = float(rng.uniform(0.85, 1.0))
                high = low + float(rng.uniform(1.05, 1.25))
                openings[i].append(
                    Opening(cut=Cut.WINDOW, wall=wall, start=start, end=start + width, low=low, high=high)
                )
