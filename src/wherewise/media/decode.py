"""A plan carried out with PyAV: packets fed one by one, nothing decoded that no wanted frame needs.

Two things make it cheaper than a decoder that is asked for the next frame. Frames that no other frame refers to are
left out unless they are wanted themselves (``skip_frame`` of H.264, HEVC and MPEG-4; the others come out bit for bit
as they would). And a run ends by draining the decoder, not by feeding it further packets until it gives the frame out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherewise.media.container import AGAIN, Index
from wherewise.media.errors import MediaError
from wherewise.media.plan import Plan, Run
from wherewise.media.roots import name_of
from wherewise.samples.media import Video

SKIPPING = frozenset({"h264", "hevc", "mpeg4"})
"""Codecs whose decoders can leave out frames that no other frame refers to."""

Picture = tuple[int, NDArray[np.uint8]]
"""A position and its upright RGB frame."""


def decode_plan(
    container: Any, stream: Any, index: Index, plan: Plan, video: Video, sample_id: str
) -> Iterator[Picture]:
    """Decode a plan's wanted frames, in ascending order.

    Raises:
        MediaError: A frame does not come out, from whatever keyframe decoding starts.
    """
    for run in plan.runs:
        yield from _decode_run(container, stream, index, run, video, sample_id)


def _decode_run(container: Any, stream: Any, index: Index, run: Run, video: Video, sample_id: str) -> Iterator[Picture]:
    """One run; from earlier keyframes on where this one does not lead to its frames."""
    missing, key, back, skips = list(run.wanted), run.key, 1, stream.codec_context.name in SKIPPING
    while True:
        for position, array in _fed(container, stream, index, key, missing, skips=skips):
            yield position, array
            del missing[: missing.index(position) + 1]
        if not missing:
            return
        if key == 0 and not skips:
            raise MediaError(
                f"the frame at {index.times[missing[0]]:.3f} s cannot be decoded: the clip is truncated or damaged",
                fix=AGAIN,
                file=name_of(video),
                sample=sample_id,
            )
        # The container's own index may land behind a keyframe, and an open group of pictures needs the one before.
        key, back, skips = max(key - back, 0), 2 * back, False


def _fed(container: Any, stream: Any, index: Index, key: int, wanted: list[int], *, skips: bool) -> Iterator[Picture]:
    """Wanted frames in order, as far as they come out whole; stops at the first that does not."""
    context = stream.codec_context
    places = {index.pts[position]: position for position in wanted}
    expected = list(wanted)
    left = set(places)
    container.seek(index.keys[key], stream=stream, backward=True, any_frame=False)
    for packet in container.demux(stream):
        if not packet.size:
            break
        context.skip_frame = "NONREF" if skips and packet.pts not in places else "DEFAULT"
        left.discard(packet.pts)
        for frame in _chosen(context.decode(packet), places):
            if not _follows(frame, places, expected):
                return
            yield places[frame.pts], upright(frame)
        if not left:
            break
    for frame in _chosen(context.decode(None), places):
        if not _follows(frame, places, expected):
            return
        yield places[frame.pts], upright(frame)


def _chosen(frames: Any, places: dict[int, int]) -> Iterator[Any]:
    return (frame for frame in frames if frame.pts in places)


def _follows(frame: Any, places: dict[int, int], expected: list[int]) -> bool:
    """Whether this whole frame is the next expected one; takes it from the list."""
    if frame.is_corrupt or not expected or places[frame.pts] != expected[0]:
        return False
    del expected[0]
    return True


def upright(frame: Any) -> NDArray[np.uint8]:
    """A decoded frame as RGB, turned as its file asks for."""
    turn = round(frame.rotation / 90) % 4
    array: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
    return np.rot90(array, turn) if turn else array


def stack(frames: Iterator[Picture], chosen: list[int]) -> NDArray[np.uint8]:
    """[T, H, W, 3] in the chosen order, filled frame by frame."""
    places: dict[int, list[int]] = {}
    for place, position in enumerate(chosen):
        places.setdefault(position, []).append(place)
    stacked: NDArray[np.uint8] | None = None
    for position, array in frames:
        if stacked is None:
            stacked = np.empty((len(chosen), *array.shape), np.uint8)
        stacked[places[position]] = array
    assert stacked is not None
    return stacked
