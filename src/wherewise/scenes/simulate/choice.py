"""Which models a scene gets, in which colours; and groups of like things that an attribute tells apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from wherewise.scenes.simulate.config import SimulateConfig
from wherewise.scenes.simulate.furniture import Catalogue, Model
from wherewise.scenes.simulate.look import PALETTE

#: Factor on the size of what is called small or large beside its like.
SMALLER, LARGER = 0.72, 1.2
#: Smallest and largest size in metres that a model may be scaled to.
SCALED = (0.12, 2.2)

Tint = tuple[str, tuple[int, int, int]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Choice:
    """A thing that a scene shall have.

    Attributes:
        model: What it is.
        tint: Colour word and display colour that it is painted in, or None.
        word: Size word that tells it from its like, or None.
    """

    model: Model
    tint: Tint | None = None
    word: str | None = None


def choose(
    config: SimulateConfig, catalogue: Catalogue, count: int, rng: np.random.Generator, kind: str | None = None
) -> list[Choice]:
    """`count` things of a room of some kind, a random one where None."""
    models = choose_models(config, catalogue, count, rng, kind)
    colors = choose_colors(config, count, rng)
    chosen = [Choice(model=model, tint=tint) for model, tint in zip(models, colors, strict=True)]
    if config.alike and rng.random() < config.alike:
        chosen = make_alike(config, catalogue, chosen, rng)
    return chosen


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


def choose_models(
    config: SimulateConfig, catalogue: Catalogue, count: int, rng: np.random.Generator, kind: str | None = None
) -> list[Model]:
    """Models for `count` objects of a room of some kind: first a category, then one of its models."""
    by_category = _by_category(catalogue, config.categories)
    names = sorted(by_category)
    weights = np.ones(len(names))
    if config.furnish:
        room = kind or sorted(ROOMS)[int(rng.integers(len(ROOMS)))]
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


def scaled(model: Model, factor: float) -> Model:
    """A smaller or larger model of the same proportions."""
    width, depth, height = model.size
    support = model.support
    if support is not None:
        x0, y0, x1, y1, top = (value * factor for value in support)
        support = (x0, y0, x1, y1, top)
    return replace(
        model,
        size=(width * factor, depth * factor, height * factor),
        points=model.points * np.float32(factor),
        support=support,
    )


def make_alike(
    config: SimulateConfig, catalogue: Catalogue, chosen: Sequence[Choice], rng: np.random.Generator
) -> list[Choice]:
    """Turn two or three of the things into one kind of thing, told apart by colour or by size.

    All of the group have different colours, or one is small and one is large. Others of that kind go.
    """
    names = [str(name) for name in rng.permutation(sorted(config.palette or PALETTE))]
    by_size = bool(rng.random() < 0.5)
    count = 2 if by_size else int(rng.integers(2, 4))
    chosen = [chosen[int(i)] for i in rng.permutation(len(chosen))]
    first = next((c for c in chosen if not by_size or _can_scale(c.model)), None)
    if first is None or len(chosen) < count or len(names) < count:
        return list(chosen)
    others = [c for c in chosen if c is not first]
    same = _by_category(catalogue, config.categories)[first.model.category]
    group = []
    for place in range(count):
        if by_size:
            model = scaled(first.model, (SMALLER, LARGER)[place])
            group.append(Choice(model=model, tint=first.tint, word=("small", "large")[place]))
        else:
            model = same[int(rng.integers(len(same)))]
            group.append(Choice(model=model, tint=(names[place], PALETTE[names[place]])))
    return group + [c for c in others[count - 1 :] if c.model.category != first.model.category]


def _can_scale(model: Model) -> bool:
    return min(model.size) * SMALLER >= SCALED[0] and max(model.size) * LARGER <= SCALED[1]
