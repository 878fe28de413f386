"""What a camera sees of cubes, spheres and cylinders, by casting a ray through every pixel near each of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wherewise.scenes.scene import Camera, Visibility

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Solid:
    """A body that is as wide and deep as it is high.

    Attributes:
        kind: ``cube``, ``sphere`` or ``cylinder`` (upright).
        center: Its centre in world units.
        half: Half its edge or height, and the radius of what is round.
        yaw: Rotation about z in degrees.
        name: What it is called in the result.
    """

    kind: str
    center: tuple[float, float, float]
    half: float
    yaw: float
    name: str


def draw_solids(solids: Sequence[Solid], camera: Camera) -> dict[str, Visibility]:
    """How the camera sees each solid that shows at least one pixel."""
    # A border of half a picture on each side: what lies there counts for the visible fraction, not for the picture.
    left, top = camera.width // 2, camera.height // 2
    nearest = np.full((camera.height + 2 * top, camera.width + 2 * left), np.inf)
    owner = np.full(nearest.shape, -1)
    whole = [0] * len(solids)
    inside = [0] * len(solids)
    for number, solid in enumerate(solids):
        window = _window(solid, camera, left, top, nearest.shape)
        if window is None:
            continue
        rows, columns = window
        rays = _rays(camera, np.arange(rows.start, rows.stop) - top, np.arange(columns.start, columns.stop) - left)
        distance = _hit(solid, np.array(camera.position), rays)
        hit = np.isfinite(distance)
        whole[number] = int(hit.sum())
        in_rows = (np.arange(rows.start, rows.stop) >= top) & (np.arange(rows.start, rows.stop) < top + camera.height)
        span = np.arange(columns.start, columns.stop)
        in_columns = (span >= left) & (span < left + camera.width)
        inside[number] = int((hit & in_rows[:, None] & in_columns[None, :]).sum())
        closer = distance < nearest[rows, columns]
        nearest[rows, columns] = np.where(closer, distance, nearest[rows, columns])
        owner[rows, columns] = np.where(closer, number, owner[rows, columns])
    shown = owner[top : top + camera.height, left : left + camera.width]
    depth = nearest[top : top + camera.height, left : left + camera.width]
    return {
        solid.name: _visibility(shown == number, depth, whole[number], inside[number])
        for number, solid in enumerate(solids)
        if bool((shown == number).any())
    }


def _visibility(mask: NDArray[np.bool_], depth: Array, whole: int, inside: int) -> Visibility:
    v, u = np.nonzero(mask)
    distances = depth[mask]
    return Visibility(
        pixels=len(u),
        amodal_pixels=inside,
        fraction=len(u) / whole,
        box=(int(u.min()), int(v.min()), int(u.max()) + 1, int(v.max()) + 1),
        center=(float(u.mean()) + 0.5, float(v.mean()) + 0.5),
        distance=float(np.percentile(distances, 5)),
        distance_far=float(np.percentile(distances, 95)),
    )


def _window(solid: Solid, camera: Camera, left: int, top: int, shape: tuple[int, ...]) -> tuple[slice, slice] | None:
    """Rows and columns of the bordered picture that the ball around the solid can reach; None when it is behind."""
    x, y, z = camera.to_camera(solid.center)
    reach = solid.half * math.sqrt(3)
    if z <= 1e-6:
        return None
    near = max(z - reach, 0.1 * z)
    radius = camera.focal * reach / near + camera.focal * math.hypot(x, y) * (1 / near - 1 / z)
    u = camera.focal * x / z + camera.width / 2 + left
    v = camera.focal * y / z + camera.height / 2 + top
    rows = slice(max(0, math.floor(v - radius)), min(shape[0], math.ceil(v + radius) + 1))
    columns = slice(max(0, math.floor(u - radius)), min(shape[1], math.ceil(u + radius) + 1))
    return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None


def _rays(camera: Camera, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Array:
    """Unit vectors through the middle of the pixels, ``(rows, columns, 3)``, in world coordinates."""
    u = (columns + 0.5 - camera.width / 2) / camera.focal
    v = (rows + 0.5 - camera.height / 2) / camera.focal
    local = np.stack(np.broadcast_arrays(u[None, :], v[:, None], np.ones((1, 1))), axis=-1)
    rays: Array = local @ np.array(camera.rotation)
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    return rays


def _hit(solid: Solid, origin: Array, rays: Array) -> Array:
    """Distance along each ray to the solid; infinite where it misses."""
    cos, sin = math.cos(math.radians(solid.yaw)), math.sin(math.radians(solid.yaw))
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    start = turn @ (origin - np.array(solid.center))
    ways = rays @ turn.T
    with np.errstate(divide="ignore", invalid="ignore"):
        if solid.kind == "sphere":
            first, last = _round(start, ways, solid.half, 3)
        elif solid.kind == "cylinder":
            side, ends = _round(start, ways, solid.half, 2), _slab(start, ways, solid.half, (2,))
            first, last = np.maximum(side[0], ends[0]), np.minimum(side[1], ends[1])
        else:
            first, last = _slab(start, ways, solid.half, (0, 1, 2))
    missed = ~((last >= first) & (first > 0))
    return np.where(missed, np.inf, first)


def _round(start: Array, ways: Array, radius: float, dimensions: int) -> tuple[Array, Array]:
    """Entry and exit of a ball (3) or an endless upright cylinder (2)."""
    p, d = start[:dimensions], ways[..., :dimensions]
    a = np.sum(d * d, axis=-1)
    b = d @ p
    root = np.sqrt(b * b - a * (p @ p - radius**2))
    return (-b - root) / a, (-b + root) / a


def _slab(start: Array, ways: Array, half: float, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """Entry and exit of what lies within `half` of the centre along some axes."""
    first, last = np.full(ways.shape[:-1], -np.inf), np.full(ways.shape[:-1], np.inf)
    for axis in axes:
        one, two = (-half - start[axis]) / ways[..., axis], (half - start[axis]) / ways[..., axis]
        first, last = np.maximum(first, np.minimum(one, two)), np.minimum(last, np.maximum(one, two))
    return first, last
