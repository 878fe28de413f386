"""Clips: exact frame times from the container's index, then as little decoding as the wanted frames need.

A clip's packets are listed first (no decoding, milliseconds), which gives the time of every frame. Frames are chosen
from that list, so the times of what is shown are exact, also at a variable frame rate. How they are reached is planned
from the same list (`wherewise.media.plan`); the frames are the same bits however that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wherewise.media.container import list_frames, opened
from wherewise.media.decode import decode_plan, stack
from wherewise.media.encode import encode_video
from wherewise.media.errors import MediaError
from wherewise.media.image import MAX_PIXELS
from wherewise.media.plan import Strategy, plan
from wherewise.media.roots import name_of
from wherewise.media.sampling import Wish, choose
from wherewise.media.torchcodec_frames import decode_with_torchcodec, torchcodec_loads
from wherewise.samples.media import Video

__all__ = ["MAX_BYTES", "Decoder", "Frames", "Strategy", "VideoInfo", "encode_video", "load_frames", "probe"]

MAX_BYTES = 4 * 2**30
"""Most bytes of decoded frames that one call returns."""


class Decoder(StrEnum):
    """What decodes."""

    PYAV = "pyav"
    """PyAV, with the plan of `wherewise.media.plan`."""
    TORCHCODEC = "torchcodec"
    """torchcodec; PyAV still lists the frames."""
    AUTO = "auto"
    """torchcodec where it can be imported, else PyAV."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VideoInfo:
    """What a clip's container says.

    Attributes:
        width: Width of the upright frames in pixels.
        height: Height of the upright frames in pixels.
        fps: Mean frames per second.
        duration: Seconds from the start of the file to the end of the last frame.
        frames: Number of frames.
        codec: Name of the codec (``h264``).
        keyframes: Number of frames that decoding can start at.
    """

    width: int
    height: int
    fps: float
    duration: float
    frames: int
    codec: str
    keyframes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Frames:
    """Decoded frames.

    Attributes:
        array: uint8, [T, H, W, 3], RGB.
        times: For each frame its time in seconds from the start of the file.
    """

    array: NDArray[np.uint8]
    times: tuple[float, ...]


def probe(video: Video, root: Path | None, *, sample_id: str = "", max_pixels: int = MAX_PIXELS) -> VideoInfo:
    """Read a clip's facts. Decodes its first frame only.

    Raises:
        MediaError: It is missing, outside the root, empty, truncated, no clip, or too large; or PyAV is not installed.
    """
    with opened(video, root, sample_id, max_pixels) as (container, stream):
        index = list_frames(container, stream, video, sample_id)
        _, first = next(decode_plan(container, stream, index, plan(index, [0], pixels=1), video, sample_id))
        height, width = first.shape[:2]
        span = index.times[-1] - index.times[0]
        return VideoInfo(
            width=width,
            height=height,
            fps=(len(index.pts) - 1) / span if span > 0 else float(stream.average_rate or 0),
            duration=index.duration,
            frames=len(index.pts),
            codec=stream.codec_context.name,
            keyframes=len(index.keys),
        )


def load_frames(
    video: Video,
    root: Path | None,
    *,
    sample_id: str = "",
    fps: float | None = None,
    min_frames: int | None = None,
    max_frames: int | None = None,
    times: Sequence[float] | None = None,
    keyframes: bool = False,
    max_pixels: int = MAX_PIXELS,
    strategy: Strategy = Strategy.AUTO,
    decoder: Decoder = Decoder.PYAV,
) -> Frames:
    """Decode frames of a clip, all within its ``start`` .. ``end``.

    With `times`, the frames nearest to them, in their order. Otherwise with `fps`, the frames nearest to ``start``,
    ``start + 1/fps``, ...; if those are more than `max_frames`, or there is no `fps`, `max_frames` frames spread evenly
    from the first to the last of the span (the middle one if it is 1), and if they are fewer than `min_frames`, so many
    (or all) spread evenly. With nothing given, the sample's own `frame_times` if it has them, else every frame. No
    frame is returned twice unless `times` asks for it.

    Rotation that the file asks for is applied.

    Args:
        video: The clip.
        root: Data root of its path; may be None for bytes.
        sample_id: Sample to name in errors.
        fps: Frames per second to sample.
        min_frames: Fewest frames to return, if the span has so many.
        max_frames: Most frames to return.
        times: Seconds from the start of the file; excludes `fps`, `min_frames`, `max_frames` and `keyframes`.
        keyframes: Return the keyframes nearest to what the rate and number ask for; fewer where two share one.
        max_pixels: Larger frames are refused before anything is decoded.
        strategy: How PyAV reaches the frames; they are the same whatever it is.
        decoder: What decodes.

    Returns:
        The frames and their exact times.

    Raises:
        MediaError: It is missing, outside the root, empty, truncated, damaged, no clip or too large; a time lies
            outside the span; or PyAV, or torchcodec where that is asked for, is not installed.
        ValueError: The arguments contradict each other.
    """
    wish = Wish(fps=fps, min_frames=min_frames, max_frames=max_frames, times=times, keyframes=keyframes)
    if wish == Wish():
        wish = Wish(times=video.frame_times)
    if decoder is Decoder.AUTO:
        decoder = Decoder.TORCHCODEC if torchcodec_loads() else Decoder.PYAV
    with opened(video, root, sample_id, max_pixels) as (container, stream):
        index = list_frames(container, stream, video, sample_id)
        chosen = choose(index, wish, video, sample_id)
        pixels = stream.codec_context.width * stream.codec_context.height
        if len(chosen) * pixels * 3 > MAX_BYTES:
            raise MediaError(
                f"{len(chosen)} frames would take {len(chosen) * pixels * 3 / 2**30:.1f} GiB",
                fix="sample fewer with fps or max_frames",
                file=name_of(video),
                sample=sample_id,
            )
        wanted = sorted(set(chosen))
        if decoder is Decoder.TORCHCODEC:
            frames = decode_with_torchcodec(video, root, index, wanted, sample_id)
        else:
            steps = plan(index, wanted, pixels=pixels, strategy=strategy)
            frames = decode_plan(container, stream, index, steps, video, sample_id)
        return Frames(array=stack(frames, chosen), times=tuple(index.times[position] for position in chosen))
