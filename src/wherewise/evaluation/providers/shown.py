"""What a model is shown of pictures and clips, within the protocol's limits. No torch here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image

from wherewise.evaluation.protocol import DEFAULT_FRAMES, MediaLimits
from wherewise.media.video import Frames, load_frames
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
    clip = load_frames(video, root, sample_id=sample_id, fps=fps, max_frames=frames)
    if limits.max_pixels is None:
        return clip
    shrunk = [np.asarray(shrink(PIL.Image.fromarray(frame), limits.max_pixels)) for frame in clip.array]
    return Frames(array=np.stack(shrunk), times=clip.times)
