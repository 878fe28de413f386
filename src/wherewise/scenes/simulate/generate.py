"""`simulate`: a config, a seed and an index to a scene and its pictures."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wherewise.scenes.scene import Camera, Scene, SceneObject, View, Visibility
from wherewise.scenes.simulate.camera import box_corners, draw_camera, draw_path, too_small
from wherewise.scenes.simulate.config import Framing, SimulateConfig
from wherewise.scenes.simulate.furniture import load_catalogue
from wherewise.scenes.simulate.look import Look, draw_look
from wherewise.scenes.simulate.placement import Layout, draw_layout
from wherewise.scenes.simulate.render import Geometry, paint, see, visibility
from wherewise.scenes.simulate.world import Solid, World, build_solid, build_world

#: Cameras tried in one room.
CAMERAS = 8


class Rejection(StrEnum):
    """Why a drawn room or camera was thrown away."""

    CROWDED = "crowded"
    """The objects don't fit into the room."""
    CAMERA_BLOCKED = "camera_blocked"
    """The camera would stand outside the room or in a piece of furniture."""
    TOO_SMALL = "too_small"
    """Some object would be too small in the picture, even with nothing before it."""
    HIDDEN = "hidden"
    """Too few objects are well visible."""


class SimulationError(RuntimeError):
    """No room that the config accepts was found in the allowed attempts."""


F64 = NDArray[np.float64]
Shot = tuple[Camera, Geometry, dict[int, Visibility]]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Simulated:
    """A scene and its pictures, one for each view.

    Attributes:
        scene: The exact scene.
        rgb: (H, W, 3) uint8 for each view.
        depth: (H, W) float32 for each view: metres along the optical axis.
        ids: (H, W) int32 for each view: `SceneObject.index`, 0 for the room.
        rejections: How often each reason threw a draft away before this one.
    """

    scene: Scene
    rgb: tuple[NDArray[np.uint8], ...]
    depth: tuple[NDArray[np.float32], ...]
    ids: tuple[NDArray[np.int32], ...]
    rejections: Mapping[Rejection, int]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Draft:
    """A good room and what its cameras see, without colours.

    Attributes:
        layout: The room and what stands in it.
        world: The same as arrays, with look and light.
        shots: Camera, geometry and visibility of each view.
        rejections: How often each reason threw a draft away before this one.
    """

    layout: Layout
    world: World
    shots: tuple[Shot, ...]
    rejections: Mapping[Rejection, int]


def stable_seed(*parts: int | str) -> int:
    """A 64-bit seed that is the same in every process and on every machine."""
    return int.from_bytes(hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()[:8], "little")


def encode_jpeg(rgb: NDArray[np.uint8], quality: int = 92) -> bytes:
    """A picture (H, W, 3) as JPEG bytes."""
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, "JPEG", quality=quality, subsampling=0)
    return out.getvalue()


def _well_seen(config: SimulateConfig, seen: Mapping[int, Visibility]) -> set[int]:
    """Indices of the objects that are well visible."""
    least = config.min_pixels * config.width * config.height
    return {k for k, item in seen.items() if item.pixels >= least and item.fraction >= config.min_fraction}


def _aim(
    config: SimulateConfig, layout: Layout, boxes: F64, rng: np.random.Generator
) -> list[Camera] | Literal[Rejection.CAMERA_BLOCKED, Rejection.TOO_SMALL]:
    """Draw a camera, or the cameras of a clip."""
    if config.frames:
        return draw_path(config, layout, boxes, rng) or Rejection.CAMERA_BLOCKED
    camera = draw_camera(config, layout, boxes, rng)
    if camera is None:
        return Rejection.CAMERA_BLOCKED
    if config.framing is Framing.OBJECTS and too_small(config, camera, boxes):
        return Rejection.TOO_SMALL
    return [camera]


def _shoot(
    config: SimulateConfig, layout: Layout, solid: Solid, look: Look, cameras: list[Camera]
) -> list[Shot] | None:
    """What the cameras see, or None when that is not enough."""
    shots: list[Shot] = []
    found: set[int] = set()
    for camera in cameras:
        view = see(solid, camera, look.skirting_height)
        seen = visibility(solid, view)
        found |= _well_seen(config, seen)
        shots.append((camera, view, seen))
    count = len(layout.placed)
    enough = count if config.framing is Framing.OBJECTS else min(2, count)
    return shots if len(found) >= enough else None


def draft(config: SimulateConfig, seed: int, index: int) -> Draft:
    """Draw rooms and cameras until one is good; no colours yet.

    Raises:
        SimulationError: `config.max_attempts` rooms were drawn and none was good.
    """
    catalogue = load_catalogue()
    rejections: Counter[Rejection] = Counter()
    for attempt in range(config.max_attempts):
        rng = np.random.default_rng(stable_seed("wherewise.simulate", seed, index, attempt))
        layout = draw_layout(config, catalogue, rng)
        if layout is None:
            rejections[Rejection.CROWDED] += 1
            continue
        look = draw_look(rng, (layout.width, layout.depth, layout.height))
        boxes = box_corners(layout.placed)
        solid: Solid | None = None
        for _ in range(CAMERAS):
            cameras = _aim(config, layout, boxes, rng)
            if isinstance(cameras, Rejection):
                rejections[cameras] += 1
                continue
            solid = solid or build_solid(layout)
            shots = _shoot(config, layout, solid, look, cameras)
            if shots is None:
                rejections[Rejection.HIDDEN] += 1
                continue
            side = 512 if max(config.width, config.height) <= 256 else 1024
            world = build_world(layout, solid, look, side)
            return Draft(layout=layout, world=world, shots=tuple(shots), rejections=dict(rejections))
    reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(rejections.items()))
    raise SimulationError(
        f"no scene for seed {seed}, index {index} in {config.max_attempts} rooms ({reasons}); "
        "fewer objects, a larger room, or lower min_fraction and min_pixels would help"
    )


def simulate(config: SimulateConfig, seed: int, index: int) -> Simulated:
    """Draw scene number `index` of the endless series that `seed` begins.

    The same arguments give the same bytes, whatever was drawn before.

    Raises:
        SimulationError: `config.max_attempts` rooms were drawn and none was good.
    """
    drawn = draft(config, seed, index)
    return Simulated(
        scene=_scene(config, seed, index, drawn),
        rgb=tuple(paint(drawn.world, view, config.supersample) for _, view, _ in drawn.shots),
        depth=tuple(view.depth for _, view, _ in drawn.shots),
        ids=tuple(view.ids for _, view, _ in drawn.shots),
        rejections=drawn.rejections,
    )


def _scene(config: SimulateConfig, seed: int, index: int, drawn: Draft) -> Scene:
    layout, shots = drawn.layout, drawn.shots
    names = [f"o{number}" for number in range(1, len(layout.placed) + 1)]
    objects = tuple(
        SceneObject(
            id=name,
            index=number,
            category=item.model.category,
            center=(item.x, item.y, item.z + item.model.size[2] / 2),
            size=item.model.size,
            yaw=item.yaw,
            color=item.color,
            support=None if item.support is None else names[item.support],
            asset=item.model.id,
        )
        for number, (name, item) in enumerate(zip(names, layout.placed, strict=True), start=1)
    )
    views = tuple(
        View(
            camera=camera,
            visible={names[number - 1]: seen[number] for number in sorted(seen)},
            time=number_of / config.fps,
        )
        for number_of, (camera, _, seen) in enumerate(shots)
    )
    x, y = layout.width / 2, layout.depth / 2
    return Scene(
        id=f"simulate-{seed}-{index}",
        objects=objects,
        views=views,
        room=((-x, -y), (x, -y), (x, y), (-x, y)),
        height=layout.height,
        source="simulate",
        seed=seed,
        facts={"index": index},
    )
