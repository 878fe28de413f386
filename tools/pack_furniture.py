"""Pack the CC0 furniture of Sweet Home 3D into the one file the simulator reads.

    python tools/pack_furniture.py /usr/share/sweethome3d/furniture/BlendSwap-CC-0.sh3f

The source is the catalogue ``BlendSwap-CC-0.sh3f`` of Debian's package ``sweethome3d-furniture``. Models of
`CATEGORIES` are scaled to their catalogue size, decimated when they are heavy, quantised and written to
``src/wherewise/scenes/simulate/assets/furniture.pack`` (layout: `wherewise.scenes.simulate.furniture`), with their
authors in ``NOTICE.md`` beside it. The same catalogue gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import lzma
import posixpath
import re
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from simplify_mesh import simplify, smooth_normals

ASSETS = Path(__file__).resolve().parents[1] / "src/wherewise/scenes/simulate/assets"
MAGIC = b"WWFURN1\n"
TEXTURE_SIDE = 128
SMALL_TARGET = 1_500
LARGE_TARGET = 3_000
#: Models whose leaves or fins would vanish at the common target.
TARGETS = {"augalas": 5_000, "decorativePlant": 9_000, "orchids": 5_000, "plant": 6_500, "radiator3": 5_000}

#: Word for each kind of thing -> models of the catalogue (the part of their id behind ``#``).
CATEGORIES: dict[str, tuple[str, ...]] = {
    "armchair": ("armchair2", "modernArmchair", "winchesterArmchair"),
    "ball": ("basketball",),
    "barrel": ("barrel",),
    "bed": ("bed1", "bed2", "bed3", "bedWithTexture"),
    "bench": ("bench",),
    "bidet": ("bidet",),
    "bin": ("dustbin",),
    "bottle": ("mamadeira", "yogurtBottle"),
    "box": ("box",),
    "briefcase": ("briefcase",),
    "cabinet": ("drawersCabinet", "lowerCabinet"),
    "chair": (
        "antiqueChair",
        "armchair",
        "chair",
        "chair2",
        "chairWithCushion",
        "designChair",
        "oakChair",
        "osakaChair",
        "plasticChair",
        "sillaBlanca",
        "thonet",
    ),
    "coffee machine": ("coffeeBrewer",),
    "crate": ("ammoBox", "crate"),
    "crib": ("babyRockingBed",),
    "cup": ("caffe_final", "plasticCup"),
    "cupboard": ("bookcase", "cupboard"),
    "desk": ("desk",),
    "fan": ("riggedFan", "tableFan"),
    "fire extinguisher": ("fireExtinguisher",),
    "fridge": ("largeFridge", "refrigerator"),
    "guitar": ("electricGuitar",),
    "handbag": ("handbag",),
    "lamp": ("desklamp",),
    "lantern": ("stoneLantern",),
    "locker": ("lockedLocker",),
    "milk carton": ("tetrapak",),
    "mixer": ("kitchenaid",),
    "motorbike": ("motorbike",),
    "mug": ("beerGlass",),
    "nightstand": ("bedsideTable2",),
    "oven": ("doubleOven", "oven"),
    "piano": ("pianoAQueue",),
    "plant": ("augalas", "cactus", "decorativePlant", "littlePlant", "orchids", "plant"),
    "potty": ("potty",),
    "radiator": ("radiator", "radiator2", "radiator3"),
    "rocking horse": ("caballito",),
    "bookcase": ("shelves", "verticalShelves"),
    "sink": ("modernVanity", "sinkCabinet", "washbasin"),
    "sofa": ("L_shaped_sofa", "couch", "couch2", "sofa", "sofa2", "winchesterSofa"),
    "speaker": ("speaker2", "speaker3"),
    "stool": ("foldingChair", "silla2", "stool", "stool2"),
    "table": ("lbDesk", "oakTable", "table", "tableWithTablecloth"),
    "teddy bear": ("teddyBear",),
    "television": ("led_tv",),
    "tennis racket": ("tennisRacket",),
    "toilet": ("toiletsUnit",),
    "wardrobe": ("wardrobeWithSlidingDoors",),
    "whiteboard": ("whiteBoard",),
}

#: Things that other things may stand on.
SUPPORTS = frozenset({"table", "desk", "nightstand", "cabinet", "bench", "crate", "piano", "oven"})


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
    turned = Mesh(
        points=points,
        normals=normals,
        uvs=mesh.uvs,
        materials=mesh.materials,
        colors=mesh.colors,
        textures=mesh.textures,
    )
    return turned, (width, depth, height)


def lighten(mesh: Mesh, name: str, size: tuple[float, float, float]) -> Mesh:
    """Fewer triangles: flat parts for free, then down to a number that fits the size of the thing."""
    target = TARGETS.get(name, SMALL_TARGET if max(size) < 0.6 else LARGE_TARGET)
    points, uvs, materials = simplify(mesh.points, mesh.uvs, mesh.materials, target, 0.0004 * max(size))
    return Mesh(
        points=points,
        normals=smooth_normals(points),
        uvs=uvs,
        materials=materials,
        colors=mesh.colors,
        textures=mesh.textures,
    )


def support_area(points: np.ndarray, size: tuple[float, float, float]) -> list[float] | None:
    """Largest free rectangle on top: ``[x0, y0, x1, y1, z]`` in metres, or None.

    The model is looked at from above on a 2 cm grid; a rectangle counts when every cell's highest point lies within
    1 cm of the same height.
    """
    step = 0.02
    nx, ny = max(1, int(size[0] / step)), max(1, int(size[1] / step))
    top = np.full((ny, nx), -1.0)
    for a, b, c in points:
        longest = max(np.linalg.norm(a - b), np.linalg.norm(b - c), np.linalg.norm(c - a))
        n = max(1, min(200, int(longest / step * 1.5)))
        i, j = np.meshgrid(np.arange(n + 1), np.arange(n + 1))
        keep = (i + j) <= n
        s, t = i[keep][:, None] / n, j[keep][:, None] / n
        p = a * (1 - s - t) + b * s + c * t
        x = np.clip(((p[:, 0] + size[0] / 2) / step).astype(int), 0, nx - 1)
        y = np.clip(((p[:, 1] + size[1] / 2) / step).astype(int), 0, ny - 1)
        np.maximum.at(top, (y, x), p[:, 2])
    best: tuple[float, list[float]] | None = None
    levels = Counter(np.round(top[top > 0.25], 2).tolist())
    for level, _ in levels.most_common(4):
        free = np.abs(top - level) <= 0.012
        rectangle = _largest_rectangle(free)
        if rectangle is None:
            continue
        x0, y0, x1, y1 = rectangle
        if min(x1 - x0, y1 - y0) * step < 0.2:
            continue
        score = (x1 - x0) * (y1 - y0)
        z = float(top[y0:y1, x0:x1].max())
        box = [x0 * step - size[0] / 2, y0 * step - size[1] / 2, x1 * step - size[0] / 2, y1 * step - size[1] / 2, z]
        if best is None or score > best[0]:
            best = (score, [round(v, 4) for v in box])
    return best[1] if best else None


def _largest_rectangle(free: np.ndarray) -> tuple[int, int, int, int] | None:
    heights = np.zeros(free.shape[1], int)
    best, found = 0, None
    for row in range(free.shape[0]):
        heights = np.where(free[row], heights + 1, 0)
        stack: list[int] = []
        for col in range(free.shape[1] + 1):
            here = heights[col] if col < free.shape[1] else 0
            while stack and heights[stack[-1]] >= here:
                tall = heights[stack.pop()]
                left = stack[-1] + 1 if stack else 0
                if tall * (col - left) > best:
                    best, found = int(tall * (col - left)), (left, row + 1 - int(tall), col, row + 1)
            stack.append(col)
    return found


def octahedral(normals: np.ndarray) -> np.ndarray:
    """Unit normals (n, 3) as two signed bytes (n, 2)."""
    n = normals / np.maximum(np.abs(normals).sum(-1, keepdims=True), 1e-9)
    xy = n[:, :2]
    sign = np.where(xy >= 0, 1.0, -1.0)
    folded = (1 - np.abs(xy[:, ::-1])) * sign
    return np.round(np.where(n[:, 2:3] < 0, folded, xy) * 127).astype(np.int8)


def planes(values: np.ndarray) -> bytes:
    """Little-endian integers as byte planes of their differences: what LZMA packs well."""
    wrapped = np.diff(values, axis=0, prepend=np.zeros_like(values[:1]))
    raw = np.ascontiguousarray(wrapped.T).astype(values.dtype.newbyteorder("<"))
    return np.ascontiguousarray(raw.view(np.uint8).reshape(-1, values.dtype.itemsize).T).tobytes()


def pack_mesh(mesh: Mesh, size: tuple[float, float, float]) -> tuple[dict[str, object], bytes]:
    """Quantise a mesh. Returns its numbers for the header and its bytes."""
    span = np.array(size)
    origin = np.array([-size[0] / 2, -size[1] / 2, 0.0])
    position = np.round((mesh.points - origin) / span * 65535).clip(0, 65535).astype(np.uint16)
    order = np.lexsort((*position[:, 0].T, mesh.materials))
    position = position[order].reshape(-1, 3)
    normal = octahedral(mesh.normals[order].reshape(-1, 3)).view(np.uint8)
    uvs = mesh.uvs[order]
    textured = np.array([texture is not None for texture in mesh.textures])[mesh.materials[order]]
    uvs = np.where(textured[:, None, None], uvs - np.floor(uvs.min(1, keepdims=True)), 0.0)
    limit = max(1.0, float(uvs.max()))
    uv = np.round(uvs.reshape(-1, 2) / limit * 65535).astype(np.uint16)
    corner = np.concatenate([position.astype(np.int64), normal.astype(np.int64), uv.astype(np.int64)], 1)
    _, first, inverse = np.unique(corner, axis=0, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first, kind="stable"), kind="stable")
    keep = np.sort(first)
    faces = rank[inverse.reshape(-1)].reshape(-1, 3).astype(np.int32)
    counts = np.bincount(mesh.materials, minlength=len(mesh.colors)).tolist()
    data = planes(position[keep]) + planes(normal[keep]) + planes(uv[keep]) + planes(faces)
    return {"vertices": len(keep), "triangles": len(faces), "uv_limit": limit, "runs": counts}, data


def drop_unused(mesh: Mesh) -> Mesh:
    """Forget materials without triangles."""
    used, inverse = np.unique(mesh.materials, return_inverse=True)
    return Mesh(
        points=mesh.points,
        normals=mesh.normals,
        uvs=mesh.uvs,
        materials=inverse.reshape(-1),
        colors=[mesh.colors[i] for i in used],
        textures=[mesh.textures[i] for i in used],
    )


def build(source: Path) -> tuple[bytes, list[dict[str, object]]]:
    """Bytes of the pack and its header's models."""
    archive = zipfile.ZipFile(source)
    catalogue = read_catalogue(archive)
    models: list[dict[str, object]] = []
    blobs: list[bytes] = []
    textures: dict[str, int] = {}
    pictures: list[bytes] = []
    for category, names in sorted(CATEGORIES.items()):
        for name in sorted(names):
            row = catalogue[name]
            mesh, size = to_metres(read_mesh(archive, row["model"]), row)
            before = len(mesh.points)
            mesh = drop_unused(lighten(mesh, name, size))
            numbers, blob = pack_mesh(mesh, size)
            materials = []
            for color, texture in zip(mesh.colors, mesh.textures, strict=True):
                slot = -1
                if texture is not None:
                    key = hashlib.sha256(texture).hexdigest()
                    if key not in textures:
                        textures[key] = len(pictures)
                        pictures.append(texture)
                    slot = textures[key]
                materials.append([round(255 * min(1.0, max(0.0, value))) for value in color] + [slot])
            models.append(
                {
                    "id": name,
                    "name": row["name"],
                    "category": category,
                    "size": [round(value, 5) for value in size],
                    "support": support_area(mesh.points, size) if category in SUPPORTS else None,
                    "creator": row["creator"],
                    "licence": "CC0-1.0",
                    "materials": materials,
                    "bytes": len(blob),
                    **numbers,
                }
            )
            blobs.append(blob)
            print(f"{name:28s} {category:18s} {before:6d} -> {numbers['triangles']:5d} {models[-1]['support']}")
    header = json.dumps({"models": models, "textures": [len(picture) for picture in pictures]}, sort_keys=True).encode()
    geometry = lzma.compress(
        b"".join(blobs),
        format=lzma.FORMAT_XZ,
        filters=[{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 0, "pb": 0}],
    )
    sizes = np.array([len(header), len(geometry)], "<u4").tobytes()
    return MAGIC + sizes + header + geometry + b"".join(pictures), models


def notice(models: list[dict[str, object]]) -> str:
    """The credits that travel with the pack."""
    lines = [
        "# Furniture models",
        "",
        "`furniture.pack` holds simplified copies of 3D models of **Sweet Home 3D** (<https://www.sweethome3d.com>),",
        "collection *Blend Swap CC-0* 1.8: made by the authors below, published on <https://www.blendswap.com> under",
        "CC0 1.0 (public domain, <https://creativecommons.org/publicdomain/zero/1.0/>), cleaned and converted to OBJ by",
        "Emmanuel Puybaret / eTeks. CC0 asks for no credit; it is given with thanks. The models were scaled, quantised,",
        "some were decimated, and their textures were reduced to 128 pixels (`tools/pack_furniture.py`).",
        "",
        "| model | shown as | author | licence |",
        "|---|---|---|---|",
    ]
    for model in models:
        lines.append(f"| {model['name']} (`{model['id']}`) | {model['category']} | {model['creator']} | CC0-1.0 |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the pack and its notice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalogue", type=Path, help="BlendSwap-CC-0.sh3f")
    parser.add_argument("--output", type=Path, default=ASSETS, help="folder for furniture.pack and NOTICE.md")
    arguments = parser.parse_args()
    data, models = build(arguments.catalogue)
    (arguments.output / "furniture.pack").write_bytes(data)
    (arguments.output / "NOTICE.md").write_text(notice(models), encoding="utf-8")
    triangles = sum(int(str(model["triangles"])) for model in models)
    print(f"{len(models)} models, {triangles} triangles, {len(data)} bytes")


if __name__ == "__main__":
    main()
