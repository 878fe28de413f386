"""Oriented boxes as scans have them: turned freely in space, measured without sampling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wherewise.scenes.scene import SceneObject

Array = NDArray[np.float64]
Axes = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

_SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
_EDGES = [(i, j) for i in range(8) for j in range(i + 1, 8) if int(np.sum(_SIGNS[i] != _SIGNS[j])) == 1]
_STARTS, _ENDS = np.array([i for i, _ in _EDGES]), np.array([j for _, j in _EDGES])


@dataclass(frozen=True, kw_only=True, slots=True)
class OrientedBox:
    """A box anywhere in space.

    Attributes:
        center: ``(3,)`` centre in metres.
        lengths: ``(3,)`` full lengths along its axes in metres.
        axes: ``(3, 3)``, rows = unit vectors of its axes in world coordinates.
    """

    center: Array
    lengths: Array
    axes: Array

    def corners(self) -> Array:
        """The eight corners, ``(8, 3)``, in metres."""
        return self.center + (_SIGNS * self.lengths / 2) @ self.axes

    def distance_to(self, points: Array) -> Array:
        """Distances of points ``(n, 3)`` to the solid box, ``(n,)``, in metres; 0 inside."""
        local = (points - self.center) @ self.axes.T
        outside = np.maximum(np.abs(local) - self.lengths / 2, 0.0)
        distances: Array = np.linalg.norm(outside, axis=1)
        return distances


def upright_axes(yaw: float) -> Axes:
    """Axes of a box that stands upright, turned by `yaw` degrees about z."""
    cos, sin = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    return (cos, sin, 0.0), (-sin, cos, 0.0), (0.0, 0.0, 1.0)


def oriented_box(thing: SceneObject) -> OrientedBox:
    """The object's box: tilted where `axes` are given, upright otherwise."""
    return OrientedBox(
        center=np.array(thing.center, dtype=np.float64),
        lengths=np.array(thing.size, dtype=np.float64),
        axes=np.array(thing.axes or upright_axes(thing.yaw), dtype=np.float64),
    )


def _overlap(first: OrientedBox, second: OrientedBox, one: Array, two: Array) -> bool:
    """Separating axes: two boxes are apart if their shadows are, along a face normal or a product of two edges."""
    crossed = np.cross(first.axes[:, None, :], second.axes[None, :, :]).reshape(9, 3)
    lengths = np.linalg.norm(crossed, axis=1)
    axes = np.concatenate([first.axes, second.axes, crossed[lengths > 1e-9]])
    a, b = one @ axes.T, two @ axes.T
    return bool(np.all((a.max(0) >= b.min(0)) & (b.max(0) >= a.min(0))))


def box_gap(first: OrientedBox, second: OrientedBox) -> float:
    """Distance between the closest points of two solid boxes, in metres; 0 when they touch or overlap.

    The closest points of two boxes that are apart are a corner and the other box, or lie inside two edges: both cases
    are written out, so the result is exact.
    """
    one, two = first.corners(), second.corners()
    if _overlap(first, second, one, two):
        return 0.0
    best = min(float(second.distance_to(one).min()), float(first.distance_to(two).min()))
    start1, along1 = one[_STARTS], one[_ENDS] - one[_STARTS]
    start2, along2 = two[_STARTS], two[_ENDS] - two[_STARTS]
    normal = np.cross(along1[:, None, :], along2[None, :, :])
    square = np.sum(normal**2, axis=2)
    skew = square > 1e-12 * np.sum(along1**2, axis=1)[:, None] * np.sum(along2**2, axis=1)[None, :]
    safe = np.where(skew, square, 1.0)
    between = start2[None, :, :] - start1[:, None, :]
    s = np.einsum("ijk,ijk->ij", np.cross(between, along2[None, :, :]), normal) / safe
    t = np.einsum("ijk,ijk->ij", np.cross(between, along1[:, None, :]), normal) / safe
    inside = skew & (s >= 0) & (s <= 1) & (t >= 0) & (t <= 1)
    if inside.any():
        apart = np.abs(np.einsum("ijk,ijk->ij", between, normal)) / np.sqrt(safe)
        best = min(best, float(apart[inside].min()))
    return best


def gap(first: SceneObject, second: SceneObject) -> float:
    """Distance between the closest points of two objects' boxes, in metres, whatever way they are turned."""
    return box_gap(oriented_box(first), oriented_box(second))
