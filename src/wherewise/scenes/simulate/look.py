"""How a room looks: palettes, procedural floor and wall textures, light and exposure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

#: Colour word -> display (sRGB) colour of a re-coloured object.
PALETTE: dict[str, tuple[int, int, int]] = {
    "red": (205, 24, 24),
    "green": (30, 150, 45),
    "blue": (28, 70, 215),
    "yellow": (245, 210, 20),
    "orange": (250, 120, 10),
    "purple": (120, 35, 170),
    "pink": (250, 130, 185),
    "brown": (105, 58, 24),
    "white": (232, 232, 230),
    "black": (26, 26, 28),
    "gray": (125, 125, 125),
    "cyan": (30, 200, 215),
}

SIDE = 256
#: Floors in the bank.
FLOORS = 40

#: Display byte -> linear light.
LINEAR: NDArray[np.float32] = (np.power((np.arange(256) / 255.0 + 0.055) / 1.055, 2.4)).astype(np.float32)
LINEAR[:11] = (np.arange(11) / 255.0 / 12.92).astype(np.float32)

Bytes = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Look:
    """Appearance of a room.

    Attributes:
        floor: Number of the floor's texture, see `floor_texture`.
        floor_tone: Factor on its linear colour.
        floor_scale: Metres that one repeat of the texture covers.
        walls: (4, 3) display colour of the walls at x-, x+, y-, y+.
        ceiling: Display colour of the ceiling.
        skirting: Display colour of the skirting board.
        skirting_height: Its height in metres.
        gloss: How much the floor mirrors the key light, 0..1.
        sun: Direction in which the key light travels (unit).
        sun_color: Linear intensity of the key light.
        lamp: Position of the ceiling lamp in metres.
        lamp_color: Linear intensity of the lamp.
        ambient: Linear intensity of the ambient light.
        exposure: Factor before tone mapping.
    """

    floor: int
    floor_tone: tuple[float, float, float]
    floor_scale: float
    walls: tuple[tuple[int, int, int], ...]
    ceiling: tuple[int, int, int]
    skirting: tuple[int, int, int]
    skirting_height: float
    gloss: float
    sun: tuple[float, float, float]
    sun_color: tuple[float, float, float]
    lamp: tuple[float, float, float]
    lamp_color: tuple[float, float, float]
    ambient: tuple[float, float, float]
    exposure: float


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Finish:
    """Appearance of one room of a home.

    Attributes:
        floor: Number in the bank of `materials.home_floor_texture`.
        floor_tone: Factor on its linear colour.
        floor_scale: Metres that one repeat of the texture covers.
        wall: Number in the bank of `materials.wall_texture`, or None for paint.
        wall_color: Display colour of the paint.
        ceiling: Number in the bank of `materials.ceiling_texture`, or None for paint.
        ceiling_color: Display colour of the paint.
        skirting: Display colour of the skirting board and of door frames.
        skirting_height: Its height in metres.
        gloss: How much the floor mirrors the key light, 0..1.
    """

    floor: int
    floor_tone: tuple[float, float, float]
    floor_scale: float
    wall: int | None
    wall_color: tuple[int, int, int]
    ceiling: int | None
    ceiling_color: tuple[int, int, int]
    skirting: tuple[int, int, int]
    skirting_height: float
    gloss: float


def noise(rng: np.random.Generator, side: int, cells: tuple[int, int]) -> NDArray[np.float64]:
    """Smooth periodic value noise in 0..1, (side, side)."""
    grid = rng.random(cells)
    out = grid
    for axis in (0, 1):
        position = np.arange(side) * cells[axis] / side
        low = position.astype(int)
        t = position - low
        t = t * t * (3 - 2 * t)
        shape = (-1, 1) if axis == 0 else (1, -1)
        a, b = np.take(out, low, axis), np.take(out, (low + 1) % cells[axis], axis)
        out = a + (b - a) * t.reshape(shape)
    return out


def wood(rng: np.random.Generator) -> Bytes:
    """Planks with grain, running along y."""
    base = np.array([(150, 106, 66), (176, 134, 90), (116, 78, 50), (196, 164, 124), (138, 112, 90)][rng.integers(5)])
    planks = int(rng.choice([6, 8, 10]))
    out = np.zeros((SIDE, SIDE, 3))
    edges = np.linspace(0, SIDE, planks + 1).astype(int)
    grain = noise(rng, SIDE, (8, 64)) * 0.6 + noise(rng, SIDE, (16, 128)) * 0.4
    for i in range(planks):
        a, b = edges[i], edges[i + 1]
        shift = int(rng.integers(SIDE))
        tone = 0.86 + 0.28 * rng.random()
        columns = np.roll(grain[:, a:b], shift, 0)
        out[:, a:b] = base * (tone * (0.86 + 0.28 * columns))[..., None]
        out[:, a] *= 0.6
        joint = int(rng.integers(SIDE))
        out[joint, a:b] *= 0.6
        other = (joint + SIDE // 2 + int(rng.integers(-20, 20))) % SIDE
        out[other, a:b] *= 0.6
    return out.clip(0, 255).astype(np.uint8)


def tile(rng: np.random.Generator) -> Bytes:
    """Square tiles with grout, sometimes a chequer of two tones."""
    base = np.array(
        [(206, 202, 192), (178, 170, 160), (150, 156, 160), (214, 196, 170), (120, 112, 108)][rng.integers(5)]
    )
    count = 4 if rng.random() < 0.5 else 2
    size = SIDE // count
    cloud = noise(rng, SIDE, (9, 9)) * 0.6 + noise(rng, SIDE, (37, 37)) * 0.4
    tone = 0.93 + 0.14 * cloud
    if rng.random() < 0.35:
        chequer = (np.add.outer(np.arange(SIDE) // size, np.arange(SIDE) // size) % 2) * 0.28
        tone = tone * (1 - chequer)
    tone = tone * np.kron(0.96 + 0.08 * rng.random((count, count)), np.ones((size, size)))
    out = base * tone[..., None]
    grout = np.array([150, 146, 140]) * (0.7 + 0.5 * rng.random())
    line = (np.arange(SIDE) % size) < 3
    out[line] = grout
    out[:, line] = grout
    return out.clip(0, 255).astype(np.uint8)


def carpet(rng: np.random.Generator) -> Bytes:
    """A plain, slightly mottled carpet."""
    hues = [(150, 140, 126), (108, 116, 128), (128, 104, 96), (176, 168, 156), (98, 112, 100), (134, 126, 140)]
    base = np.array(hues[rng.integers(len(hues))])
    fibre = rng.random((SIDE, SIDE)) * 0.5 + noise(rng, SIDE, (64, 64)) * 0.3 + noise(rng, SIDE, (6, 6)) * 0.2
    return (base * (0.82 + 0.36 * fibre)[..., None]).clip(0, 255).astype(np.uint8)


_WALLS = [
    (232, 228, 218),
    (224, 218, 204),
    (214, 222, 224),
    (206, 216, 204),
    (230, 214, 204),
    (216, 208, 224),
    (238, 236, 232),
    (196, 206, 214),
    (226, 220, 190),
]


@lru_cache(maxsize=FLOORS)
def floor_texture(number: int) -> Bytes:
    """One of `FLOORS` procedural floors, (256, 256, 3) display bytes: half wood, a quarter tiles, a quarter carpet."""
    rng = np.random.default_rng([number, 20_401])
    return (wood, wood, tile, carpet)[number % 4](rng)


def draw_look(rng: np.random.Generator, room: tuple[float, float, float]) -> Look:
    """A random look for a room of `room` = (width, depth, height) metres."""
    floor = int(rng.integers(FLOORS))
    carpeted = floor % 4 == 3
    scale = 1.2 if carpeted else float(rng.uniform(1.0, 1.7))
    tone = rng.uniform(0.8, 1.1) * np.array([1.0, rng.uniform(0.94, 1.04), rng.uniform(0.88, 1.06)])
    wall = np.array(_WALLS[rng.integers(len(_WALLS))], float) * (0.9 + 0.1 * rng.random()) + rng.normal(0, 3, 3)
    accent = np.array(_WALLS[rng.integers(len(_WALLS))], float) * (0.72 + 0.2 * rng.random())
    colors = [wall] * 4
    if rng.random() < 0.4:
        colors[int(rng.integers(4))] = accent
    white = int(rng.integers(228, 248))
    angle = rng.random() * 2 * np.pi
    tilt = 0.45 + 0.75 * rng.random()
    sun = np.array([np.cos(angle), np.sin(angle), -1.0 / tilt])
    sun /= np.sqrt((sun * sun).sum())
    warm = rng.random()
    sun_color = np.array([1.0, 0.97 - 0.09 * warm, 0.93 - 0.22 * warm]) * (0.75 + 0.5 * rng.random())
    lamp_warm = rng.random()
    lamp_color = np.array([1.0, 0.95 - 0.08 * lamp_warm, 0.9 - 0.2 * lamp_warm]) * (0.25 + 0.3 * rng.random())
    ambient = np.array([0.97, 0.99, 1.02]) * (0.42 + 0.16 * rng.random())
    return Look(
        floor=floor,
        floor_tone=(float(tone[0]), float(tone[1]), float(tone[2])),
        floor_scale=scale,
        walls=tuple((int(c[0]), int(c[1]), int(c[2])) for c in (np.clip(c, 0, 250) for c in colors)),
        ceiling=(white, white, white - 3),
        skirting=(238, 236, 230) if rng.random() < 0.7 else (96, 70, 50),
        skirting_height=float(0.06 + 0.06 * rng.random()),
        gloss=0.0 if carpeted else float(0.25 * rng.random()),
        sun=(float(sun[0]), float(sun[1]), float(sun[2])),
        sun_color=(float(sun_color[0]), float(sun_color[1]), float(sun_color[2])),
        lamp=(float(rng.normal(0, 0.2)), float(rng.normal(0, 0.2)), room[2] - 0.35),
        lamp_color=(float(lamp_color[0]), float(lamp_color[1]), float(lamp_color[2])),
        ambient=(float(ambient[0]), float(ambient[1]), float(ambient[2])),
        exposure=float(0.95 + 0.25 * rng.random()),
    )


def draw_finish(rng: np.random.Generator, materials: float, kind: str, banks: tuple[int, int, int]) -> Finish:
    """A random finish for a room of some kind.

    Args:
        rng: Source of all draws.
        materials: Probability of a material in place of paint.
        kind: What the room is for; bathrooms are tiled, kitchens often.
        banks: How many floors, walls and ceilings there are.
    """
    wet = kind == "bathroom" or (kind == "kitchen" and rng.random() < 0.5)
    floor = int(rng.integers(banks[0]))
    if wet:
        floor = floor // 4 * 4 + 2 + int(rng.integers(2)) * (floor % 8 < 4)
    carpeted = floor % 8 == 7
    tone = rng.uniform(0.85, 1.08) * np.array([1.0, rng.uniform(0.96, 1.03), rng.uniform(0.9, 1.05)])
    paint = np.clip(np.array(_WALLS[rng.integers(len(_WALLS))], float) + rng.normal(0, 4, 3), 0, 250)
    has_wall, has_ceiling = rng.random() < materials, rng.random() < materials
    wall = int(rng.integers(banks[1]))
    white = int(rng.integers(228, 248))
    return Finish(
        floor=floor,
        floor_tone=(float(tone[0]), float(tone[1]), float(tone[2])),
        floor_scale=1.2 if carpeted else float(rng.uniform(1.1, 1.8)),
        wall=(wall // 6 * 6 + 5 if wet else wall) if has_wall else None,
        wall_color=(int(paint[0]), int(paint[1]), int(paint[2])),
        ceiling=int(rng.integers(banks[2])) if has_ceiling else None,
        ceiling_color=(white, white, white - 3),
        skirting=(238, 236, 230) if rng.random() < 0.7 else (96, 70, 50),
        skirting_height=float(0.06 + 0.06 * rng.random()),
        gloss=0.0 if carpeted else float(0.25 * rng.random()),
    )
