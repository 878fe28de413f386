"""``scenes-{split}.jsonl`` beside the shards of a dataset: the exact scenes, from which answers are recomputed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TextIO

from wherewise.scenes.scene import Scene


class SceneFiles:
    """``scenes-{split}.jsonl``, written under draft names until all is done."""

    def __init__(self, folder: Path, splits: tuple[str, ...]) -> None:
        self._folder = folder
        self._streams: dict[str, TextIO] = {
            split: (folder / f"scenes-{split}.jsonl.tmp").open("w", encoding="utf-8", newline="\n") for split in splits
        }

    def add(self, split: str, scene: Scene) -> None:
        """Append a scene."""
        from wherewise.scenes.codec import scene_line

        self._streams[split].write(scene_line(scene))

    def publish(self) -> dict[str, str]:
        """Give the files their names; returns their sha256 by name."""
        self._close()
        digests = {}
        for split in self._streams:
            draft = self._folder / f"scenes-{split}.jsonl.tmp"
            name = draft.name.removesuffix(".tmp")
            with draft.open("rb") as stream:
                digests[name] = hashlib.file_digest(stream, "sha256").hexdigest()
            os.replace(draft, self._folder / name)
        return digests

    def abandon(self) -> None:
        """Remove drafts that were not published."""
        self._close()
        for split in self._streams:
            (self._folder / f"scenes-{split}.jsonl.tmp").unlink(missing_ok=True)

    def _close(self) -> None:
        for stream in self._streams.values():
            stream.close()
