"""The floor in a metric depth map: a plane by RANSAC, checked against gravity and against surface normals."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from wherewise.perception.results import DepthMap

Array = NDArray[np.float64]


class NoGround(StrEnum):
    """Why no floor was found; counted as ``ground.<reason>`` in the manifest."""

    TOO_FEW_POINTS = "too_few_points"
    """Too few pixels have a depth."""
    NO_LEVEL_PLANE = "no_level_plane"
    """No plane that is level enough and below the camera holds enough points."""
    NORMALS_DISAGREE = "normals_disagree"
    """The surface at the plane's points is turned another way than the plane."""
    POINTS_BELOW = "points_below"
    """Too much lies below the plane: it is a table or a shelf, not the floor."""


class GroundConfig(BaseModel):
    """When a plane is the floor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tilt: float = Field(default=35.0, gt=0, lt=90)
    """Largest angle, in degrees, between the plane's normal and the upright of the picture."""
    camera_height: tuple[float, float] = (0.3, 4.0)
    """Least and largest height of the camera above the floor, in metres."""
    support: float = Field(default=0.08, gt=0, le=1)
    """Least share of the points that lie on it."""
    below: float = Field(default=0.05, ge=0, le=1)
    """Largest share of the points that lie below it."""
    thickness: float = Field(default=0.02, gt=0)
    """A point lies on it within this share of its depth."""
    normals: float = Field(default=0.5, ge=0, le=1)
    """Least share of its points whose surface is turned like it, within 25 degrees."""
    rounds: int = Field(default=400, ge=1)
    """Planes that are tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """The floor in the camera's frame (x right, y down, z forward).

    Attributes:
        up: Unit normal, pointing up.
        height: Height of the camera above it in metres.
        support: Share of the points that lie on it.
    """

    up: tuple[float, float, float]
    height: float
    support: float


def back_project(depth: DepthMap, focal: float) -> Array:
    """``(height, width, 3)`` points in the camera's frame, in metres; NaN where the depth is unknown."""
    height, width = depth.values.shape
    u = (np.arange(width) + 0.5 - width / 2) / focal
    v = (np.arange(height) + 0.5 - height / 2) / focal
    z = depth.values.astype(np.float64)
    return np.stack([u[None, :] * z, v[:, None] * z, z], axis=-1)


def normals_of(points: Array) -> Array:
    """``(height, width, 3)`` unit normals from the neighbours to the right and below, towards the camera; or NaN."""
    across = np.full_like(points, np.nan)
    down = np.full_like(points, np.nan)
    across[:, :-1] = points[:, 1:] - points[:, :-1]
    down[:-1] = points[1:] - points[:-1]
    normal = np.cross(down, across)
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    normal = np.divide(normal, length, out=np.full_like(normal, np.nan), where=length > 0)
    away = np.sum(normal * points, axis=-1, keepdims=True) > 0
    turned: Array = np.where(away, -normal, normal)
    return turned


def find_ground(depth: DepthMap, focal: float, config: GroundConfig, seed: int = 0) -> Ground | NoGround:
    """The floor of a metric depth map.

    Args:
        depth: Depth in metres.
        focal: Focal length in pixels.
        config: When a plane is the floor.
        seed: Seed of the draws.

    Returns:
        The floor, or why there is none.
    """
    step = max(1, round(max(depth.values.shape) / 160))
    thinned = back_project(depth, focal)[::step, ::step]
    turned = normals_of(thinned).reshape(-1, 3)
    points = thinned.reshape(-1, 3)
    known = np.isfinite(points).all(axis=1)
    points, turned = points[known], turned[known]
    if len(points) < 100:
        return NoGround.TOO_FEW_POINTS
    slack = np.maximum(config.thickness, depth.error / 2) * points[:, 2]
    best = _best_plane(points, slack, config, np.random.default_rng(seed))
    if best is None:
        return NoGround.NO_LEVEL_PLANE
    up, height = best
    for _ in range(2):
        on = np.abs(points @ up + height) < slack
        alike = turned @ up > np.cos(np.radians(25.0))  # False where the normal is not known
        known_normals = on & np.isfinite(turned).all(axis=1)
        if not known_normals.any() or float(alike[known_normals].mean()) < config.normals:
            return NoGround.NORMALS_DISAGREE
        up, height = _fit(points[on & alike])
        if up[1] > -np.cos(np.radians(config.tilt)) or not _within(height, config.camera_height):
            return NoGround.NO_LEVEL_PLANE
    rise = points @ up + height
    on = np.abs(rise) < slack
    if float(np.mean(rise < -3 * slack)) > config.below:
        return NoGround.POINTS_BELOW
    return Ground(up=(float(up[0]), float(up[1]), float(up[2])), height=float(height), support=float(np.mean(on)))


def _best_plane(
    points: Array, slack: Array, config: GroundConfig, rng: np.random.Generator
) -> tuple[Array, float] | None:
    level = np.cos(np.radians(config.tilt))
    best: NDArray[np.bool_] | None = None
    for _ in range(config.rounds):
        plane = _plane(points[rng.choice(len(points), 3, replace=False)])
        if plane is None or plane[0][1] > -level or not _within(plane[1], config.camera_height):
            continue
        on = np.abs(points @ plane[0] + plane[1]) < slack
        if best is None or on.sum() > best.sum():
            best = on
    if best is None or best.mean() < config.support:
        return None
    return _fit(points[best])


def _fit(points: Array) -> tuple[Array, float]:
    """Upward unit normal and the camera's height above the plane that fits best, near points counting for more."""
    weights = 1 / points[:, 2:] ** 2
    middle = np.sum(weights * points, axis=0) / np.sum(weights)
    normal = np.linalg.svd((points - middle) * np.sqrt(weights), full_matrices=False)[2][2]
    normal = -normal if normal[1] > 0 else normal
    return normal, -float(middle @ normal)


def _within(height: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= height <= limits[1]


def _plane(corners: Array) -> tuple[Array, float] | None:
    """Upward unit normal and the camera's height above the plane of three points; None if they lie in a line."""
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    length = float(np.linalg.norm(normal))
    if length < 1e-9:
        return None
    normal = normal / length if normal[1] < 0 else -normal / length
    return normal, -float(corners[0] @ normal)
