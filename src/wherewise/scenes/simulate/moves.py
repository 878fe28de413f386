"""Things that move during a clip: they slide over the floor in a straight line, once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wherewise.scenes.simulate.config import SimulateConfig
from wherewise.scenes.simulate.furnish import Cell
from wherewise.scenes.simulate.placement import AT_WALL, Hall, Layout, Placed, Space

#: Shortest and longest way in metres, fastest in metres per second, and the largest side of what moves.
SHORTEST, LONGEST, FASTEST, LARGEST = 0.6, 2.5, 1.0, 1.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """One thing's way.

    Attributes:
        index: Of the thing among those placed.
        dx: Metres along x.
        dy: Metres along y.
        start: Second at which it sets off.
        end: Second at which it stands again.
    """

    index: int
    dx: float
    dy: float
    start: float
    end: float

    def share(self, time: float) -> float:
        """Part of its way that it has gone, 0..1: it speeds up and slows down smoothly."""
        t = min(1.0, max(0.0, (time - self.start) / (self.end - self.start)))
        return t * t * (3 - 2 * t)


def moved(item: Placed, move: Move, share: float) -> Placed:
    """A thing on its way."""
    return replace(item, x=item.x + share * move.dx, y=item.y + share * move.dy)


def layout_at(layout: Layout, moves: Sequence[Move], time: float) -> Layout:
    """Where everything stands at some second of the clip."""
    placed = list(layout.placed)
    for move in moves:
        placed[move.index] = moved(placed[move.index], move, move.share(time))
    return replace(layout, placed=tuple(placed))


def draw_moves(config: SimulateConfig, layout: Layout, rng: np.random.Generator) -> tuple[Move, ...] | None:
    """Ways for some things, clear of all others and of each other; None when too few can move."""
    count = int(rng.integers(config.moving[0], config.moving[1] + 1))
    length = (config.frames - 1) / config.fps
    carrying = {item.support for item in layout.placed}
    can = [
        i
        for i, item in enumerate(layout.placed)
        if item.z == 0 and item.support is None and i not in carrying and item.model.category not in AT_WALL
        and item.model.mount == "floor" and max(item.model.size) < LARGEST
    ]  # fmt: skip
    moves: list[Move] = []
    for i in (can[int(k)] for k in rng.permutation(len(can))):
        if len(moves) == count:
            break
        item = layout.placed[i]
        fixed = [other for k, other in enumerate(layout.placed) if k != i]
        for earlier in moves:
            fixed += [moved(layout.placed[earlier.index], earlier, k / 8) for k in range(1, 9)]
        move = _draw_way(i, item, fixed, _space(layout, item), length, rng)
        if move is not None:
            moves.append(move)
    return tuple(moves) if len(moves) >= config.moving[0] else None


def _space(layout: Layout, item: Placed) -> Space:
    if layout.plan is None:
        return Hall(width=layout.width, depth=layout.depth, height=layout.height)
    return Cell(room=layout.plan.rooms[item.room], height=layout.height)


def _draw_way(
    index: int, item: Placed, fixed: Sequence[Placed], space: Space, length: float, rng: np.random.Generator
) -> Move | None:
    for _ in range(20):
        angle, far = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(SHORTEST, LONGEST))
        least = 1.5 * far / FASTEST
        if least > 0.9 * length:
            continue
        lasts = float(rng.uniform(least, 0.9 * length))
        start = float(rng.uniform(0.05 * length, length - lasts))
        move = Move(index=index, dx=math.cos(angle) * far, dy=math.sin(angle) * far, start=start, end=start + lasts)
        steps = math.ceil(far / 0.08)
        if all(space.fits(moved(item, move, k / steps), fixed) for k in range(1, steps + 1)):
            return move
    return None
