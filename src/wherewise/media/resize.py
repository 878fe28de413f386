"""The size to which Qwen's vision towers resize a picture or clip: one rule for data, training and evaluation."""

from __future__ import annotations

import math

MAX_ASPECT = 200
"""Longest side over shortest; beyond it a picture is refused."""


def smart_resize(
    height: int, width: int, *, factor: int = 28, min_pixels: int = 56 * 56, max_pixels: int = 14 * 14 * 4 * 1280
) -> tuple[int, int]:
    """Size of a resized picture: both sides multiples of `factor`, area within the limits, aspect ratio nearly kept.

    The rule of Qwen2-VL, Qwen2.5-VL (factor 28) and Qwen3-VL (factor 32); defaults are those of Qwen2-VL.

    Args:
        height: Height in pixels.
        width: Width in pixels.
        factor: Patch size times spatial merge size.
        min_pixels: Smallest area in pixels.
        max_pixels: Largest area in pixels.

    Returns:
        ``(height, width)`` in pixels.

    Raises:
        ValueError: A side is below 1 pixel or the aspect ratio is above 200.

    >>> smart_resize(480, 640)
    (476, 644)
    >>> smart_resize(480, 640, factor=32)
    (480, 640)
    """
    _check(height, width)
    rows, columns = round(height / factor) * factor, round(width / factor) * factor
    if rows * columns > max_pixels:
        return _shrink(height, width, factor, math.sqrt(height * width / max_pixels))
    if rows * columns < min_pixels:
        return _grow(height, width, factor, math.sqrt(min_pixels / (height * width)))
    return rows, columns


def smart_resize_video(
    frames: int,
    height: int,
    width: int,
    *,
    temporal_factor: int = 2,
    factor: int = 32,
    min_pixels: int = 128 * 128,
    max_pixels: int = 32 * 32 * 2 * 2 * 2 * 6144,
) -> tuple[int, int]:
    """Size of the resized frames of a clip by Qwen3-VL's rule, whose limits are on frames x height x width.

    Args:
        frames: Number of sampled frames.
        height: Height in pixels.
        width: Width in pixels.
        temporal_factor: Frames merged into one temporal patch.
        factor: Patch size times spatial merge size.
        min_pixels: Smallest volume, in pixels over all frames.
        max_pixels: Largest volume, in pixels over all frames.

    Returns:
        ``(height, width)`` in pixels.

    Raises:
        ValueError: There are too few frames, a side is below 1 pixel, or the aspect ratio is above 200.
    """
    if frames < temporal_factor:
        raise ValueError(f"{frames} frames are fewer than the {temporal_factor} of one temporal patch; sample more")
    if min(height, width) >= 1 and (height < factor or width < factor):
        scale = max(factor / height, factor / width)
        height, width = int(height * scale), int(width * scale)
    _check(height, width)
    rows, columns = round(height / factor) * factor, round(width / factor) * factor
    volume = round(frames / temporal_factor) * temporal_factor * rows * columns
    if volume > max_pixels:
        return _shrink(height, width, factor, math.sqrt(frames * height * width / max_pixels))
    if volume < min_pixels:
        return _grow(height, width, factor, math.sqrt(min_pixels / (frames * height * width)))
    return rows, columns


def _check(height: int, width: int) -> None:
    if min(height, width) < 1:
        raise ValueError(f"a picture needs at least 1 x 1 pixels, got height {height} and width {width}")
    if max(height, width) / min(height, width) > MAX_ASPECT:
        raise ValueError(f"{width} x {height} pixels is longer than {MAX_ASPECT}:1; crop it")


def _shrink(height: int, width: int, factor: int, beta: float) -> tuple[int, int]:
    rows, columns = (max(factor, math.floor(side / beta / factor) * factor) for side in (height, width))
    return rows, columns


def _grow(height: int, width: int, factor: int, beta: float) -> tuple[int, int]:
    rows, columns = (math.ceil(side * beta / factor) * factor for side in (height, width))
    return rows, columns
