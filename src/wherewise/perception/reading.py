"""One photograph to a `Scene`: detect, sort out, cut out, measure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherewise.perception.ground import Ground, GroundConfig, find_ground
from wherewise.perception.lifting import Extent, camera_of, distances, extent_of
from wherewise.perception.naming import told_apart
from wherewise.perception.narratives import Narrative
from wherewise.perception.results import (
    Box,
    Camera,
    DepthEstimator,
    DepthMap,
    Describer,
    Detector,
    Picture,
    Segmenter,
)
from wherewise.perception.sorting import Doubt, SortingConfig, Thing, sort_out
from wherewise.scenes import Camera as PinholeCamera
from wherewise.scenes import Scene, SceneObject, View, Visibility
from wherewise.scenes.graphs.flat import plane_camera

DOUBTFUL = "doubt"
"""Attribute of objects that are in the scene only so that nothing is said that they might contradict."""
UNKNOWN_DISTANCE = (1.0, 2.0)
"""Stands for the distances of a thing in doubt of which the depth map says nothing; no question uses it."""
UNKNOWN_PLACE = ((0.0, 0.0, 0.0), (0.01, 0.01, 0.01))
"""Stands for its place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Backends:
    """What looks at the photographs.

    Attributes:
        detector: Finds things.
        segmenter: Cuts them out; None takes boxes for masks.
        depth: Tells depths; None asks only questions that need none.
        camera: Tells focal lengths.
        describer: Says what is seen; None leaves captions out.
    """

    detector: Detector
    camera: Camera
    segmenter: Segmenter | None = None
    depth: DepthEstimator | None = None
    describer: Describer | None = None

    @property
    def names(self) -> list[str]:
        """Names of all, for manifests and caches."""
        parts = (self.detector, self.segmenter, self.depth, self.camera, self.describer)
        return [part.name for part in parts if part is not None]


def read_photograph(
    name: str,
    picture: Picture,
    backends: Backends,
    *,
    sorting: SortingConfig,
    ground: GroundConfig,
    file: str = "",
    exif: Mapping[str, float],
    tally: Counter[str],
    narrative: Narrative | None = None,
) -> Scene:
    """The scene of a photograph.

    Things that are in doubt are objects whose visible share is 0, so that no question names them, none counts their
    category and none says that it is absent. Without a metric depth map the scene lies in the picture's plane, as those
    of annotated pictures do (`Scene.units_known` is False); with a relative one `Visibility.distance` runs from 1
    (nearest pixel) to 2 (farthest).

    Args:
        name: Id of the scene.
        picture: ``(height, width, 3)`` uint8 RGB, upright.
        backends: What looks at it.
        sorting: When a detection is trusted.
        ground: When a plane is the floor.
        file: Path of the photograph inside its folder; depth maps that are files are found by it.
        exif: Numbers of the file, see `read_exif`.
        tally: Counts ``objects.<reason>`` and ``ground.<reason>``.
        narrative: What a person said of it; its caption, and how much of the pointer's trace lay on each thing while
            its label was said, become facts of the scene.
    """
    height, width = picture.shape[:2]
    things = sort_out(backends.detector.detect(picture), width, height, sorting, tally)
    masks, things = _cut_out(picture, things, backends.segmenter, sorting, tally)
    depth = backends.depth.depth(picture, file) if backends.depth is not None else None
    if depth is not None and depth.values.shape != (height, width):
        raise ValueError(
            f"{backends.depth and backends.depth.name}: depth {depth.values.shape}, picture {(height, width)}"
        )
    metric = depth is not None and depth.metric
    intrinsics = backends.camera.intrinsics(picture, dict(exif), depth)
    floor: Ground | None = None
    facts: dict[str, Any] = {"backends": backends.names, "focal_source": intrinsics.source}
    if depth is not None and metric:
        found = find_ground(depth, intrinsics.focal, ground)
        floor = found if isinstance(found, Ground) else None
        tally["ground.found" if isinstance(found, Ground) else f"ground.{found}"] += 1
        facts["floor_known"] = floor is not None
    camera = camera_of(width, height, intrinsics.focal, floor) if metric else plane_camera(width, height)
    captions, colors = _described(picture, things, masks, backends.describer, facts)
    objects, visible = [], {}
    numbers: Counter[str] = Counter()
    for index, (thing, mask, caption, color) in enumerate(zip(things, masks, captions, colors, strict=True), start=1):
        label = thing.detection.label
        known_as = f"{label.replace(' ', '_')}-{numbers[label]}"
        numbers[label] += 1
        extent, near_far = _measure(depth, mask, camera)
        doubt = thing.doubt
        if depth is not None and near_far is None and doubt is None:
            doubt = Doubt.DEPTH_UNKNOWN
            tally[f"objects.{doubt}"] += 1
        if depth is not None and near_far is None:
            near_far = UNKNOWN_DISTANCE
        place = (
            (extent.center, extent.size) if extent else UNKNOWN_PLACE if metric else _flat(thing.detection.box, height)
        )
        objects.append(
            SceneObject(
                id=known_as,
                index=index,
                category=label,
                center=place[0],
                size=place[1],
                yaw=0.0,
                color=color,
                attributes=_attributes(thing, doubt, sorting) | ({"caption": caption} if caption else {}),
            )
        )
        visible[known_as] = _visibility(thing, mask, near_far, named=doubt is None)
        tally["objects.named" if doubt is None else "objects.in_doubt"] += 1
    if narrative is not None:
        facts |= _narrated(narrative, objects, things, width, height)
    facts["scores"] = {o.id: round(t.detection.score, 3) for o, t in zip(objects, things, strict=True)}
    return Scene(
        id=name,
        objects=tuple(objects),
        views=(View(camera=camera, visible=visible),),
        source="photos",
        facts=facts,
        units_known=metric,
        complete=True,
    )


def _described(
    picture: Picture,
    things: list[Thing],
    masks: list[NDArray[np.bool_]],
    describer: Describer | None,
    facts: dict[str, Any],
) -> tuple[list[str], list[str | None]]:
    """A caption and a colour a thing, in the things' order; empty and None for those in doubt.

    Raises:
        ValueError: The describer gave another number of captions than it was asked for.
    """
    captions: list[str] = [""] * len(things)
    colors: list[str | None] = [None] * len(things)
    if describer is None:
        return captions, colors
    facts["caption"] = describer.caption(picture)
    named = [number for number, thing in enumerate(things) if thing.doubt is None]
    if not named:
        return captions, colors
    said = describer.captions(picture, [things[n].detection.box for n in named], np.stack([masks[n] for n in named]))
    if len(said) != len(named):
        raise ValueError(f"{describer.name}: {len(said)} captions for {len(named)} things")
    told = dict(zip(named, told_apart([things[n].detection.label for n in named], said), strict=True))
    for number, text in zip(named, said, strict=True):
        captions[number] = text
    return captions, [told.get(number) for number in range(len(things))]


def _narrated(
    narrative: Narrative, objects: list[SceneObject], things: list[Thing], width: int, height: int
) -> dict[str, Any]:
    """The narrative's caption, and the share of its trace on each thing that it names."""
    pointed = {
        each.id: narrative.pointed(each.category, thing.detection.box, width, height)
        for each, thing in zip(objects, things, strict=True)
    }
    return {"narrative": narrative.caption, "pointed": {k: share for k, share in pointed.items() if share is not None}}


def _attributes(thing: Thing, doubt: Doubt | None, sorting: SortingConfig) -> dict[str, str]:
    """Why a thing is in doubt, and whether it is faint."""
    if doubt is None:
        return {}
    return {DOUBTFUL: str(doubt)} | ({"faint": "yes"} if thing.detection.score < sorting.faint else {})


def _cut_out(
    picture: Picture, things: list[Thing], segmenter: Segmenter | None, sorting: SortingConfig, tally: Counter[str]
) -> tuple[list[NDArray[np.bool_]], list[Thing]]:
    """A mask a thing: the segmenter's for those that may be named, the box for the others."""
    masks = [_box_mask(thing.detection.box, picture) for thing in things]
    named = [number for number, thing in enumerate(things) if thing.doubt is None]
    if segmenter is None or not named:
        return masks, things
    sorted_out = list(things)
    for number, mask in zip(named, segmenter.masks(picture, [things[n].detection.box for n in named]), strict=True):
        x1, y1, x2, y2 = things[number].detection.box
        if not mask.any():
            tally[f"objects.{Doubt.MASK_EMPTY}"] += 1
            continue
        rows, columns = np.nonzero(mask)
        shift = (
            abs(columns.mean() + 0.5 - (x1 + x2) / 2) / (x2 - x1),
            abs(rows.mean() + 0.5 - (y1 + y2) / 2) / (y2 - y1),
        )
        if max(shift) > sorting.mask_shift:
            tally[f"objects.{Doubt.MASK_DISAGREES}"] += 1
            sorted_out[number] = Thing(detection=things[number].detection, doubt=Doubt.MASK_DISAGREES)
        masks[number] = mask
    return masks, sorted_out


def _box_mask(box: Box, picture: Picture) -> NDArray[np.bool_]:
    mask = np.zeros(picture.shape[:2], dtype=np.bool_)
    mask[
        round(box[1]) : max(round(box[1]) + 1, round(box[3])), round(box[0]) : max(round(box[0]) + 1, round(box[2]))
    ] = True
    return mask


def _measure(
    depth: DepthMap | None, mask: NDArray[np.bool_], camera: PinholeCamera
) -> tuple[Extent | None, tuple[float, float] | None]:
    """Box in space and nearest and farthest distance, as far as the depth map tells them."""
    if depth is None:
        return None, None
    if depth.metric:
        extent = extent_of(depth, mask, camera)
        return extent, None if extent is None else (extent.near, extent.far)
    known = depth.values[np.isfinite(depth.values)]
    low, high = float(known.min()), float(known.max())
    scaled = (1 + (depth.values - low) / max(high - low, 1e-9)).astype(np.float32)
    kept = distances(scaled, mask)
    return None, None if kept is None else (float(np.percentile(kept, 5)), float(np.percentile(kept, 95)))


def _flat(box: Box, height: int) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    x1, y1, x2, y2 = box
    return ((x1 + x2) / 2, 0.0, height - (y1 + y2) / 2), (x2 - x1, 0.0, y2 - y1)


def _visibility(
    thing: Thing, mask: NDArray[np.bool_], near_far: tuple[float, float] | None, *, named: bool
) -> Visibility:
    rows, columns = np.nonzero(mask)
    x1, y1, x2, y2 = thing.detection.box
    pixels = max(1, int(mask.sum()))
    center = (float(columns.mean()) + 0.5, float(rows.mean()) + 0.5) if len(rows) else ((x1 + x2) / 2, (y1 + y2) / 2)
    left, top = round(x1), round(y1)
    return Visibility(
        pixels=pixels,
        amodal_pixels=pixels,
        fraction=1.0 if named else 0.0,
        box=(left, top, max(left + 1, round(x2)), max(top + 1, round(y2))),
        center=center,
        distance=near_far[0] if near_far else None,
        distance_far=near_far[1] if near_far else None,
    )
