"""Rasterisation kernels: projection, depth and face buffers, coverage of one object alone.

Plain IEEE arithmetic in fixed order (no fastmath, no pow, no trigonometry), so the same input gives the same bytes.
A projected vertex is ``(x px, y px, 1/z)``; ``1/z == 0`` marks one behind the near plane. The homogeneous form
``(x*z, y*z, z)`` of every vertex serves triangles that cross that plane and the barycentric coordinates of the shader.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wherewise.scenes.simulate.kernel import inlined, kernel

NEAR = 0.05

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]


class Pinhole(NamedTuple):
    """A camera as the kernels read it."""

    rotation: F64
    """(3, 3) rows right, down, forward in the world."""
    eye: F64
    """(3,) metres."""
    focal: float
    """Pixels."""
    unfocal: float
    """``1 / focal``."""
    cx: float
    """Column of the optical axis in pixels."""
    cy: float
    """Row of it."""


@kernel
def project(points: F32, pinhole: Pinhole, screen: F64, homog: F64) -> None:
    """World points (V, 3) to `screen` and `homog` (V, 3)."""
    rotation = pinhole.rotation
    eye = pinhole.eye
    focal = pinhole.focal
    cx = pinhole.cx
    cy = pinhole.cy
    for i in range(points.shape[0]):
        x = points[i, 0] - eye[0]
        y = points[i, 1] - eye[1]
        z = points[i, 2] - eye[2]
        w = rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z
        u = focal * (rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z) + cx * w
        v = focal * (rotation[1, 0] * x + rotation[1, 1] * y + rotation[1, 2] * z) + cy * w
        homog[i, 0] = u
        homog[i, 1] = v
        homog[i, 2] = w
        if w > NEAR:
            inverse = 1.0 / w
            screen[i, 0] = u * inverse
            screen[i, 1] = v * inverse
            screen[i, 2] = inverse
        else:
            screen[i, 2] = 0.0


@kernel
def project_parallel(points: F32, axes: F64, origin: F64, scale: float, side: int, screen: F64) -> None:
    """World points to a square light map of `side` pixels: third value = 100 - depth along ``axes[2]``."""
    for i in range(points.shape[0]):
        x = points[i, 0] - origin[0]
        y = points[i, 1] - origin[1]
        z = points[i, 2] - origin[2]
        screen[i, 0] = (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z) * scale + 0.5 * side
        screen[i, 1] = (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z) * scale + 0.5 * side
        screen[i, 2] = 100.0 - (axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z)


@inlined
def _span(slope: float, start: float, low: float, high: float) -> tuple[float, float]:
    """Narrow ``low <= p <= high`` to where ``slope * p + start`` may be >= 0, a pixel to spare."""
    if slope > 1e-12:
        low = max(low, -start / slope - 1.0)
    elif slope < -1e-12:
        high = min(high, -start / slope + 1.0)
    return low, high


@kernel
def _fill(
    ax: float,
    ay: float,
    az: float,
    bx: float,
    by: float,
    bz: float,
    cx: float,
    cy: float,
    cz: float,
    face: int,
    depth: F32,
    owner: I32,
) -> None:
    """Draw one triangle where its 1/z is the largest so far."""
    height, width = depth.shape
    x0 = max(0, int(np.ceil(min(ax, min(bx, cx)) - 0.5)))
    x1 = min(width - 1, int(np.floor(max(ax, max(bx, cx)) - 0.5)))
    y0 = max(0, int(np.ceil(min(ay, min(by, cy)) - 0.5)))
    y1 = min(height - 1, int(np.floor(max(ay, max(by, cy)) - 0.5)))
    if x0 > x1 or y0 > y1:
        return
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    if abs(area) < 1e-12:
        return
    inverse = 1.0 / area
    ex = (by - cy) * inverse
    ey = (cx - bx) * inverse
    e0 = -(ex * bx + ey * by)
    fx = (cy - ay) * inverse
    fy = (ax - cx) * inverse
    f0 = -(fx * ax + fy * ay)
    # f is zero on the edge c-a, e on the edge b-c, 1 - e - f on the edge a-b
    zx = ex * (az - cz) + fx * (bz - cz)
    zy = ey * (az - cz) + fy * (bz - cz)
    z0 = e0 * (az - cz) + f0 * (bz - cz) + cz
    for y in range(y0, y1 + 1):
        py = y + 0.5
        ek = ey * py + e0
        fk = fy * py + f0
        zk = zy * py + z0
        left = float(x0)
        right = float(x1)
        if x1 - x0 > 6:
            left, right = _span(ex, ek, left, right)
            left, right = _span(fx, fk, left, right)
            left, right = _span(-ex - fx, 1.0 - ek - fk, left, right)
        for x in range(int(left), int(right) + 1):
            px = x + 0.5
            e = ex * px + ek
            f = fx * px + fk
            if e >= -1e-9 and f >= -1e-9 and e + f <= 1.0 + 1e-9:
                z = np.float32(zx * px + zk)
                if z > depth[y, x]:
                    depth[y, x] = z
                    owner[y, x] = face


@kernel
def _clip(homog: F64, face: I32, out: F64) -> int:
    """Clip one triangle at the near plane into `out` (4, 3) of ``(x px, y px, 1/z)``; returns its corners."""
    n = 0
    for k in range(3):
        a = face[k]
        b = face[(k + 1) % 3]
        wa = homog[a, 2]
        wb = homog[b, 2]
        if wa > NEAR:
            inverse = 1.0 / wa
            out[n, 0] = homog[a, 0] * inverse
            out[n, 1] = homog[a, 1] * inverse
            out[n, 2] = inverse
            n += 1
        if (wa > NEAR) != (wb > NEAR):
            t = (NEAR - wa) / (wb - wa)
            inverse = 1.0 / NEAR
            out[n, 0] = (homog[a, 0] + t * (homog[b, 0] - homog[a, 0])) * inverse
            out[n, 1] = (homog[a, 1] + t * (homog[b, 1] - homog[a, 1])) * inverse
            out[n, 2] = inverse
            n += 1
    return n


@kernel
def rasterize(faces: I32, screen: F64, homog: F64, depth: F32, owner: I32) -> None:
    """Draw all faces into `depth` (H, W: 1/z, larger is nearer) and `owner` (H, W: index of the face)."""
    corners = np.empty((4, 3))
    for i in range(faces.shape[0]):
        a = faces[i, 0]
        b = faces[i, 1]
        c = faces[i, 2]
        az = screen[a, 2]
        bz = screen[b, 2]
        cz = screen[c, 2]
        if az > 0.0 and bz > 0.0 and cz > 0.0:
            _fill(
                screen[a, 0],
                screen[a, 1],
                az,
                screen[b, 0],
                screen[b, 1],
                bz,
                screen[c, 0],
                screen[c, 1],
                cz,
                i,
                depth,
                owner,
            )
        elif az > 0.0 or bz > 0.0 or cz > 0.0:
            n = _clip(homog, faces[i], corners)
            for k in range(1, n - 1):
                _fill(
                    corners[0, 0],
                    corners[0, 1],
                    corners[0, 2],
                    corners[k, 0],
                    corners[k, 1],
                    corners[k, 2],
                    corners[k + 1, 0],
                    corners[k + 1, 1],
                    corners[k + 1, 2],
                    i,
                    depth,
                    owner,
                )


@kernel
def _stamp(
    ax: float, ay: float, bx: float, by: float, cx: float, cy: float, mark: int, pad_x: int, pad_y: int, seen: I32
) -> tuple[int, int]:
    """Mark the pixels of one triangle in the padded buffer `seen`; new pixels inside the picture, and in all."""
    height, width = seen.shape
    ax += pad_x
    bx += pad_x
    cx += pad_x
    ay += pad_y
    by += pad_y
    cy += pad_y
    x0 = max(0, int(np.ceil(max(min(ax, min(bx, cx)), -1e6) - 0.5)))
    x1 = min(width - 1, int(np.floor(min(max(ax, max(bx, cx)), 1e6) - 0.5)))
    y0 = max(0, int(np.ceil(max(min(ay, min(by, cy)), -1e6) - 0.5)))
    y1 = min(height - 1, int(np.floor(min(max(ay, max(by, cy)), 1e6) - 0.5)))
    if x0 > x1 or y0 > y1:
        return 0, 0
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    if abs(area) < 1e-12:
        return 0, 0
    inverse = 1.0 / area
    ex = (by - cy) * inverse
    ey = (cx - bx) * inverse
    e0 = -(ex * bx + ey * by)
    fx = (cy - ay) * inverse
    fy = (ax - cx) * inverse
    f0 = -(fx * ax + fy * ay)
    inside = 0
    total = 0
    for y in range(y0, y1 + 1):
        py = y + 0.5
        ek = ey * py + e0
        fk = fy * py + f0
        left = float(x0)
        right = float(x1)
        if x1 - x0 > 6:
            left, right = _span(ex, ek, left, right)
            left, right = _span(fx, fk, left, right)
            left, right = _span(-ex - fx, 1.0 - ek - fk, left, right)
        within = pad_y <= y < height - pad_y
        for x in range(int(left), int(right) + 1):
            if seen[y, x] != mark:
                px = x + 0.5
                e = ex * px + ek
                f = fx * px + fk
                if e >= -1e-9 and f >= -1e-9 and e + f <= 1.0 + 1e-9:
                    seen[y, x] = mark
                    total += 1
                    if within and pad_x <= x < width - pad_x:
                        inside += 1
    return inside, total


@kernel
def coverage(
    faces: I32, first: int, last: int, screen: F64, homog: F64, mark: int, pad_x: int, pad_y: int, seen: I32
) -> tuple[int, int]:
    """Pixels that faces ``first:last`` cover on their own: inside the picture, and in the padded buffer.

    The buffer `seen` is (H + 2 pad_y, W + 2 pad_x), the picture in its middle; it may not hold `mark` yet.
    """
    corners = np.empty((4, 3))
    inside = 0
    total = 0
    for i in range(first, last):
        a = faces[i, 0]
        b = faces[i, 1]
        c = faces[i, 2]
        if screen[a, 2] > 0.0 and screen[b, 2] > 0.0 and screen[c, 2] > 0.0:
            n = 3
            for k in range(3):
                v = faces[i, k]
                corners[k, 0] = screen[v, 0]
                corners[k, 1] = screen[v, 1]
        elif screen[a, 2] > 0.0 or screen[b, 2] > 0.0 or screen[c, 2] > 0.0:
            n = _clip(homog, faces[i], corners)
        else:
            continue
        for k in range(1, n - 1):
            new_inside, new = _stamp(
                corners[0, 0],
                corners[0, 1],
                corners[k, 0],
                corners[k, 1],
                corners[k + 1, 0],
                corners[k + 1, 1],
                mark,
                pad_x,
                pad_y,
                seen,
            )
            inside += new_inside
            total += new
    return inside, total


@kernel
def shell(pinhole: Pinhole, bounds: F64, skirting: float, depth: F32, owner: I32) -> None:
    """Fill pixels without a face with the inside of the room, `bounds` (2, 3); the eye is in it.

    The owner is -1..-6 for the planes x-, x+, y-, y+, floor, ceiling; -7..-10 for the walls' lowest `skirting` metres.
    """
    height, width = depth.shape
    rotation = pinhole.rotation
    eye = pinhole.eye
    unfocal = pinhole.unfocal
    cx = pinhole.cx
    cy = pinhole.cy
    for y in range(height):
        v = (y + 0.5 - cy) * unfocal
        for x in range(width):
            if owner[y, x] >= 0:
                continue
            u = (x + 0.5 - cx) * unfocal
            best = 1e30
            plane = 0
            for k in range(3):
                d = rotation[0, k] * u + rotation[1, k] * v + rotation[2, k]
                if d > 1e-12:
                    t = (bounds[1, k] - eye[k]) / d
                    if t < best:
                        best = t
                        plane = 2 * k + 1
                elif d < -1e-12:
                    t = (bounds[0, k] - eye[k]) / d
                    if t < best:
                        best = t
                        plane = 2 * k
            if plane < 4:
                rise = rotation[0, 2] * u + rotation[1, 2] * v + rotation[2, 2]
                if eye[2] + rise * best < skirting:
                    plane += 6
            depth[y, x] = np.float32(1.0 / best)
            owner[y, x] = -1 - plane


@kernel
def resolve(owner: I32, inverse: F32, face_object: I32, ids: I32, depth: F32) -> None:
    """Face and 1/z buffers to the instance-id picture (0 = room) and metric depth along the optical axis."""
    height, width = owner.shape
    for y in range(height):
        for x in range(width):
            face = owner[y, x]
            ids[y, x] = face_object[face] if face >= 0 else 0
            depth[y, x] = np.float32(1.0) / inverse[y, x]


@kernel
def boxes(ids: I32, count: int) -> tuple[NDArray[np.int64], F64]:
    """Pixels, box (x1, y1, x2, y2; exclusive) and coordinate sums of each id 1..count."""
    out = np.zeros((count + 1, 5), np.int64)
    sums = np.zeros((count + 1, 2))
    height, width = ids.shape
    for i in range(count + 1):
        out[i, 1] = width
        out[i, 2] = height
    for y in range(height):
        for x in range(width):
            i = ids[y, x]
            if i == 0:
                continue
            out[i, 0] += 1
            out[i, 1] = min(out[i, 1], x)
            out[i, 2] = min(out[i, 2], y)
            out[i, 3] = max(out[i, 3], x + 1)
            out[i, 4] = max(out[i, 4], y + 1)
            sums[i, 0] += x + 0.5
            sums[i, 1] += y + 0.5
    return out, sums
