"""Walks: a camera that goes from place to place through free space, looking ahead and about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from wherewise.scenes.scene import Camera
from wherewise.scenes.simulate.config import SimulateConfig
from wherewise.scenes.simulate.freespace import STEP, find_way, free_places, reach, touches
from wherewise.scenes.simulate.placement import Layout
from wherewise.scenes.simulate.plan import Point
from wherewise.scenes.simulate.render import make_camera

#: Free space that the plan of a walk asks for, and that each frame has, metres.
CLEARANCE, LEAST = 0.3, 0.15
#: How far ahead the camera looks, metres.
AHEAD = 0.9


def draw_walk(config: SimulateConfig, layout: Layout, rng: np.random.Generator) -> list[Camera] | None:
    """A camera for each frame, or None when no way of the length that the clip needs is found."""
    walk = config.walk
    height, speed = float(rng.uniform(*walk.height)), float(rng.uniform(*walk.speed))
    fov, pitch = float(rng.uniform(60, 80)), float(rng.uniform(-20, -8))
    length = speed * (config.frames - 1) / config.fps
    path = _path(layout, height, length + AHEAD, rng)
    if path is None:
        return None
    distances = _lengths(path)
    step = speed / config.fps
    places = [_point_at(path, distances, i * step) for i in range(config.frames)]
    heading = _heading(path, distances, step, config, rng)
    shake = _shake(config, rng)
    out = []
    for (x, y), yaw, (turn, nod, left, up) in zip(places, heading, shake, strict=True):
        eye = (x + left, y + up, height + 0.6 * up)
        if touches(layout, *eye, LEAST):
            return None
        out.append(looking(config, fov, eye, yaw + turn, pitch + nod))
    return out


def looking(config: SimulateConfig, fov: float, eye: tuple[float, float, float], yaw: float, pitch: float) -> Camera:
    """A camera at `eye` that looks along `yaw`, `pitch` degrees upwards."""
    flat = math.cos(math.radians(pitch))
    ahead = (math.cos(math.radians(yaw)) * flat, math.sin(math.radians(yaw)) * flat, math.sin(math.radians(pitch)))
    target = (eye[0] + ahead[0], eye[1] + ahead[1], eye[2] + ahead[2])
    return make_camera(config.width, config.height, fov, eye, target)


def _path(layout: Layout, height: float, length: float, rng: np.random.Generator) -> list[Point] | None:
    """A smooth way at least `length` long: shortest ways between places that are far apart, one after the other."""
    free = free_places(layout, height - 0.25, height + 0.15)
    areas = reach(free, CLEARANCE)
    if not areas or len(areas[0]) < 12:
        return None
    places = areas[0]
    spots = [free.at(*places[int(rng.integers(len(places)))])]
    path: list[Point] = []
    while not path or _lengths(path)[-1] < length:
        if len(spots) > 40:
            return None
        # the farthest of a few: a walk that crosses rooms
        drawn = [free.at(*places[int(i)]) for i in rng.integers(len(places), size=4)]
        goal = max(drawn, key=lambda p: math.dist(p, spots[-1]))
        way = find_way(free, spots[-1], goal, CLEARANCE)
        spots.append(goal)
        if way is None or len(way) < 2:
            continue
        path = _smooth(path[:-1] + way)
    return path


def _smooth(path: Sequence[Point]) -> list[Point]:
    """Round off the grid's corners; the ends stay."""
    points = np.array(path)
    for _ in range(4):
        if len(points) < 3:
            break
        points[1:-1] = 0.25 * points[:-2] + 0.5 * points[1:-1] + 0.25 * points[2:]
    return [(float(x), float(y)) for x, y in points]


def _lengths(path: Sequence[Point]) -> list[float]:
    out = [0.0]
    for a, b in pairwise(path):
        out.append(out[-1] + math.dist(a, b))
    return out


def _point_at(path: Sequence[Point], distances: Sequence[float], at: float) -> Point:
    x = float(np.interp(at, distances, [p[0] for p in path]))
    return x, float(np.interp(at, distances, [p[1] for p in path]))


def _heading(
    path: Sequence[Point], distances: Sequence[float], step: float, config: SimulateConfig, rng: np.random.Generator
) -> list[float]:
    """Direction of each frame in degrees: towards the way ahead and a little to both sides, never turning too fast."""
    most = config.walk.turn / config.fps
    sway, period, phase = float(rng.uniform(10, 35)), float(rng.uniform(4, 9)), float(rng.uniform(0, 2 * math.pi))
    out: list[float] = []
    for i in range(config.frames):
        x, y = _point_at(path, distances, i * step)
        u, v = _point_at(path, distances, i * step + AHEAD)
        if math.hypot(u - x, v - y) < STEP and out:
            wanted = out[-1]
        else:
            wanted = math.degrees(math.atan2(v - y, u - x))
            wanted += sway * math.sin(phase + 2 * math.pi * i / config.fps / period)
        if out:
            turn = (wanted - out[-1] + 180) % 360 - 180
            wanted = out[-1] + max(-most, min(most, turn))
        out.append(wanted)
    return out


def _shake(config: SimulateConfig, rng: np.random.Generator) -> list[tuple[float, float, float, float]]:
    """Turn and nod in degrees, shift aside and up in metres, of each frame: noise that takes a few frames to change."""
    if config.walk.jitter == 0:
        return [(0.0, 0.0, 0.0, 0.0)] * config.frames
    memory = math.exp(-3.0 / config.fps)
    state = rng.normal(0, 1, 4)
    out = []
    for _ in range(config.frames):
        turn, nod, left, up = (config.walk.jitter * float(value) for value in np.clip(state, -2.5, 2.5))
        out.append((turn, 0.6 * nod, 0.008 * left, 0.008 * up))
        state = memory * state + math.sqrt(1 - memory * memory) * rng.normal(0, 1, 4)
    return out
