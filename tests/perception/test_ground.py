from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from wherewise.perception import DepthMap, Ground, GroundConfig, NoGround, find_ground
from wherewise.perception.lifting import camera_of, extent_of

WIDTH, HEIGHT, FOCAL = 320, 240, 300.0


def rays() -> NDArray[np.float64]:
    u = (np.arange(WIDTH) + 0.5 - WIDTH / 2) / FOCAL
    v = (np.arange(HEIGHT) + 0.5 - HEIGHT / 2) / FOCAL
    return np.stack(
        [np.broadcast_to(u, (HEIGHT, WIDTH)), np.broadcast_to(v[:, None], (HEIGHT, WIDTH)), np.ones((HEIGHT, WIDTH))],
        -1,
    )


def floor_and_wall(pitch: float, height: float, wall: float | None, noise: float = 0.0) -> DepthMap:
    """Depth of a floor `height` metres below a camera that looks down by `pitch` degrees, and of a wall behind it."""
    up = np.array([0.0, -math.cos(math.radians(pitch)), -math.sin(math.radians(pitch))])
    ahead = np.array([0.0, -math.sin(math.radians(pitch)), math.cos(math.radians(pitch))])
    down = -(rays() @ up)
    z = np.where(down > 1e-6, height / np.maximum(down, 1e-6), np.inf)
    if wall is not None:
        facing = rays() @ ahead
        z = np.minimum(z, np.where(facing > 1e-6, wall / np.maximum(facing, 1e-6), np.inf))
    z = np.where(z < 40, z, np.nan)
    z = z * (1 + noise * np.random.default_rng(0).standard_normal(z.shape))
    return DepthMap(values=z.astype(np.float32), metric=True, error=0.02)


@pytest.mark.parametrize(("pitch", "height"), [(0, 1.5), (15, 1.6), (30, 2.2)])
def test_the_floor_is_found_with_its_tilt_and_height(pitch: float, height: float) -> None:
    found = find_ground(floor_and_wall(pitch, height, 5.0, noise=0.003), FOCAL, GroundConfig())
    assert isinstance(found, Ground)
    assert found.height == pytest.approx(height, rel=0.03)
    assert math.degrees(math.acos(-found.up[1])) == pytest.approx(pitch, abs=1.5)


def test_a_wall_alone_is_no_floor() -> None:
    flat = DepthMap(values=np.full((HEIGHT, WIDTH), 3.0, np.float32), metric=True, error=0.02)
    assert find_ground(flat, FOCAL, GroundConfig()) is NoGround.NO_LEVEL_PLANE


def test_a_table_with_the_floor_below_it_is_no_floor() -> None:
    table, floor = floor_and_wall(30, 0.5, None).values, floor_and_wall(30, 3.9, None).values
    edge = np.nan_to_num(table, nan=99.0) > 1.0
    values = np.where(edge, floor, table)
    config = GroundConfig(camera_height=(0.3, 1.0))
    assert find_ground(DepthMap(values=values, metric=True, error=0.02), FOCAL, config) is NoGround.POINTS_BELOW


def test_a_rough_surface_fails_the_normals() -> None:
    rough = floor_and_wall(30, 1.6, None, noise=0.04)
    assert find_ground(DepthMap(values=rough.values, metric=True, error=0.2), FOCAL, GroundConfig()) is (
        NoGround.NORMALS_DISAGREE
    )


def test_a_box_on_the_floor_is_measured_without_stray_pixels() -> None:
    height, wall = 1.5, 5.0
    depth = floor_and_wall(0, height, wall)
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[120:180, 140:180] = True
    values = depth.values.copy()
    values[mask] = 3.0
    mask[118:120, 140:180] = True  # a rim that the mask took from the wall behind
    camera = camera_of(WIDTH, HEIGHT, FOCAL, Ground(up=(0.0, -1.0, 0.0), height=height, support=0.5))
    found = extent_of(DepthMap(values=values, metric=True, error=0.02), mask, camera)
    assert found is not None
    assert found.size[0] == pytest.approx(40 / FOCAL * 3, rel=0.08)
    assert found.size[2] == pytest.approx(60 / FOCAL * 3, rel=0.08)
    assert found.center[1] == pytest.approx(3.0, abs=0.05)
    assert found.center[2] == pytest.approx(height - 30 / FOCAL * 3, abs=0.05)
    assert 2.99 <= found.near <= found.far < 3.3
    assert camera.project(found.center) == pytest.approx((160, 150), abs=3)
