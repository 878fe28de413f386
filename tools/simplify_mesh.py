"""Mesh simplification by edge collapse with quadric error metrics (Garland and Heckbert, 1997).

Texture coordinates follow the affine map of each face; borders and texture or material seams are held by extra planes.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

SEAM_WEIGHT = 30.0
PASSES = 120


@njit(cache=True)
def _add_plane(quadric, nx, ny, nz, d, weight):
    plane = (nx, ny, nz, d)
    k = 0
    for i in range(4):
        for j in range(i, 4):
            quadric[k] += weight * plane[i] * plane[j]
            k += 1


@njit(cache=True)
def _cost(q, x, y, z):
    return (
        q[0] * x * x
        + 2 * q[1] * x * y
        + 2 * q[2] * x * z
        + 2 * q[3] * x
        + q[4] * y * y
        + 2 * q[5] * y * z
        + 2 * q[6] * y
        + q[7] * z * z
        + 2 * q[8] * z
        + q[9]
    )


@njit(cache=True)
def _best(points, quadrics, a, b, out):
    """Cheapest place of the merged vertex, into `out`; returns its cost."""
    q = quadrics[a] + quadrics[b]
    det = q[0] * (q[4] * q[7] - q[5] * q[5]) - q[1] * (q[1] * q[7] - q[5] * q[2]) + q[2] * (q[1] * q[5] - q[4] * q[2])
    best = 1e300
    scale = (q[0] + q[4] + q[7]) / 3
    length = 0.0
    for k in range(3):
        length += (points[a, k] - points[b, k]) ** 2
    if abs(det) > 1e-4 * scale * scale * scale:
        x = (
            -q[3] * (q[4] * q[7] - q[5] * q[5])
            + q[1] * (q[6] * q[7] - q[5] * q[8])
            - q[2] * (q[6] * q[5] - q[4] * q[8])
        ) / det
        y = (
            q[0] * (-q[6] * q[7] + q[8] * q[5])
            + q[3] * (q[1] * q[7] - q[5] * q[2])
            + q[2] * (-q[1] * q[8] + q[6] * q[2])
        ) / det
        z = (
            q[0] * (-q[4] * q[8] + q[5] * q[6])
            - q[1] * (-q[1] * q[8] + q[6] * q[2])
            - q[3] * (q[1] * q[5] - q[4] * q[2])
        ) / det
        far = (x - points[a, 0]) ** 2 + (y - points[a, 1]) ** 2 + (z - points[a, 2]) ** 2
        if far <= 2 * length:
            out[0] = x
            out[1] = y
            out[2] = z
            best = _cost(q, x, y, z)
    for k in range(3):
        t = 0.5 * k
        x = points[a, 0] + t * (points[b, 0] - points[a, 0])
        y = points[a, 1] + t * (points[b, 1] - points[a, 1])
        z = points[a, 2] + t * (points[b, 2] - points[a, 2])
        cost = _cost(q, x, y, z)
        if cost < best - 1e-18:
            best = cost
            out[0] = x
            out[1] = y
            out[2] = z
    return max(best, 0.0) + 1e-9 * length


@njit(cache=True)
def _normal(p, q, r, out):
    ax = q[0] - p[0]
    ay = q[1] - p[1]
    az = q[2] - p[2]
    bx = r[0] - p[0]
    by = r[1] - p[1]
    bz = r[2] - p[2]
    out[0] = ay * bz - az * by
    out[1] = az * bx - ax * bz
    out[2] = ax * by - ay * bx
    length = np.sqrt(out[0] ** 2 + out[1] ** 2 + out[2] ** 2)
    if length > 0:
        for k in range(3):
            out[k] /= length
    return length


@njit(cache=True)
def _flips(points, faces, alive, refs, start, count, moved, other, place, normal, before):
    """Whether moving vertex `moved` to `place` would turn or flatten a face that survives."""
    corners = np.empty((3, 3))
    for r in range(start[moved], start[moved] + count[moved]):
        face = refs[r]
        if not alive[face]:
            continue
        if faces[face, 0] == other or faces[face, 1] == other or faces[face, 2] == other:
            continue
        for k in range(3):
            v = faces[face, k]
            for c in range(3):
                corners[k, c] = place[c] if v == moved else points[v, c]
        _normal(points[faces[face, 0]], points[faces[face, 1]], points[faces[face, 2]], before)
        area = _normal(corners[0], corners[1], corners[2], normal)
        if area < 1e-12:
            return True
        if normal[0] * before[0] + normal[1] * before[1] + normal[2] * before[2] < 0.3:
            return True
    return False


@njit(cache=True)
def _move_uvs(points, faces, uvs, face, vertex, place):
    """Carry the texture coordinate of `face`'s corner at `vertex` along to `place` by the face's affine map."""
    k = 0
    for c in range(3):
        if faces[face, c] == vertex:
            k = c
    i = (k + 1) % 3
    j = (k + 2) % 3
    p = points[faces[face, k]]
    e = points[faces[face, i]] - p
    f = points[faces[face, j]] - p
    d = place - p
    ee = e[0] * e[0] + e[1] * e[1] + e[2] * e[2]
    ff = f[0] * f[0] + f[1] * f[1] + f[2] * f[2]
    ef = e[0] * f[0] + e[1] * f[1] + e[2] * f[2]
    de = d[0] * e[0] + d[1] * e[1] + d[2] * e[2]
    df = d[0] * f[0] + d[1] * f[1] + d[2] * f[2]
    det = ee * ff - ef * ef
    if det <= 1e-6 * ee * ff:
        return
    s = (de * ff - df * ef) / det
    t = (df * ee - de * ef) / det
    if abs(s) > 3 or abs(t) > 3:
        return
    for c in range(2):
        uvs[face, k, c] += s * (uvs[face, i, c] - uvs[face, k, c]) + t * (uvs[face, j, c] - uvs[face, k, c])


@njit(cache=True)
def _collapse(points, faces, uvs, quadrics, alive, target, lossless):
    n_faces, n_points = faces.shape[0], points.shape[0]
    living = n_faces
    place = np.zeros(3)
    normal = np.zeros(3)
    before = np.zeros(3)
    refs = np.zeros(n_faces * 3, np.int64)
    for step in range(PASSES):
        start = np.zeros(n_points, np.int64)
        count = np.zeros(n_points, np.int64)
        for i in range(n_faces):
            if alive[i]:
                for k in range(3):
                    count[faces[i, k]] += 1
        for i in range(1, n_points):
            start[i] = start[i - 1] + count[i - 1]
        fill = start.copy()
        for i in range(n_faces):
            if alive[i]:
                for k in range(3):
                    refs[fill[faces[i, k]]] = i
                    fill[faces[i, k]] += 1
        dirty = np.zeros(n_points, np.bool_)
        limit = lossless if step < 12 else lossless * (1.0 + 0.35) ** (step - 11)
        if step >= 12 and living <= target:
            break
        changed = 0
        for i in range(n_faces):
            if not alive[i]:
                continue
            if step >= 12 and living <= target:
                break
            for k in range(3):
                a = faces[i, k]
                b = faces[i, (k + 1) % 3]
                if dirty[a] or dirty[b]:
                    continue
                cost = _best(points, quadrics, a, b, place)
                if cost > limit:
                    continue
                if _flips(points, faces, alive, refs, start, count, a, b, place, normal, before):
                    continue
                if _flips(points, faces, alive, refs, start, count, b, a, place, normal, before):
                    continue
                for v in (a, b):
                    for r in range(start[v], start[v] + count[v]):
                        face = refs[r]
                        if not alive[face]:
                            continue
                        for c in range(3):
                            dirty[faces[face, c]] = True
                        hits = 0
                        for c in range(3):
                            if faces[face, c] == a or faces[face, c] == b:
                                hits += 1
                        if hits == 2:
                            alive[face] = False
                            living -= 1
                        else:
                            _move_uvs(points, faces, uvs, face, v, place)
                for r in range(start[b], start[b] + count[b]):
                    face = refs[r]
                    for c in range(3):
                        if faces[face, c] == b:
                            faces[face, c] = a
                for c in range(3):
                    points[a, c] = place[c]
                for c in range(10):
                    quadrics[a, c] += quadrics[b, c]
                changed += 1
                break
    return living


def _initial_quadrics(points: NDArray, faces: NDArray, labels: NDArray) -> NDArray:
    """Area-weighted face planes, and planes that hold borders and seams.

    `labels` (F, 3) is equal for two corners at one vertex when no seam runs between them.
    """
    p = points[faces]
    normal = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
    area = np.sqrt((normal * normal).sum(1))
    normal = normal / np.maximum(area, 1e-20)[:, None]
    quadrics = np.zeros((len(points), 10))

    def add(vertices: NDArray, n: NDArray, at: NDArray, weight: NDArray) -> None:
        plane = np.concatenate([n, -(n * at).sum(1, keepdims=True)], 1)
        k = 0
        for i in range(4):
            for j in range(i, 4):
                np.add.at(quadrics[:, k], vertices, weight * plane[:, i] * plane[:, j])
                k += 1

    for c in range(3):
        add(faces[:, c], normal, p[:, 0], area)
    edges: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for f in range(len(faces)):
        for c in range(3):
            a, b = int(faces[f, c]), int(faces[f, (c + 1) % 3])
            edges.setdefault((min(a, b), max(a, b)), []).append((f, c))
    held: list[tuple[int, int]] = []
    for uses in edges.values():
        if len(uses) == 2:
            (f, c), (g, d) = uses
            one = {int(faces[f, c]): labels[f, c], int(faces[f, (c + 1) % 3]): labels[f, (c + 1) % 3]}
            two = {int(faces[g, d]): labels[g, d], int(faces[g, (d + 1) % 3]): labels[g, (d + 1) % 3]}
            if one == two:
                continue
        held.extend(uses)
    for f, c in held:
        a, b = faces[f, c], faces[f, (c + 1) % 3]
        along = points[b] - points[a]
        out = np.cross(along, normal[f])
        length = float(np.sqrt(out @ out))
        if length > 0:
            weight = np.array([SEAM_WEIGHT * float(along @ along)] * 2)
            add(np.array([a, b]), np.stack([out / length] * 2), np.stack([points[a]] * 2), weight)
    return quadrics


def smooth_normals(points: NDArray, crease: float = 40.0) -> NDArray:
    """Corner normals (F, 3, 3) of a soup (F, 3, 3): neighbours that bend less than `crease` degrees are averaged."""
    flat = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    size = np.sqrt((flat * flat).sum(1))
    unit = flat / np.maximum(size, 1e-20)[:, None]
    _, inverse = np.unique(np.round(points.reshape(-1, 3), 6), axis=0, return_inverse=True)
    corner = inverse.reshape(-1, 3)
    order = np.argsort(corner.reshape(-1), kind="stable")
    starts = np.flatnonzero(np.diff(corner.reshape(-1)[order], prepend=-1))
    out = np.empty_like(points)
    limit = np.cos(np.radians(crease))
    for group in np.split(order, starts[1:]):
        faces = group // 3
        close = (unit[faces] @ unit[faces].T) > limit
        total = (close[:, :, None] * flat[faces][None]).sum(1)
        length = np.sqrt((total * total).sum(1, keepdims=True))
        out[faces, group % 3] = np.where(length > 1e-20, total / np.maximum(length, 1e-20), unit[faces])
    return out


def simplify(
    points: NDArray,
    uvs: NDArray,
    materials: NDArray,
    target: int,
    tolerance: float,
) -> tuple[NDArray, NDArray, NDArray]:
    """Collapse edges of a triangle soup.

    Args:
        points: (F, 3, 3).
        uvs: (F, 3, 2).
        materials: (F,).
        target: Go on until at most this many faces are left.
        tolerance: Distance that may always be given up, in units of `points`.

    Returns:
        Points, uvs and materials of the faces that are left.
    """
    centre = points.reshape(-1, 3).mean(0)
    scale = float(np.ptp(points.reshape(-1, 3), axis=0).max())
    soup = (points - centre) / scale
    _, inverse = np.unique(np.round(soup.reshape(-1, 3), 5), axis=0, return_inverse=True)
    faces = inverse.reshape(-1, 3)
    good = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])
    soup, uvs, materials, faces = soup[good], uvs[good].copy(), materials[good], faces[good]
    order = np.sort(faces, axis=1)
    _, first = np.unique(order, axis=0, return_index=True)
    first = np.sort(first)
    soup, uvs, materials, faces = soup[first], uvs[first], materials[first], faces[first]
    vertices = np.zeros((faces.max() + 1, 3))
    vertices[faces.reshape(-1)] = soup.reshape(-1, 3)
    keys = np.concatenate([np.repeat(materials, 3)[:, None], np.round(uvs.reshape(-1, 2), 4)], 1)
    labels = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1, 3)
    quadrics = _initial_quadrics(vertices, faces, labels)
    alive = np.ones(len(faces), np.bool_)
    area = np.cross(soup[:, 1] - soup[:, 0], soup[:, 2] - soup[:, 0])
    typical = float(np.sqrt((area * area).sum(1)).sum()) / len(faces)
    lossless = (tolerance / scale) ** 2 * typical
    faces = np.ascontiguousarray(faces)
    _collapse(vertices, faces, uvs, quadrics, alive, target, lossless)
    return vertices[faces[alive]] * scale + centre, uvs[alive], materials[alive]
