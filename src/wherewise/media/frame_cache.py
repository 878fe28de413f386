"""Decoded frames kept on disk by the content of their clip: for the next epoch, the next run, another process.

Each entry is one file, written under another name and renamed, so that a reader finds it whole or not at all. Before a
new one is written, those unused for longest are deleted until it fits: the folder never holds more than its limit
(two processes that write at the same moment may exceed it by one entry each).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import tempfile
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wherewise.media.video import Frames

VERSION = 1
"""Raised when the same wish gives other frames than before."""

SUFFIX = ".frames"

DRAFT_SECONDS = 600
"""A draft that nobody wrote to for so long belongs to a process that was killed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What a cache holds.

    Attributes:
        entries: Number of clips.
        size: Bytes of all entries.
    """

    entries: int
    size: int


class FrameCache:
    """A folder of decoded frames.

    Args:
        folder: The folder; made if missing.
        limit: Most bytes of all entries together.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        folder.mkdir(parents=True, exist_ok=True)

    @staticmethod
    def key(content: str, wish: Mapping[str, Any]) -> str:
        """Name of an entry.

        Args:
            content: sha256 of the clip's bytes.
            wish: Everything that decides which frames come out, and how.
        """
        text = json.dumps({"version": VERSION, "content": content, "wish": wish}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def get(self, key: str) -> Frames | None:
        """The frames, or None if they are not here; an entry that the disk has damaged is deleted."""
        path = self._folder / f"{key}{SUFFIX}"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as found:
                frames = Frames(array=found["array"], times=tuple(found["times"].tolist()))
        except (zipfile.BadZipFile, ValueError, KeyError, EOFError):  # its checksum does not fit: decoded anew
            path.unlink(missing_ok=True)
            return None
        with contextlib.suppress(FileNotFoundError):  # another process may have made room
            os.utime(path)
        return frames

    def put(self, key: str, frames: Frames) -> bool:
        """Keep frames; returns whether they fit within the limit."""
        buffer = io.BytesIO()
        np.savez(buffer, array=frames.array, times=np.array(frames.times, np.float64))
        data = buffer.getbuffer()
        if len(data) > self._limit:
            return False
        self._make_room(len(data))
        handle, draft = tempfile.mkstemp(dir=self._folder, suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            os.replace(draft, self._folder / f"{key}{SUFFIX}")
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        return True

    def usage(self) -> Usage:
        """What is held now."""
        found = self._entries()
        return Usage(entries=len(found), size=sum(size for _, size, _ in found))

    def _entries(self) -> list[tuple[float, int, Path]]:
        """Time of last use, bytes and path of each entry, and of each draft that nobody is writing any more."""
        found = []
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                facts = path.stat()
                if path.suffix == SUFFIX or (path.suffix == ".tmp" and time.time() - facts.st_mtime > DRAFT_SECONDS):
                    found.append((facts.st_mtime, facts.st_size, path))
        return found

    def _make_room(self, needed: int) -> None:
        entries = sorted(self._entries(), key=lambda entry: (entry[0], entry[2].name))
        held = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if held + needed <= self._limit:
                return
            path.unlink(missing_ok=True)
            held -= size
