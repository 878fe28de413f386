"""Annotated pictures as scenes: the files of a folder, read in order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from wherewise.media import image_size
from wherewise.samples.errors import DatasetError
from wherewise.samples.media import Image, Media
from wherewise.scenes.annotated import Annotated
from wherewise.scenes.graphs.clevr import clevr_scene
from wherewise.scenes.graphs.nlvr import nlvr_picture, nlvr_place, nlvr_scene
from wherewise.scenes.graphs.records import line_items, list_of, mapping, parquet_items, text_of
from wherewise.scenes.graphs.vg150 import COLUMNS, vg150_scene
from wherewise.scenes.graphs.visual_genome import visual_genome
from wherewise.scenes.scans.metadata import read_table
from wherewise.scenes.scene import Scene


class GraphFormat(StrEnum):
    """Layout of the annotation files."""

    VISUAL_GENOME = "visual_genome"
    """A folder with ``image_data.json``, ``objects.json`` and ``relationships.json``."""
    VG150 = "vg150"
    """Rows of ``objects`` and ``relationships``, as Parquet or JSON lines."""
    CLEVR = "clevr"
    """``CLEVR_{split}_scenes.json``."""
    NLVR = "nlvr"
    """JSON lines with ``structured_rep``."""


LICENSES = {
    GraphFormat.VISUAL_GENOME: "CC-BY-4.0",
    GraphFormat.VG150: "CC-BY-4.0",
    GraphFormat.CLEVR: "CC-BY-4.0",
    GraphFormat.NLVR: "CC-BY-4.0",
}
"""Licence of each dataset's annotations; the photographs of Visual Genome have their own."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphFiles:
    """Where annotated pictures are.

    Attributes:
        format: Layout of the files.
        annotations: File or folder of annotations.
        media_root: Folder of the pictures; the folder of the annotations where None.
        media: Path of a picture inside `media_root`; ``{name}`` is the path that the annotations give.
        size: Width and height of CLEVR pictures where there is no picture to measure.
        license: Licence of the media; None for the dataset's own.
    """

    format: GraphFormat
    annotations: Path
    media_root: Path | None = None
    media: str = "{name}"
    size: tuple[int, int] = (480, 320)
    license: str | None = None

    @property
    def root(self) -> Path:
        """Folder of the pictures."""
        folder = self.annotations if self.annotations.is_dir() else self.annotations.parent
        return self.media_root or folder


@dataclass(frozen=True, kw_only=True, slots=True)
class Graphs:
    """Annotated pictures; iterate over it to get `Annotated` scenes in the order of the files.

    Raises:
        DatasetError: A file is missing, or something in it is wrong; names file, line or item, field and fix.
    """

    files: GraphFiles

    def __iter__(self) -> Iterator[Annotated]:
        readers = {
            GraphFormat.VISUAL_GENOME: self._visual_genome,
            GraphFormat.VG150: self._vg150,
            GraphFormat.CLEVR: self._clevr,
            GraphFormat.NLVR: self._nlvr,
        }
        yield from readers[self.files.format]()

    def place(self, dataset: str, scene: str) -> str:
        """The place of an excluded scene: the scene itself."""
        return f"{dataset}/{scene}"

    def _annotated(self, scene: Scene, known_as: str, place: str, media: tuple[Media, ...]) -> Annotated:
        return Annotated(
            scene=scene,
            key=(str(self.files.format), known_as),
            place=place,
            media=media,
            license=self.files.license or LICENSES[self.files.format],
        )

    def _picture(self, name: str, scene: Scene | None = None) -> tuple[Image, ...]:
        """The picture if it is there, with the size that the scene says."""
        path = self.files.media.format(name=name)
        try:
            Image(path=path)
        except ValueError as error:
            raise DatasetError(
                str(error), field="file name", file=str(self.files.annotations), fix="name a picture below the root"
            ) from error
        if not os.path.isfile(self.files.root / path):  # a name that no file can have is no file
            return ()
        if scene is None:
            return (Image(path=path),)
        camera = scene.views[0].camera
        return (Image(path=path, width=camera.width, height=camera.height),)

    def _visual_genome(self) -> Iterator[Annotated]:
        for scene, name in visual_genome(self.files.annotations):
            known_as = str(scene.facts["image_id"])
            place = f"visual_genome/{known_as}"
            yield self._annotated(scene, known_as, place, self._picture(name, scene))

    def _vg150(self) -> Iterator[Annotated]:
        for path in _files(self.files.annotations, (".parquet", ".jsonl")):
            rows = line_items(path) if path.suffix == ".jsonl" else parquet_items(path, COLUMNS)
            for number, row in rows:
                try:
                    yield self._vg150_row(row)
                except DatasetError as error:
                    raise error.at(file=str(path), row=number) from error

    def _vg150_row(self, row: Mapping[str, Any]) -> Annotated:
        known_as = str(row.get("image_id", "")) or text_of(row, "image_id", "")
        held = row.get("image")
        picture: tuple[Image, ...] = ()
        if isinstance(held, dict) and isinstance(held.get("bytes"), bytes):
            picture = (Image(data=held["bytes"]),)
        else:
            name = row.get("file_name") or (held if isinstance(held, str) else f"{known_as}.jpg")
            picture = self._picture(str(name))
        width, height = row.get("width"), row.get("height")
        if not isinstance(width, int) or not isinstance(height, int):
            if not picture:
                raise DatasetError(
                    "the picture's size is not known", field="width, height", fix="give them, or the picture"
                )
            width, height = image_size(picture[0], self.files.root, sample_id=known_as)
        scene = vg150_scene(row, width=width, height=height, name=f"vg150-{known_as}")
        # VG150 is a part of Visual Genome: one picture is one place under both names.
        return self._annotated(scene, known_as, f"visual_genome/{known_as}", picture)

    def _clevr(self) -> Iterator[Annotated]:
        for path in _files(self.files.annotations, (".json",)):
            try:
                records = list_of(read_table(path), "scenes", "")
            except DatasetError as error:
                raise error.at(file=str(path)) from error
            for number, record in enumerate(records):
                try:
                    entry = mapping(record, f"scenes[{number}]")
                    name = text_of(entry, "image_filename", "")
                    picture = self._picture(name)
                    width, height = image_size(picture[0], self.files.root) if picture else self.files.size
                    scene = clevr_scene(entry, width=width, height=height)
                except DatasetError as error:
                    raise error.at(file=str(path), sample=f"scenes[{number}]") from error
                yield self._annotated(scene, scene.id, f"clevr/{scene.id}", self._picture(name, scene))

    def _nlvr(self) -> Iterator[Annotated]:
        for path in _files(self.files.annotations, (".jsonl", ".json")):
            for number, record in line_items(path):
                try:
                    scene = nlvr_scene(record)
                    name, place = nlvr_picture(record), nlvr_place(record)
                except DatasetError as error:
                    raise error.at(file=str(path), row=number) from error
                yield self._annotated(scene, scene.id.removeprefix("nlvr-"), place, self._picture(name, scene))


def _files(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """The file itself, or the annotation files of a folder, sorted.

    Raises:
        DatasetError: There is none.
    """
    found = sorted(file for file in path.iterdir() if file.suffix in suffixes) if path.is_dir() else [path]
    if not found or not found[0].is_file():
        what = f"no file ending in {' or '.join(suffixes)}" if path.is_dir() else "there is no such file or folder"
        raise DatasetError(what, file=str(path), fix="correct the path in 'annotations'")
    return found
