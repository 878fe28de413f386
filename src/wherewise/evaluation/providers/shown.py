"""What a model is shown of pictures and clips, within the protocol's limits. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import PIL.Image

from wherewise.evaluation.protocol import DEFAULT_FRAMES, MediaLimits
from wherewise.media.overlay import check_legible
from wherewise.media.reading import read_clip
from wherewise.media.roots import name_of
from wherewise.media.video import Frames
from wherewise.samples import Video


def shrink(picture: PIL.Image.Image, max_pixels: int | None) -> PIL.Image.Image:
    """The picture with at most so many pixels, its aspect ratio kept."""
    if max_pixels is None or picture.width * picture.height <= max_pixels:
        return picture
    scale = (max_pixels / (picture.width * picture.height)) ** 0.5
    size = (max(1, int(picture.width * scale)), max(1, int(picture.height * scale)))
    return picture.resize(size, PIL.Image.Resampling.BICUBIC)


def load_clip(video: Video, limits: MediaLimits, root: Path, *, sample_id: str) -> Frames:
    """The frames that are shown of a clip, each within `limits.max_pixels`.

    Raises:
        MediaError: The clip cannot be read.
    """
    frames, fps = limits.frames, limits.fps
    if frames is None and not (fps is None and video.frame_times):
        frames = DEFAULT_FRAMES
    reading = limits.reading.model_copy(update={"max_pixels": limits.max_pixels})
    return read_clip(video, root, reading, sample_id=sample_id, fps=fps, max_frames=frames)


def check_seen(
    limits: MediaLimits, clips: Sequence[tuple[tuple[int, ...], Video]], grid: Any, patch: int, sample_id: str
) -> None:
    """Refuse a processor's resize that leaves too little of the text drawn on clips.

    Args:
        limits: With the overlay, if any.
        clips: ``(height, width)`` of each clip's drawn frames, and the clip.
        grid: For each clip time, rows and columns of its patches; None without clips.
        patch: Pixels of a patch's side.
        sample_id: Sample to name in errors.

    Raises:
        MediaError: The text cannot be read.
    """
    overlay = limits.reading.overlay
    if overlay is None or grid is None:
        return
    for ((height, width), video), (_, rows, columns) in zip(clips, grid.tolist(), strict=True):
        seen = (columns * patch, rows * patch)
        check_legible(overlay, (width, height), seen, file=name_of(video), sample_id=sample_id)
