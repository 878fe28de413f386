"""Small pictures of a sample's media for a page: shrunk, as JPEG, with the times of the frames."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage

from wherewise.media import load_frames, load_image
from wherewise.samples.media import Image, Media, Video

T = TypeVar("T")

FRAME_SIDE = 0.6
"""Frames of a clip are this much smaller than pictures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shot:
    """One picture, or one frame of a clip.

    Attributes:
        medium: Position of the medium in the sample.
        time: Seconds from the start of the file; None for a picture.
        jpeg: The shrunk picture.
        width: Width of the original in pixels, which boxes refer to.
        height: Height of the original in pixels.
    """

    medium: int
    time: float | None
    jpeg: bytes
    width: int
    height: int


def take_shots(
    media: Sequence[Media], root: Path | None, *, sample_id: str, side: int, frames: int, quality: int
) -> list[Shot]:
    """Shrink a sample's pictures, and the frames of its clips.

    Of a clip come the frames that the sample names (`Video.frame_times`), evenly thinned to `frames`, else `frames`
    ones spread evenly over its span.

    Args:
        media: The media.
        root: Data root of their paths.
        sample_id: Sample to name in errors.
        side: Longest side of a picture in pixels; frames are smaller by `FRAME_SIDE`.
        frames: Most frames of a clip.
        quality: JPEG quality.

    Raises:
        MediaError: A medium is missing, outside the root or damaged.
    """
    shots = []
    for position, medium in enumerate(media):
        if isinstance(medium, Image):
            picture = load_image(medium, root, sample_id=sample_id)
            shots.append(_shot(position, None, picture, side, quality))
            continue
        for time, frame in _frames(medium, root, sample_id, frames):
            shots.append(_shot(position, time, PILImage.fromarray(frame), round(side * FRAME_SIDE), quality))
    return shots


def _frames(video: Video, root: Path | None, sample_id: str, most: int) -> list[tuple[float, NDArray[np.uint8]]]:
    if video.frame_times:
        found = load_frames(video, root, sample_id=sample_id, times=spread(video.frame_times, most))
    else:
        found = load_frames(video, root, sample_id=sample_id, max_frames=most)
    return list(zip(found.times, found.array, strict=True))


def spread(rows: Sequence[T], most: int) -> list[T]:
    """At most `most` of the rows, evenly spaced, the first and (from two on) the last included."""
    if len(rows) <= most:
        return list(rows)
    if most == 1:
        return [rows[0]]
    return [rows[round(i * (len(rows) - 1) / (most - 1))] for i in range(most)]


def _shot(medium: int, time: float | None, picture: PILImage.Image, side: int, quality: int) -> Shot:
    width, height = picture.size
    return Shot(medium=medium, time=time, jpeg=encode_small(picture, side, quality), width=width, height=height)


def encode_small(picture: PILImage.Image, side: int, quality: int) -> bytes:
    """JPEG of a picture whose longest side is at most `side`."""
    scale = min(1.0, side / max(picture.size))
    if scale < 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, PILImage.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


DEPTH_SIDE = 288
"""Longest side of depth and id pictures."""


def _thinned(array: NDArray[Any]) -> NDArray[Any]:
    """Every so many rows and columns of (H, W), so that no side is longer than `DEPTH_SIDE`."""
    height, width = array.shape
    scale = max(1.0, max(array.shape) / DEPTH_SIDE)
    rows, columns = (np.arange(max(1, int(side / scale))) * scale for side in (height, width))
    return array[np.ix_(rows.astype(int), columns.astype(int))]


def depth_picture(depth: NDArray[np.float32]) -> tuple[bytes, float, float]:
    """Depth in colors, near warm and far cool, black where it is unknown.

    Args:
        depth: (H, W) metres; 0 is unknown.

    Returns:
        JPEG, and the nearest and farthest depth in metres that the colors span (1st and 99th percentile).
    """
    small = _thinned(depth)
    known = small[small > 0]
    low, high = (float(v) for v in np.percentile(known, (1, 99))) if known.size else (0.0, 1.0)
    share = 1 - np.clip((small - low) / max(high - low, 1e-6), 0, 1)
    rgb = np.where((small > 0)[..., None], turbo(np.linspace(0, 1, 256))[np.round(share * 255).astype(int)], 0)
    return encode_small(PILImage.fromarray(rgb.astype(np.uint8)), DEPTH_SIDE, 80), low, high


def turbo(share: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Google's Turbo colors by its published fifth-order polynomial: (n,) in 0..1 to (n, 3)."""
    curves = np.array(
        [
            [0.13572138, 4.61539260, -42.66032258, 132.13108234, -152.94239396, 59.28637943],
            [0.09140261, 2.19418839, 4.84296658, -14.18503333, 4.27729857, 2.82956604],
            [0.10667330, 12.64194608, -60.58204836, 110.36276771, -89.90310912, 27.34824973],
        ]
    )
    powers = np.stack([share**k for k in range(6)], axis=-1)
    colors: NDArray[np.uint8] = (np.clip(powers @ curves.T, 0, 1) * 255).astype(np.uint8)
    return colors


def id_color(index: int) -> tuple[int, int, int]:
    """Color of an instance id; neighbours differ. 0 (no object) is dark grey."""
    if index == 0:
        return 40, 42, 48
    hue, light = (index * 0.61803398875) % 1, (0.95, 0.75, 0.6)[index % 3]
    sector, part = divmod(hue * 6, 1)
    ramp = [light, light * (1 - 0.65 * part), light * 0.35, light * (0.35 + 0.65 * part)]
    order = [(0, 3, 2), (1, 0, 2), (2, 0, 3), (2, 1, 0), (3, 2, 0), (0, 2, 1)][int(sector) % 6]
    red, green, blue = (round(255 * ramp[i]) for i in order)
    return red, green, blue


def id_picture(ids: NDArray[np.int32]) -> bytes:
    """Instance ids in colors of `id_color`, (H, W), as PNG without blended edges."""
    small = _thinned(ids)
    palette = np.array([id_color(index) for index in range(int(small.max()) + 1)], np.uint8)
    if len(palette) <= 256:
        picture = PILImage.fromarray(small.astype(np.uint8), mode="P")
        picture.putpalette(palette.tobytes())
    else:
        picture = PILImage.fromarray(palette[small])
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
