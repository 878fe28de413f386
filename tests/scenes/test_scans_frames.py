"""Camera poses of scans: their frame, what a box of visible pixels is worth, and poses that do not fit."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wherewise.questions.verify import check_scene
from wherewise.samples.errors import DatasetError
from wherewise.scenes import Scene
from wherewise.scenes.annotated import Refusal
from wherewise.scenes.boxes import oriented_box
from wherewise.scenes.scans import ScanFiles, Scans

FIXTURES = Path(__file__).parent / "fixtures" / "scans"
WIDTH, HEIGHT, FOCAL = 640, 480, 500.0
META = {
    "0a1b2c3d4e": {
        "room_size": 20.0,
        "object_counts": {"chair": 1, "lamp": 1},
        "object_bboxes": {
            "chair": [
                {
                    "instance_id": 3,
                    "centroid": [0.0, 3.0, 0.5],
                    "axesLengths": [0.6, 0.6, 1.0],
                    "normalizedAxes": [1, 0, 0, 0, 1, 0, 0, 0, 1],
                }
            ],
            "lamp": [
                {
                    "instance_id": 9,
                    "centroid": [1.0, 4.0, 1.0],
                    "axesLengths": [0.3, 0.3, 0.4],
                    "normalizedAxes": [0.8, 0.6, 0, -0.6, 0.8, 0, 0, 0, 1],
                }
            ],
        },
    }
}


def pose(yaw: float, x: float, y: float, z: float) -> list[list[float]]:
    """Camera to world of a level camera that looks along the y axis, turned left by `yaw` degrees."""
    cos, sin = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    return [[cos, 0.0, -sin, x], [sin, 0.0, cos, y], [0.0, -1.0, 0.0, z], [0.0, 0.0, 0.0, 1.0]]


def seen(matrix: list[list[float]], box: dict[str, Any]) -> list[int]:
    """First and last column and row of a box's projection, by matrices instead of cameras."""
    center, lengths = np.array(box["centroid"]), np.array(box["axesLengths"])
    axes = np.array(box["normalizedAxes"]).reshape(3, 3)
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    points = np.c_[center + (signs * lengths / 2) @ axes, np.ones(8)]
    local = points @ np.linalg.inv(np.array(matrix)).T
    u, v = (FOCAL * local[:, axis] / local[:, 2] + half for axis, half in ((0, WIDTH / 2), (1, HEIGHT / 2)))
    return [math.floor(u.min()), math.floor(v.min()), math.ceil(u.max()) - 1, math.ceil(v.max()) - 1]


def frames(**changes: Any) -> dict[str, Any]:
    boxes = META["0a1b2c3d4e"]["object_bboxes"]
    assert isinstance(boxes, dict)
    listed = []
    for number, matrix in ((60, pose(-10, 0.1, 0.0, 1.2)), (30, pose(0, 0.0, -0.5, 1.3))):
        visible = [
            {"instance_id": box["instance_id"], "bbox_2d": seen(matrix, box)}
            for box in (*boxes["chair"], *boxes["lamp"])
        ]
        listed.append({"frame_id": number, "camera_pose_camera_to_world": matrix, "bboxes_2d": visible})
    listed.append({"frame_id": 90, "camera_pose_camera_to_world": None, "bboxes_2d": []})
    entry = {
        "camera_intrinsics": {"fx": FOCAL, "fy": FOCAL, "cx": WIDTH / 2, "cy": HEIGHT / 2},
        "img_width": WIDTH,
        "img_height": HEIGHT,
        "frames": listed,
    }
    return {"0a1b2c3d4e": entry | changes}


def read(folder: Path, table: dict[str, Any]) -> tuple[Scene, tuple[Refusal, ...]]:
    (folder / "scannetpp_meta_info.json").write_text(json.dumps(META))
    (folder / "scannetpp_frame_metadata.json").write_text(json.dumps(table))
    (item,) = Scans(files=ScanFiles(metadata=folder, frames=folder, rate=30.0))
    return item.scene, item.notes


def test_frames_become_views_in_order_of_time(tmp_path: Path) -> None:
    scene, notes = read(tmp_path, frames())
    assert notes == ()
    assert [view.time for view in scene.views] == [1.0, 2.0]  # the frame without a pose is left out
    first = scene.views[0]
    assert first.camera.position == (0.0, -0.5, 1.3)
    assert first.camera.rotation == ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0))
    assert set(first.visible) == {"chair-0", "lamp-0"}
    chair = first.visible["chair-0"]
    assert chair.fraction > 0.95
    assert chair.distance is not None
    assert chair.distance_far is not None
    nearest = np.hypot(3.0 - 0.3 + 0.5, max(0.0, 1.3 - 1.0))
    assert chair.distance == pytest.approx(nearest)
    assert chair.distance_far > chair.distance
    assert scene.facts["visibility"] == "boxes"
    assert check_scene(scene, pixels=2.0) == []


def test_a_half_hidden_box_is_seen_by_half(tmp_path: Path) -> None:
    table = frames()
    box = table["0a1b2c3d4e"]["frames"][1]["bboxes_2d"][0]["bbox_2d"]
    box[2] = (box[0] + box[2]) // 2
    scene, _ = read(tmp_path, table)
    assert scene.views[0].visible["chair-0"].fraction == pytest.approx(0.5, abs=0.02)


def test_poses_in_another_frame_are_left_out_and_noted(tmp_path: Path) -> None:
    table = frames()
    turn = np.eye(4)
    turn[:2, :2] = [[0.6, -0.8], [0.8, 0.6]]  # as if one of the two had been aligned and the other not
    for frame in table["0a1b2c3d4e"]["frames"][:2]:
        frame["camera_pose_camera_to_world"] = (turn @ np.array(frame["camera_pose_camera_to_world"])).tolist()
    scene, notes = read(tmp_path, table)
    assert scene.views == ()
    assert notes == (Refusal.POSES_DISAGREE,)


def test_world_to_camera_in_place_of_camera_to_world_is_noted(tmp_path: Path) -> None:
    table = frames()
    for frame in table["0a1b2c3d4e"]["frames"][:2]:
        frame["camera_pose_camera_to_world"] = np.linalg.inv(np.array(frame["camera_pose_camera_to_world"])).tolist()
    assert read(tmp_path, table)[1] == (Refusal.POSES_DISAGREE,)


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("img_width",), "640", "img_width, img_height: '640' x 480 is no size"),
        (("frames",), None, "frames: expected a list"),
        (("frames", 0, "frame_id"), -1, "frames[0].frame_id: -1 is no frame number"),
        (("frames", 0, "camera_pose_camera_to_world"), [[1, 2], [3, 4]], "expected 4 x 4 numbers"),
        (("frames", 0, "camera_pose_camera_to_world", 0, 0), 2.0, "are not a rotation"),
        (
            ("frames", 1, "bboxes_2d", 0, "bbox_2d"),
            [5, 5, 700, 9],
            "frames[1].bboxes_2d[0].bbox_2d: [5, 5, 700, 9] is no box",
        ),
        (("camera_intrinsics", "fy"), 600.0, "the lens is off by 20.0%"),
        (("camera_intrinsics",), None, "camera_intrinsics: expected fx, fy, cx and cy"),
    ],
)
def test_mistakes_are_located(tmp_path: Path, place: tuple[str | int, ...], value: Any, told: str) -> None:
    table = frames()
    at: Any = table["0a1b2c3d4e"]
    for part in place[:-1]:
        at = at[part]
    at[place[-1]] = value
    with pytest.raises(DatasetError) as caught:
        read(tmp_path, table)
    assert told in str(caught.value)
    assert "scannetpp_frame_metadata.json" in str(caught.value)
    assert "'0a1b2c3d4e'" in str(caught.value)


def test_visible_boxes_lie_within_their_projections(tmp_path: Path) -> None:
    scene, _ = read(tmp_path, frames())
    for view in scene.views:
        for thing in scene.objects:
            corners = oriented_box(thing).corners()
            points = [view.camera.project((float(x), float(y), float(z))) for x, y, z in corners]
            columns = [point[0] for point in points if point is not None]
            box = view.visible[thing.id].box
            assert box is not None
            assert abs(min(columns) - box[0]) <= 1
            assert abs(max(columns) - box[2]) <= 1
