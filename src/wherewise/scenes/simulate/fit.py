"""Cheap looks through a camera at boxes, without drawing anything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wherewise.scenes.simulate.kernel import kernel

F64 = NDArray[np.float64]


@kernel
def fit_distance(
    points: F64, aim: F64, dx: float, dy: float, height: float, focal: float, width: int, rows: int, margin: float
) -> float:
    """Shortest distance from which a camera sees all points within `margin` of the picture.

    Args:
        points: (N, 3) metres.
        aim: (3,) the place it looks at.
        dx: x of the unit vector from `aim` to the camera's ground position.
        dy: y of it.
        height: Height of the camera in metres.
        focal: Pixels.
        width: Picture width in pixels.
        rows: Picture height in pixels.
        margin: Share of the half picture that may be used.

    Returns:
        Metres along the ground, at most 9; 9 also when there is none.
    """
    low = 0.3
    high = 9.0
    for _ in range(14):
        distance = 0.5 * (low + high)
        drop = aim[2] - height
        length = np.sqrt(distance * distance + drop * drop)
        fx = -dx * distance / length
        fy = -dy * distance / length
        fz = drop / length
        flat = distance / length
        rx = fy / flat
        ry = -fx / flat
        ux = -fz * ry
        uy = fz * rx
        uz = fx * ry - fy * rx
        inside = True
        for i in range(points.shape[0]):
            x = points[i, 0] - (aim[0] + dx * distance)
            y = points[i, 1] - (aim[1] + dy * distance)
            z = points[i, 2] - height
            depth = fx * x + fy * y + fz * z
            across = abs(rx * x + ry * y) * focal
            down = abs(ux * x + uy * y + uz * z) * focal
            if depth < 0.3 or across > 0.5 * width * margin * depth or down > 0.5 * rows * margin * depth:
                inside = False
                break
        if inside:
            high = distance
        else:
            low = distance
    return high


@kernel
def rectangles(boxes: F64, rotation: F64, eye: F64, focal: float, width: int, rows: int) -> F64:
    """Pixels of the upright rectangle round each box (N, 8, 3), cut to the picture: no less than it can ever cover.

    A box with a corner behind the camera counts as the whole picture.
    """
    out = np.zeros(boxes.shape[0])
    for i in range(boxes.shape[0]):
        x0 = 1e9
        x1 = -1e9
        y0 = 1e9
        y1 = -1e9
        behind = 0
        for k in range(8):
            x = boxes[i, k, 0] - eye[0]
            y = boxes[i, k, 1] - eye[1]
            z = boxes[i, k, 2] - eye[2]
            depth = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z
            if depth < 0.05:
                behind += 1
                continue
            u = (rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z) / depth * focal + 0.5 * width
            v = (rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z) / depth * focal + 0.5 * rows
            x0 = min(x0, u)
            x1 = max(x1, u)
            y0 = min(y0, v)
            y1 = max(y1, v)
        if behind == 8:
            continue
        if behind > 0:
            out[i] = float(width * rows)
            continue
        across = min(x1, float(width)) - max(x0, 0.0)
        down = min(y1, float(rows)) - max(y0, 0.0)
        if across > 0 and down > 0:
            out[i] = across * down
    return out
