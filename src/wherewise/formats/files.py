"""Files of rows: read as samples, written from samples, with an account of what a format could not hold."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wherewise.formats.defects import DefectReport
from wherewise.formats.rows import RowFormat, lost_fields
from wherewise.media.roots import open_medium
from wherewise.media.sniff import Format
from wherewise.media.sniff import read_format as sniffed
from wherewise.samples import Image, Media, Sample
from wherewise.samples.errors import DatasetError
from wherewise.samples.files import parquet_rows, parse_json, read_lines, read_text

SUFFIXES = {
    Format.PNG: ".png",
    Format.JPEG: ".jpg",
    Format.WEBP: ".webp",
    Format.MP4: ".mp4",
    Format.MATROSKA: ".webm",
    Format.AVI: ".avi",
}
"""Names of media that are written out."""


def rows_of(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of a file with their places: lines of ``.jsonl`` (from 1), entries of ``.json`` and Parquet (from 0).

    Raises:
        DatasetError: The file is none of these, or broken; names the line.
    """
    if not path.is_file():
        raise DatasetError("there is no such file", file=str(path), fix="check the path")
    match path.suffix:
        case ".jsonl":
            for number, line in read_lines(path):
                if line.strip():
                    yield number, _object(parse_json(line, file=path, row=number), path, number)
        case ".json":
            entries = parse_json(read_text(path), file=path)
            if not isinstance(entries, list):
                raise DatasetError("is not an array of rows", file=str(path), fix="wrap the rows in [ ]")
            for number, entry in enumerate(entries):
                yield number, _object(entry, path, number)
        case ".parquet":
            yield from enumerate(parquet_rows(path))
        case _:
            raise DatasetError("is no .json, .jsonl or .parquet", file=str(path), fix="rename or convert it")


def _object(value: Any, path: Path, number: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DatasetError("is not an object", file=str(path), row=number, fix="a row is {...}")
    return value


def read_format(
    form: RowFormat,
    path: Path,
    *,
    strip: str = "",
    split: str | None = None,
    defects: DefectReport | None = None,
    on_bad: Callable[[DatasetError], None] | None = None,
) -> Iterator[Sample]:
    """The samples of a file.

    Args:
        form: Its format.
        path: The file.
        strip: What media paths begin with that is to be left out (``mnt/data/``; a leading slash makes no difference).
        split: Sets the samples' split; None leaves the format's own.
        defects: Counts known defects of the rows, and says which rows are left out.
        on_bad: Called with what is wrong with a row that cannot be read, which is then left out; None raises it.

    Raises:
        DatasetError: Something is wrong with a row; names the file, line, field and fix. Ids that repeat are told apart
            by their rows' places.
    """
    prefix = strip.lstrip("/")
    seen: set[str] = set()
    for place, row in rows_of(path):
        try:
            sample = form.read(row, place)
        except DatasetError as error:
            located = error.at(file=str(path), row=place)
            if on_bad is None:
                raise located from error
            on_bad(located)
            continue
        if prefix:
            media = tuple(_stripped(medium, prefix) for medium in sample.media)
            sample = dataclasses.replace(sample, media=media, group=sample.group.removeprefix(prefix))
            facts = {**sample.facts, "carried": {**sample.facts["carried"], "of": _digest(sample)}}
            sample = dataclasses.replace(sample, facts=facts)
        if sample.id in seen:
            sample = dataclasses.replace(sample, id=f"{sample.id}#{place}")
        seen.add(sample.id)
        if split is not None:
            sample = dataclasses.replace(sample, split=split)
        if defects is None or defects.keeps(form.name, row, sample):
            yield sample


def _stripped(medium: Media, prefix: str) -> Media:
    if medium.path is None or not medium.path.startswith(prefix):
        return medium
    return dataclasses.replace(medium, path=medium.path.removeprefix(prefix).lstrip("/"))


def _digest(sample: Sample) -> str:
    from wherewise.formats.rows import digest, uncarry

    return digest(uncarry(sample)[0])


@dataclass(kw_only=True, slots=True)
class Loss:
    """What a written file holds and does not hold.

    Attributes:
        rows: Rows written.
        fields: How many samples lost each field.
        examples: A sample that lost it, for each field.
    """

    rows: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def note(self, form: RowFormat, sample: Sample) -> None:
        """Count one sample."""
        self.rows += 1
        for name in lost_fields(form, sample):
            self.fields[name] += 1
            self.examples.setdefault(name, sample.id)

    def lines(self) -> list[str]:
        """In words, most frequent first; empty if nothing was lost."""
        return [
            f"{name} lost in {count} of {self.rows} samples, for example {self.examples[name]}"
            for name, count in self.fields.most_common()
        ]


def write_format(
    form: RowFormat,
    samples: Iterable[Sample],
    path: Path,
    *,
    root: Path | None = None,
    media: Path | None = None,
    embed: bool = False,
) -> Loss:
    """Write samples in a format; whole or not at all.

    Args:
        form: The format.
        samples: The samples.
        path: File to write; its ending decides between JSON array, lines and Parquet.
        root: Folder of the samples' media paths, where media are copied or embedded.
        media: Folder to write media to that are in memory; rows then name them relative to `path`'s folder.
        embed: Put the bytes of pictures into the rows, for formats that hold bytes.

    Returns:
        How many rows, and what they could not hold.

    Raises:
        DatasetError: A sample has no place in the format; names it.
    """
    loss = Loss()
    draft = path.with_name(f".{path.name}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)

    def rows() -> Iterator[dict[str, Any]]:
        for sample in samples:
            placed = _placed(sample, root, media, path.parent, embed)
            try:
                row = form.write(placed)
            except DatasetError as error:
                raise error.at(sample=sample.id) from error
            loss.note(form, placed)
            yield row

    match path.suffix:
        case ".jsonl":
            with draft.open("w", encoding="utf-8") as stream:
                stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows())
        case ".json":
            draft.write_text(json.dumps(list(rows()), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        case ".parquet":
            try:
                table = pa.Table.from_pylist(list(rows()))
            except pa.ArrowException as error:
                raise DatasetError(
                    f"the rows do not fit one table: {error}",
                    file=str(path),
                    fix="put all pictures into the rows (embed) or none of them, or write .jsonl",
                ) from error
            pq.write_table(table, draft, compression="zstd")
        case _:
            raise DatasetError(
                "is no .json, .jsonl or .parquet", file=str(path), fix=f"{form.name} is usually .{form.container}"
            )
    os.replace(draft, path)
    return loss


def _placed(sample: Sample, root: Path | None, media: Path | None, base: Path, embed: bool) -> Sample:
    """The sample with its media where the rows can name them."""
    if embed:
        found = tuple(
            dataclasses.replace(m, path=None, data=_bytes(m, root, sample.id)) if isinstance(m, Image) else m
            for m in sample.media
        )
    elif media is not None:
        found = tuple(m if m.data is None else _written(m, media, base, sample.id) for m in sample.media)
    else:
        return sample
    return dataclasses.replace(sample, media=found)


def _bytes(medium: Media, root: Path | None, sample_id: str) -> bytes:
    with open_medium(medium, root, sample_id=sample_id) as stream:
        return stream.read()


def _written(medium: Media, folder: Path, base: Path, sample_id: str) -> Media:
    with open_medium(medium, None, sample_id=sample_id) as stream:
        kind = sniffed(stream)
        data = stream.read()
    name = hashlib.sha256(data).hexdigest()[:24] + SUFFIXES.get(kind, ".bin")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / name
    if not target.exists():
        target.write_bytes(data)
    try:
        inside = target.resolve().relative_to(base.resolve())
    except ValueError as error:
        raise DatasetError(
            f"the media folder {folder} is not below {base}", fix="choose one below the file's own folder"
        ) from error
    return dataclasses.replace(medium, data=None, path=inside.as_posix())
