"""Masks and a metric depth map to boxes in space, with robust extents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wherewise.perception.ground import Ground, back_project
from wherewise.perception.results import DepthMap
from wherewise.scenes import Camera

Array = NDArray[np.float64]
LEAST_PIXELS = 30
"""Fewer pixels with a depth than this measure nothing."""
LEAST_SHARE = 0.5
"""Least share of a mask's pixels that must have a depth."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """What the pixels of one thing say about its place.

    Attributes:
        center: Centre of the box of its visible surface, metres, world frame.
        size: Width, depth and height of that box in metres, aligned with the camera's heading.
        near: 5th percentile of the distance from the camera, in metres.
        far: 95th percentile.
    """

    center: tuple[float, float, float]
    size: tuple[float, float, float]
    near: float
    far: float


def camera_of(width: int, height: int, focal: float, ground: Ground | None) -> Camera:
    """The camera above the floor, looking along world y; level, at the origin, where no floor is known."""
    up = np.array([0.0, -1.0, 0.0]) if ground is None else np.array(ground.up)
    ahead = np.array([0.0, 0.0, 1.0])
    ahead = ahead - (ahead @ up) * up
    ahead /= np.linalg.norm(ahead)
    world = np.stack([np.cross(ahead, up), ahead, up])
    rows = [(float(a), float(b), float(c)) for a, b, c in world.T]
    return Camera(
        width=width,
        height=height,
        focal=focal,
        position=(0.0, 0.0, 0.0 if ground is None else ground.height),
        rotation=(rows[0], rows[1], rows[2]),
    )


def distances(values: NDArray[np.float32], mask: NDArray[np.bool_]) -> Array | None:
    """The known values under a mask, without the stray ones at its rim; None where too few are known.

    Stray values differ from the median by more than five times the median deviation, or by 5 % of the median where that
    is more.
    """
    found = values[mask].astype(np.float64)
    known = found[np.isfinite(found)]
    if len(known) < LEAST_PIXELS or len(known) < LEAST_SHARE * len(found):
        return None
    middle = float(np.median(known))
    spread = max(5 * float(np.median(np.abs(known - middle))), 0.05 * abs(middle))
    return known[np.abs(known - middle) <= spread]


def extent_of(depth: DepthMap, mask: NDArray[np.bool_], camera: Camera) -> Extent | None:
    """Place of one thing; None where too few of its pixels have a depth.

    The box runs from the 2nd to the 98th percentile of its points along each world axis. It is the box of the surface
    that the camera sees: what is behind that is not known.
    """
    kept = distances(depth.values, mask)
    if kept is None:
        return None
    within = mask & (depth.values >= kept.min()) & (depth.values <= kept.max())
    seen = back_project(depth, camera.focal)[within]
    lengths = np.linalg.norm(seen, axis=1)
    world = seen @ np.array(camera.rotation) + np.array(camera.position)
    low, high = np.percentile(world, 2, axis=0), np.percentile(world, 98, axis=0)
    center, size = (low + high) / 2, np.maximum(high - low, 0.01)
    return Extent(
        center=(float(center[0]), float(center[1]), float(center[2])),
        size=(float(size[0]), float(size[1]), float(size[2])),
        near=float(np.percentile(lengths, 5)),
        far=float(np.percentile(lengths, 95)),
    )
