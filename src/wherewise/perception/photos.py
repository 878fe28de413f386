"""A folder of photographs as scenes: looked at once each, kept for a restart."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wherewise.media import load_image
from wherewise.media.errors import MediaError
from wherewise.perception.cameras import read_exif
from wherewise.perception.ground import GroundConfig
from wherewise.perception.reading import Backends, read_photograph
from wherewise.perception.sorting import SortingConfig
from wherewise.samples.errors import DatasetError
from wherewise.samples.media import Image
from wherewise.scenes.annotated import Annotated
from wherewise.scenes.codec import scene_from_record, scene_to_record

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
VERSION = 1
"""Number of the layout and rules of kept scenes; another number looks at every photograph anew."""


@dataclass(kw_only=True, slots=True)
class Photos:
    """Photographs of a folder, in the order of their names; iterate over it to get `Annotated` scenes.

    Each photograph is looked at once: its scene is kept in `keep` under a name made of its bytes, the backends and the
    settings, so a run that was cut short goes on where it stopped, and another choice of questions costs no perception.

    Attributes:
        folder: Folder of the photographs, read with its sub-folders.
        keep: Folder of the kept scenes.
        backends: What looks at them; their names are part of the kept scenes' names.
        sorting: When a detection is trusted.
        ground: When a plane is the floor.
        license: Licence of the photographs.
        tally: What was refused and why: ``photos.*``, ``objects.*``, ``ground.*``; complete after an iteration.
        unreadable: File and problem of each photograph that cannot be read.
        on_looked: Called with the file of each photograph that was looked at, once its scene is kept.

    Raises:
        DatasetError: The folder is missing or holds no photograph.
    """

    folder: Path
    keep: Path
    backends: Backends
    sorting: SortingConfig
    ground: GroundConfig
    license: str
    tally: Counter[str] = field(default_factory=Counter)
    unreadable: dict[str, str] = field(default_factory=dict)
    on_looked: Callable[[str], None] | None = None

    def files(self) -> list[str]:
        """Paths of the photographs relative to the folder, sorted."""
        if not self.folder.is_dir():
            raise DatasetError("there is no such folder", file=str(self.folder), fix="correct the path in 'folder'")
        found = [
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*")
            if path.suffix.lower() in SUFFIXES and path.is_file()
        ]
        if not found:
            raise DatasetError(
                f"no photograph ({', '.join(SUFFIXES)}) is in it",
                file=str(self.folder),
                fix="correct the path in 'folder'",
            )
        return sorted(found)

    def place(self, dataset: str, scene: str) -> str:
        """The place of an excluded scene: the photograph itself."""
        return f"{dataset}/{scene}"

    def __iter__(self) -> Iterator[Annotated]:
        self.tally.clear()
        self.unreadable.clear()
        self.keep.mkdir(parents=True, exist_ok=True)
        for name in self.files():
            item = self._one(name)
            if item is not None:
                yield item

    def _one(self, name: str) -> Annotated | None:
        path = self.folder / name
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        settings = [VERSION, self.backends.names, self.sorting.model_dump(), self.ground.model_dump()]
        known_as = hashlib.sha256(json.dumps([digest, name, settings]).encode()).hexdigest()[:32]
        kept = self.keep / f"{known_as}.json"
        self.tally["photos.read"] += 1
        if kept.is_file():
            record: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        else:
            record = self._look(name, path, digest)
            draft = kept.with_suffix(".tmp")
            draft.write_text(json.dumps(record), encoding="utf-8")
            os.replace(draft, kept)
            if self.on_looked is not None:
                self.on_looked(name)
        self.tally.update(record["tally"])
        if record["scene"] is None:
            self.unreadable[name] = record["problem"]
            return None
        scene = scene_from_record(record["scene"])
        width, height = record["size"]
        return Annotated(
            scene=scene,
            key=("photos", scene.id),
            place=f"photos/{digest[:16]}",
            media=(Image(path=name, width=width, height=height),),
            license=self.license,
        )

    def _look(self, name: str, path: Path, digest: str) -> dict[str, Any]:
        try:
            opened = load_image(Image(path=name), self.folder)
        except MediaError as error:
            return {"scene": None, "problem": str(error), "tally": {"photos.unreadable": 1}}
        counted: Counter[str] = Counter()
        scene = read_photograph(
            f"photo-{path.stem}-{hashlib.sha256(f'{digest}/{name}'.encode()).hexdigest()[:8]}",
            np.asarray(opened, np.uint8),
            self.backends,
            sorting=self.sorting,
            ground=self.ground,
            file=name,
            exif=read_exif(path),
            tally=counted,
        )
        return {"scene": scene_to_record(scene), "size": list(opened.size), "tally": dict(counted)}
