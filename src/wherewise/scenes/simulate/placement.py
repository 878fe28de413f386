"""Where things stand: rectangular rooms, furniture along walls, things on the floor and on supports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from wherewise.scenes.simulate.config import SimulateConfig
from wherewise.scenes.simulate.furniture import Catalogue, Model
from wherewise.scenes.simulate.look import PALETTE

#: Smallest gap between two things, metres.
GAP = 0.03

#: Categories that stand with their back to a wall.
AT_WALL = frozenset(
    {"bed", "bidet", "bookcase", "cabinet", "cupboard", "desk", "fridge", "nightstand", "oven", "piano", "radiator"}
    | {"sink", "sofa", "toilet", "wardrobe", "whiteboard"}
)

#: Categories that prefer to stand on something.
ON_TOP = frozenset(
    {"bottle", "coffee machine", "cup", "fan", "lamp", "milk carton", "mixer", "mug", "speaker", "teddy bear"}
    | {"television"}
)

#: What one expects in each kind of room.
ROOMS: dict[str, frozenset[str]] = {
    "bathroom": frozenset({"toilet", "bidet", "sink", "radiator", "potty", "bin", "cabinet", "stool", "plant"}),
    "bedroom": frozenset(
        {"bed", "nightstand", "wardrobe", "lamp", "crib", "teddy bear", "rocking horse", "radiator", "handbag"}
        | {"cupboard", "desk", "chair", "plant"}
    ),
    "kitchen": frozenset(
        {"table", "chair", "cabinet", "oven", "fridge", "sink", "stool", "cup", "mug", "bottle", "mixer"}
        | {"coffee machine", "milk carton", "bin", "plant"}
    ),
    "living room": frozenset(
        {
            "sofa",
            "armchair",
            "table",
            "bookcase",
            "television",
            "plant",
            "lamp",
            "piano",
            "guitar",
            "speaker",
            "cupboard",
        }
        | {"radiator", "ball", "teddy bear", "stool", "cup"}
    ),
    "store": frozenset(
        {"barrel", "crate", "box", "locker", "tennis racket", "motorbike", "bench", "lantern", "fire extinguisher"}
        | {"bin", "ball", "fan", "bookcase"}
    ),
    "study": frozenset(
        {
            "desk",
            "table",
            "chair",
            "bookcase",
            "whiteboard",
            "bin",
            "lamp",
            "plant",
            "briefcase",
            "television",
            "locker",
        }
        | {"fan", "cup", "speaker", "fire extinguisher", "cupboard"}
    ),
}

#: What a furnished room has only one of, unless nothing else is allowed.
ONCE = frozenset(
    {"bed", "desk", "fridge", "piano", "sofa", "television", "toilet", "bidet", "wardrobe", "whiteboard", "motorbike"}
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
    """

    model: Model
    x: float
    y: float
    z: float
    yaw: float
    support: int | None = None
    color: str | None = None
    tone: tuple[int, int, int] | None = None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Layout:
    """A room and what stands in it. The room's centre is x = y = 0.

    Attributes:
        width: Along x, metres.
        depth: Along y, metres.
        height: Metres.
        placed: Everything in it.
    """

    width: float
    depth: float
    height: float
    placed: tuple[Placed, ...]


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


def _fits(candidate: Placed, placed: Sequence[Placed], width: float, depth: float, margin: float = GAP) -> bool:
    shape = footprint(candidate)
    if any(abs(x) > width / 2 - 0.015 or abs(y) > depth / 2 - 0.015 for x, y in shape):
        return False
    for other in placed:
        if other.z + other.model.size[2] < candidate.z or candidate.z + candidate.model.size[2] < other.z:
            continue
        reach = math.hypot(*candidate.model.size[:2]) / 2 + math.hypot(*other.model.size[:2]) / 2 + margin
        if math.hypot(candidate.x - other.x, candidate.y - other.y) > reach:
            continue
        if gap(shape, footprint(other)) < margin:
            return False
    return True


def choose_models(config: SimulateConfig, catalogue: Catalogue, count: int, rng: np.random.Generator) -> list[Model]:
    """Models for `count` objects: first a category, then one of its models."""
    by_category = _by_category(catalogue, config.categories)
    names = sorted(by_category)
    weights = np.ones(len(names))
    if config.furnish:
        room = sorted(ROOMS)[int(rng.integers(len(ROOMS)))]
        weights = np.array([8.0 if name in ROOMS[room] else 0.4 for name in names])
    chosen: list[Model] = []
    used: list[str] = []
    for _ in range(count):
        fresh = weights * np.array([name not in used for name in names])
        again = [name for name in used if not config.furnish or name not in ONCE]
        if again and (rng.random() < config.instances or fresh.sum() == 0):
            name = again[int(rng.integers(len(again)))]
            same = [model for model in chosen if model.category == name]
            pool = same if rng.random() < 0.5 else by_category[name]
        elif fresh.sum() > 0:
            total = np.cumsum(fresh)
            name = names[int(np.searchsorted(total, rng.random() * total[-1], side="right"))]
            pool = by_category[name]
        else:
            name = names[int(rng.integers(len(names)))]
            pool = by_category[name]
        used.append(name)
        chosen.append(pool[int(rng.integers(len(pool)))])
    return chosen


@lru_cache(maxsize=16)
def _by_category(catalogue: Catalogue, categories: tuple[str, ...] | None) -> dict[str, list[Model]]:
    out: dict[str, list[Model]] = {}
    for model in sorted(catalogue.models.values(), key=lambda model: model.id):
        if categories is None or model.category in categories:
            out.setdefault(model.category, []).append(model)
    return out


def choose_colors(
    config: SimulateConfig, count: int, rng: np.random.Generator
) -> list[tuple[str, tuple[int, int, int]] | None]:
    """A colour word with a slightly varied tone, or None, for each object."""
    names = list(config.palette or sorted(PALETTE))
    out: list[tuple[str, tuple[int, int, int]] | None] = []
    for _ in range(count):
        if rng.random() >= config.tint or not names:
            out.append(None)
            continue
        name = names[int(rng.integers(len(names)))]
        if config.distinct_colors:
            names.remove(name)
        scale = 0.92 + 0.12 * rng.random()
        r, g, b = (min(255, max(0, round(value * scale + float(rng.normal(0, 4))))) for value in PALETTE[name])
        out.append((name, (r, g, b)))
    return out


def _on_support(
    model: Model, hosts: list[int], placed: list[Placed], width: float, depth: float, rng: np.random.Generator
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
            if _fits(item, rest, width, depth):
                return item
    return None


def _at_wall(model: Model, placed: list[Placed], width: float, depth: float, rng: np.random.Generator) -> Placed | None:
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
        item = Placed(model=model, x=x, y=y, z=0.0, yaw=yaw)
        if _fits(item, placed, width, depth):
            return item
    return None


def _on_floor(
    model: Model,
    placed: list[Placed],
    width: float,
    depth: float,
    rng: np.random.Generator,
    centre: tuple[float, float] = (0.0, 0.0),
    spread: float = math.inf,
    margin: float = 0.12,
) -> Placed | None:
    for _ in range(40):
        x = float(rng.uniform(max(-width / 2, centre[0] - spread), min(width / 2, centre[0] + spread)))
        y = float(rng.uniform(max(-depth / 2, centre[1] - spread), min(depth / 2, centre[1] + spread)))
        item = Placed(model=model, x=x, y=y, z=0.0, yaw=float(rng.uniform(0, 360)))
        if _fits(item, placed, width, depth, margin):
            return item
    return None


def _at_table(
    model: Model, placed: list[Placed], width: float, depth: float, rng: np.random.Generator
) -> Placed | None:
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
        if _fits(item, placed, width, depth):
            return item
    return None


def draw_layout(config: SimulateConfig, catalogue: Catalogue, rng: np.random.Generator) -> Layout | None:
    """A random room; None when its objects don't fit."""
    width, depth = (float(rng.uniform(*config.room)) for _ in range(2))
    height = float(rng.uniform(2.4, 2.9))
    count = int(rng.integers(config.objects[0], config.objects[1] + 1))
    models = choose_models(config, catalogue, count, rng)
    colors = choose_colors(config, count, rng)
    order = sorted(range(count), key=lambda i: (models[i].category in ON_TOP, -models[i].size[0] * models[i].size[1]))
    placed: list[Placed] = []
    kept: list[int] = []
    area = sum((max(models[i].size[:2]) + 0.25) ** 2 for i in range(count))
    spread = 0.5 * math.sqrt(area * 1.6) + 0.1
    for i in order:
        model = models[i]
        item: Placed | None
        if config.furnish:
            item = _furnished(model, placed, width, depth, rng)
        else:
            item = _on_floor(model, placed, width, depth, rng, spread=spread)
        if item is None:
            if len(placed) + (count - order.index(i) - 1) < config.objects[0]:
                return None
            continue
        color = colors[i]
        placed.append(
            Placed(
                model=model,
                x=item.x,
                y=item.y,
                z=item.z,
                yaw=item.yaw,
                support=item.support,
                color=color[0] if color else None,
                tone=color[1] if color else None,
            )
        )
        kept.append(i)
    if len(placed) < config.objects[0]:
        return None
    return Layout(width=width, depth=depth, height=height, placed=tuple(placed))


def _furnished(
    model: Model, placed: list[Placed], width: float, depth: float, rng: np.random.Generator
) -> Placed | None:
    hosts = [k for k, item in enumerate(placed) if item.model.support is not None and item.z == 0]
    small = max(model.size) < SMALL
    item: Placed | None = None
    if model.category in ON_TOP or (small and model.category in {"handbag", "plant"} and rng.random() < 0.6):
        item = _on_support(model, hosts, placed, width, depth, rng) if hosts else None
        if item is None and model.category == "television":
            return _at_wall(model, placed, width, depth, rng)
        if item is None and (model.category in ON_TOP and (small or rng.random() < 0.7)):
            return None
    elif model.category in AT_WALL:
        return _at_wall(model, placed, width, depth, rng)
    elif model.category in {"chair", "stool"} and rng.random() < 0.8:
        item = _at_table(model, placed, width, depth, rng)
    elif model.category in {"plant", "armchair", "box", "crate"} and rng.random() < 0.6:
        item = _at_wall(model, placed, width, depth, rng)
    return item if item is not None else _on_floor(model, placed, width, depth, rng)
