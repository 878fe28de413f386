"""A clip's container: opened safely, and its frames listed from the packets' headers without decoding any."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

from wherewise.media.errors import MediaError
from wherewise.media.roots import name_of, open_medium
from wherewise.media.sniff import IMAGES, VIDEOS, Format, mp4_is_cut, read_format
from wherewise.samples.media import Video

AGAIN = "copy or download it again, or drop the sample"
"""What helps against a damaged file."""

_DEMUXERS = {Format.MP4: "mp4", Format.MATROSKA: "matroska", Format.AVI: "avi"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Index:
    """Frames of a stream in order of display.

    Attributes:
        pts: Presentation timestamp of each shown frame, ascending, in units of the stream's time base.
        keys: Presentation timestamps of the keyframes, shown or not, ascending.
        times: Seconds from the start of the file.
        duration: Seconds from the start of the file to the end of the last frame.
        size: Bytes of all packets.
        time_base: Seconds of one unit of `pts`.
    """

    pts: list[int]
    keys: list[int]
    times: list[float]
    duration: float
    size: int
    time_base: Fraction

    def key_before(self, position: int) -> int:
        """Number, in `keys`, of the last keyframe from which the frame at this position can be decoded."""
        return max(bisect_right(self.keys, self.pts[position]) - 1, 0)

    def key_position(self, key: int) -> int:
        """Position of the first shown frame that is not before this keyframe."""
        return bisect_left(self.pts, self.keys[key])

    def is_key(self, position: int) -> bool:
        """Whether the frame at this position is a keyframe."""
        return self.keys[self.key_before(position)] == self.pts[position]


def import_av(file: str, sample_id: str) -> ModuleType:
    """PyAV.

    Raises:
        MediaError: It is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MediaError(
            "reading and writing clips needs PyAV", fix='pip install "wherewise[video]"', file=file, sample=sample_id
        ) from error
    module: ModuleType = av
    return module


@contextmanager
def opened(video: Video, root: Path | None, sample_id: str, max_pixels: int) -> Iterator[tuple[Any, Any]]:
    """The container and its video stream, checked before anything is decoded.

    Raises:
        MediaError: The file is missing, outside the root, no clip, cut off, damaged, or its frames are too large.
    """
    file = name_of(video)
    with open_medium(video, root, sample_id=sample_id) as source:
        kind = read_format(source)
        if kind not in VIDEOS:
            fix = "declare it as an image" if kind in IMAGES else "download it again, or convert it to MP4 (H.264)"
            raise MediaError(f"not a clip that is read here, but {kind}", fix=fix, file=file, sample=sample_id)
        if kind is Format.MP4 and mp4_is_cut(source):
            raise MediaError("the clip is truncated", fix=AGAIN, file=file, sample=sample_id)
        av = import_av(file, sample_id)
        try:
            # The demuxer is fixed: a playlist that poses as a clip must not make FFmpeg open other files or addresses.
            with av.open(source, format=_DEMUXERS[kind], metadata_errors="replace") as container:
                if not container.streams.video:
                    raise MediaError("the file has no pictures, only sound", fix=AGAIN, file=file, sample=sample_id)
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
            raise MediaError(f"the clip is damaged: {error}", fix=AGAIN, file=file, sample=sample_id) from error


def list_frames(container: Any, stream: Any, video: Video, sample_id: str) -> Index:
    """List the stream's frames by reading its packets; the container stands at its end afterwards.

    Raises:
        MediaError: There are no frames, or they have no times.
    """
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
        raise MediaError("the clip has no frames", fix=AGAIN, file=name_of(video), sample=sample_id)
    pts = [int(packet.pts) for packet in shown]
    origin = Fraction(container.start_time or 0, 1_000_000)
    last = shown[-1].duration or (pts[-1] - pts[-2] if len(pts) > 1 else 0)
    return Index(
        pts=pts,
        keys=keys,
        times=[float(stamp * stream.time_base - origin) for stamp in pts],
        duration=float((pts[-1] + last) * stream.time_base - origin),
        size=sum(packet.size for packet in packets),
        time_base=stream.time_base,
    )
