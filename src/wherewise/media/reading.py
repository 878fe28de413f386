"""How clips are read for a model: which frames, how large, what is drawn on them, what is kept, how long it may take.

Training, evaluation and the exports read clips through `read_clip`, so that one piece of YAML says it for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage
from pydantic import BaseModel, ConfigDict, Field

from wherewise.media.frame_cache import FrameCache
from wherewise.media.guard import load_within
from wherewise.media.overlay import OverlayConfig, cues_for, draw_overlay
from wherewise.media.roots import content_hash, name_of
from wherewise.media.video import Decoder, Frames, load_frames
from wherewise.samples.media import Video


class Timed(Protocol):
    """Frames and their times."""

    @property
    def array(self) -> NDArray[np.uint8]:
        """uint8, [T, H, W, 3], RGB."""

    @property
    def times(self) -> Sequence[float]:
        """Seconds of each frame."""


class ReadingConfig(BaseModel):
    """How clips are read, besides which frames of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_pixels: int | None = Field(default=None, ge=1024)
    """Largest width x height of a frame; larger ones are shrunk before anything is drawn. None: the processor's own
    limit alone."""
    keyframes: bool = False
    """Take the nearest keyframes, which are decoded alone: many times faster, at times that the encoder chose."""
    overlay: OverlayConfig | None = None
    """What is drawn on the frames; None draws nothing."""
    decoder: Decoder = Decoder.PYAV
    """``pyav``, ``torchcodec``, or ``auto``: torchcodec where it can be imported, else PyAV."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds after which the decoding of a clip is killed and its file set aside; None decodes in this process,
    without a limit."""
    cache: Path | None = None
    """Folder where decoded frames are kept for later epochs and runs, and where files that were set aside are listed;
    None keeps nothing."""
    cache_mb: int = Field(default=10_000, ge=1)
    """Most megabytes of kept frames; those unused for longest go first."""


def read_clip(
    video: Video,
    root: Path | None,
    config: ReadingConfig,
    *,
    fps: float | None = None,
    min_frames: int | None = None,
    max_frames: int | None = None,
    drawn: bool = True,
    sample_id: str = "",
) -> Frames:
    """The frames of a clip as a model is to see them.

    Args:
        video: The clip.
        root: Data root of its path; may be None for bytes.
        config: How it is read.
        fps: Frames per second to sample.
        min_frames: Fewest frames, if the span has so many.
        max_frames: Most frames; with none of the three the sample's own frames, else all.
        drawn: False leaves the overlay to `overlaid`, after the frames have been put in another order.
        sample_id: Sample to name in errors.

    Raises:
        MediaError: The clip cannot be read, took too long, or cannot be drawn on.
    """
    keyframes = config.keyframes and not (fps is None and min_frames is None and max_frames is None)
    wish: dict[str, Any] = {"fps": fps, "min_frames": min_frames, "max_frames": max_frames}
    wish |= {"keyframes": keyframes, "decoder": config.decoder.value}
    kept = None if config.cache is None else FrameCache(config.cache, config.cache_mb * 10**6)
    key = ""
    if kept is not None:
        span = (video.start, video.end, video.frame_times)
        key = kept.key(content_hash(video, root), {**wish, "span": span, "max_pixels": config.max_pixels})
        found = kept.get(key)
        if found is not None:
            return overlaid(found, video, config.overlay, sample_id=sample_id) if drawn else found
    if config.timeout is None:
        frames = load_frames(video, root, sample_id=sample_id, **{**wish, "decoder": config.decoder})
    else:
        frames = load_within(video, root, seconds=config.timeout, wish=wish, aside=config.cache, sample_id=sample_id)
    if config.max_pixels is not None:
        frames = Frames(array=shrink(frames.array, config.max_pixels), times=frames.times)
    if kept is not None:
        kept.put(key, frames)
    return overlaid(frames, video, config.overlay, sample_id=sample_id) if drawn else frames


def overlaid(frames: Timed, video: Video, overlay: OverlayConfig | None, *, sample_id: str = "") -> Frames:
    """The frames with the overlay drawn at their times.

    Raises:
        MediaError: The clip's subtitles are missing, or the frames are too small.
    """
    array, times = frames.array, tuple(frames.times)
    if overlay is not None:
        cues = cues_for(video, overlay, sample_id=sample_id)
        array = draw_overlay(array, times, overlay, cues=cues, file=name_of(video), sample_id=sample_id)
    return Frames(array=array, times=times)


def shrink(array: NDArray[np.uint8], max_pixels: int) -> NDArray[np.uint8]:
    """Frames with at most so many pixels each, their aspect ratio kept.

    Args:
        array: uint8, [T, H, W, 3], RGB.
        max_pixels: Largest height x width.

    Returns:
        uint8, [T, h, w, 3]; the same array if it is small enough.
    """
    height, width = array.shape[1:3]
    if height * width <= max_pixels:
        return array
    scale = (max_pixels / (height * width)) ** 0.5
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    return np.stack([np.asarray(PILImage.fromarray(f).resize(size, PILImage.Resampling.BICUBIC)) for f in array])
