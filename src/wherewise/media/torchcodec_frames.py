"""Frames by torchcodec, for those who have it; imported only when it is asked for, since it brings torch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherewise.media.container import Index
from wherewise.media.errors import MediaError
from wherewise.media.roots import name_of, open_medium
from wherewise.samples.media import Video

TOLERANCE = 0.5
"""Largest difference, in frames of the clip's mean rate, between torchcodec's time of a frame and the index's."""


@cache
def torchcodec_loads() -> bool:
    """Whether torchcodec can be imported here: it needs a fitting torch and FFmpeg's shared libraries."""
    try:
        import_module("torchcodec.decoders")
    except (ImportError, OSError, RuntimeError):  # its shared libraries fail in any of these ways
        return False
    return True


def decode_with_torchcodec(
    video: Video, root: Path | None, index: Index, wanted: list[int], sample_id: str
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Decode the frames at these ascending positions, on one thread.

    Raises:
        MediaError: torchcodec cannot be imported, cannot decode the clip, or counts its frames otherwise than the
            container's index does.
    """
    file = name_of(video)
    try:
        decoders: Any = import_module("torchcodec.decoders")
    except (ImportError, OSError, RuntimeError) as error:
        raise MediaError(
            f"torchcodec cannot be imported: {str(error).strip().splitlines()[-1]}",
            fix="install the torchcodec that fits your torch, and FFmpeg; or set decoder: pyav",
            file=file,
            sample=sample_id,
        ) from error
    with open_medium(video, root, sample_id=sample_id) as source:
        try:
            decoder = decoders.VideoDecoder(source, dimension_order="NHWC", num_ffmpeg_threads=1, seek_mode="exact")
            batch = decoder.get_frames_at(indices=wanted)
        except (RuntimeError, IndexError, ValueError) as error:
            raise MediaError(
                f"torchcodec cannot decode it: {str(error).strip().splitlines()[0]}",
                fix="set decoder: pyav, or copy or download the clip again",
                file=file,
                sample=sample_id,
            ) from error
    span = float((index.pts[-1] - index.pts[0]) * index.time_base)
    slack = TOLERANCE * span / max(len(index.pts) - 1, 1) + 1e-6
    for position, seconds in zip(wanted, batch.pts_seconds.tolist(), strict=True):
        if abs(seconds - float(index.pts[position] * index.time_base)) > slack:
            raise MediaError(
                f"torchcodec gives another frame than the one at {index.times[position]:.3f} s",
                fix="set decoder: pyav",
                file=file,
                sample=sample_id,
            )
    yield from zip(wanted, batch.data.numpy(), strict=True)
