"""`simulate`: a config, a seed and an index to a scene and its pictures."""

from __future__ import annotations

import hashlib
import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wherewise.scenes.scene import Camera, Scene, Visibility
from wherewise.scenes.simulate.camera import box_corners, draw_camera, draw_path, too_small
from wherewise.scenes.simulate.capture import Shutter, develop, draw_shutter, warp_nearest
from wherewise.scenes.simulate.config import Framing, SimulateConfig
from wherewise.scenes.simulate.describe import Shot, describe
from wherewise.scenes.simulate.freespace import touches
from wherewise.scenes.simulate.furnish import draw_home
from wherewise.scenes.simulate.furniture import Catalogue, load_catalogue
from wherewise.scenes.simulate.look import Finish, Look, draw_finish, draw_look
from wherewise.scenes.simulate.materials import CEILING_BANK, FLOOR_BANK, WALL_BANK
from wherewise.scenes.simulate.moves import Move, draw_moves, layout_at
from wherewise.scenes.simulate.placement import Layout, draw_layout
from wherewise.scenes.simulate.render import paint, see, visibility
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
    STUCK = "stuck"
    """Too few objects have a free way to move."""
    APART = "apart"
    """Too few further pictures share a well visible object with the first."""


class SimulationError(RuntimeError):
    """No room that the config accepts was found in the allowed attempts."""


F64 = NDArray[np.float64]


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
        layout: The room and what stands in it, at the start of a clip.
        look: Light and, where there is no home, walls and floor.
        finishes: Of the rooms of a home.
        shots: What each camera sees.
        shutter: What the camera adds to its pictures, or None.
        catalogue: Where the models come from.
        rejections: How often each reason threw a draft away before this one.
    """

    layout: Layout
    look: Look
    finishes: tuple[Finish, ...]
    shots: tuple[Shot, ...]
    shutter: Shutter | None
    catalogue: Catalogue
    rejections: Mapping[Rejection, int]

    def world(self, shot: Shot, shadow_side: int) -> World:
        """A shot's moment with look and light."""
        return build_world(shot.layout, shot.solid, self.look, shadow_side, self.catalogue, self.finishes)


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


def _shoot(config: SimulateConfig, scene: _Stage, cameras: list[Camera]) -> list[Shot]:
    """What the cameras see, one frame after the other."""
    shots: list[Shot] = []
    for number, camera in enumerate(cameras):
        layout, solid = scene.at(number / config.fps)
        view = see(solid, camera, scene.look.skirting_height)
        seen = visibility(solid, view, scene.distortion)
        shots.append(Shot(camera=camera, geometry=view, seen=seen, layout=layout, solid=solid))
    return shots


def _enough(config: SimulateConfig, layout: Layout, shots: Sequence[Shot]) -> bool:
    found = set[int]().union(*(_well_seen(config, shot.seen) for shot in shots))
    count = len(layout.placed)
    return len(found) >= (count if config.framing is Framing.OBJECTS else min(2, count))


class _Stage:
    """A drawn room with everything that moves in it."""

    def __init__(self, config: SimulateConfig, layout: Layout, look: Look, rng: np.random.Generator) -> None:
        self.layout, self.look = layout, look
        self.finishes: tuple[Finish, ...] = ()
        if layout.plan is not None and config.home is not None:
            share, banks = config.home.materials, (FLOOR_BANK, WALL_BANK, CEILING_BANK)
            self.finishes = tuple(draw_finish(rng, share, room.kind, banks) for room in layout.plan.rooms)
        self.moves: tuple[Move, ...] | None = draw_moves(config, layout, rng) if config.moving[1] else ()
        self.distortion = 0.0
        self._solid: Solid | None = None

    def at(self, time: float) -> tuple[Layout, Solid]:
        """Layout and shapes at some second; built when first asked for, and again only if something moves."""
        if self._solid is None:
            self._solid = build_solid(self.layout, self.finishes)
        if not self.moves:
            return self.layout, self._solid
        layout = layout_at(self.layout, self.moves, time)
        return layout, build_solid(layout, self.finishes)

    def hits(self, config: SimulateConfig, cameras: Sequence[Camera]) -> bool:
        """Whether something moves into a camera."""
        if not self.moves:
            return False
        times = (number / config.fps for number in range(len(cameras)))
        layouts = (layout_at(self.layout, self.moves, time) for time in times)
        return any(touches(each, *camera.position, 0.15) for each, camera in zip(layouts, cameras, strict=True))


def _more_views(config: SimulateConfig, stage: _Stage, shots: list[Shot], rng: np.random.Generator) -> list[Shot]:
    """Further pictures of a still scene: from elsewhere, each with an object well seen in one before."""
    wanted = int(rng.integers(config.views[0], config.views[1] + 1))
    boxes = box_corners(stage.layout.placed)
    for _ in range(12 * wanted):
        if len(shots) >= wanted:
            break
        camera = draw_camera(config, stage.layout, boxes, rng)
        if camera is None or any(_alike(camera, shot.camera) for shot in shots):
            continue
        (shot,) = _shoot(config, stage, [camera])
        known = set[int]().union(*(_well_seen(config, other.seen) for other in shots))
        if known & _well_seen(config, shot.seen):
            shots.append(shot)
    return shots


def _alike(one: Camera, two: Camera) -> bool:
    """Whether two pictures would be nearly the same."""
    angle = sum(a * b for a, b in zip(one.rotation[2], two.rotation[2], strict=True))
    return math.dist(one.position, two.position) < 0.5 and angle > math.cos(math.radians(20))


def draft(config: SimulateConfig, seed: int, index: int) -> Draft:
    """Draw rooms and cameras until one is good; no colours yet.

    Raises:
        SimulationError: `config.max_attempts` rooms were drawn and none was good.
    """
    catalogue = load_catalogue(config.furniture)
    shutter: Shutter | None = None
    if config.capture is not None:
        own = np.random.default_rng(stable_seed("wherewise.simulate.capture", seed, index))
        shutter = draw_shutter(config.capture, own)
    rejections: Counter[Rejection] = Counter()
    for attempt in range(config.max_attempts):
        rng = np.random.default_rng(stable_seed("wherewise.simulate", seed, index, attempt))
        layout = (draw_layout if config.home is None else draw_home)(config, catalogue, rng)
        if layout is None:
            rejections[Rejection.CROWDED] += 1
            continue
        look = draw_look(rng, (layout.width, layout.depth, layout.height))
        stage = _Stage(config, layout, look, rng)
        stage.distortion = shutter.distortion if shutter else 0.0
        if stage.moves is None:
            rejections[Rejection.STUCK] += 1
            continue
        boxes = box_corners(layout.placed)
        for _ in range(CAMERAS):
            cameras = _aim(config, layout, boxes, rng)
            if not isinstance(cameras, Rejection) and stage.hits(config, cameras):
                cameras = Rejection.CAMERA_BLOCKED
            if isinstance(cameras, Rejection):
                rejections[cameras] += 1
                continue
            shots = _shoot(config, stage, cameras)
            if not _enough(config, layout, shots):
                rejections[Rejection.HIDDEN] += 1
                continue
            if config.views[1] > 1:
                shots = _more_views(config, stage, shots, rng)
                if len(shots) < config.views[0]:
                    rejections[Rejection.APART] += 1
                    continue
            return Draft(
                layout=layout,
                look=look,
                finishes=stage.finishes,
                shots=tuple(shots),
                shutter=shutter,
                catalogue=catalogue,
                rejections=dict(rejections),
            )
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
    rgb, depth, ids = [], [], []
    side = shadow_side(config)
    world: World | None = None
    for number, shot in enumerate(drawn.shots):
        if world is None or world.solid is not shot.solid:
            world = drawn.world(shot, side)
        picture, z, things = paint(world, shot.geometry, config.supersample), shot.geometry.depth, shot.geometry.ids
        if drawn.shutter is not None:
            own = np.random.default_rng(stable_seed("wherewise.simulate.noise", seed, index, number))
            picture = develop(picture, drawn.shutter, own)
            if drawn.shutter.distortion > 0:
                z = warp_nearest(z, drawn.shutter.distortion)
                things = warp_nearest(things, drawn.shutter.distortion)
        rgb.append(picture)
        depth.append(z)
        ids.append(things)
    return Simulated(
        scene=describe(config, seed, index, drawn.layout, drawn.shots, drawn.shutter),
        rgb=tuple(rgb),
        depth=tuple(depth),
        ids=tuple(ids),
        rejections=drawn.rejections,
    )


def survey(config: SimulateConfig, seed: int, index: int) -> Scene:
    """The scene that `simulate` gives for the same arguments, without its pictures.

    Raises:
        SimulationError: `config.max_attempts` rooms were drawn and none was good.
    """
    drawn = draft(config, seed, index)
    return describe(config, seed, index, drawn.layout, drawn.shots, drawn.shutter)


def shadow_side(config: SimulateConfig) -> int:
    """Side of the light map in pixels."""
    return 512 if max(config.width, config.height) <= 256 else 1024
