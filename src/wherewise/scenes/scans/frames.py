"""Camera poses of a scan's frames, and what each frame sees, from frame metadata.

Source: the files that ``vlm_3r_data_process`` of VITA-Group/VLM-3R writes::

    {"scene0704_00": {"camera_intrinsics": {"fx": .., "fy": .., "cx": .., "cy": ..},
                      "img_width": 640, "img_height": 480,
                      "frames": [{"frame_id": 120, "camera_pose_camera_to_world": [[4 numbers] x 4],
                                  "bboxes_2d": [{"instance_id": 3, "bbox_2d": [x1, y1, x2, y2]}]}]}}

Poses map camera to world in the OpenCV camera frame (x right, y down, z forward), metres; ``bbox_2d`` are the first and
last column and row of the visible pixels, both inclusive. Frames without a pose, or with one that is not finite (the
tracker was lost), are left out.

A box of visible pixels says less than the pixels: their number is taken to be the area of the box (or ``mask_area``
where the file has it), the visible fraction is that area against the projection of the 3D box, and the distances are
those of the nearest and farthest point of the 3D box. Scenes made so carry ``facts["visibility"] = "boxes"``.

Poses of some published files are not in the frame of the boxes (ScanNet's axis alignment applied to one and not to the
other). `poses_fit` finds that out: visible pixels must lie within the projection of their 3D box.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherewise.samples.errors import DatasetError
from wherewise.samples.plain import short
from wherewise.scenes.boxes import oriented_box
from wherewise.scenes.scans.metadata import read_table
from wherewise.scenes.scene import Camera, SceneObject, View, Visibility

CENTRED = 0.02
"""Largest offset of the principal point from the centre, and difference of the focal lengths, as a share."""
SLACK = 0.03
"""How far visible pixels may reach beyond the projected box, as a share of the picture's width."""
FITTING = 0.8
"""Least share of the visible boxes that must lie within their projected 3D boxes."""

Array = NDArray[np.float64]


def read_frames(path: Path) -> dict[str, Any]:
    """The frame metadata of a file, by scene id.

    Raises:
        DatasetError: It is missing or not JSON.
    """
    return read_table(path)


def scan_views(
    entry: Any, objects: Sequence[SceneObject], known_as: Mapping[str, str], *, rate: float, file: str, scene: str
) -> tuple[View, ...]:
    """The views of one scene.

    Args:
        entry: What the frame metadata say about the scene.
        objects: Objects of the scene.
        known_as: Instance id, as text -> object id.
        rate: Frame numbers per second of the video.
        file: Names the file in errors.
        scene: Names the scene in errors.

    Raises:
        DatasetError: A field is missing or wrong.
    """
    try:
        width, height = _size(entry)
        things = {thing.id: thing for thing in objects}
        views = []
        for number, frame in enumerate(_list(entry, "frames")):
            field = f"frames[{number}]"
            pose = _pose(frame, field)
            if pose is None:
                continue
            intrinsics = frame.get("camera_intrinsics", entry.get("camera_intrinsics"))
            camera = _camera(intrinsics, pose, width, height, field)
            visible = {}
            for index, seen in enumerate(frame.get("bboxes_2d", [])):
                name = known_as.get(str(seen.get("instance_id")))
                if name is not None:
                    visible[name] = _visibility(seen, things[name], camera, f"{field}.bboxes_2d[{index}]")
            views.append(View(camera=camera, visible=visible, time=_frame_id(frame, field) / rate))
    except DatasetError as error:
        raise error.at(file=file, sample=scene) from error
    return tuple(sorted(views, key=lambda view: view.time))


def poses_fit(views: Sequence[View], objects: Sequence[SceneObject]) -> bool:
    """Whether the visible boxes lie within the projections of their 3D boxes, but for a few."""
    things = {thing.id: thing for thing in objects}
    inside = total = 0
    for view in views:
        for name, seen in view.visible.items():
            total += 1
            projected = projected_box(view.camera, things[name])
            if projected is None or seen.box is None:
                continue
            slack = SLACK * view.camera.width
            low = all(seen.box[i] >= projected[i] - slack for i in (0, 1))
            inside += low and all(seen.box[i] <= projected[i] + slack for i in (2, 3))
    return total == 0 or inside >= FITTING * total


def projected_box(camera: Camera, thing: SceneObject) -> tuple[float, float, float, float] | None:
    """Bounding box of the projected corners in pixels, not cut to the picture.

    None when the box lies behind the camera; reaching to all sides when a part of it does.
    """
    corners = (oriented_box(thing).corners() - np.array(camera.position)) @ np.array(camera.rotation).T
    ahead = corners[:, 2] > 1e-3
    if not ahead.any():
        return None
    if not ahead.all():
        return -math.inf, -math.inf, math.inf, math.inf
    u = camera.focal * corners[:, 0] / corners[:, 2] + camera.width / 2
    v = camera.focal * corners[:, 1] / corners[:, 2] + camera.height / 2
    return float(u.min()), float(v.min()), float(u.max()), float(v.max())


def _visibility(seen: Mapping[str, Any], thing: SceneObject, camera: Camera, field: str) -> Visibility:
    values = seen.get("bbox_2d")
    if not isinstance(values, list) or len(values) != 4 or not all(isinstance(v, (int, float)) for v in values):
        raise DatasetError(
            f"expected 4 numbers, got {short(values)}", field=f"{field}.bbox_2d", fix="write x1 y1 x2 y2"
        )
    x1, y1, x2, y2 = (round(value) for value in values)
    if not (0 <= x1 <= x2 < camera.width and 0 <= y1 <= y2 < camera.height):
        raise DatasetError(
            f"{values} is no box in a picture of {camera.width} x {camera.height}",
            field=f"{field}.bbox_2d",
            fix="write the first and last column and row that it covers",
        )
    box = (x1, y1, x2 + 1, y2 + 1)
    area = (x2 + 1 - x1) * (y2 + 1 - y1)
    pixels = int(seen.get("mask_area", area))
    whole = projected_box(camera, thing)
    reach = 0.0 if whole is None else (whole[2] - whole[0]) * (whole[3] - whole[1])
    inside = _cut_area(whole, camera)
    solid = oriented_box(thing)
    here = np.array([camera.position])
    return Visibility(
        pixels=pixels,
        amodal_pixels=max(pixels, round(inside)),
        fraction=min(1.0, area / reach) if reach > 0 else 0.0,
        box=box,
        center=((box[0] + box[2]) / 2, (box[1] + box[3]) / 2),
        distance=float(solid.distance_to(here)[0]),
        distance_far=float(np.linalg.norm(solid.corners() - here, axis=1).max()),
    )


def _cut_area(box: tuple[float, float, float, float] | None, camera: Camera) -> float:
    if box is None:
        return 0.0
    width = min(box[2], camera.width) - max(box[0], 0)
    height = min(box[3], camera.height) - max(box[1], 0)
    return max(0.0, width) * max(0.0, height)


def _camera(intrinsics: Any, pose: Array, width: int, height: int, field: str) -> Camera:
    names = ("fx", "fy", "cx", "cy")
    if not isinstance(intrinsics, dict) or not all(isinstance(intrinsics.get(name), (int, float)) for name in names):
        raise DatasetError(
            f"expected fx, fy, cx and cy, got {short(intrinsics)}",
            field="camera_intrinsics",
            fix="give them for the scene or for each frame, in pixels of img_width x img_height",
        )
    fx, fy, cx, cy = (float(intrinsics[name]) for name in names)
    off = max(abs(fx - fy) / fx, abs(cx - width / 2) / width, abs(cy - height / 2) / height)
    if off > CENTRED:
        raise DatasetError(
            f"the lens is off by {off:.1%}: pixels must be square and the principal point in the centre",
            field=f"{field}: camera_intrinsics",
            fix="undistort and crop the frames, and scale the boxes with them",
        )
    axes = pose[:3, :3].T
    if float(np.abs(axes @ axes.T - np.eye(3)).max()) > 1e-3 or float(np.linalg.det(axes)) < 0:
        raise DatasetError(
            "the first three columns are not a rotation",
            field=f"{field}.camera_pose_camera_to_world",
            fix="write camera to world, OpenCV axes, without scale",
        )
    x, y, z = (tuple(float(value) for value in axis) for axis in axes)
    a, b, c = (float(value) for value in pose[:3, 3])
    return Camera(
        width=width,
        height=height,
        focal=(fx + fy) / 2,
        position=(a, b, c),
        rotation=((x[0], x[1], x[2]), (y[0], y[1], y[2]), (z[0], z[1], z[2])),
    )


def _pose(frame: Any, field: str) -> Array | None:
    """The pose; None where there is none."""
    if not isinstance(frame, dict):
        raise DatasetError(f"expected an object {{...}}, got {short(frame)}", field=field, fix="write an object {...}")
    rows = frame.get("camera_pose_camera_to_world")
    if rows is None:
        return None
    good = isinstance(rows, list) and len(rows) == 4 and all(isinstance(row, list) and len(row) == 4 for row in rows)
    if not good or not all(isinstance(value, (int, float)) for row in rows for value in row):
        raise DatasetError(
            f"expected 4 x 4 numbers, got {short(rows)}",
            field=f"{field}.camera_pose_camera_to_world",
            fix="write the four rows of the matrix, or null",
        )
    pose = np.array(rows, dtype=np.float64)
    return pose if np.isfinite(pose).all() else None


def _frame_id(frame: Mapping[str, Any], field: str) -> int:
    number = frame.get("frame_id")
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise DatasetError(f"{short(number)} is no frame number", field=f"{field}.frame_id", fix="write 0, 1, 2 ...")
    return number


def _size(entry: Any) -> tuple[int, int]:
    if not isinstance(entry, dict):
        raise DatasetError(f"expected an object {{...}}, got {short(entry)}", fix="write an object {...}")
    width, height = entry.get("img_width"), entry.get("img_height")
    if not isinstance(width, int) or not isinstance(height, int) or width < 1 or height < 1:
        raise DatasetError(f"{width!r} x {height!r} is no size", field="img_width, img_height", fix="write pixels")
    return width, height


def _list(entry: Mapping[str, Any], name: str) -> list[Any]:
    value = entry.get(name)
    if not isinstance(value, list):
        raise DatasetError(f"expected a list, got {short(value)}", field=name, fix="write a list [...]")
    return value
