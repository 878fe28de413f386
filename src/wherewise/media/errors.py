"""The error of the media room: which sample's picture or clip cannot be used, why, and what to do."""

from __future__ import annotations

from typing import Any

from wherewise.samples.errors import InputError


class MediaError(InputError):
    """A picture or clip cannot be used.

    Attributes:
        message: What is wrong.
        fix: What to do about it.
        file: Path as the sample gives it, or ``<bytes>``.
        sample: Id of the sample, or "" if unknown.
    """

    def __init__(self, message: str, *, fix: str, file: str, sample: str = "") -> None:
        place = f"sample {sample!r}: {file}" if sample else file
        super().__init__(f"{place}: {message}. Fix: {fix}")
        self.message = message
        self.fix = fix
        self.file = file
        self.sample = sample

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.message, self.fix, self.file, self.sample)


def _rebuild(message: str, fix: str, file: str, sample: str) -> MediaError:
    return MediaError(message, fix=fix, file=file, sample=sample)
