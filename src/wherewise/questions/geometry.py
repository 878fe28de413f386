"""Exact measures between upright boxes, as the families use them."""

from __future__ import annotations

import math

from wherewise.scenes import Camera, SceneObject

Point2 = tuple[float, float]


def overlap_share(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Overlap of two intervals as a share of the shorter; 0 when they are apart.

    >>> overlap_share((0, 10), (8, 12))
    0.5
    """
    shared = min(first[1], second[1]) - max(first[0], second[0])
    return max(0.0, shared) / max(1e-9, min(first[1] - first[0], second[1] - second[0]))


def footprint(thing: SceneObject) -> tuple[Point2, Point2, Point2, Point2]:
    """Corners of the object's box seen from above, counter-clockwise, in metres."""
    cos, sin = math.cos(math.radians(thing.yaw)), math.sin(math.radians(thing.yaw))
    half_width, half_depth = thing.size[0] / 2, thing.size[1] / 2
    x, y, _ = thing.center

    def corner(u: float, v: float) -> Point2:
        return x + cos * u - sin * v, y + sin * u + cos * v

    return (
        corner(-half_width, -half_depth),
        corner(half_width, -half_depth),
        corner(half_width, half_depth),
        corner(-half_width, half_depth),
    )


def _point_to_segment(point: Point2, start: Point2, end: Point2) -> float:
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = ((point[0] - start[0]) * dx + (point[1] - start[1]) * dy) / max(1e-18, dx * dx + dy * dy)
    along = min(1.0, max(0.0, along))
    return math.hypot(point[0] - start[0] - along * dx, point[1] - start[1] - along * dy)


def _separated(first: tuple[Point2, ...], second: tuple[Point2, ...]) -> bool:
    for polygon in (first, second):
        for index, start in enumerate(polygon):
            end = polygon[(index + 1) % len(polygon)]
            nx, ny = end[1] - start[1], start[0] - end[0]
            one = [nx * p[0] + ny * p[1] for p in first]
            two = [nx * p[0] + ny * p[1] for p in second]
            if max(one) < min(two) or max(two) < min(one):
                return True
    return False


def gap(first: SceneObject, second: SceneObject) -> float:
    """Distance between the closest points of two upright boxes, in metres; 0 when they touch."""
    one, two = footprint(first), footprint(second)
    flat = 0.0
    if _separated(one, two):
        flat = min(
            _point_to_segment(point, polygon[i], polygon[(i + 1) % 4])
            for points, polygon in ((one, two), (two, one))
            for point in points
            for i in range(4)
        )
    (low1, high1), (low2, high2) = (
        (thing.center[2] - thing.size[2] / 2, thing.center[2] + thing.size[2] / 2) for thing in (first, second)
    )
    return math.hypot(flat, max(0.0, low2 - high1, low1 - high2))


def depth_range(camera: Camera, thing: SceneObject) -> tuple[float, float]:
    """Nearest and farthest depth of the box along the viewing direction, in metres."""
    low = thing.center[2] - thing.size[2] / 2
    depths = [camera.to_camera((x, y, z))[2] for x, y in footprint(thing) for z in (low, low + thing.size[2])]
    return min(depths), max(depths)


def area(polygon: tuple[Point2, ...]) -> float:
    """Area of a simple polygon, in square metres; 0 for an empty one."""
    total = sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(polygon, polygon[1:] + polygon[:1], strict=True))
    return abs(total) / 2
