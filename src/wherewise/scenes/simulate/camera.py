"""Where the camera stands and looks: stills, and the paths of clips."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wherewise.scenes.scene import Camera
from wherewise.scenes.simulate.config import Framing, Motion, SimulateConfig
from wherewise.scenes.simulate.fit import fit_distance, rectangles
from wherewise.scenes.simulate.freespace import touches
from wherewise.scenes.simulate.placement import Layout, Placed, footprint, gap
from wherewise.scenes.simulate.plan import Plan
from wherewise.scenes.simulate.render import make_camera
from wherewise.scenes.simulate.walk import draw_walk, looking

#: Free space around the camera in metres.
CLEARANCE = 0.3
#: Fastest walk in metres and turn in degrees, per second.
WALK, TURN = 0.8, 55.0
#: Places compared for one picture of a room.
CHOICES = 8

F64 = NDArray[np.float64]


def is_free(layout: Layout, x: float, y: float, z: float) -> bool:
    """Whether a camera can be at this place."""
    if layout.plan is not None:
        return not touches(layout, x, y, z, 0.25)
    if abs(x) > layout.width / 2 - 0.12 or abs(y) > layout.depth / 2 - 0.12:
        return False
    for item in layout.placed:
        if item.z + item.model.size[2] < z - CLEARANCE:
            continue
        if math.hypot(x - item.x, y - item.y) > math.hypot(*item.model.size[:2]) / 2 + CLEARANCE:
            continue
        square = [(x - 0.01, y - 0.01), (x + 0.01, y - 0.01), (x + 0.01, y + 0.01), (x - 0.01, y + 0.01)]
        if gap(square, footprint(item)) < CLEARANCE:
            return False
    return True


def box_corners(items: Sequence[Placed]) -> F64:
    """Corners of the oriented boxes, (N, 8, 3) metres."""
    return np.array(
        [[(x, y, item.z + dz) for dz in (0.0, item.model.size[2]) for x, y in footprint(item)] for item in items]
    )


def _rectangles(camera: Camera, boxes: F64) -> F64:
    return rectangles(
        boxes, np.array(camera.rotation), np.array(camera.position), camera.focal, camera.width, camera.height
    )


def too_small(config: SimulateConfig, camera: Camera, boxes: F64) -> bool:
    """Whether some object cannot reach `min_pixels` from here, whatever hides it or not."""
    return bool(_rectangles(camera, boxes).min() < config.min_pixels * camera.width * camera.height)


def draw_camera(config: SimulateConfig, layout: Layout, boxes: F64, rng: np.random.Generator) -> Camera | None:
    """A random camera, or None when no drawn place is free."""
    if config.framing is Framing.OBJECTS:
        return _at_objects(config, layout, boxes, rng)
    return _in_room(config, layout, boxes, rng)


def _at_objects(config: SimulateConfig, layout: Layout, boxes: F64, rng: np.random.Generator) -> Camera | None:
    """As near as all boxes fit into the picture, from a random side."""
    points = boxes.reshape(-1, 3)
    fov = float(rng.uniform(55, 80))
    angle = float(rng.uniform(0, 2 * math.pi))
    height = float(rng.uniform(1.2, 1.8))
    aim = (points.min(0) + points.max(0)) / 2 + np.array([0, 0, -0.05]) + rng.normal(0, 0.05, 3)
    margin = float(rng.uniform(0.86, 0.99))
    return _facing(config, layout, points, aim, angle, fov, height, margin)


def _facing(
    config: SimulateConfig,
    layout: Layout,
    points: F64,
    aim: F64,
    angle: float,
    fov: float,
    height: float,
    margin: float,
) -> Camera | None:
    dx, dy = math.cos(angle), math.sin(angle)
    focal = max(config.width, config.height) / 2 / math.tan(math.radians(fov) / 2)
    distance = fit_distance(points, aim, dx, dy, height, focal, config.width, config.height, margin)
    eye = (float(aim[0]) + dx * distance, float(aim[1]) + dy * distance, height)
    if distance >= 8.9 or not is_free(layout, *eye):
        return None
    return make_camera(config.width, config.height, fov, eye, (float(aim[0]), float(aim[1]), float(aim[2])))


def _in_room(config: SimulateConfig, layout: Layout, boxes: F64, rng: np.random.Generator) -> Camera | None:
    """From near a wall or corner, across the room, at standing height; the place that shows most of some."""
    best: Camera | None = None
    most = -1
    for _ in range(CHOICES):
        camera = _from_wall(config, layout, rng)
        if camera is None:
            continue
        seen = _rectangles(camera, boxes)
        pixels = config.width * config.height
        count = int(((seen > 2 * config.min_pixels * pixels) & (seen < 0.5 * pixels)).sum())
        if count > most:
            best, most = camera, count
    return best


def _from_wall(config: SimulateConfig, layout: Layout, rng: np.random.Generator) -> Camera | None:
    if layout.plan is not None:
        return _from_wall_of(config, layout, layout.plan, rng)
    fov = float(rng.uniform(60, 80))
    height = float(rng.uniform(1.25, 1.75))
    angle = float(rng.uniform(0, 2 * math.pi))
    reach = float(rng.uniform(0.75, 0.98))
    x = max(-1.0, min(1.0, math.sqrt(2) * math.cos(angle))) * (layout.width / 2 - 0.15) * reach
    y = max(-1.0, min(1.0, math.sqrt(2) * math.sin(angle))) * (layout.depth / 2 - 0.15) * reach
    if not is_free(layout, x, y, height):
        return None
    weights = np.array([item.model.size[0] * item.model.size[1] + 0.3 for item in layout.placed])
    centre = np.array([[item.x, item.y] for item in layout.placed])
    middle = (centre * weights[:, None]).sum(0) / weights.sum()
    target = 0.7 * middle + rng.normal(0, 0.3, 2)
    if math.hypot(target[0] - x, target[1] - y) < 0.8:
        return None
    aim = (float(target[0]), float(target[1]), float(rng.uniform(0.4, 0.8)))
    return make_camera(config.width, config.height, fov, (x, y, height), aim)


def _from_wall_of(config: SimulateConfig, layout: Layout, plan: Plan, rng: np.random.Generator) -> Camera | None:
    """The same in one room of a home; rooms with more things are drawn more often."""
    index = layout.placed[int(rng.integers(len(layout.placed)))].room
    fov = float(rng.uniform(60, 80))
    height = float(rng.uniform(1.25, 1.75))
    x0, y0, x1, y1 = plan.rooms[index].box
    angle, reach = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0.75, 0.98))
    x = (x0 + x1) / 2 + max(-1.0, min(1.0, math.sqrt(2) * math.cos(angle))) * ((x1 - x0) / 2 - 0.3) * reach
    y = (y0 + y1) / 2 + max(-1.0, min(1.0, math.sqrt(2) * math.sin(angle))) * ((y1 - y0) / 2 - 0.3) * reach
    if plan.room_at(x, y) != index or not is_free(layout, x, y, height):
        return None
    items = [item for item in layout.placed if item.room == index]
    weights = np.array([item.model.size[0] * item.model.size[1] + 0.3 for item in items])
    centre = np.array([[item.x, item.y] for item in items])
    middle = (centre * weights[:, None]).sum(0) / weights.sum()
    target = middle + rng.normal(0, 0.4, 2)
    if math.hypot(target[0] - x, target[1] - y) < 0.8:
        return None
    aim = (float(target[0]), float(target[1]), float(rng.uniform(0.4, 0.9)))
    return make_camera(config.width, config.height, fov, (x, y, height), aim)


def draw_path(config: SimulateConfig, layout: Layout, boxes: F64, rng: np.random.Generator) -> list[Camera] | None:
    """One camera for each frame of a clip, or None when the drawn path is not free."""
    motion = config.motion
    if motion is None:
        orbit = config.framing is Framing.OBJECTS
        motion = Motion.ORBIT if orbit else (Motion.TURN, Motion.TOUR)[int(rng.integers(2))]
    if motion is Motion.ORBIT:
        return _orbit(config, layout, boxes, rng)
    if motion is Motion.WALK:
        return draw_walk(config, layout, rng)
    if motion is Motion.TURN:
        return _turn(config, layout, rng)
    return _tour(config, layout, rng)


def _ease(t: float) -> float:
    return t * t * (3 - 2 * t)


def _steps(frames: int) -> list[float]:
    return [i / max(frames - 1, 1) for i in range(frames)]


def _sweep(config: SimulateConfig, rng: np.random.Generator) -> tuple[float, float]:
    """First yaw and total turn in degrees."""
    longest = min(300.0, TURN * config.frames / config.fps)
    return float(rng.uniform(0, 360)), float(rng.choice([-1, 1])) * longest * float(rng.uniform(0.5, 1.0))


def _turn(config: SimulateConfig, layout: Layout, rng: np.random.Generator) -> list[Camera] | None:
    x = float(rng.uniform(-0.3, 0.3)) * layout.width
    y = float(rng.uniform(-0.3, 0.3)) * layout.depth
    height, fov = float(rng.uniform(1.25, 1.75)), float(rng.uniform(60, 80))
    if not is_free(layout, x, y, height):
        return None
    pitch = float(rng.uniform(-24, -12))
    start, turn = _sweep(config, rng)
    return [looking(config, fov, (x, y, height), start + turn * _ease(t), pitch) for t in _steps(config.frames)]


def _catmull_rom(points: Sequence[tuple[float, float]], t: float) -> tuple[float, float]:
    """Point at `t` in 0..1 of a smooth curve through `points`."""
    position = t * (len(points) - 1)
    i = min(int(position), len(points) - 2)
    u = position - i
    row = [points[max(i - 1, 0)], points[i], points[i + 1], points[min(i + 2, len(points) - 1)]]
    a, b, c, d = (
        -0.5 * u + u * u - 0.5 * u * u * u,
        1 - 2.5 * u * u + 1.5 * u * u * u,
        0.5 * u + 2 * u * u - 1.5 * u * u * u,
        -0.5 * u * u + 0.5 * u * u * u,
    )
    x, y = (a * row[0][k] + b * row[1][k] + c * row[2][k] + d * row[3][k] for k in range(2))
    return x, y


def _tour(config: SimulateConfig, layout: Layout, rng: np.random.Generator) -> list[Camera] | None:
    height, fov = float(rng.uniform(1.25, 1.75)), float(rng.uniform(60, 80))
    places: list[tuple[float, float]] = []
    reach = WALK * config.frames / config.fps / 2
    for _ in range(60):
        x = float(rng.uniform(-0.5, 0.5)) * (layout.width - 0.3)
        y = float(rng.uniform(-0.5, 0.5)) * (layout.depth - 0.3)
        if places and math.hypot(x - places[-1][0], y - places[-1][1]) > reach:
            continue
        if is_free(layout, x, y, height):
            places.append((x, y))
        if len(places) == 3:
            break
    if len(places) < 3:
        return None
    pitch = float(rng.uniform(-22, -12))
    start, turn = _sweep(config, rng)
    out = []
    for t in _steps(config.frames):
        x, y = _catmull_rom(places, _ease(t))
        if not is_free(layout, x, y, height):
            return None
        out.append(looking(config, fov, (x, y, height), start + turn * _ease(t), pitch))
    return out


def _orbit(config: SimulateConfig, layout: Layout, boxes: F64, rng: np.random.Generator) -> list[Camera] | None:
    points = boxes.reshape(-1, 3)
    fov, height = float(rng.uniform(55, 80)), float(rng.uniform(1.2, 1.8))
    aim = (points.min(0) + points.max(0)) / 2
    start = math.radians(float(rng.uniform(0, 360)))
    _, turn = _sweep(config, rng)
    out: list[Camera] = []
    for t in _steps(config.frames):
        camera = _facing(config, layout, points, aim, start + math.radians(turn) * _ease(t), fov, height, 0.95)
        if camera is None:
            return None
        out.append(camera)
    return out
