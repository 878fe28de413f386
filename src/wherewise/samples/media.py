"""Images and videos as a sample refers to them.

A medium is either a *path* relative to a data root or its encoded *bytes*; never both, never neither. Paths are POSIX,
relative, and may not climb out of the root (``..``, absolute paths and symbolic links that leave it are refused when
they are resolved by :mod:`wherewise.media`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath


def _check_source(path: str | None, data: bytes | None) -> None:
    if (path is None) == (data is None):
        raise ValueError("a medium needs exactly one of `path` (inside the data root) and `data` (encoded bytes)")
    if path is not None:
        pure = PurePosixPath(path)
        if not path or pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path:
            raise ValueError(
                f"media path {path!r} must be a relative POSIX path inside the data root: no '..', no leading '/'"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """One still picture.

    Attributes:
        path: Relative POSIX path inside the data root, or None when `data` is given.
        data: Encoded bytes (PNG, JPEG, WebP), or None when `path` is given.
        width: Width in pixels of the original picture, if known.
        height: Height in pixels of the original picture, if known.
    """

    path: str | None = None
    data: bytes | None = None
    width: int | None = None
    height: int | None = None

    def __post_init__(self) -> None:
        _check_source(self.path, self.data)


@dataclass(frozen=True, kw_only=True, slots=True)
class Video:
    """One clip. All times are seconds from the start of the file.

    Attributes:
        path: Relative POSIX path inside the data root, or None when `data` is given.
        data: Encoded bytes (MP4/WebM), or None when `path` is given.
        fps: Frames per second of the file, if known.
        duration: Length of the file in seconds, if known.
        start: First moment that belongs to the sample.
        end: Last moment that belongs to the sample; None means the end of the file.
        frame_times: Times of the frames that were sampled, once they are; None before.
        width: Width in pixels of the original frames, if known.
        height: Height in pixels of the original frames, if known.
    """

    path: str | None = None
    data: bytes | None = None
    fps: float | None = None
    duration: float | None = None
    start: float = 0.0
    end: float | None = None
    frame_times: tuple[float, ...] | None = None
    width: int | None = None
    height: int | None = None

    def __post_init__(self) -> None:
        _check_source(self.path, self.data)
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            raise ValueError(f"video span must satisfy 0 <= start < end, got start={self.start}, end={self.end}")


Media = Image | Video
