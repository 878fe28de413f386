"""Pictures and frames as files under names that follow from their bytes."""

from __future__ import annotations

import hashlib
import io
import itertools
from dataclasses import dataclass, field
from pathlib import Path

import PIL.Image

from wherewise.media import ReadingConfig, read_clip
from wherewise.media.roots import open_medium
from wherewise.media.sniff import Format, read_format
from wherewise.samples import Image, Sample, Video
from wherewise.samples.errors import InputError

SUFFIXES = {Format.PNG: ".png", Format.JPEG: ".jpg", Format.WEBP: ".webp"}
"""Picture formats that every engine reads."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameFiles:
    """The frames of a clip that the model is to see.

    Attributes:
        files: Pictures, relative to the folder of the export, in order.
        rate: Frames a second.
    """

    files: tuple[str, ...]
    rate: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaFolder:
    """``media/`` of an export.

    Attributes:
        out: Folder of the export.
        root: Folder of the samples' media paths.
        fps: Frames a second to take of clips that do not name their frames; None spreads `max_frames`.
        max_frames: Most frames of a clip.
        min_frames: Fewest, as far as the clip has so many.
        reading: How clips are read, and what is drawn on them.
    """

    out: Path
    root: Path | None
    fps: float | None
    max_frames: int
    min_frames: int | None = None
    reading: ReadingConfig = field(default_factory=ReadingConfig)
    _clips: dict[Video, FrameFiles] = field(default_factory=dict)

    def image(self, image: Image, sample_id: str) -> str:
        """Copy a picture, byte for byte; returns its path relative to the export.

        Raises:
            MediaError: It is missing or empty.
            InputError: Its format is not one that every engine reads.
        """
        with open_medium(image, self.root, sample_id=sample_id) as stream:
            kind = read_format(stream)
            if kind not in SUFFIXES:
                raise InputError(f"sample {sample_id!r}: the picture is {kind.value}; convert it to PNG, JPEG or WebP")
            return self._put(stream.read(), SUFFIXES[kind])

    def frames(self, video: Video, sample_id: str) -> FrameFiles:
        """Decode the frames that training would see and write each as a PNG.

        Raises:
            MediaError: The clip cannot be decoded.
            InputError: Its frames are not evenly spaced: engines know a rate, not times.
        """
        if video not in self._clips:
            named = video.frame_times is not None
            clip = read_clip(
                video,
                self.root,
                self.reading,
                fps=None if named else self.fps,
                min_frames=None if named else self.min_frames,
                max_frames=None if named else self.max_frames,
                sample_id=sample_id,
            )
            files = []
            for frame in clip.array:
                buffer = io.BytesIO()
                PIL.Image.fromarray(frame).save(buffer, "PNG")
                files.append(self._put(buffer.getvalue(), ".png"))
            self._clips[video] = FrameFiles(files=tuple(files), rate=rate_of(clip.times, sample_id))
        return self._clips[video]

    def _put(self, data: bytes, suffix: str) -> str:
        name = f"media/{hashlib.sha256(data).hexdigest()[:24]}{suffix}"
        path = self.out / name
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = path.with_suffix(".tmp")
            draft.write_bytes(data)
            draft.replace(path)
        return name


def rate_of(times: tuple[float, ...], sample_id: str) -> float:
    """Frames a second of evenly spaced times; within a quarter of their mean distance.

    Raises:
        InputError: There are fewer than two, or they are not evenly spaced.

    >>> rate_of((0.0, 0.5, 1.0), "a")
    2.0
    """
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    if not gaps:
        raise InputError(f"sample {sample_id!r}: a clip of one frame; make it a picture")
    mean = (times[-1] - times[0]) / len(gaps)
    if mean <= 0 or max(abs(gap - mean) for gap in gaps) > 0.25 * mean:
        raise InputError(
            f"sample {sample_id!r}: its frames are not evenly spaced, and engines know a rate only; set `frames.fps` "
            "so that no clip is capped unevenly, or leave the sample out"
        )
    return round(1 / mean, 4)


def refuse_markers(sample: Sample, text: str) -> None:
    """Refuse prompts that contain what engines take for a picture.

    Raises:
        InputError: The text holds ``<image>`` or ``<video>``.
    """
    for marker in ("<image>", "<video>", "<audio>"):
        if marker in text:
            raise InputError(f"sample {sample.id!r}: its text contains {marker}, which engines read as a picture")
