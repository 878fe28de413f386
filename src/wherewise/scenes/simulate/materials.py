"""Procedural materials of walls, ceilings and further floors: banks of numbered textures, all (256, 256, 3) bytes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from wherewise.scenes.simulate.look import SIDE, Bytes, carpet, noise, tile, wood

#: Textures in each bank.
WALL_BANK, CEILING_BANK, FLOOR_BANK = 48, 9, 32

#: Metres that one repeat of a wall's texture covers.
WALL_SCALE = 1.0


def _tint(rng: np.random.Generator, low: int = 170, high: int = 240) -> np.ndarray:
    grey = rng.uniform(low, high)
    return np.clip(grey + rng.normal(0, 9, 3), 60, 250)


def plaster(rng: np.random.Generator) -> Bytes:
    """Rough plaster."""
    rough = noise(rng, SIDE, (48, 48)) * 0.5 + noise(rng, SIDE, (110, 110)) * 0.5
    cloud = noise(rng, SIDE, (5, 5))
    return _bytes(_tint(rng) * (0.9 + 0.08 * cloud + 0.08 * rough)[..., None])


def stripes(rng: np.random.Generator) -> Bytes:
    """Wallpaper with upright stripes."""
    base, other = _tint(rng), _tint(rng, 130, 235)
    count = int(rng.choice([4, 8, 16]))
    width = float(rng.uniform(0.25, 0.6))
    place = (np.arange(SIDE) * count / SIDE) % 1.0
    row = np.where((place < width)[:, None], other, base)
    return _bytes(np.tile(row[None], (SIDE, 1, 1)) * (0.97 + 0.05 * noise(rng, SIDE, (60, 60)))[..., None])


def ornament(rng: np.random.Generator) -> Bytes:
    """Wallpaper with a repeated figure."""
    base, other = _tint(rng), _tint(rng, 140, 235)
    count = int(rng.choice([4, 6, 8]))
    y, x = np.mgrid[0:SIDE, 0:SIDE] * (count / SIDE)
    x = x + 0.5 * (np.floor(y) % 2)
    u, v = x % 1.0 - 0.5, y % 1.0 - 0.5
    angle, radius = np.arctan2(v, u), np.sqrt(u * u + v * v)
    petals = int(rng.integers(3, 7))
    figure = radius < 0.24 + 0.12 * np.cos(petals * angle)
    return _bytes(np.where(figure[..., None], other, base) * (0.97 + 0.05 * noise(rng, SIDE, (50, 50)))[..., None])


def brick(rng: np.random.Generator) -> Bytes:
    """Bricks in stretcher bond, bare or painted."""
    painted = rng.random() < 0.5
    base = _tint(rng) if painted else np.array([(150, 78, 60), (168, 104, 78), (128, 84, 74)][rng.integers(3)], float)
    rows, columns = 12, 4
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    row = y * rows // SIDE
    shifted = (x + (row % 2) * (SIDE // columns // 2)) % SIDE
    column = shifted * columns // SIDE
    tones = 1 + (0.06 if painted else 0.22) * (rng.random((rows, columns)) - 0.5)
    out = base * (tones[row, column] * (0.88 + 0.2 * noise(rng, SIDE, (70, 70))))[..., None]
    joint = ((y * rows % SIDE) < rows * 1.6) | ((shifted * columns % SIDE) < columns * 1.6)
    out[joint] = base * 0.82 if painted else (176, 170, 160)
    return _bytes(out)


def panels(rng: np.random.Generator) -> Bytes:
    """Upright boards."""
    base = _tint(rng, 190, 240) if rng.random() < 0.6 else np.array([(170, 128, 84), (120, 84, 54)][rng.integers(2)])
    count = int(rng.choice([6, 8, 10]))
    place = (np.arange(SIDE) * count / SIDE) % 1.0
    groove = np.where(place < 0.05, 0.62, np.where(place < 0.09, 1.04, 1.0))
    grain = noise(rng, SIDE, (6, 90)) * 0.12 + 0.94
    tones = np.repeat(0.95 + 0.08 * rng.random(count), SIDE // count + 1)[:SIDE]
    return _bytes(base * (groove * tones)[None, :, None] * grain[..., None])


def wall_tiles(rng: np.random.Generator) -> Bytes:
    """Glazed tiles, square or twice as wide as high."""
    base = _tint(rng, 175, 240)
    rows = int(rng.choice([4, 5, 8]))
    columns = rows if rng.random() < 0.6 else max(2, rows // 2)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    tones = 0.95 + 0.07 * rng.random((rows, columns))
    out = base * tones[y * rows // SIDE, x * columns // SIDE][..., None]
    if rng.random() < 0.4:
        line = int(rng.integers(rows))
        out[y * rows // SIDE == line] *= rng.uniform(0.5, 0.9)
    joint = ((y * rows % SIDE) < rows * 2) | ((x * columns % SIDE) < columns * 2)
    out[joint] = 205 * float(rng.uniform(0.8, 1.1))
    return _bytes(out)


def squares(rng: np.random.Generator) -> Bytes:
    """Ceiling squares, 60 cm at a scale of 1.2 m."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    out = np.full((SIDE, SIDE, 3), 238.0) * (0.95 + 0.06 * noise(rng, SIDE, (120, 120)))[..., None]
    out[((y % (SIDE // 2)) < 3) | ((x % (SIDE // 2)) < 3)] = 196
    return _bytes(out)


def boards(rng: np.random.Generator) -> Bytes:
    """A ceiling of painted or bare boards."""
    base = np.array([(240, 240, 236), (226, 206, 172)][rng.integers(2)])
    place = (np.arange(SIDE) * 8 / SIDE) % 1.0
    return _bytes(
        base * np.where(place < 0.06, 0.8, 1.0)[None, :, None] * (noise(rng, SIDE, (5, 80)) * 0.06 + 0.95)[..., None]
    )


def herringbone(rng: np.random.Generator) -> Bytes:
    """Parquet in herringbone."""
    base = np.array([(150, 106, 66), (176, 134, 90), (116, 78, 50), (190, 158, 118)][rng.integers(4)])
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    short = 16
    # diagonal steps of `short`: a stave covers four of them, across on even diagonals and down on odd
    step = (x // short - y // short) % 8
    across = step < 4
    stave = np.where(
        across, (y // short) * 64 + (x // short - step % 4), 4096 + (x // short) * 64 + (y // short + step % 4 - 3)
    )
    tones = 0.84 + 0.3 * rng.random(1 << 14)
    grain = np.where(across, noise(rng, SIDE, (128, 16)), noise(rng, SIDE, (16, 128)))
    out = base * (tones[stave % (1 << 14)] * (0.88 + 0.22 * grain))[..., None]
    edge = (stave != np.roll(stave, 1, 0)) | (stave != np.roll(stave, 1, 1))
    out[edge] *= 0.72
    return _bytes(out)


def stone(rng: np.random.Generator) -> Bytes:
    """Marble or polished concrete, in slabs or in one piece."""
    base = np.array([(214, 210, 204), (176, 176, 172), (150, 146, 142), (96, 98, 100)][rng.integers(4)])
    cloud = noise(rng, SIDE, (4, 4)) * 0.5 + noise(rng, SIDE, (11, 11)) * 0.3 + noise(rng, SIDE, (29, 29)) * 0.2
    vein = np.abs(((cloud * 5) % 1.0) - 0.5) < 0.03
    out = base * (0.9 + 0.2 * cloud)[..., None]
    if rng.random() < 0.6:
        out[vein] *= 0.86
    if rng.random() < 0.6:
        y, x = np.mgrid[0:SIDE, 0:SIDE]
        out[((y % (SIDE // 2)) < 2) | ((x % (SIDE // 2)) < 2)] *= 0.75
    return _bytes(out)


def _bytes(picture: np.ndarray) -> Bytes:
    out: Bytes = picture.clip(0, 255).astype(np.uint8)
    return out


_WALLS = (plaster, stripes, ornament, brick, panels, wall_tiles)
_CEILINGS = (plaster, squares, boards)
_FLOORS = (wood, herringbone, tile, stone)


@lru_cache(maxsize=WALL_BANK)
def wall_texture(number: int) -> Bytes:
    """Wall `number` of the bank; the kinds take turns, so ``number % 6 == 5`` is tiled."""
    return _WALLS[number % len(_WALLS)](np.random.default_rng([number, 30_011]))


@lru_cache(maxsize=CEILING_BANK)
def ceiling_texture(number: int) -> Bytes:
    """Ceiling `number` of the bank."""
    return _CEILINGS[number % len(_CEILINGS)](np.random.default_rng([number, 30_013]))


@lru_cache(maxsize=FLOOR_BANK)
def home_floor_texture(number: int) -> Bytes:
    """Floor `number` of the bank of homes; every eighth is a carpet."""
    rng = np.random.default_rng([number, 30_029])
    return carpet(rng) if number % 8 == 7 else _FLOORS[number % len(_FLOORS)](rng)
