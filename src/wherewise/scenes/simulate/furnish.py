"""Homes: the rooms of a plan, each furnished for its kind, with windows, doors and lamps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wherewise.scenes.simulate.choice import ROOMS, choose
from wherewise.scenes.simulate.config import SimulateConfig
from wherewise.scenes.simulate.fixtures import ceiling_lamp, door, window
from wherewise.scenes.simulate.furniture import Catalogue, Model
from wherewise.scenes.simulate.options import Home
from wherewise.scenes.simulate.placement import GAP, Layout, Placed, arrange, footprint, gap, is_clear
from wherewise.scenes.simulate.plan import Cut, Opening, Point, Rectangle, RoomPlan, along, draw_plan, inward, way

_DOOR_TONES = ((236, 234, 228), (122, 86, 54), (92, 60, 38), (70, 84, 96), (150, 122, 88))
_LAMP_TONES = ((244, 236, 214), (226, 170, 120), (190, 206, 220), (60, 60, 64))


def _shape(rectangle: Rectangle) -> list[Point]:
    x0, y0, x1, y1 = rectangle
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One room of a plan, as somewhere to put things.

    Attributes:
        room: The room.
        height: Of its ceiling, metres.
        fixed: What is built into it.
    """

    room: RoomPlan
    height: float
    fixed: tuple[Placed, ...] = ()

    @property
    def bounds(self) -> Rectangle:
        """``(x0, y0, x1, y1)`` of the rectangle round it."""
        return self.room.box

    def fits(self, candidate: Placed, placed: Sequence[Placed], margin: float = GAP) -> bool:
        """Whether a thing can be there: inside the walls, out of the ways to doors, clear of all others."""
        x0, y0, x1, y1 = self.room.box
        shape = footprint(candidate)
        if any(not (x0 + 0.015 < x < x1 - 0.015 and y0 + 0.015 < y < y1 - 0.015) for x, y in shape):
            return False
        if candidate.z + candidate.model.size[2] > self.height - 0.02:
            return False
        ways = [way(self.room, o) for o in self.room.openings if o.cut is not Cut.WINDOW]
        if any(gap(shape, _shape(closed)) < 0.015 for closed in (*self.room.notches, *ways)):
            return False
        return is_clear(candidate, (*placed, *self.fixed), margin)

    def at_wall(self, model: Model, placed: list[Placed], rng: np.random.Generator) -> Placed | None:
        """The model with its back to a wall, its front to the room; not before a window that it would cover."""
        width, depth, height = model.size
        walls = self.room.walls()
        lengths = np.array([math.dist(a, b) for a, b in walls])
        share = np.cumsum(lengths) / lengths.sum()
        z = model.elevation if model.mount == "wall" else 0.0
        for _ in range(30):
            wall = int(np.searchsorted(share, rng.random(), side="right"))
            (ax, ay), (bx, by) = walls[wall]
            length = float(lengths[wall])
            if length < width + 0.1:
                continue
            at = float(rng.uniform(width / 2 + 0.03, length - width / 2 - 0.03))
            if any(_hides(o, wall, at - width / 2, at + width / 2, z, z + height) for o in self.room.openings):
                continue
            nx, ny = inward(self.room, wall)
            off = depth / 2 + (0.016 if z else 0.02 + 0.03 * float(rng.random()))
            item = Placed(
                model=model,
                x=ax + (bx - ax) * at / length + nx * off,
                y=ay + (by - ay) * at / length + ny * off,
                z=z,
                yaw=_yaw((nx, ny)),
            )
            if self.fits(item, placed):
                return item
        return None


def _hides(opening: Opening, wall: int, start: float, end: float, low: float, high: float) -> bool:
    """Whether something at a wall would stand before an opening."""
    if opening.wall != wall or end < opening.start - 0.05 or start > opening.end + 0.05:
        return False
    return high > opening.low + 0.05 and low < opening.high


def _yaw(front: Point) -> float:
    """Degrees that turn a model's front, -y, towards `front`."""
    return math.degrees(math.atan2(front[0], -front[1])) % 360


def draw_home(config: SimulateConfig, catalogue: Catalogue, rng: np.random.Generator) -> Layout | None:
    """A random furnished home; None when this draw gives none."""
    home = config.home
    assert home is not None
    plan = draw_plan(home, config.room, sorted(ROOMS), rng)
    if plan is None:
        return None
    total = int(rng.integers(config.objects[0], config.objects[1] + 1))
    counts = _portions(total, [room.area() for room in plan.rooms])
    placed: list[Placed] = []
    fixed: list[Placed] = []
    for index, (room, count) in enumerate(zip(plan.rooms, counts, strict=True)):
        built = [replace(item, room=index) for item in _built_in(home, room, plan.height, rng)]
        fixed += built
        chosen = choose(config, catalogue, count, rng, room.kind) if count else []
        cell = Cell(room=room, height=plan.height, fixed=tuple(built))
        own = arrange(config, chosen, cell, min(1, count), rng)
        if own is None:
            return None
        first = len(placed)
        placed += [
            replace(item, room=index, support=None if item.support is None else item.support + first) for item in own
        ]
    if len(placed) < config.objects[0]:
        return None
    x0, y0, x1, y1 = plan.bounds()
    return Layout(width=x1 - x0, depth=y1 - y0, height=plan.height, placed=(*placed, *fixed), plan=plan)


def _portions(total: int, areas: Sequence[float]) -> list[int]:
    """Split a number in proportion to areas; the largest remainders get what is left."""
    exact = [total * area / sum(areas) for area in areas]
    counts = [int(value) for value in exact]
    for i in sorted(range(len(areas)), key=lambda i: counts[i] - exact[i])[: total - sum(counts)]:
        counts[i] += 1
    return counts


def _built_in(home: Home, room: RoomPlan, height: float, rng: np.random.Generator) -> list[Placed]:
    """Windows, the closed door and the lamp of a room."""
    out: list[Placed] = []
    dark = bool(rng.random() < 0.25)
    for opening in room.openings:
        if opening.cut is Cut.DOORWAY:
            continue
        a, b = along(room, opening)
        nx, ny = inward(room, opening.wall)
        if opening.cut is Cut.WINDOW:
            model = window(opening.end - opening.start, opening.high - opening.low, dark)
        else:
            model = door(DOOR, opening.high - opening.low, _DOOR_TONES[int(rng.integers(len(_DOOR_TONES)))])
        deep = RECESS + model.size[1] / 2
        x, y = (a[0] + b[0]) / 2 - nx * deep, (a[1] + b[1]) / 2 - ny * deep
        out.append(Placed(model=model, x=x, y=y, z=opening.low, yaw=_yaw((nx, ny))))
    if rng.random() < home.lamps:
        x, y = room.middle()
        tone = _LAMP_TONES[int(rng.integers(len(_LAMP_TONES)))]
        lamp = ceiling_lamp(float(rng.uniform(0.15, 0.28)), float(rng.uniform(0.25, 0.45)), tone)
        out.append(Placed(model=lamp, x=x, y=y, z=height - lamp.size[2], yaw=0.0))
    return out


#: How deep windows and doors sit in their walls, and the width of doors.
RECESS, DOOR = 0.04, 0.9
