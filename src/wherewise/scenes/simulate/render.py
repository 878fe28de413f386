"""From a world and a camera to colours, depth, instance ids and exact visibility."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from wherewise.scenes.scene import Camera, Visibility
from wherewise.scenes.simulate.capture import kept, warp_nearest
from wherewise.scenes.simulate.occlusion import SPIRAL, blur, occlusion
from wherewise.scenes.simulate.raster import Pinhole, boxes, coverage, project, rasterize, resolve, shell
from wherewise.scenes.simulate.shade import TONE, Buffers, shade
from wherewise.scenes.simulate.world import Solid, World

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U8 = NDArray[np.uint8]

#: Radius of ambient occlusion in metres.
OPEN_RADIUS = 0.30


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Geometry:
    """What a camera sees, before any colour.

    Attributes:
        camera: The camera.
        pinhole: The same, as the kernels read it.
        screen: (V, 3) projected vertices.
        homog: (V, 3) the same, homogeneous.
        inverse: (H, W) 1/z.
        owner: (H, W) face, or -1..-10 for the room's shell.
        ids: (H, W) object index, 0 for the room.
        depth: (H, W) metres along the optical axis.
    """

    camera: Camera
    pinhole: Pinhole
    screen: F64
    homog: F64
    inverse: F32
    owner: I32
    ids: I32
    depth: F32


Vector = tuple[float, float, float]


def look_at(eye: Vector, target: Vector) -> tuple[Vector, Vector, Vector]:
    """Rows right, down, forward of a level camera at `eye` that looks at `target`."""
    x, y, z = (target[i] - eye[i] for i in range(3))
    length = math.sqrt(x * x + y * y + z * z)
    x, y, z = x / length, y / length, z / length
    flat = math.sqrt(x * x + y * y)
    rx, ry = y / flat, -x / flat
    return (rx, ry, 0.0), (-z * ry, z * rx, x * ry - y * rx), (x, y, z)


def make_camera(
    width: int, height: int, fov: float, eye: tuple[float, float, float], target: tuple[float, float, float]
) -> Camera:
    """A level pinhole camera whose longer side sees `fov` degrees."""
    focal = max(width, height) / 2 / math.tan(math.radians(fov) / 2)
    return Camera(width=width, height=height, focal=focal, position=eye, rotation=look_at(eye, target))


def _pinhole(camera: Camera, fine: int) -> Pinhole:
    """The camera for a picture with `fine` times its pixels a side."""
    return Pinhole(
        rotation=np.array(camera.rotation),
        eye=np.array(camera.position),
        focal=fine * camera.focal,
        unfocal=1.0 / (fine * camera.focal),
        cx=fine * camera.width / 2,
        cy=fine * camera.height / 2,
    )


def see(solid: Solid, camera: Camera, skirting: float = 0.0) -> Geometry:
    """Depth and instance ids of one view; `skirting` is the height of the skirting board in metres."""
    pinhole = _pinhole(camera, 1)
    screen, homog = np.zeros((len(solid.points), 3)), np.empty((len(solid.points), 3))
    project(solid.points, pinhole, screen, homog)
    shape = (camera.height, camera.width)
    inverse, owner = np.zeros(shape, np.float32), np.full(shape, -1, np.int32)
    rasterize(solid.faces, screen, homog, inverse, owner)
    shell(pinhole, solid.bounds, skirting, inverse, owner)
    ids, depth = np.empty(shape, np.int32), np.empty(shape, np.float32)
    resolve(owner, inverse, solid.face_object, ids, depth)
    return Geometry(
        camera=camera, pinhole=pinhole, screen=screen, homog=homog, inverse=inverse, owner=owner, ids=ids, depth=depth
    )


def paint(world: World, view: Geometry, supersample: int) -> U8:
    """Colours of one view, (H, W, 3)."""
    height, width = view.ids.shape
    half = ((height + 1) // 2, (width + 1) // 2)
    raw, openness = np.empty(half, np.float32), np.empty(half, np.float32)
    occlusion(view.inverse, view.owner, world.surface.face_normals, view.pinhole, SPIRAL, OPEN_RADIUS, raw)
    blur(raw, view.inverse, openness)
    fine_depth, fine_owner = view.inverse, view.owner
    if supersample == 2:
        shape = (2 * height, 2 * width)
        fine_depth, fine_owner = (np.zeros(shape, np.float32), np.full(shape, -1, np.int32))
        screen, homog = view.screen * (2.0, 2.0, 1.0), view.homog * (2.0, 2.0, 1.0)
        rasterize(world.solid.faces, screen, homog, fine_depth, fine_owner)
        shell(_pinhole(view.camera, 2), world.solid.bounds, float(world.surface.room[1]), fine_depth, fine_owner)
    rgb = np.empty((height, width, 3), np.uint8)
    buffers = Buffers(
        depth=view.inverse,
        owner=view.owner,
        fine_depth=fine_depth,
        fine_owner=fine_owner,
        openness=openness,
        homog=view.homog,
    )
    shade(supersample, buffers, world.surface, view.pinhole, world.light, TONE, rgb)
    return rgb


@lru_cache(maxsize=4)
def _ray_lengths(width: int, height: int, focal: float) -> F32:
    x = (np.arange(width) + 0.5 - width / 2) / focal
    y = (np.arange(height) + 0.5 - height / 2) / focal
    return np.sqrt(1 + x[None] ** 2 + y[:, None] ** 2).astype(np.float32)


def visibility(solid: Solid, view: Geometry, distortion: float = 0.0) -> dict[int, Visibility]:
    """How each object with a visible pixel is seen, by its index.

    Amodal pixels come from drawing the object alone. Outside the picture they are counted in a frame of half the
    picture's size around it; what lies beyond that frame or behind the camera is not counted. Through a lens with
    `distortion`, pixels and amodal pixels are those of the distorted picture; `fraction` is counted in the pinhole's
    pixels, of which those that the lens leaves out are not seen.
    """
    if distortion > 0:
        return _through_lens(solid, view, distortion)
    height, width = view.ids.shape
    table, sums = boxes(view.ids, len(solid.ranges))
    pad_x, pad_y = width // 2, height // 2
    seen = np.zeros((height + 2 * pad_y, width + 2 * pad_x), np.int32)
    lengths = _ray_lengths(width, height, view.camera.focal)
    out: dict[int, Visibility] = {}
    for index, (first, last) in enumerate(solid.ranges, start=1):
        pixels, x1, y1, x2, y2 = (int(value) for value in table[index])
        if pixels == 0:
            continue
        inside, total = coverage(solid.faces, first, last, view.screen, view.homog, index, pad_x, pad_y, seen)
        part = (slice(y1, y2), slice(x1, x2))
        near, far = int(0.05 * (pixels - 1)), int(0.95 * (pixels - 1))
        distances = np.partition((view.depth[part] * lengths[part])[view.ids[part] == index], (near, far))
        out[index] = Visibility(
            pixels=pixels,
            amodal_pixels=max(inside, pixels),
            fraction=min(1.0, pixels / max(total, 1)),
            box=(x1, y1, x2, y2),
            center=(float(sums[index, 0]) / pixels, float(sums[index, 1]) / pixels),
            distance=float(distances[near]),
            distance_far=float(distances[far]),
        )
    return out


def _through_lens(solid: Solid, view: Geometry, distortion: float) -> dict[int, Visibility]:
    """`visibility` of the distorted picture."""
    height, width = view.ids.shape
    ids, depth = warp_nearest(view.ids, distortion), warp_nearest(view.depth, distortion)
    lengths = warp_nearest(_ray_lengths(width, height, view.camera.focal), distortion)
    shown = kept(width, height, distortion)
    table, sums = boxes(ids, len(solid.ranges))
    pad_x, pad_y = width // 2, height // 2
    seen = np.zeros((height + 2 * pad_y, width + 2 * pad_x), np.int32)
    out: dict[int, Visibility] = {}
    for index, (first, last) in enumerate(solid.ranges, start=1):
        pixels, x1, y1, x2, y2 = (int(value) for value in table[index])
        if pixels == 0:
            continue
        _, total = coverage(solid.faces, first, last, view.screen, view.homog, index, pad_x, pad_y, seen)
        alone = warp_nearest(seen[pad_y : pad_y + height, pad_x : pad_x + width], distortion) == index
        visible = int(((view.ids == index) & shown).sum())
        part = (slice(y1, y2), slice(x1, x2))
        near, far = int(0.05 * (pixels - 1)), int(0.95 * (pixels - 1))
        distances = np.partition((depth[part] * lengths[part])[ids[part] == index], (near, far))
        out[index] = Visibility(
            pixels=pixels,
            amodal_pixels=max(int(alone.sum()), pixels),
            fraction=min(1.0, visible / max(total, 1)),
            box=(x1, y1, x2, y2),
            center=(float(sums[index, 0]) / pixels, float(sums[index, 1]) / pixels),
            distance=float(distances[near]),
            distance_far=float(distances[far]),
        )
    return out
