"""Frames to clips."""

from __future__ import annotations

import io
import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from wherewise.media.container import import_av


def encode_video(frames: NDArray[np.uint8], fps: float, *, crf: int = 18) -> bytes:
    """Encode frames as H.264 in MP4. The same frames give the same bytes (with the same PyAV).

    Args:
        frames: uint8, [T, H, W, 3], RGB; H and W even.
        fps: Frames per second.
        crf: x264's constant rate factor: 0 is lossless but for the colour conversion, 51 the worst.

    Raises:
        ValueError: The array has another shape or type, odd sides, or no frames.
        MediaError: PyAV is not installed.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f"frames must be uint8 [T, H, W, 3] with T >= 1, got {frames.dtype} {list(frames.shape)}")
    height, width = frames.shape[1:3]
    if height % 2 or width % 2:
        raise ValueError(f"H.264 needs even sides, got {width} x {height}; crop or render one pixel more")
    if not 0 < fps < math.inf:
        raise ValueError(f"fps must be above 0, got {fps}")
    av = import_av("<frames>", "")
    rate = Fraction(fps).limit_denominator(1001)
    target = io.BytesIO()
    with av.open(target, mode="w", format="mp4") as container:
        container.flags |= av.container.Flags.bitexact.value
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.flags |= av.codec.context.Flags.bitexact.value
        context.thread_count = 1
        context.time_base = 1 / rate
        # A keyframe every two seconds keeps jumps short; no scene cuts, so their place depends on the rate alone.
        context.gop_size = max(1, round(2 * fps))
        stream.options = {"crf": str(crf), "preset": "medium", "threads": "1", "sc_threshold": "0"}
        for position, array in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(array), format="rgb24")
            frame.pts, frame.time_base = position, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()
