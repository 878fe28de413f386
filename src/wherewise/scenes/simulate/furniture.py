"""The furniture that ships with wherewise: models, their words, sizes, textures and authors.

Layout of ``assets/furniture.pack`` (written by ``tools/pack_furniture.py``, little-endian): 8 bytes magic, two uint32
(length of the header, length of the geometry), the header (JSON), the geometry (XZ), the textures (JPEG, one after the
other). The geometry is, model by model, four arrays of differences as byte planes: positions (uint16 x3 over the
model's box), normals (octahedral, 2 bytes), texture coordinates (uint16 x2 over ``uv_limit``), faces (int32 x3).
"""

from __future__ import annotations

import io
import json
import lzma
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

MAGIC = b"WWFURN1\n"
TEXTURE_SIDE = 128

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """How one part of a model looks.

    Attributes:
        color: Display (sRGB) colour, 0..255 each.
        texture: Index into the pack's textures, or -1.
        glow: 0, or the factor with which it shines in its own colour, whatever light falls on it.
    """

    color: tuple[int, int, int]
    texture: int
    glow: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Model:
    """One piece of furniture, standing on z = 0 and centred on x = y = 0; its front looks towards -y.

    Attributes:
        id: Its name in the catalogue it came from.
        category: Singular noun.
        size: ``(width, depth, height)`` in metres.
        support: ``(x0, y0, x1, y1, z)``: free rectangle on top where things can stand, in metres, or None.
        creator: Who made it.
        licence: SPDX identifier.
        materials: Materials of the runs of faces.
        points: (V, 3) metres.
        normals: (V, 3) unit vectors.
        uvs: (V, 2) texture coordinates; they repeat with period 1.
        faces: (F, 3) indices into the vertices.
        face_materials: (F,) indices into `materials`.
        mount: What holds it: ``floor`` (or something that stands there), ``wall``, ``ceiling`` or, for windows, doors
            and lamps that are made to measure, ``built in``.
        elevation: Height of its underside in metres where a wall holds it.
    """

    id: str
    category: str
    size: tuple[float, float, float]
    support: tuple[float, float, float, float, float] | None
    creator: str
    licence: str
    materials: tuple[Material, ...]
    points: Floats
    normals: Floats
    uvs: Floats
    faces: Ints
    face_materials: Ints
    mount: str = "floor"
    elevation: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Catalogue:
    """All models and their textures.

    Attributes:
        models: By id.
        textures: (T, 128, 128, 3) display (sRGB) bytes.
    """

    models: dict[str, Model]
    textures: NDArray[np.uint8]

    def categories(self) -> tuple[str, ...]:
        """All category words, sorted."""
        return tuple(sorted({model.category for model in self.models.values()}))


def _undo_planes(data: memoryview, count: int, width: int, item: int) -> NDArray[np.int64]:
    """Inverse of the packer's byte planes: `count` rows of `width` unsigned integers of `item` bytes."""
    planes = np.frombuffer(data, np.uint8).reshape(item, count * width)
    values = np.zeros(count * width, np.int64)
    for i in range(item):
        values |= planes[i].astype(np.int64) << (8 * i)
    return np.cumsum(values.reshape(width, count), axis=1).T % (1 << (8 * item))


def _unfold(packed: NDArray[np.int64]) -> Floats:
    """Octahedral bytes (n, 2) to unit normals (n, 3)."""
    xy = packed.astype(np.uint8).view(np.int8).reshape(-1, 2) / 127.0
    z = 1 - np.abs(xy).sum(1)
    sign = np.where(xy >= 0, 1.0, -1.0)
    xy = np.where(z[:, None] < 0, (1 - np.abs(xy[:, ::-1])) * sign, xy)
    normals = np.concatenate([xy, z[:, None]], 1)
    unit: Floats = (normals / np.sqrt((normals * normals).sum(1, keepdims=True))).astype(np.float32)
    return unit


def read_pack(data: bytes) -> Catalogue:
    """Decode a furniture pack.

    Raises:
        ValueError: `data` is not a pack of this version.
    """
    if data[:8] != MAGIC:
        raise ValueError(f"not a furniture pack: it starts with {data[:8]!r}, expected {MAGIC!r}")
    header_size, geometry_size = (int(value) for value in np.frombuffer(data[8:16], "<u4"))
    header = json.loads(data[16 : 16 + header_size])
    start = 16 + header_size
    geometry = memoryview(lzma.decompress(data[start : start + geometry_size]))
    start += geometry_size
    textures = np.zeros((len(header["textures"]), TEXTURE_SIDE, TEXTURE_SIDE, 3), np.uint8)
    for i, length in enumerate(header["textures"]):
        textures[i] = np.asarray(Image.open(io.BytesIO(data[start : start + length])).convert("RGB"))
        start += length
    models: dict[str, Model] = {}
    offset = 0
    for row in header["models"]:
        vertices, triangles = int(row["vertices"]), int(row["triangles"])
        parts = []
        for count, width, item in ((vertices, 3, 2), (vertices, 2, 1), (vertices, 2, 2), (triangles, 3, 4)):
            length = count * width * item
            parts.append(_undo_planes(geometry[offset : offset + length], count, width, item))
            offset += length
        size = np.array(row["size"])
        low = np.array([-size[0] / 2, -size[1] / 2, 0.0])
        models[row["id"]] = Model(
            id=row["id"],
            category=row["category"],
            size=tuple(row["size"]),
            support=tuple(row["support"]) if row["support"] else None,
            creator=row["creator"],
            licence=row["licence"],
            materials=tuple(Material(color=(m[0], m[1], m[2]), texture=m[3]) for m in row["materials"]),
            points=(parts[0] / 65535 * size + low).astype(np.float32),
            normals=_unfold(parts[1]),
            uvs=(parts[2] / 65535 * row["uv_limit"]).astype(np.float32),
            faces=parts[3].astype(np.int32),
            face_materials=np.repeat(np.arange(len(row["runs"])), row["runs"]).astype(np.int32),
            mount=row.get("mount", "floor"),
            elevation=float(row.get("elevation", 0.0)),
        )
    return Catalogue(models=models, textures=textures)


#: Packs that ship, by the name of the set; each set has those of the sets before it.
_SHIPPED = {"core": "furniture.pack", "full": "more.pack"}


@lru_cache(maxsize=4)
def load_catalogue(name: str = "core") -> Catalogue:
    """A catalogue, read once a process.

    Args:
        name: ``core``, ``full`` (that and all others that ship), or the path of a pack of `tools/pack_furniture.py`.

    Raises:
        ValueError: The file is not a pack.
        FileNotFoundError: There is no such file.
    """
    if name not in _SHIPPED:
        return read_pack(Path(name).read_bytes())
    assets = resources.files("wherewise.scenes.simulate").joinpath("assets")
    catalogue = read_pack(assets.joinpath(_SHIPPED["core"]).read_bytes())
    return catalogue if name == "core" else joined(catalogue, read_pack(assets.joinpath(_SHIPPED["full"]).read_bytes()))


def joined(first: Catalogue, second: Catalogue) -> Catalogue:
    """All models of both; where both have one of the same id, the second's."""
    shift = len(first.textures)
    moved = {
        name: replace(
            model,
            materials=tuple(replace(m, texture=m.texture + shift) if m.texture >= 0 else m for m in model.materials),
        )
        for name, model in second.models.items()
    }
    return Catalogue(models=first.models | moved, textures=np.concatenate([first.textures, second.textures]))
