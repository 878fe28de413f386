"""The sound of a clip, decoded piece by piece: mono, 16 kHz, in time with the pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wherewise.media.errors import MediaError
from wherewise.media.roots import name_of, open_medium
from wherewise.media.sniff import VIDEOS, Format, read_format
from wherewise.samples import Video

RATE = 16_000
"""Samples a second that sound is brought to."""
LONGEST_GAP = 600.0
"""Seconds that the sound may begin late or leave out; more is a damaged file."""
NOTICED_GAP = 0.1
"""Seconds that are filled with silence where the sound leaves them out."""

_DEMUXERS = {Format.MP4: "mp4", Format.MATROSKA: "matroska", Format.AVI: "avi"}
_AGAIN = "copy or download it again, or drop the episode"

Sound = NDArray[np.float32]
"""Samples in -1..1, [N]."""


def sound_pieces(video: Video, root: Path | None, *, sample_id: str = "") -> Iterator[Sound]:
    """The sound from the start of the file on: channels averaged, gaps filled with silence.

    Args:
        video: The clip.
        root: Data root of its path.
        sample_id: Sample to name in errors.

    Yields:
        float32 [N] pieces of the decoder's own lengths; together they begin at 0 s.

    Raises:
        MediaError: The clip cannot be opened or decoded, has no sound, or PyAV is not installed.
    """
    try:
        import av
    except ModuleNotFoundError as missing:
        raise MediaError(
            "sound needs PyAV", fix="pip install 'wherewise[video]'", file=name_of(video), sample=sample_id
        ) from missing

    def problem(message: str, fix: str = _AGAIN) -> MediaError:
        return MediaError(message, fix=fix, file=name_of(video), sample=sample_id)

    with open_medium(video, root, sample_id=sample_id) as stream:
        kind = read_format(stream)
        if kind not in VIDEOS:
            raise problem(f"not a clip that is read here, but {kind}", "convert it to MP4 (H.264, AAC)")
        try:
            # The demuxer is fixed: a playlist that poses as a clip must not make FFmpeg open other files or addresses.
            with av.open(stream, format=_DEMUXERS[kind], metadata_errors="replace") as container:
                if not container.streams.audio:
                    raise problem("the clip has no sound", "detect by subtitles or labels")
                yield from _decoded(container, av.AudioResampler(format="flt", layout="mono", rate=RATE), problem)
        except av.FFmpegError as error:
            raise problem(f"the sound is damaged: {error}") from error


def _decoded(container: Any, resampler: Any, problem: Any) -> Iterator[Sound]:
    track = container.streams.audio[0]
    track.codec_context.thread_count = 1
    origin = (container.start_time or 0) / 1_000_000
    reached, skip = 0.0, 0
    for frame in container.decode(track):
        if frame.time is not None:
            gap = frame.time - origin - reached
            if abs(gap) > LONGEST_GAP:
                raise problem(f"its sound jumps from {reached:.1f} s to {frame.time - origin:.1f} s")
            if gap > NOTICED_GAP:
                yield np.zeros(round(gap * RATE), np.float32)
                reached += gap
            elif reached == 0.0 and gap < 0:
                skip, reached = round(-gap * RATE), gap
        reached += frame.samples / frame.sample_rate
        for piece in resampler.resample(frame):
            yield _mono(piece)[skip:]
            skip = max(0, skip - piece.samples)
    for piece in resampler.resample(None):
        yield _mono(piece)


def _mono(piece: Any) -> Sound:
    found: Sound = np.nan_to_num(piece.to_ndarray().reshape(-1).astype(np.float32), posinf=1.0, neginf=-1.0)
    return found
