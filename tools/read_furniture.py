"""Read models of a Sweet Home 3D catalogue (``.sh3f``): OBJ, MTL, textures, sizes."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

TEXTURE_SIDE = 128


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """A triangle soup: `points`, `normals` (n, 3, 3), `uvs` (n, 3, 2), `materials` (n,) into `colors`/`textures`."""

    points: np.ndarray
    normals: np.ndarray
    uvs: np.ndarray
    materials: np.ndarray
    colors: list[tuple[float, float, float]]
    textures: list[bytes | None]


def read_catalogue(archive: zipfile.ZipFile) -> dict[str, dict[str, str]]:
    """Properties of each model by the short form of its id."""
    text = archive.read("PluginFurnitureCatalog.properties").decode("latin1").replace("\\\n", "")
    rows: dict[int, dict[str, str]] = {}
    for match in re.finditer(r"^(\w+)#(\d+)=(.*)$", text, re.MULTILINE):
        rows.setdefault(int(match[2]), {})[match[1]] = match[3].strip()
    return {row["id"].split("#")[1]: row for row in rows.values()}


def read_materials(archive: zipfile.ZipFile, path: str) -> dict[str, tuple[tuple[float, float, float], float, str]]:
    """Diffuse colour, opacity and texture path of each material of an MTL file."""
    found: dict[str, list[object]] = {}
    current: list[object] = []
    if path not in archive.namelist():
        return {}
    for line in archive.read(path).decode("latin1").splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "newmtl":
            current = found.setdefault(" ".join(words[1:]), [(0.7, 0.7, 0.7), 1.0, ""])
        elif words[0] == "Kd":
            current[0] = tuple(float(word) for word in words[1:4])
        elif words[0] == "d":
            current[1] = float(words[-1])
        elif words[0] == "map_Kd":
            current[2] = posixpath.join(posixpath.dirname(path), " ".join(words[1:]))
    return {name: (row[0], row[1], row[2]) for name, row in found.items()}  # type: ignore[misc]


def encode_texture(archive: zipfile.ZipFile, path: str) -> bytes | None:
    """A picture of the catalogue as a `TEXTURE_SIDE` px JPEG, or None when the archive lacks it."""
    if path not in archive.namelist():
        return None
    picture = Image.open(io.BytesIO(archive.read(path))).convert("RGBA")
    ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    ground.alpha_composite(picture)
    small = ground.convert("RGB").resize((TEXTURE_SIDE, TEXTURE_SIDE), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80, optimize=True)
    return out.getvalue()


def read_mesh(archive: zipfile.ZipFile, path: str) -> Mesh:
    """Parse an OBJ file and its materials."""
    path = path.lstrip("/")
    points: list[list[float]] = []
    uvs: list[list[float]] = []
    normals: list[list[float]] = []
    faces: dict[str, list[tuple[tuple[int, int, int], ...]]] = {}
    materials: dict[str, tuple[tuple[float, float, float], float, str]] = {}
    name = ""

    def index(word: str, count: int) -> int:
        return -1 if not word else int(word) - 1 if int(word) > 0 else count + int(word)

    for line in archive.read(path).decode("latin1").splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "v":
            points.append([float(word) for word in words[1:4]])
        elif words[0] == "vt":
            uvs.append([float(word) for word in words[1:3]])
        elif words[0] == "vn":
            normals.append([float(word) for word in words[1:4]])
        elif words[0] == "usemtl":
            name = " ".join(words[1:])
        elif words[0] == "mtllib":
            materials |= read_materials(archive, posixpath.join(posixpath.dirname(path), " ".join(words[1:])))
        elif words[0] == "f":
            corners = []
            for word in words[1:]:
                p, t, n = ([*word.split("/"), "", ""])[:3]
                corners.append((index(p, len(points)), index(t, len(uvs)), index(n, len(normals))))
            rows = faces.setdefault(name, [])
            rows.extend((corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1))

    all_points = np.array(points, float).reshape(-1, 3)
    all_uvs = np.array(uvs, float).reshape(-1, 2)
    all_normals = np.array(normals, float).reshape(-1, 3)
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []
    colors: list[tuple[float, float, float]] = []
    textures: list[bytes | None] = []
    for name, rows in faces.items():
        color, opacity, texture = materials.get(name, ((0.7, 0.7, 0.7), 1.0, ""))
        if opacity < 0.12:
            continue
        ids = np.array(rows)
        p = all_points[ids[..., 0]]
        flat = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
        area = np.linalg.norm(flat, axis=1, keepdims=True)
        n = np.repeat((flat / np.maximum(area, 1e-12))[:, None], 3, axis=1)
        if len(all_normals):
            n = np.where(ids[..., 2:3] >= 0, all_normals[ids[..., 2]], n)
        t = np.zeros((*ids.shape[:2], 2))
        if len(all_uvs):
            t = np.where(ids[..., 1:2] >= 0, all_uvs[ids[..., 1]], 0.0)
        keep = area[:, 0] > 1e-12
        parts.append((p[keep], n[keep], t[keep], np.full(int(keep.sum()), len(colors))))
        encoded = encode_texture(archive, texture) if texture else None
        colors.append((1.0, 1.0, 1.0) if encoded else color)
        textures.append(encoded)
    stacked = [np.concatenate([part[i] for part in parts]) for i in range(4)]
    return Mesh(
        points=stacked[0],
        normals=stacked[1],
        uvs=stacked[2],
        materials=stacked[3],
        colors=colors,
        textures=textures,
    )


def to_metres(mesh: Mesh, row: dict[str, str]) -> tuple[Mesh, tuple[float, float, float]]:
    """Turn to z up, front towards -y, centred on the floor, and scale to the catalogue's size in metres."""
    points, normals = mesh.points, mesh.normals
    if "modelRotation" in row:
        turn = np.array([float(word) for word in row["modelRotation"].split()]).reshape(3, 3)
        points, normals = points @ turn.T, normals @ turn.T
    width, depth, height = (float(row[key]) / 100 for key in ("width", "depth", "height"))
    low, high = points.reshape(-1, 3).min(0), points.reshape(-1, 3).max(0)
    scale = np.array([width, height, depth]) / np.maximum(high - low, 1e-6)
    points = (points - (low + high) / 2) * scale
    normals = normals / scale
    points = np.stack([points[..., 0], -points[..., 2], points[..., 1] + height / 2], -1)
    normals = np.stack([normals[..., 0], -normals[..., 2], normals[..., 1]], -1)
    normals = normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)
    return replace(mesh, points=points, normals=normals), (width, depth, height)
