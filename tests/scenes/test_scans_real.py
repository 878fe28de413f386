"""The scene metadata of VSI-Bench: counts, room sizes, object sizes and distances, against the files themselves."""

from __future__ import annotations

import functools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import lsq_linear
from scipy.spatial import cKDTree

from wherewise.scenes.annotated import Annotated, Guard, admitted
from wherewise.scenes.boxes import gap
from wherewise.scenes.duplicates import NearDuplicates
from wherewise.scenes.exclusions import benchmark_scenes
from wherewise.scenes.scans import ScanFiles, Scans

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "vsi_meta"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the scene metadata of VSI-Bench are not in {FOLDER}")

Array = NDArray[np.float64]


@functools.cache
def scans() -> tuple[Annotated, ...]:
    return tuple(Scans(files=ScanFiles(metadata=FOLDER)))


@functools.cache
def raw() -> dict[str, Any]:
    return {
        scene: entry for path in sorted(FOLDER.glob("*.json")) for scene, entry in json.loads(path.read_text()).items()
    }


def test_every_scene_is_read() -> None:
    assert Counter(item.key[0] for item in scans()) == {"scannet": 88, "arkitscenes": 150}


def test_counts_room_sizes_and_object_sizes_are_those_of_the_file() -> None:
    boxes = 0
    for item in scans():
        entry = raw()[item.key[1]]
        scene = item.scene
        assert scene.facts["room_size"] == entry["room_size"]
        assert scene.facts["counts"] == entry["object_counts"]
        drawn = Counter(thing.category for thing in scene.objects)
        differ = {name for name in {*drawn, *entry["object_counts"]} if drawn[name] != entry["object_counts"].get(name)}
        assert differ == set(scene.facts["counts_differ"])
        for category, listed in entry["object_bbox"].items():
            things = [thing for thing in scene.objects if thing.category == category]
            assert len(things) == len(listed)
            for thing, box in zip(things, listed, strict=True):
                boxes += 1
                assert max(thing.size) == max(box["axesLengths"])
                assert sorted(thing.size) == sorted(box["axesLengths"])
                assert list(thing.center) == box["centroid"]
    assert boxes == 2078


def test_boxes_fill_the_extent_that_the_file_gives() -> None:
    """Corners from axes and lengths, by other code than `oriented_box`, against ``min`` and ``max``."""
    for item in scans():
        entry = raw()[item.key[1]]["object_bbox"]
        listed = [box for boxes in entry.values() for box in boxes]
        for thing, box in zip(item.scene.objects, listed, strict=True):
            turn = np.array(thing.axes) if thing.axes else upright(thing.yaw)
            half = np.abs(turn.T) @ (np.array(thing.size) / 2)
            assert np.allclose(np.array(thing.center) - half, box["min"], atol=1e-6)
            assert np.allclose(np.array(thing.center) + half, box["max"], atol=1e-6)


def upright(yaw: float) -> Array:
    turn = np.deg2rad(yaw)
    return np.array([[np.cos(turn), np.sin(turn), 0], [-np.sin(turn), np.cos(turn), 0], [0, 0, 1]])


def solid(box: dict[str, Any]) -> tuple[Array, Array]:
    """Centre, and the matrix that maps the cube from -1 to 1 onto the box, straight from the file."""
    axes = np.array(box["normalizedAxes"], dtype=float).reshape(3, 3)
    return np.array(box["centroid"]), axes.T * (np.array(box["axesLengths"]) / 2)


def closest(first: dict[str, Any], second: dict[str, Any]) -> float:
    """Distance of two boxes as a bounded least-squares problem over a point in each."""
    (c1, m1), (c2, m2) = solid(first), solid(second)
    found = lsq_linear(np.concatenate([m1, -m2], axis=1), c2 - c1, bounds=(-1, 1), method="bvls", tol=1e-14)
    return float(np.linalg.norm(np.concatenate([m1, -m2], axis=1) @ found.x - (c2 - c1)))


def shell(box: dict[str, Any], step: float) -> Array:
    """Points on the faces of a box, no two neighbours farther apart than `step` metres."""
    center, matrix = solid(box)
    counts = [int(np.ceil(length / step)) + 1 for length in box["axesLengths"]]
    grid = np.stack(np.meshgrid(*(np.linspace(-1, 1, count) for count in counts), indexing="ij"), axis=-1).reshape(
        -1, 3
    )
    points: Array = center + grid[np.abs(grid).max(axis=1) > 1 - 1e-9] @ matrix.T
    return points


def pairs(limit: int) -> list[tuple[Any, Any, dict[str, Any], dict[str, Any]]]:
    """Pairs of objects with their boxes in the file, spread over all scenes."""
    rng = np.random.default_rng(5)
    found = []
    for item in scans():
        listed = [box for boxes in raw()[item.key[1]]["object_bbox"].values() for box in boxes]
        things = item.scene.objects
        every = [(i, j) for i in range(len(things)) for j in range(i)]
        for at in rng.permutation(len(every))[:limit]:
            i, j = every[at]
            found.append((things[i], things[j], listed[i], listed[j]))
    return found


def test_distances_agree_with_a_quadratic_program() -> None:
    compared = pairs(12)
    assert len(compared) > 1500
    worst = max(abs(gap(a, b) - closest(one, two)) for a, b, one, two in compared)
    assert worst < 1e-6  # boxes that lean by less than 1e-4 degrees are taken as upright


def test_distances_agree_with_points_on_the_boxes() -> None:
    """Sampled points can only be farther apart than the boxes, and by no more than the grid allows."""
    step, checked = 0.1, 0
    for a, b, one, two in pairs(2):
        exact = gap(a, b)
        if exact == 0.0:
            continue
        distance = cKDTree(shell(one, step)).query(shell(two, step))[0].min()
        assert exact - 1e-9 <= distance <= exact + 2 * step * np.sqrt(2) / 2
        checked += 1
    assert checked > 250


def test_the_only_near_duplicates_are_two_videos_of_one_bathroom() -> None:
    tally: Counter[str] = Counter()
    guard = Guard(media=False, duplicates=NearDuplicates(tolerance=0.05))
    kept = [item.key[1] for _, item in admitted(scans(), guard, {"train": 1.0}, 0, tally)]
    assert {item.key[1] for item in scans()} - set(kept) == {"41142280"}
    assert raw()["41142280"]["object_counts"] == raw()["41069048"]["object_counts"] == {"bathtub": 1, "toilet": 1}


def test_with_the_benchmarks_own_list_nothing_is_left() -> None:
    excluded = benchmark_scenes(sorted(FOLDER.glob("*.json")))
    tally: Counter[str] = Counter()
    assert not list(admitted(scans(), Guard(excluded=excluded, media=False), {"train": 1.0}, 0, tally))
    assert tally == {"scenes.read": 238, "scenes.excluded": 238}
