"""Where things stand: rectangular rooms, furniture along walls, things on the floor and on supports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from wherewise.scenes.simulate.choice import Choice, choose
from wherewise.scenes.simulate.config import SimulateConfig
from wherewise.scenes.simulate.furniture import Catalogue, Model
from wherewise.scenes.simulate.plan import Plan

#: Smallest gap between two things, metres.
GAP = 0.03

#: Categories that stand with their back to a wall.
AT_WALL = frozenset(
    {"bed", "bidet", "bookcase", "cabinet", "cupboard", "desk", "fridge", "nightstand", "oven", "piano", "radiator"}
    | {"sink", "sofa", "toilet", "wardrobe", "whiteboard"}
    # of the full set
    | {"shower", "television stand"}
)

#: Categories that prefer to stand on something.
ON_TOP = frozenset(
    {"bottle", "coffee machine", "cup", "fan", "lamp", "milk carton", "mixer", "mug", "speaker", "teddy bear"}
    | {"television"}
    # of the full set
    | {"bread", "calendar", "cupcake", "figurine", "headphones", "hot dog", "perfume bottle", "phone", "puzzle", "toy"}
    | {"toy plane"}
)

#: Categories with a front that is plain to see: their models' -y side.
FRONTED = frozenset(
    {"armchair", "bidet", "bookcase", "cabinet", "chair", "coffee machine", "cupboard", "desk", "fridge", "locker"}
    | {
        "nightstand",
        "oven",
        "piano",
        "sink",
        "sofa",
        "teddy bear",
        "television",
        "television stand",
        "toilet",
        "wardrobe",
    }
)

#: Largest side in metres of what counts as small.
SMALL = 0.45


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Placed:
    """A model in the room.

    Attributes:
        model: What it is.
        x: Centre of its footprint, metres.
        y: Centre of its footprint, metres.
        z: Height of its underside, metres.
        yaw: Degrees, counter-clockwise from above.
        support: Index of the thing it stands on, or None for the floor.
        color: Colour word it was re-coloured with, or None.
        tone: Display colour of that, or None.
        word: Size word (``small``, ``large``) that tells it from its like, or None.
        room: Index of its room in the plan; 0 where there is none.
    """

    model: Model
    x: float
    y: float
    z: float
    yaw: float
    support: int | None = None
    color: str | None = None
    tone: tuple[int, int, int] | None = None
    word: str | None = None
    room: int = 0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Layout:
    """A room or home and what stands in it. The middle is x = y = 0.

    Attributes:
        width: Along x, metres.
        depth: Along y, metres.
        height: Metres.
        placed: Everything in it.
        plan: The rooms; None for one rectangle without doors, windows and materials.
    """

    width: float
    depth: float
    height: float
    placed: tuple[Placed, ...]
    plan: Plan | None = None


def corners(x: float, y: float, width: float, depth: float, yaw: float) -> list[tuple[float, float]]:
    """Corners of a turned rectangle, counter-clockwise."""
    c, s = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    halves = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
    return [(x + c * a * width - s * b * depth, y + s * a * width + c * b * depth) for a, b in halves]


def gap(first: Sequence[tuple[float, float]], second: Sequence[tuple[float, float]]) -> float:
    """Largest separation of two convex polygons along their edges' normals (separating axes); < 0 when they overlap."""
    best = -math.inf
    for polygon in (first, second):
        for i in range(len(polygon)):
            (ax, ay), (bx, by) = polygon[i], polygon[(i + 1) % len(polygon)]
            nx, ny = by - ay, ax - bx
            length = math.hypot(nx, ny)
            nx, ny = nx / length, ny / length
            p = [nx * x + ny * y for x, y in first]
            q = [nx * x + ny * y for x, y in second]
            best = max(best, min(q) - max(p), min(p) - max(q))
    return best


def footprint(item: Placed) -> list[tuple[float, float]]:
    """Corners of what `item` covers on the ground plan."""
    return corners(item.x, item.y, item.model.size[0], item.model.size[1], item.yaw)


class Space(Protocol):
    """Somewhere that things can be put."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """``(x0, y0, x1, y1)`` of the rectangle round it."""
        ...

    @property
    def height(self) -> float:
        """Height of the ceiling in metres."""
        ...

    def fits(self, candidate: Placed, placed: Sequence[Placed], margin: float = GAP) -> bool:
        """Whether a thing can be there, `margin` from the others."""
        ...

    def at_wall(self, model: Model, placed: list[Placed], rng: np.random.Generator) -> Placed | None:
        """The model with its back to a wall, or None when no drawn place is free."""
        ...


def is_clear(candidate: Placed, placed: Sequence[Placed], margin: float) -> bool:
    """Whether a thing stays `margin` away from all others that share a height with it."""
    shape = footprint(candidate)
    for other in placed:
        if other.z + other.model.size[2] < candidate.z or candidate.z + candidate.model.size[2] < other.z:
            continue
        reach = math.hypot(*candidate.model.size[:2]) / 2 + math.hypot(*other.model.size[:2]) / 2 + margin
        if math.hypot(candidate.x - other.x, candidate.y - other.y) > reach:
            continue
        if gap(shape, footprint(other)) < margin:
            return False
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Hall:
    """One rectangular room about x = y = 0."""

    width: float
    depth: float
    height: float

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """``(x0, y0, x1, y1)``."""
        return -self.width / 2, -self.depth / 2, self.width / 2, self.depth / 2

    def fits(self, candidate: Placed, placed: Sequence[Placed], margin: float = GAP) -> bool:
        """Whether a thing can be there, `margin` from the others."""
        for x, y in footprint(candidate):
            if abs(x) > self.width / 2 - 0.015 or abs(y) > self.depth / 2 - 0.015:
                return False
        return is_clear(candidate, placed, margin)

    def at_wall(self, model: Model, placed: list[Placed], rng: np.random.Generator) -> Placed | None:
        """The model with its back to a wall, or None when no drawn place is free."""
        width, depth = self.width, self.depth
        w, d, _ = model.size
        for _ in range(24):
            side = int(rng.integers(4))
            along = width if side % 2 == 0 else depth
            if along < w + 0.1:
                continue
            slide = float(rng.uniform(-(along - w) / 2 + 0.03, (along - w) / 2 - 0.03))
            off = d / 2 + 0.02 + 0.03 * float(rng.random())
            yaw = (0.0, 270.0, 180.0, 90.0)[side]
            x, y = (
                (slide, depth / 2 - off),
                (width / 2 - off, slide),
                (slide, -depth / 2 + off),
                (-width / 2 + off, slide),
            )[side]
            item = Placed(model=model, x=x, y=y, z=model.elevation, yaw=yaw)
            if self.fits(item, placed):
                return item
        return None


def _on_support(
    model: Model, hosts: list[int], placed: list[Placed], space: Space, rng: np.random.Generator
) -> Placed | None:
    for index in (hosts[int(i)] for i in rng.permutation(len(hosts))):
        host = placed[index]
        assert host.model.support is not None
        x0, y0, x1, y1, top = host.model.support
        for _ in range(6):
            turn = float(rng.normal(0, 20))
            c, s = abs(math.cos(math.radians(turn))), abs(math.sin(math.radians(turn)))
            hx = (model.size[0] * c + model.size[1] * s) / 2 + 0.01
            hy = (model.size[0] * s + model.size[1] * c) / 2 + 0.01
            if x0 + hx > x1 - hx or y0 + hy > y1 - hy:
                continue
            lx, ly = rng.uniform(x0 + hx, x1 - hx), rng.uniform(y0 + hy, y1 - hy)
            hc, hs = math.cos(math.radians(host.yaw)), math.sin(math.radians(host.yaw))
            item = Placed(
                model=model,
                x=host.x + hc * lx - hs * ly,
                y=host.y + hs * lx + hc * ly,
                z=host.z + top,
                yaw=(host.yaw + turn) % 360,
                support=index,
            )
            rest = [other for k, other in enumerate(placed) if k != index]
            if space.fits(item, rest):
                return item
    return None


def _on_floor(
    model: Model,
    placed: list[Placed],
    space: Space,
    rng: np.random.Generator,
    spread: float = math.inf,
    margin: float = 0.12,
    z: float = 0.0,
) -> Placed | None:
    x0, y0, x1, y1 = space.bounds
    for _ in range(40):
        x = float(rng.uniform(max(x0, -spread), min(x1, spread)))
        y = float(rng.uniform(max(y0, -spread), min(y1, spread)))
        item = Placed(model=model, x=x, y=y, z=z, yaw=float(rng.uniform(0, 360)))
        if space.fits(item, placed, margin):
            return item
    return None


def _at_table(model: Model, placed: list[Placed], space: Space, rng: np.random.Generator) -> Placed | None:
    """A seat in front of a table or desk, looking at it."""
    hosts = [item for item in placed if item.model.category in {"table", "desk", "piano"}]
    for _ in range(12):
        if not hosts:
            return None
        host = hosts[int(rng.integers(len(hosts)))]
        side = 0 if host.model.category != "table" else int(rng.integers(4))
        across = host.model.size[0] if side % 2 == 0 else host.model.size[1]
        out = host.model.size[1] if side % 2 == 0 else host.model.size[0]
        slide = float(rng.uniform(-0.35, 0.35)) * max(0.0, across - model.size[0])
        off = out / 2 + model.size[1] / 2 + 0.04 + 0.2 * float(rng.random())
        turn = math.radians(host.yaw + 90 * side)
        x = host.x + math.cos(turn) * slide + math.sin(turn) * off
        y = host.y + math.sin(turn) * slide - math.cos(turn) * off
        yaw = host.yaw + 90 * side + 180 + float(rng.normal(0, 10))
        item = Placed(model=model, x=x, y=y, z=0.0, yaw=yaw % 360)
        if space.fits(item, placed):
            return item
    return None


def draw_layout(config: SimulateConfig, catalogue: Catalogue, rng: np.random.Generator) -> Layout | None:
    """A random rectangular room; None when its objects don't fit."""
    width, depth = (float(rng.uniform(*config.room)) for _ in range(2))
    height = float(rng.uniform(2.4, 2.9))
    count = int(rng.integers(config.objects[0], config.objects[1] + 1))
    chosen = choose(config, catalogue, count, rng)
    placed = arrange(config, chosen, Hall(width=width, depth=depth, height=height), config.objects[0], rng)
    return None if placed is None else Layout(width=width, depth=depth, height=height, placed=tuple(placed))


def arrange(
    config: SimulateConfig, chosen: Sequence[Choice], space: Space, least: int, rng: np.random.Generator
) -> list[Placed] | None:
    """Put the chosen things into an empty space, the large ones first; None when fewer than `least` fit."""
    order = sorted(chosen, key=lambda c: (c.model.category in ON_TOP, -c.model.size[0] * c.model.size[1]))
    placed: list[Placed] = []
    area = sum((max(c.model.size[:2]) + 0.25) ** 2 for c in chosen)
    spread = 0.5 * math.sqrt(area * 1.6) + 0.1
    for number, choice in enumerate(order):
        item: Placed | None
        if config.furnish:
            item = put(choice.model, placed, space, rng)
        else:
            item = _on_floor(choice.model, placed, space, rng, spread=spread)
        if item is None:
            if len(placed) + (len(order) - number - 1) < least:
                return None
            continue
        name, tone = choice.tint or (None, None)
        placed.append(replace(item, color=name, tone=tone, word=choice.word))
    words = [item.word for item in placed]
    if "small" in words and "large" in words:
        return placed if len(placed) >= least else None
    # nothing is small or large on its own
    return [replace(item, word=None) for item in placed] if len(placed) >= least else None


def put(model: Model, placed: list[Placed], space: Space, rng: np.random.Generator) -> Placed | None:
    """A model where one expects it: on a support, at a wall, at a table or on the floor; None when it doesn't fit."""
    if model.mount == "wall":
        return space.at_wall(model, placed, rng)
    if model.mount == "ceiling":
        return _on_floor(model, placed, space, rng, z=space.height - model.size[2])
    hosts = [k for k, item in enumerate(placed) if item.model.support is not None and item.z == 0]
    small = max(model.size) < SMALL
    item: Placed | None = None
    if model.category in ON_TOP or (small and model.category in {"handbag", "plant"} and rng.random() < 0.6):
        item = _on_support(model, hosts, placed, space, rng) if hosts else None
        if item is None and model.category == "television":
            return space.at_wall(model, placed, rng)
        if item is None and (model.category in ON_TOP and (small or rng.random() < 0.7)):
            return None
    elif model.category in AT_WALL:
        return space.at_wall(model, placed, rng)
    elif model.category in {"chair", "stool"} and rng.random() < 0.8:
        item = _at_table(model, placed, space, rng)
    elif model.category in {"plant", "armchair", "box", "crate"} and rng.random() < 0.6:
        item = space.at_wall(model, placed, rng)
    return item if item is not None else _on_floor(model, placed, space, rng)
