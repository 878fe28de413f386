"""Which frames of a clip are taken: by time, by rate, by number; none outside the sample's span."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from wherewise.media.container import Index
from wherewise.media.errors import MediaError
from wherewise.media.roots import name_of
from wherewise.samples.media import Video

END_SLACK = 0.5
"""Seconds by which a sample's `end` may lie behind the end of its file (subtitles often run over)."""

_EPSILON = 1e-6


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """Which frames are asked for; with nothing given, every frame.

    Attributes:
        fps: Frames per second.
        min_frames: Fewest frames, as far as the span has so many.
        max_frames: Most frames.
        times: Seconds from the start of the file; excludes all others.
        keyframes: Take the nearest keyframes instead, which are decoded alone.
    """

    fps: float | None = None
    min_frames: int | None = None
    max_frames: int | None = None
    times: Sequence[float] | None = None
    keyframes: bool = False

    def __post_init__(self) -> None:
        counted = (self.fps, self.min_frames, self.max_frames)
        if self.times is not None and (any(value is not None for value in counted) or self.keyframes):
            raise ValueError("give either `times`, or `fps`, `min_frames`, `max_frames` and `keyframes`")
        if (self.fps is not None and not 0 < self.fps < math.inf) or any(n is not None and n < 1 for n in counted[1:]):
            raise ValueError(
                f"`fps` must be above 0, `min_frames` and `max_frames` at least 1, got {self.fps}, {self.min_frames} "
                f"and {self.max_frames}"
            )
        if self.min_frames is not None and self.max_frames is not None and self.min_frames > self.max_frames:
            raise ValueError(f"`min_frames` ({self.min_frames}) is more than `max_frames` ({self.max_frames})")


def choose(index: Index, wish: Wish, video: Video, sample_id: str) -> list[int]:
    """Positions of the wanted frames, at least one; ascending and none twice unless `times` asks for it.

    Raises:
        MediaError: The span holds no frame, a time lies outside it, or no keyframe is in it.
    """
    span = _span(index, video, sample_id)
    if wish.times is not None:
        chosen = [_nearest(index, span, time, video, sample_id) for time in wish.times]
        if not chosen:
            raise MediaError(
                "no times were given", fix="ask for one frame or more", file=name_of(video), sample=sample_id
            )
        return chosen
    chosen = _sampled(index.times, span, video.start, wish)
    return _keyframes_near(index, span, chosen, video, sample_id) if wish.keyframes else chosen


def _span(index: Index, video: Video, sample_id: str) -> range:
    """Positions of the frames within the sample's ``start`` .. ``end``."""
    if video.end is not None and video.end > index.duration + END_SLACK:
        raise MediaError(
            f"the sample ends at {video.end:g} s, the clip at {index.duration:g} s",
            fix="correct the sample's end, or the clip",
            file=name_of(video),
            sample=sample_id,
        )
    first = bisect_left(index.times, video.start - _EPSILON)
    last = len(index.times) if video.end is None else bisect_right(index.times, video.end + _EPSILON)
    if first >= last:
        raise MediaError(
            f"no frame lies between {video.start:g} s and "
            f"{'the end' if video.end is None else f'{video.end:g} s'}; the clip lasts {index.duration:g} s",
            fix="correct the sample's start and end",
            file=name_of(video),
            sample=sample_id,
        )
    return range(first, last)


def _nearest(index: Index, span: range, time: float, video: Video, sample_id: str) -> int:
    """Position within the span of the frame nearest to a time; the earlier of two equally near."""
    end = index.duration if video.end is None else video.end
    if not video.start - _EPSILON <= time <= end + _EPSILON:
        raise MediaError(
            f"a frame is wanted at {time:g} s, outside the sample's {video.start:g} .. {end:g} s",
            fix="ask for times within the span",
            file=name_of(video),
            sample=sample_id,
        )
    return _closest(index.times, span, time)


def _closest(times: Sequence[float], span: range, time: float) -> int:
    after = bisect_left(times, time, span.start, span.stop)
    if after == span.start:
        return after
    if after == span.stop or time - times[after - 1] <= times[after] - time + _EPSILON:
        return after - 1
    return after


def _sampled(times: Sequence[float], span: range, start: float, wish: Wish) -> list[int]:
    """Positions chosen by rate and number; ascending, none twice."""
    chosen = list(span)
    if wish.fps is not None:
        count = math.floor((times[span[-1]] - start) * wish.fps + _EPSILON) + 1
        chosen = sorted({_closest(times, span, start + k / wish.fps) for k in range(max(count, 1))})
    if wish.max_frames is not None and len(chosen) > wish.max_frames:
        return _spread(span, wish.max_frames)
    if wish.min_frames is not None and len(chosen) < wish.min_frames:
        return _spread(span, min(wish.min_frames, len(span)))
    return chosen


def _spread(span: range, count: int) -> list[int]:
    """So many positions from the first to the last of the span; the middle one if it is 1."""
    if count == 1:
        return [span[len(span) // 2]]
    return [span[round(k * (len(span) - 1) / (count - 1))] for k in range(count)]


def _keyframes_near(index: Index, span: range, chosen: Sequence[int], video: Video, sample_id: str) -> list[int]:
    """For each position the nearest keyframe of the span; ascending, none twice."""
    keys = [position for position in span if index.is_key(position)]
    if not keys:
        raise MediaError(
            "the sample's span holds no keyframe", fix="set keyframes: false", file=name_of(video), sample=sample_id
        )
    times = [index.times[position] for position in keys]
    return sorted({keys[_closest(times, range(len(keys)), index.times[position])] for position in chosen})
