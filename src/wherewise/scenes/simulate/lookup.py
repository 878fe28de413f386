"""What the shader looks up: textures, the light map, weights within a triangle, distances to walls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wherewise.scenes.simulate.kernel import kernel

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Color = tuple[float, float, float]


@kernel
def bilinear(texels: F32, start: int, side: int, u: float, v: float) -> Color:
    """Colour at (u, v) of one level; `side` is a power of two and the picture repeats."""
    x = u * side - 0.5
    y = v * side - 0.5
    fx = np.floor(x)
    fy = np.floor(y)
    tx = x - fx
    ty = y - fy
    mask = side - 1
    x0 = int(fx) & mask
    x1 = (x0 + 1) & mask
    y0 = int(fy) & mask
    y1 = start + ((y0 + 1) & mask) * side
    y0 = start + y0 * side
    wa = (1.0 - tx) * (1.0 - ty)
    wb = tx * (1.0 - ty)
    wc = (1.0 - tx) * ty
    wd = tx * ty
    a = y0 + x0
    b = y0 + x1
    c = y1 + x0
    d = y1 + x1
    return (
        wa * texels[a, 0] + wb * texels[b, 0] + wc * texels[c, 0] + wd * texels[d, 0],
        wa * texels[a, 1] + wb * texels[b, 1] + wc * texels[c, 1] + wd * texels[d, 1],
        wa * texels[a, 2] + wb * texels[b, 2] + wc * texels[c, 2] + wd * texels[d, 2],
    )


@kernel
def texture(texels: F32, start: int, side: int, u: float, v: float, footprint: float) -> Color:
    """Trilinear lookup in a mip pyramid that begins at texel `start`; `footprint` = texels per pixel."""
    while footprint > 2.0 and side > 2:
        start += side * side
        side >>= 1
        footprint *= 0.5
    r, g, b = bilinear(texels, start, side, u, v)
    if footprint > 1.0:
        t = min(footprint - 1.0, 1.0)
        r2, g2, b2 = bilinear(texels, start + side * side, side >> 1, u, v)
        r += t * (r2 - r)
        g += t * (g2 - g)
        b += t * (b2 - b)
    return r, g, b


@kernel
def sunlit(light_map: F32, u: float, v: float, limit: float) -> float:
    """Share of the key light that arrives: 3x3 comparisons round (u, v) of the light map, smoothly weighted."""
    side = light_map.shape[0]
    iu = int(np.floor(u - 0.5))
    iv = int(np.floor(v - 0.5))
    if iu < 1 or iv < 1 or iu + 2 >= side or iv + 2 >= side:
        return 1.0
    fu = u - 0.5 - iu
    fv = v - 0.5 - iv
    lit = 0.0
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


@kernel
def barycentric(homog: F64, a: int, b: int, c: int, sx: float, sy: float) -> Color:
    """Perspective-correct weights of the three corners at continuous pixel (sx, sy)."""
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
        return 1.0, 0.0, 0.0
    total = 1.0 / total
    g0 = min(max(g0 * total, 0.0), 1.0)
    g1 = min(max(g1 * total, 0.0), 1.0 - g0)
    return g0, g1, 1.0 - g0 - g1


@kernel
def wall_distance(near_walls: F32, x: float, y: float) -> float:
    """Metres to the nearest wall: bilinear lookup at a place in cells."""
    rows, columns = near_walls.shape
    x = min(max(x, 0.0), columns - 1.001)
    y = min(max(y, 0.0), rows - 1.001)
    i = int(y)
    j = int(x)
    v = y - i
    u = x - j
    low = (1.0 - u) * near_walls[i, j] + u * near_walls[i, j + 1]
    high = (1.0 - u) * near_walls[i + 1, j] + u * near_walls[i + 1, j + 1]
    return float((1.0 - v) * low + v * high)


@kernel
def edges(
    near_walls: F32,
    x0: float,
    y0: float,
    scale: float,
    ceiling: float,
    x: float,
    y: float,
    z: float,
    nx: float,
    ny: float,
    nz: float,
) -> float:
    """Darkening of a home's shell towards the edges of its rooms."""
    if nz != 0.0:
        e = wall_distance(near_walls, (x - x0) * scale, (y - y0) * scale)
        return (0.1152 + e) / (0.16 + e)
    e = min(wall_distance(near_walls, (x + 0.3 * nx - x0) * scale, (y + 0.3 * ny - y0) * scale), 0.3) * 3.0
    low = max(z, 0.0)
    high = max(ceiling - z, 0.0)
    return (0.1152 + e) * (0.1152 + low) * (0.1152 + high) / ((0.16 + e) * (0.16 + low) * (0.16 + high))
