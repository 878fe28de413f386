"""Clips: exact frame times from the container's index, then as little decoding as the wanted frames need.

A clip's packets are listed first (no decoding, milliseconds), which gives the time of every frame. Frames are chosen
from that list, so the times of what is shown are exact, also at a variable frame rate. Decoding runs forward and jumps
to a keyframe only where that skips more frames than a jump costs; it never decodes more than a plain run through.
"""

from __future__ import annotations

import io
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherewise.media.errors import MediaError
from wherewise.media.image import MAX_PIXELS
from wherewise.media.roots import name_of, open_medium
from wherewise.media.sniff import IMAGES, VIDEOS, Format, mp4_is_cut, read_format
from wherewise.samples.media import Video

MAX_BYTES = 4 * 2**30
"""Most bytes of decoded frames that one call returns."""

SEEK_FRAMES = 8
"""A jump to a keyframe costs about as much as decoding so many frames."""

END_SLACK = 0.5
"""Seconds by which a sample's `end` may lie behind the end of its file (subtitles often run over)."""

_DEMUXERS = {Format.MP4: "mp4", Format.MATROSKA: "matroska", Format.AVI: "avi"}
_EPSILON = 1e-6
_AGAIN = "copy or download it again, or drop the sample"


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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Index:
    """Frames of a stream in order of display.

    Attributes:
        pts: Presentation timestamp of each shown frame, ascending, in units of the stream's time base.
        keys: Presentation timestamps of the keyframes, shown or not, ascending.
        times: Seconds from the start of the file.
        duration: Seconds from the start of the file to the end of the last frame.
    """

    pts: list[int]
    keys: list[int]
    times: list[float]
    duration: float


def probe(video: Video, root: Path | None, *, sample_id: str = "", max_pixels: int = MAX_PIXELS) -> VideoInfo:
    """Read a clip's facts. Decodes its first frame only.

    Raises:
        MediaError: It is missing, outside the root, empty, truncated, no clip, or too large; or PyAV is not installed.
    """
    with _opened(video, root, sample_id, max_pixels) as (container, stream):
        index = _index(container, stream, video, sample_id)
        _, first = next(_decode(container, stream, index, [0], video, sample_id))
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
    max_frames: int | None = None,
    times: Sequence[float] | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Frames:
    """Decode frames of a clip, all within its ``start`` .. ``end``.

    With `times`, the frames nearest to them, in their order. Otherwise with `fps`, the frames nearest to ``start``,
    ``start + 1/fps``, ...; if those are more than `max_frames`, or there is no `fps`, `max_frames` frames spread evenly
    from the first to the last of the span (the middle one if it is 1). With none of the three, the sample's own
    `frame_times` if it has them, else every frame. No frame is returned twice unless `times` asks for it.

    Rotation that the file asks for is applied.

    Args:
        video: The clip.
        root: Data root of its path; may be None for bytes.
        sample_id: Sample to name in errors.
        fps: Frames per second to sample.
        max_frames: Most frames to return.
        times: Seconds from the start of the file; excludes `fps` and `max_frames`.
        max_pixels: Larger frames are refused before anything is decoded.

    Returns:
        The frames and their exact times.

    Raises:
        MediaError: It is missing, outside the root, empty, truncated, damaged, no clip or too large; a time lies
            outside the span; or PyAV is not installed.
        ValueError: The arguments contradict each other.
    """
    if times is not None and (fps is not None or max_frames is not None):
        raise ValueError("give either `times`, or `fps` and `max_frames`")
    if (fps is not None and not 0 < fps < math.inf) or (max_frames is not None and max_frames < 1):
        raise ValueError(f"`fps` must be above 0 and `max_frames` at least 1, got {fps} and {max_frames}")
    if times is None and fps is None and max_frames is None:
        times = video.frame_times
    with _opened(video, root, sample_id, max_pixels) as (container, stream):
        index = _index(container, stream, video, sample_id)
        span = _span(index, video, sample_id)
        if times is not None:
            chosen = [_nearest(index, span, time, video, sample_id) for time in times]
        else:
            chosen = _sampled(index.times, span, video.start, fps, max_frames)
        if not chosen:
            raise MediaError(
                "no times were given", fix="ask for one frame or more", file=name_of(video), sample=sample_id
            )
        size = len(chosen) * stream.codec_context.width * stream.codec_context.height * 3
        if size > MAX_BYTES:
            raise MediaError(
                f"{len(chosen)} frames would take {size / 2**30:.1f} GiB",
                fix="sample fewer with fps or max_frames",
                file=name_of(video),
                sample=sample_id,
            )
        array = _stack(_decode(container, stream, index, sorted(set(chosen)), video, sample_id), chosen)
        return Frames(array=array, times=tuple(index.times[position] for position in chosen))


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
    av = _import_av("<frames>", "")
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


def _import_av(file: str, sample_id: str) -> ModuleType:
    try:
        import av
    except ImportError as error:
        raise MediaError(
            "reading and writing clips needs PyAV", fix='pip install "wherewise[video]"', file=file, sample=sample_id
        ) from error
    module: ModuleType = av
    return module


@contextmanager
def _opened(video: Video, root: Path | None, sample_id: str, max_pixels: int) -> Iterator[tuple[Any, Any]]:
    """The container and its video stream, checked before anything is decoded."""
    file = name_of(video)
    with open_medium(video, root, sample_id=sample_id) as source:
        kind = read_format(source)
        if kind not in VIDEOS:
            fix = "declare it as an image" if kind in IMAGES else "download it again, or convert it to MP4 (H.264)"
            raise MediaError(f"not a clip that is read here, but {kind}", fix=fix, file=file, sample=sample_id)
        if kind is Format.MP4 and mp4_is_cut(source):
            raise MediaError("the clip is truncated", fix=_AGAIN, file=file, sample=sample_id)
        av = _import_av(file, sample_id)
        try:
            # The demuxer is fixed: a playlist that poses as a clip must not make FFmpeg open other files or addresses.
            with av.open(source, format=_DEMUXERS[kind]) as container:
                if not container.streams.video:
                    raise MediaError("the file has no pictures, only sound", fix=_AGAIN, file=file, sample=sample_id)
                stream = container.streams.video[0]
                width, height = stream.codec_context.width, stream.codec_context.height
                if width * height > max_pixels:
                    raise MediaError(
                        f"the frames have {width} x {height} pixels, more than the limit of {max_pixels:,}",
                        fix="scale the clip down (and its boxes), or raise max_pixels",
                        file=file,
                        sample=sample_id,
                    )
                # One thread: jumps decode nothing ahead, workers do not fight for cores, and FFmpeg's decoder threads
                # cannot wait for Python's lock while a damaged clip is being closed.
                stream.codec_context.thread_count = 1
                yield container, stream
        except av.FFmpegError as error:
            raise MediaError(f"the clip is damaged: {error}", fix=_AGAIN, file=file, sample=sample_id) from error


def _index(container: Any, stream: Any, video: Video, sample_id: str) -> _Index:
    """List the stream's frames by reading its packets, then rewind."""
    packets = [packet for packet in container.demux(stream) if packet.size]
    if any(packet.pts is None for packet in packets):
        raise MediaError(
            "the clip gives no times for its frames",
            fix="convert it: ffmpeg -i old -c:v libx264 new.mp4",
            file=name_of(video),
            sample=sample_id,
        )
    packets.sort(key=lambda packet: int(packet.pts))
    keys = [int(packet.pts) for packet in packets if packet.is_keyframe]
    # Frames that an edit list hides are needed for decoding, but never come out of the decoder.
    shown = [packet for packet in packets if not packet.is_discard]
    if not shown or not keys:
        raise MediaError("the clip has no frames", fix=_AGAIN, file=name_of(video), sample=sample_id)
    pts = [int(packet.pts) for packet in shown]
    origin = Fraction(container.start_time or 0, 1_000_000)
    times = [float(stamp * stream.time_base - origin) for stamp in pts]
    last = shown[-1].duration or (pts[-1] - pts[-2] if len(pts) > 1 else 0)
    _rewind(container, stream, keys[0])
    return _Index(
        pts=pts,
        keys=keys,
        times=times,
        duration=float((pts[-1] + last) * stream.time_base - origin),
    )


def _rewind(container: Any, stream: Any, stamp: int) -> None:
    container.seek(stamp, stream=stream, backward=True, any_frame=False)


def _span(index: _Index, video: Video, sample_id: str) -> range:
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


def _nearest(index: _Index, span: range, time: float, video: Video, sample_id: str) -> int:
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


def _sampled(times: Sequence[float], span: range, start: float, fps: float | None, max_frames: int | None) -> list[int]:
    """Positions chosen by rate and number; ascending, none twice."""
    chosen = list(span)
    if fps is not None:
        count = math.floor((times[span[-1]] - start) * fps + _EPSILON) + 1
        chosen = sorted({_closest(times, span, start + k / fps) for k in range(max(count, 1))})
    if max_frames is None or len(chosen) <= max_frames:
        return chosen
    if max_frames == 1:
        return [span[len(span) // 2]]
    return [span[round(k * (len(span) - 1) / (max_frames - 1))] for k in range(max_frames)]


def _decode(
    container: Any, stream: Any, index: _Index, wanted: Sequence[int], video: Video, sample_id: str
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Decode the frames at these ascending positions, upright."""
    reached = 0
    frames = container.decode(stream)
    for position in wanted:
        key = max(bisect_right(index.keys, index.pts[position]) - 1, 0)
        if bisect_left(index.pts, index.keys[key]) - reached > SEEK_FRAMES:
            frames = _jump(container, stream, index, key, position)
        frame = next((frame for frame in frames if frame.pts is not None and frame.pts >= index.pts[position]), None)
        if frame is None or frame.pts != index.pts[position] or frame.is_corrupt:
            raise MediaError(
                f"the frame at {index.times[position]:.3f} s cannot be decoded: the clip is truncated or damaged",
                fix=_AGAIN,
                file=name_of(video),
                sample=sample_id,
            )
        reached = position + 1
        turn = round(frame.rotation / 90) % 4
        array: NDArray[np.uint8] = frame.to_ndarray(format="rgb24")
        yield position, np.rot90(array, turn) if turn else array


def _jump(container: Any, stream: Any, index: _Index, key: int, position: int) -> Iterator[Any]:
    """Frames from a keyframe on, from an earlier one where the container's own index lands behind the target."""
    for earlier in range(key, -1, -1):
        _rewind(container, stream, index.keys[earlier])
        frames = container.decode(stream)
        first = next(frames, None)
        if first is not None and first.pts is not None and first.pts <= index.pts[position]:
            return _chain(first, frames)
    _rewind(container, stream, index.keys[0])
    return iter(container.decode(stream))


def _chain(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _stack(frames: Iterator[tuple[int, NDArray[np.uint8]]], chosen: Sequence[int]) -> NDArray[np.uint8]:
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
