"""Pack the CC0 furniture of Sweet Home 3D into the one file the simulator reads.

    python tools/pack_furniture.py /usr/share/sweethome3d/furniture/BlendSwap-CC-0.sh3f

The source is the catalogue ``BlendSwap-CC-0.sh3f`` of Debian's package ``sweethome3d-furniture``. Models of
`CATEGORIES` are scaled to their catalogue size, decimated when they are heavy, quantised and written to
``src/wherewise/scenes/simulate/assets/furniture.pack`` (layout: `wherewise.scenes.simulate.furniture`), those of
`MORE` to ``more.pack``, with their authors in ``NOTICE.md`` beside them. The same catalogue gives the same bytes.
``--all`` packs every model of a catalogue, for the simulator's ``furniture: PATH``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import re
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from read_furniture import Mesh, read_catalogue, read_mesh, to_metres
from simplify_mesh import simplify, smooth_normals

ASSETS = Path(__file__).resolve().parents[1] / "src/wherewise/scenes/simulate/assets"
MAGIC = b"WWFURN1\n"
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

#: The rest of what one finds in and about a home, lighter models: ``more.pack``, the simulator's ``furniture: full``.
MORE: dict[str, tuple[str, ...]] = {
    "bench": ("pianoBench",),
    "boot": ("bootie",),
    "bread": ("bread",),
    "cabinet": ("highCabinet",),
    "calendar": ("kalender",),
    "ceiling fan": ("ceilingFan",),
    "ceiling lamp": ("lamp2",),
    "clock": ("cuckooClock",),
    "counter": ("islandExtension",),
    "cupcake": ("cupcake",),
    "deck chair": ("deckChair",),
    "exit sign": ("emergencySign",),
    "figurine": ("deer",),
    "flower box": ("flowerBox", "plantie"),
    "football table": ("table_football",),
    "headphones": ("headphones",),
    "hot dog": ("hotDog",),
    "lantern": ("JapaneseLantern",),
    "lounger": ("relaxChair",),
    "mailbox": ("mofx_mailbox",),
    "pallet": ("pallet",),
    "perfume bottle": ("flacon",),
    "phone": ("iphone",),
    "pool table": ("poolTable",),
    "puzzle": ("housePuzzle",),
    "radiator": ("radiator1",),
    "shower": ("showerStall",),
    "slippers": ("slippers",),
    "television stand": ("televisionCabinet",),
    "toilet brush": ("toiletBrush",),
    "toilet paper": ("toiletPaperDispenser",),
    "towel": ("towel2",),
    "towel rack": ("towel3",),
    "toy": ("woodToy",),
    "toy plane": ("cartoon_biplane",),
    "umbrella": ("umbrellaFolded",),
    "urinal": ("urinal",),
    "wall cabinet": ("glassDoorCabinet", "smallUpperCabinet", "upperCabinet", "upperShelves"),
    "wall lamp": ("wallLight",),
    "wheelbarrow": ("wheelbarrow",),
    "workbench": ("technicalTable1", "technicalTable2"),
}
MORE_SMALL_TARGET = 460
MORE_LARGE_TARGET = 800
#: What a ceiling holds; what has an elevation and is not among these, a wall holds.
HANGING = frozenset({"ceiling fan", "ceiling lamp"})
#: Stands on the floor although the catalogue lifts it a little.
STANDING = frozenset({"radiator", "toilet brush"})

#: Things that other things may stand on.
SUPPORTS = frozenset({"table", "desk", "nightstand", "cabinet", "bench", "crate", "piano", "oven"})
MORE_SUPPORTS = frozenset({"counter", "pool table", "workbench", "pallet"})


def lighten(mesh: Mesh, name: str, size: tuple[float, float, float], targets: tuple[int, int]) -> Mesh:
    """Fewer triangles: flat parts for free, then down to the `targets` of small and large things."""
    target = TARGETS.get(name, targets[0] if max(size) < 0.6 else targets[1])
    points, uvs, materials = simplify(mesh.points, mesh.uvs, mesh.materials, target, 0.0004 * max(size))
    return replace(mesh, points=points, normals=smooth_normals(points), uvs=uvs, materials=materials)


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
    return replace(
        mesh,
        materials=inverse.reshape(-1),
        colors=[mesh.colors[i] for i in used],
        textures=[mesh.textures[i] for i in used],
    )


def tighten(mesh: Mesh) -> tuple[Mesh, tuple[float, float, float]]:
    """Move a lightened mesh back to the middle of the floor; its size is what is left of it."""
    low, high = mesh.points.reshape(-1, 3).min(0), mesh.points.reshape(-1, 3).max(0)
    middle = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    width, depth, height = (float(value) for value in high - low)
    return replace(mesh, points=mesh.points - middle), (width, depth, height)


def build(
    source: Path,
    categories: dict[str, tuple[str, ...]],
    supports: frozenset[str],
    targets: tuple[int, int],
    tight: bool = True,
) -> tuple[bytes, list[dict[str, object]]]:
    """Bytes of a pack and its header's models.

    Args:
        source: The ``.sh3f`` catalogue.
        categories: Word for each kind of thing -> its models.
        supports: Kinds that other things may stand on.
        targets: Triangles of small and of large models.
        tight: Whether a model's size is that of the lightened mesh, and not the catalogue's.
    """
    archive = zipfile.ZipFile(source)
    catalogue = read_catalogue(archive)
    models: list[dict[str, object]] = []
    blobs: list[bytes] = []
    textures: dict[str, int] = {}
    pictures: list[bytes] = []
    for category, names in sorted(categories.items()):
        for name in sorted(names):
            row = catalogue[name]
            mesh, size = to_metres(read_mesh(archive, row["model"]), row)
            before = len(mesh.points)
            mesh = drop_unused(lighten(mesh, name, size, targets))
            if tight:
                mesh, size = tighten(mesh)
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
                    "support": support_area(mesh.points, size) if category in supports else None,
                    "creator": row["creator"],
                    "licence": "CC0-1.0",
                    "materials": materials,
                    "bytes": len(blob),
                    **held(row, category),
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


def whole(source: Path) -> dict[str, tuple[str, ...]]:
    """Every model of a catalogue: under its word in `CATEGORIES` or `MORE`, else under its name there."""
    known = {name: word for table in (CATEGORIES, MORE) for word, names in table.items() for name in names}
    out: dict[str, list[str]] = {}
    with zipfile.ZipFile(source) as archive:
        for name, row in read_catalogue(archive).items():
            if row.get("doorOrWindow") != "true":
                word = re.sub(r"[^a-z ]", "", known.get(name, row["name"]).lower()).strip()
                out.setdefault(word, []).append(name)
    return {word: tuple(names) for word, names in out.items() if word}


def held(row: dict[str, str], category: str) -> dict[str, object]:
    """What holds a thing that doesn't stand on the floor."""
    elevation = float(row.get("elevation", 0)) / 100
    if category in HANGING:
        return {"mount": "ceiling"}
    if elevation == 0 or category in STANDING:
        return {}
    return {"mount": "wall", "elevation": elevation}


def notice(models: list[dict[str, object]]) -> str:
    """The credits that travel with the pack."""
    lines = [
        "# Furniture models",
        "",
        "`furniture.pack` and `more.pack` hold simplified copies of 3D models of **Sweet Home 3D**",
        "(<https://www.sweethome3d.com>), collection *Blend Swap CC-0* 1.8: made by the authors below, published on",
        "<https://www.blendswap.com> under",
        "CC0 1.0 (public domain, <https://creativecommons.org/publicdomain/zero/1.0/>), cleaned and converted to OBJ",
        "by Emmanuel Puybaret / eTeks. CC0 asks for no credit; it is given with thanks. The models were scaled,",
        "simplified and quantised, and their textures were reduced to 128 pixels (`tools/pack_furniture.py`).",
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
    parser.add_argument("catalogue", type=Path, help="BlendSwap-CC-0.sh3f; with --all any catalogue")
    parser.add_argument("--rebuild", action="store_true", help="also furniture.pack, whose bytes recorded scenes need")
    parser.add_argument("--all", action="store_true", help="all.pack: every model of the catalogue under its own name")
    parser.add_argument("--output", type=Path, default=ASSETS, help="folder for furniture.pack and NOTICE.md")
    arguments = parser.parse_args()
    if arguments.all:
        data, models = build(arguments.catalogue, whole(arguments.catalogue), SUPPORTS | MORE_SUPPORTS, (5_000, 8_000))
        (arguments.output / "all.pack").write_bytes(data)
        return
    everything = []
    for name, words, supports, targets in (
        ("furniture.pack", CATEGORIES, SUPPORTS, (SMALL_TARGET, LARGE_TARGET)),
        ("more.pack", MORE, MORE_SUPPORTS, (MORE_SMALL_TARGET, MORE_LARGE_TARGET)),
    ):
        data, models = build(arguments.catalogue, words, supports, targets, tight=name != "furniture.pack")
        everything += models
        if name == "furniture.pack" and not arguments.rebuild and (arguments.output / name).exists():
            continue
        (arguments.output / name).write_bytes(data)
        triangles = sum(int(str(model["triangles"])) for model in models)
        print(f"{name}: {len(models)} models, {triangles} triangles, {len(data)} bytes")
    (arguments.output / "NOTICE.md").write_text(notice(everything), encoding="utf-8")


if __name__ == "__main__":
    main()
