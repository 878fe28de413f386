"""A disk that is full."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from wherewise.samples.errors import RunStopped

NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
"""Error numbers of a disk, file or quota that is full."""


class CheckpointError(RunStopped):
    """Something could not be written; what was there before is whole. The message says what to do."""


@contextmanager
def no_room(what: str, target: Path) -> Iterator[None]:
    """Turn the errors of a full disk into one that says what to do.

    Raises:
        CheckpointError: There was no room for it.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        text = str(error)
        number = error.errno if isinstance(error, OSError) else None
        if number not in NO_ROOM and not any(f"os error {n}" in text or os.strerror(n) in text for n in NO_ROOM):
            raise
        raise CheckpointError(
            f"there was no room for {what} in {target.parent} ({text}); the checkpoint before it is whole. Free some "
            "room, lower `keep`, or move the run folder; the same command then goes on from that checkpoint"
        ) from error
