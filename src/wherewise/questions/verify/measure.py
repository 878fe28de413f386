"""Measures of boxes and cameras by linear algebra and least squares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from wherewise.scenes import Camera, SceneObject

Array = NDArray[np.float64]


def half_axes(thing: SceneObject) -> Array:
    """(3, 3): rows = from the centre to the middle of three faces, metres."""
    if thing.axes is not None:
        turn = np.array(thing.axes)
    else:
        angle = np.deg2rad(thing.yaw)
        turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return np.asarray(turn * (np.array(thing.size)[:, None] / 2), dtype=float)


def corners(thing: SceneObject) -> Array:
    """(8, 3) corners in metres."""
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    return np.asarray(signs @ half_axes(thing) + np.array(thing.center), dtype=float)


def _closest(matrix: Array, offset: Array) -> float:
    return float(np.sqrt(2 * lsq_linear(matrix, -offset, bounds=(-1, 1), method="bvls", tol=1e-14).cost))


def distance_to_point(thing: SceneObject, point: Array) -> float:
    """Distance between a point and a box by bounded least squares, metres."""
    return _closest(half_axes(thing).T, np.array(thing.center) - point)


def distance(first: SceneObject, second: SceneObject) -> float:
    """Closest points of two boxes by bounded least squares, metres."""
    matrix = np.hstack([half_axes(first).T, -half_axes(second).T])
    return _closest(matrix, np.array(first.center) - np.array(second.center))


def flat_distance(first: SceneObject, second: SceneObject) -> float:
    """The same for the shadows of the boxes on the floor."""
    matrix = np.hstack([half_axes(first).T[:2], -half_axes(second).T[:2]])
    return _closest(matrix, (np.array(first.center) - np.array(second.center))[:2])


def volume(thing: SceneObject) -> float:
    """Cubic metres."""
    return float(abs(np.linalg.det(2 * half_axes(thing))))


def sides(thing: SceneObject) -> Array:
    """The three lengths of the box in metres."""
    return np.asarray(np.linalg.norm(2 * half_axes(thing), axis=1), dtype=float)


def in_camera(camera: Camera, points: Array) -> Array:
    """World points (n, 3) in the camera's frame."""
    return np.asarray((points - np.array(camera.position)) @ np.array(camera.rotation, dtype=float).T, dtype=float)


def pixels(camera: Camera, points: Array) -> Array:
    """(n, 2) pixels of world points (n, 3); NaN behind the camera."""
    local = in_camera(camera, points)
    deep = np.where(local[:, 2:] > 1e-6, local[:, 2:], np.nan)
    return np.asarray(camera.focal * local[:, :2] / deep + np.array([camera.width, camera.height]) / 2, dtype=float)


def flat(vector: tuple[float, ...] | Array) -> complex:
    """The horizontal part of a vector as a complex number."""
    return complex(vector[0], vector[1])


def angle(vector: complex, reference: complex) -> float:
    """Degrees from one flat vector to another, positive to the left, by division of complex numbers."""
    return float(np.degrees(np.angle(vector / reference)))


def polygon_area(polygon: tuple[tuple[float, float], ...]) -> float:
    """Area of a simple polygon as a sum of signed triangles about its mean."""
    spots = np.array(polygon) - np.mean(np.array(polygon), axis=0)
    following = np.roll(spots, -1, axis=0)
    return float(abs(np.linalg.det(np.stack([spots, following], axis=1)).sum()) / 2)
