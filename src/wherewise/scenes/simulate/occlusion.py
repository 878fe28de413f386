"""Ambient occlusion from the depth buffer, at half size, and per-face geometry that it and the shader need."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wherewise.scenes.simulate.kernel import kernel
from wherewise.scenes.simulate.raster import Pinhole

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

#: Eight taps of ambient occlusion for each cell of a 4x4 tile: (16, 8, 2), radius 1.
_TAPS = 8
_angle = (np.arange(16)[:, None] * 5 % 16) / 16.0 * (2 * np.pi / _TAPS) + np.arange(_TAPS)[None] * (2 * np.pi / _TAPS)
_radius = ((np.arange(_TAPS)[None] * 3 % _TAPS) + (np.arange(16)[:, None] * 7 % 16 + 0.5) / 16.0) / _TAPS
SPIRAL = np.round(np.stack([np.cos(_angle), np.sin(_angle)], -1) * (0.08 + 0.92 * _radius)[..., None], 6)


@kernel
def face_geometry(points: F32, uvs: F32, faces: I32, normals: F32, density: F32, side: float) -> None:
    """Unit normal and texels per metre of each face."""
    for i in range(faces.shape[0]):
        a = faces[i, 0]
        b = faces[i, 1]
        c = faces[i, 2]
        px = points[b, 0] - points[a, 0]
        py = points[b, 1] - points[a, 1]
        pz = points[b, 2] - points[a, 2]
        qx = points[c, 0] - points[a, 0]
        qy = points[c, 1] - points[a, 1]
        qz = points[c, 2] - points[a, 2]
        nx = py * qz - pz * qy
        ny = pz * qx - px * qz
        nz = px * qy - py * qx
        length = np.sqrt(nx * nx + ny * ny + nz * nz)
        scale = 1.0 / max(length, 1e-20)
        normals[i, 0] = nx * scale
        normals[i, 1] = ny * scale
        normals[i, 2] = nz * scale
        area = abs(
            (uvs[b, 0] - uvs[a, 0]) * (uvs[c, 1] - uvs[a, 1]) - (uvs[c, 0] - uvs[a, 0]) * (uvs[b, 1] - uvs[a, 1])
        )
        density[i] = np.sqrt(area / max(length, 1e-12)) * side


@kernel
def occlusion(
    depth: F32, owner: I32, face_normals: F32, pinhole: Pinhole, spiral: F64, radius: float, out: F32
) -> None:
    """Openness (1 = free, 0 = closed) at every second pixel, (ceil(H/2), ceil(W/2)); not yet blurred."""
    height, width = depth.shape
    rotation = pinhole.rotation
    focal = pinhole.focal
    unfocal = pinhole.unfocal
    cx = pinhole.cx
    cy = pinhole.cy
    count = spiral.shape[1]
    fade = 1.0 / (4 * radius * radius)
    for hy in range(out.shape[0]):
        y = 2 * hy
        for hx in range(out.shape[1]):
            x = 2 * hx
            face = owner[y, x]
            z = 1.0 / depth[y, x]
            # camera frame
            px = (x + 0.5 - cx) * unfocal * z
            py = (y + 0.5 - cy) * unfocal * z
            if face >= 0:
                wx = face_normals[face, 0]
                wy = face_normals[face, 1]
                wz = face_normals[face, 2]
            else:
                plane = (-1 - face) % 6
                side = 1.0 if plane % 2 == 0 else -1.0
                wx = side if plane // 2 == 0 else 0.0
                wy = side if plane // 2 == 1 else 0.0
                wz = side if plane // 2 == 2 else 0.0
            nx = rotation[0, 0] * wx + rotation[0, 1] * wy + rotation[0, 2] * wz
            ny = rotation[1, 0] * wx + rotation[1, 1] * wy + rotation[1, 2] * wz
            nz = rotation[2, 0] * wx + rotation[2, 1] * wy + rotation[2, 2] * wz
            if nx * px + ny * py + nz * z > 0:
                nx = -nx
                ny = -ny
                nz = -nz
            reach = min(max(radius * focal / z, 3.0), 0.25 * height)
            cell = (hy % 4) * 4 + hx % 4
            closed = 0.0
            for k in range(count):
                tx = int(np.floor(x + 0.5 + spiral[cell, k, 0] * reach))
                ty = int(np.floor(y + 0.5 + spiral[cell, k, 1] * reach))
                if tx < 0 or ty < 0 or tx >= width or ty >= height:
                    continue
                tz = 1.0 / depth[ty, tx]
                dx = (tx + 0.5 - cx) * unfocal * tz - px
                dy = (ty + 0.5 - cy) * unfocal * tz - py
                dz = tz - z
                d2 = dx * dx + dy * dy + dz * dz
                dot = dx * nx + dy * ny + dz * nz - 0.004 * z
                if dot > 0:
                    fall = 1.0 - d2 * fade
                    if fall > 0:
                        closed += dot / np.sqrt(d2 + 1e-6) * fall
            out[hy, hx] = max(0.0, 1.0 - 1.5 * closed / count)


@kernel
def blur(source: F32, depth: F32, out: F32) -> None:
    """Average `source` over 4x4 cells of like depth: removes the pattern of the 4x4 tile of taps."""
    height, width = source.shape
    for y in range(height):
        for x in range(width):
            here = depth[2 * y, 2 * x]
            total = 0.0
            weight = 0.0
            for j in range(-2, 2):
                ty = y + j
                if ty < 0 or ty >= height:
                    continue
                for i in range(-2, 2):
                    tx = x + i
                    if tx < 0 or tx >= width:
                        continue
                    if abs(depth[2 * ty, 2 * tx] - here) < 0.06 * here:
                        total += source[ty, tx]
                        weight += 1.0
            out[y, x] = total / weight if weight > 0 else source[y, x]


@kernel
def open_at(openness: F32, depth: F32, x: int, y: int, inverse: float) -> float:
    """Upsample the half-size openness: bilinear over the cells whose depth fits."""
    height, width = openness.shape
    hx = x // 2
    hy = y // 2
    wx = 0.5 * (x % 2)
    wy = 0.5 * (y % 2)
    if wx == 0.0 and wy == 0.0 and abs(depth[y, x] - inverse) <= 0.06 * inverse:
        return float(openness[hy, hx])
    total = 0.0
    weight = 0.0
    for j in range(2):
        ty = min(hy + j, height - 1)
        for i in range(2):
            tx = min(hx + i, width - 1)
            w = (wx if i else 1.0 - wx) * (wy if j else 1.0 - wy) + 1e-4
            if abs(depth[2 * ty, 2 * tx] - inverse) > 0.06 * inverse:
                w *= 1e-3
            total += w * openness[ty, tx]
            weight += w
    return total / weight
