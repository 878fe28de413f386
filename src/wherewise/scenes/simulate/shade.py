"""Shading kernels: ambient occlusion, textures, shadows, lamps, tone mapping; from the buffers of `raster`."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

#: Eight taps of ambient occlusion for each cell of a 4x4 tile: (16, 8, 2), radius 1.
_TAPS = 8
_angle = (np.arange(16)[:, None] * 5 % 16) / 16.0 * (2 * np.pi / _TAPS) + np.arange(_TAPS)[None] * (2 * np.pi / _TAPS)
_radius = ((np.arange(_TAPS)[None] * 3 % _TAPS) + (np.arange(16)[:, None] * 7 % 16 + 0.5) / 16.0) / _TAPS
SPIRAL = np.round(np.stack([np.cos(_angle), np.sin(_angle)], -1) * (0.08 + 0.92 * _radius)[..., None], 6)

_x = np.arange(4096) / 4095.0 * 3.0
_y = np.clip(_x * (1 + _x / 4.0) / (1 + _x) * 1.12, 0, 1)
#: Linear light 0..3 -> display byte.
TONE: U8 = np.round(255 * np.where(_y <= 0.0031308, 12.92 * _y, 1.055 * np.power(_y, 1 / 2.4) - 0.055)).astype(np.uint8)


@njit(cache=True)
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


@njit(cache=True)
def occlusion(
    depth: F32,
    owner: I32,
    face_normals: F32,
    rotation: F64,
    focal: float,
    cx: float,
    cy: float,
    spiral: F64,
    radius: float,
    out: F32,
) -> None:
    """Openness (1 = free, 0 = closed) at every second pixel, (ceil(H/2), ceil(W/2)); not yet blurred."""
    height, width = depth.shape
    for hy in range(out.shape[0]):
        y = 2 * hy
        for hx in range(out.shape[1]):
            x = 2 * hx
            face = owner[y, x]
            z = 1.0 / depth[y, x]
            # camera frame
            px = (x + 0.5 - cx) / focal * z
            py = (y + 0.5 - cy) / focal * z
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
            for k in range(spiral.shape[1]):
                tx = int(np.floor(x + 0.5 + spiral[cell, k, 0] * reach))
                ty = int(np.floor(y + 0.5 + spiral[cell, k, 1] * reach))
                if tx < 0 or ty < 0 or tx >= width or ty >= height:
                    continue
                tz = 1.0 / depth[ty, tx]
                dx = (tx + 0.5 - cx) / focal * tz - px
                dy = (ty + 0.5 - cy) / focal * tz - py
                dz = tz - z
                d2 = dx * dx + dy * dy + dz * dz
                dot = dx * nx + dy * ny + dz * nz - 0.004 * z
                if dot > 0:
                    fall = 1.0 - d2 / (4 * radius * radius)
                    if fall > 0:
                        closed += dot / np.sqrt(d2 + 1e-6) * fall
            out[hy, hx] = max(0.0, 1.0 - 1.5 * closed / spiral.shape[1])


@njit(cache=True)
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


@njit(cache=True, inline="always")
def _bilinear(texels: F32, start: int, side: int, u: float, v: float, weight: float, out: F64) -> None:
    """Add `weight` times the bilinear colour at (u, v) of one level, `side` a power of two, to `out`."""
    x = u * side - 0.5
    y = v * side - 0.5
    fx = np.floor(x)
    fy = np.floor(y)
    tx = x - fx
    ty = y - fy
    mask = side - 1
    x0 = int(fx) & mask
    y0 = start + (int(fy) & mask) * side
    x1 = (int(fx) + 1) & mask
    y1 = start + ((int(fy) + 1) & mask) * side
    wa = (1.0 - tx) * (1.0 - ty) * weight
    wb = tx * (1.0 - ty) * weight
    wc = (1.0 - tx) * ty * weight
    wd = tx * ty * weight
    for c in range(3):
        out[c] += wa * texels[y0 + x0, c] + wb * texels[y0 + x1, c] + wc * texels[y1 + x0, c] + wd * texels[y1 + x1, c]


@njit(cache=True, inline="always")
def _texture(texels: F32, first: int, size: int, u: float, v: float, footprint: float, out: F64) -> None:
    """Trilinear lookup in a mip pyramid that starts at texel `first`; `footprint` = texels per pixel."""
    start = first
    side = size
    while footprint > 2.0 and side > 2:
        start += side * side
        side //= 2
        footprint *= 0.5
    blend = min(max(footprint - 1.0, 0.0), 1.0)
    out[0] = 0.0
    out[1] = 0.0
    out[2] = 0.0
    _bilinear(texels, start, side, u, v, 1.0 - blend, out)
    if blend > 0.0:
        _bilinear(texels, start + side * side, side // 2, u, v, blend, out)


@njit(cache=True)
def _sunlit(light_map: F32, axes: F64, origin: F64, scale: float, px: float, py: float, pz: float) -> float:
    """Share of the key light that arrives: 3x3 comparisons in the light map."""
    side = light_map.shape[0]
    x = px - origin[0]
    y = py - origin[1]
    z = pz - origin[2]
    u = (axes[0, 0] * x + axes[0, 1] * y + axes[0, 2] * z) * scale + 0.5 * side
    v = (axes[1, 0] * x + axes[1, 1] * y + axes[1, 2] * z) * scale + 0.5 * side
    d = 100.0 - (axes[2, 0] * x + axes[2, 1] * y + axes[2, 2] * z)
    iu = int(np.floor(u - 0.5))
    iv = int(np.floor(v - 0.5))
    fu = u - 0.5 - iu
    fv = v - 0.5 - iv
    limit = d + 0.012
    lit = 0.0
    if iu < 1 or iv < 1 or iu + 2 >= side or iv + 2 >= side:
        return 1.0
    for j in range(-1, 3):
        ty = iv + j
        row = 0.0
        if light_map[ty, iu - 1] < limit:
            row += 1.0 - fu
        if light_map[ty, iu] < limit:
            row += 1.0
        if light_map[ty, iu + 1] < limit:
            row += 1.0
        if light_map[ty, iu + 2] < limit:
            row += fu
        if j == -1:
            row *= 1.0 - fv
        elif j == 2:
            row *= fv
        lit += row
    return lit / 9.0


@njit(cache=True, inline="always")
def _sample(
    sx: float,
    sy: float,
    face: int,
    inverse: float,
    openness: float,
    homog: F64,
    faces: I32,
    normals: F32,
    uvs: F32,
    face_material: I32,
    density: F32,
    material_color: F32,
    material_texture: I32,
    material_tint: F32,
    texels: F32,
    floor: F32,
    walls: F64,
    bounds: F64,
    room: F64,
    rotation: F64,
    eye: F64,
    unfocal: float,
    cx: float,
    cy: float,
    light_map: F32,
    axes: F64,
    origin: F64,
    scale: float,
    lights: F64,
    out: F64,
) -> None:
    """Linear light of one sample at continuous pixel (sx, sy) into `out` (3,)."""
    z = 1.0 / inverse
    u = (sx - cx) * unfocal
    v = (sy - cy) * unfocal
    rx = rotation[0, 0] * u + rotation[1, 0] * v + rotation[2, 0]
    ry = rotation[0, 1] * u + rotation[1, 1] * v + rotation[2, 1]
    rz = rotation[0, 2] * u + rotation[1, 2] * v + rotation[2, 2]
    px = eye[0] + rx * z
    py = eye[1] + ry * z
    pz = eye[2] + rz * z
    length = 1.0 / np.sqrt(rx * rx + ry * ry + rz * rz)
    rx *= length
    ry *= length
    rz *= length
    gloss = 0.0
    corner = 1.0
    if face >= 0:
        a = faces[face, 0]
        b = faces[face, 1]
        c = faces[face, 2]
        x0 = homog[a, 0]
        y0 = homog[a, 1]
        w0 = homog[a, 2]
        x1 = homog[b, 0]
        y1 = homog[b, 1]
        w1 = homog[b, 2]
        x2 = homog[c, 0]
        y2 = homog[c, 1]
        w2 = homog[c, 2]
        g0 = (y1 * w2 - y2 * w1) * sx + (x2 * w1 - x1 * w2) * sy + (x1 * y2 - x2 * y1)
        g1 = (y2 * w0 - y0 * w2) * sx + (x0 * w2 - x2 * w0) * sy + (x2 * y0 - x0 * y2)
        g2 = (y0 * w1 - y1 * w0) * sx + (x1 * w0 - x0 * w1) * sy + (x0 * y1 - x1 * y0)
        total = g0 + g1 + g2
        if total == 0.0:
            g0 = 1.0
            g1 = 0.0
            g2 = 0.0
        else:
            total = 1.0 / total
            g0 = min(max(g0 * total, 0.0), 1.0)
            g1 = min(max(g1 * total, 0.0), 1.0 - g0)
            g2 = 1.0 - g0 - g1
        nx = g0 * normals[a, 0] + g1 * normals[b, 0] + g2 * normals[c, 0]
        ny = g0 * normals[a, 1] + g1 * normals[b, 1] + g2 * normals[c, 1]
        nz = g0 * normals[a, 2] + g1 * normals[b, 2] + g2 * normals[c, 2]
        length = 1.0 / (np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12)
        nx *= length
        ny *= length
        nz *= length
        facing = nx * rx + ny * ry + nz * rz
        if facing > 0:
            nx = -nx
            ny = -ny
            nz = -nz
            facing = -facing
        material = face_material[face]
        texture = material_texture[material]
        if texture >= 0:
            tu = g0 * uvs[a, 0] + g1 * uvs[b, 0] + g2 * uvs[c, 0]
            tv = g0 * uvs[a, 1] + g1 * uvs[b, 1] + g2 * uvs[c, 1]
            footprint = density[face] * z * unfocal / max(-facing, 0.3)
            _texture(texels, texture, 128, tu, 1.0 - tv, footprint, out)
            if material_tint[material] > 0:
                grey = (out[0] + out[1] + out[2]) * material_tint[material]
                grey = min(0.4 + 0.6 * grey, 1.4)
                for k in range(3):
                    out[k] = material_color[material, k] * grey
            else:
                for k in range(3):
                    out[k] *= material_color[material, k]
        else:
            for k in range(3):
                out[k] = material_color[material, k]
        gloss = 0.12
    else:
        skirting = face < -6
        plane = (-1 - face) % 6
        side = 1.0 if plane % 2 == 0 else -1.0
        nx = side if plane // 2 == 0 else 0.0
        ny = side if plane // 2 == 1 else 0.0
        nz = side if plane // 2 == 2 else 0.0
        facing = nx * rx + ny * ry + nz * rz
        if plane == 4:
            footprint = 256.0 / room[0] * z * unfocal / max(-facing, 0.2)
            _texture(floor, 0, 256, px / room[0], py / room[0], footprint, out)
            gloss = room[2]
        else:
            row = 6 if skirting else plane
            for k in range(3):
                out[k] = walls[row, k]
            if skirting and pz > room[1] - 0.008:
                corner = 0.75
        # darken towards the room's edges
        ex = max(min(px - bounds[0, 0], bounds[1, 0] - px), 0.0) if plane // 2 != 0 else 1e3
        ey = max(min(py - bounds[0, 1], bounds[1, 1] - py), 0.0) if plane // 2 != 1 else 1e3
        ez = max(min(pz - bounds[0, 2], bounds[1, 2] - pz), 0.0) if plane // 2 != 2 else 1e3
        near = (0.16 + ex) * (0.16 + ey) * (0.16 + ez)
        corner *= (0.1152 + ex) * (0.1152 + ey) * (0.1152 + ez) / near
    # key light
    lit = 0.0
    dot = -(nx * axes[2, 0] + ny * axes[2, 1] + nz * axes[2, 2])
    shine = 0.0
    if dot > 0:
        lit = _sunlit(light_map, axes, origin, scale, px + nx * 0.02, py + ny * 0.02, pz + nz * 0.02)
        if gloss > 0 and lit > 0:
            hx = -axes[2, 0] - rx
            hy = -axes[2, 1] - ry
            hz = -axes[2, 2] - rz
            s = max(0.0, nx * hx + ny * hy + nz * hz)
            s = s * s / (hx * hx + hy * hy + hz * hz + 1e-12)
            s *= s
            s *= s
            s *= s
            s *= s
            shine = s * lit
        lit *= dot
    # lamp under the ceiling
    lx = lights[1, 0] - px
    ly = lights[1, 1] - py
    lz = lights[1, 2] - pz
    l2 = lx * lx + ly * ly + lz * lz
    far = np.sqrt(l2 + 1e-9)
    lamp = max(0.0, 0.85 * (nx * lx + ny * ly + nz * lz) + 0.15 * far) / (far * (0.6 + 0.18 * l2))
    up = 0.5 + 0.5 * nz
    shade = openness * corner
    soft = 0.6 + 0.4 * shade
    for k in range(3):
        ambient = lights[2, k] * (0.72 + 0.28 * up) + lights[4, k] * (1.0 - up)
        light = ambient * shade + lights[0, k] * lit * soft + lights[3, k] * lamp * shade
        out[k] = out[k] * light + lights[0, k] * shine * gloss


@njit(cache=True)
def _open_at(openness: F32, depth: F32, x: int, y: int, inverse: float) -> float:
    """Upsample the half-size openness: bilinear over the cells whose depth fits."""
    height, width = openness.shape
    hx = x // 2
    hy = y // 2
    wx = 0.5 * (x % 2)
    wy = 0.5 * (y % 2)
    if wx == 0.0 and wy == 0.0 and abs(depth[y, x] - inverse) <= 0.06 * inverse:
        return openness[hy, hx]
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


@njit(cache=True)
def shade(
    step: int,
    depth: F32,
    owner: I32,
    fine_depth: F32,
    fine_owner: I32,
    openness: F32,
    homog: F64,
    faces: I32,
    normals: F32,
    uvs: F32,
    face_material: I32,
    face_object: I32,
    face_normals: F32,
    density: F32,
    material_color: F32,
    material_texture: I32,
    material_tint: F32,
    texels: F32,
    floor: F32,
    walls: F64,
    bounds: F64,
    room: F64,
    rotation: F64,
    eye: F64,
    unfocal: float,
    cx: float,
    cy: float,
    light_map: F32,
    axes: F64,
    origin: F64,
    scale: float,
    lights: F64,
    exposure: float,
    tone: U8,
    rgb: U8,
) -> None:
    """Colour every pixel.

    Args:
        step: 1, or 2 when `fine_depth` and `fine_owner` hold 2x2 samples a pixel. Samples of one surface are shaded once.
        depth: (H, W) 1/z.
        owner: (H, W) face, or -1..-10 for the room's shell.
        openness: Blurred ambient openness at half size.
        room: (floor scale m, skirting height m, floor gloss).
        lights: (5, 3): key light, lamp position, ambient, lamp, bounce from the floor; linear.
    """
    height, width = rgb.shape[:2]
    out = np.zeros(3)
    top = tone.shape[0] - 1
    factor = exposure * top / 3.0
    for y in range(height):
        for x in range(width):
            if step == 1:
                count = 1
            else:
                face = fine_owner[2 * y, 2 * x]
                count = 1
                for k in range(1, 4):
                    other = fine_owner[2 * y + k // 2, 2 * x + k % 2]
                    if other == face:
                        continue
                    if other < 0 or face < 0 or face_object[other] != face_object[face]:
                        count = 4
                        break
                    dot = (
                        face_normals[face, 0] * face_normals[other, 0]
                        + face_normals[face, 1] * face_normals[other, 1]
                        + face_normals[face, 2] * face_normals[other, 2]
                    )
                    if abs(dot) < 0.9 or face_material[face] != face_material[other]:
                        count = 4
                        break
            red = 0
            green = 0
            blue = 0
            for k in range(count):
                if count == 1:
                    face = owner[y, x]
                    inverse = depth[y, x]
                    sx = x + 0.5
                    sy = y + 0.5
                else:
                    face = fine_owner[2 * y + k // 2, 2 * x + k % 2]
                    inverse = fine_depth[2 * y + k // 2, 2 * x + k % 2]
                    sx = x + 0.25 + 0.5 * (k % 2)
                    sy = y + 0.25 + 0.5 * (k // 2)
                free = _open_at(openness, depth, x, y, inverse)
                _sample(
                    sx,
                    sy,
                    face,
                    inverse,
                    free,
                    homog,
                    faces,
                    normals,
                    uvs,
                    face_material,
                    density,
                    material_color,
                    material_texture,
                    material_tint,
                    texels,
                    floor,
                    walls,
                    bounds,
                    room,
                    rotation,
                    eye,
                    unfocal,
                    cx,
                    cy,
                    light_map,
                    axes,
                    origin,
                    scale,
                    lights,
                    out,
                )
                red += tone[min(top, max(0, int(out[0] * factor)))]
                green += tone[min(top, max(0, int(out[1] * factor)))]
                blue += tone[min(top, max(0, int(out[2] * factor)))]
            rgb[y, x, 0] = (red + count // 2) // count
            rgb[y, x, 1] = (green + count // 2) // count
            rgb[y, x, 2] = (blue + count // 2) // count
