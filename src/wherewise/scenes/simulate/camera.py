"""Where the camera stands and looks."""

from __future__ import annotations

import math

import numpy as np

from wherewise.scenes.scene import Camera
from wherewise.scenes.simulate.config import Framing, SimulateConfig
from wherewise.scenes.simulate.placement import Layout, Placed, footprint, gap
from wherewise.scenes.simulate.render import make_camera

#: Free space around the camera in metres.
CLEARANCE = 0.3


def _free(layout: Layout, x: float, y: float, z: float) -> bool:
    """Whether a camera can be at this place."""
    if abs(x) > layout.width / 2 - 0.12 or abs(y) > layout.depth / 2 - 0.12:
        return False
    square = [(x - 0.01, y - 0.01), (x + 0.01, y - 0.01), (x + 0.01, y + 0.01), (x - 0.01, y + 0.01)]
    return all(
        item.z + item.model.size[2] < z - CLEARANCE or gap(square, footprint(item)) >= CLEARANCE
        for item in layout.placed
    )


def box_corners(item: Placed) -> list[tuple[float, float, float]]:
    """The eight corners of an object's oriented box."""
    return [(x, y, item.z + dz) for dz in (0.0, item.model.size[2]) for x, y in footprint(item)]


def draw_camera(config: SimulateConfig, layout: Layout, rng: np.random.Generator) -> Camera | None:
    """A random camera, or None when the drawn place is not free."""
    if config.framing is Framing.OBJECTS:
        return _at_objects(config, layout, rng)
    return _in_room(config, layout, rng)


def _at_objects(config: SimulateConfig, layout: Layout, rng: np.random.Generator) -> Camera | None:
    """As near as all boxes fit into the picture, from a random side."""
    points = np.array([corner for item in layout.placed for corner in box_corners(item)])
    middle = (points.min(0) + points.max(0)) / 2
    fov = float(rng.uniform(55, 80))
    angle = float(rng.uniform(0, 2 * math.pi))
    height = float(rng.uniform(1.2, 1.8))
    aim = middle + np.array([0, 0, -0.1]) + rng.normal(0, 0.06, 3)
    direction = np.array([math.cos(angle), math.sin(angle)])
    margin = float(rng.uniform(0.84, 0.98))
    low, high = 0.4, 8.0
    best: Camera | None = None
    for _ in range(12):
        distance = (low + high) / 2
        eye = (float(aim[0] + direction[0] * distance), float(aim[1] + direction[1] * distance), height)
        camera = make_camera(config.width, config.height, fov, eye, (float(aim[0]), float(aim[1]), float(aim[2])))
        if _contains(camera, points, margin):
            best, high = camera, distance
        else:
            low = distance
    if best is None or not _free(layout, *best.position):
        return None
    return best


def _contains(camera: Camera, points: np.ndarray, margin: float) -> bool:
    rotation = np.array(camera.rotation)
    relative = points - np.array(camera.position)
    x, y, z = (relative[:, 0] * r[0] + relative[:, 1] * r[1] + relative[:, 2] * r[2] for r in rotation)
    if z.min() < 0.3:
        return False
    u, v = np.abs(x / z) * camera.focal, np.abs(y / z) * camera.focal
    return bool(u.max() <= camera.width / 2 * margin and v.max() <= camera.height / 2 * margin)


def _in_room(config: SimulateConfig, layout: Layout, rng: np.random.Generator) -> Camera | None:
    """From near a wall or corner, across the room, at standing height."""
    fov = float(rng.uniform(60, 80))
    height = float(rng.uniform(1.25, 1.75))
    angle = float(rng.uniform(0, 2 * math.pi))
    reach = float(rng.uniform(0.7, 0.97))
    x = math.cos(angle) * math.sqrt(2) * layout.width / 2
    y = math.sin(angle) * math.sqrt(2) * layout.depth / 2
    x = max(-1.0, min(1.0, x / (layout.width / 2))) * (layout.width / 2 - 0.15) * reach
    y = max(-1.0, min(1.0, y / (layout.depth / 2))) * (layout.depth / 2 - 0.15) * reach
    if not _free(layout, x, y, height):
        return None
    weights = np.array([item.model.size[0] * item.model.size[1] + 0.2 for item in layout.placed])
    centre = np.array([[item.x, item.y] for item in layout.placed])
    middle = (centre * weights[:, None]).sum(0) / weights.sum()
    target = 0.6 * middle + rng.normal(0, 0.35, 2)
    if math.hypot(target[0] - x, target[1] - y) < 0.5:
        return None
    aim = (float(target[0]), float(target[1]), float(rng.uniform(0.35, 0.8)))
    return make_camera(config.width, config.height, fov, (x, y, height), aim)
