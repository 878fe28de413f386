"""``wherewise data drop``: a dataset without the samples that were flagged in its gallery."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wherewise.samples.sample import Sample


def drop(
    dataset: Annotated[Path, typer.Argument(help="Dataset folder with a manifest.json, or a .jsonl file.")],
    flags: Annotated[Path, typer.Option("--flags", help='The flags.jsonl of its gallery: {"id": ...} a line.')],
    out: Annotated[Path, typer.Option("--out", "-o", help="Dataset folder to write; the old one stays as it is.")],
    root: Annotated[Path | None, typer.Option("--root", help="Data root of media paths; the dataset's folder.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a dataset that stands in OUT.")] = False,
) -> None:
    """Write a dataset without its flagged samples; media, scenes and sidecars of the others come along.

    Files are linked where the file system can, else copied.
    """
    from wherewise.samples.errors import InputError

    folder = dataset if dataset.is_dir() else dataset.parent
    if out.resolve() in (dataset.resolve(), folder.resolve()):
        raise InputError(f"{out} is the dataset itself; give another folder with --out")
    kept, dropped = write_without(dataset, read_flags(flags), out, root=root or folder, overwrite=overwrite)
    typer.echo(f"{out}: {kept} samples; {dropped} flagged ones dropped")


def read_flags(path: Path) -> set[str]:
    """Ids of a ``flags.jsonl``.

    Raises:
        DatasetError: The file is missing, empty, or a line has no ``id``; names file and line.
    """
    from wherewise.samples.errors import DatasetError
    from wherewise.samples.store import jsonl_records

    if not path.is_file():
        raise DatasetError("there is no such file", file=str(path), fix="download the flags from the gallery")
    ids = set()
    for line, record in jsonl_records(path):
        if isinstance(record, DatasetError):
            raise record
        if not isinstance(record.get("id"), str):
            raise DatasetError("the id is missing", field="id", file=str(path), row=line, fix='write {"id": "..."}')
        ids.add(record["id"])
    if not ids:
        raise DatasetError("nothing is flagged", file=str(path), fix="flag samples in the gallery (key f)")
    return ids


def write_without(
    dataset: Path, flagged: set[str], out: Path, *, root: Path, overwrite: bool = False
) -> tuple[int, int]:
    """Write a dataset without some of its samples.

    Args:
        dataset: Dataset folder or ``.jsonl`` file.
        flagged: Ids to leave out.
        out: Dataset folder to write.
        root: Data root of media paths.
        overwrite: Replace a dataset that stands in `out`.

    Returns:
        Number of samples kept and left out.

    Raises:
        DatasetError: A flagged id is not in the dataset, nothing would be left, or the dataset is broken.
        MediaError: A medium of a kept sample is missing or outside the root.
    """
    from wherewise.samples.errors import DatasetError
    from wherewise.samples.manifest import read_manifest
    from wherewise.samples.store import read_dataset, write_dataset

    manifest = read_manifest(dataset) if dataset.is_dir() else None
    unknown = flagged - {sample.id for sample in read_dataset(dataset)}
    if unknown:
        raise DatasetError(
            f"{len(unknown)} of {len(flagged)} flagged samples are not in it",
            sample=min(unknown),
            file=str(dataset),
            fix="take the dataset that the gallery was made of",
        )
    groups: dict[str, set[str]] = {}
    generator: dict[str, Any] = {} if manifest is None else dict(manifest.generator)
    generator["dropped"] = sorted(flagged)
    rejections = {} if manifest is None else dict(manifest.rejections)
    rejections["flagged"] = rejections.get("flagged", 0) + len(flagged)

    def kept() -> Iterator[Sample]:
        for sample in read_dataset(dataset):
            if sample.id not in flagged:
                groups.setdefault(sample.split, set()).add(sample.group)
                _bring_media(sample, root, out)
                yield sample
        if dataset.is_dir():
            digests = _bring_scenes(dataset, groups, out)
            if digests or "scenes" in generator:
                generator["scenes"] = digests

    written = write_dataset(kept(), out, generator=generator, rejections=rejections, overwrite=overwrite)
    return written.rows, len(flagged)


def _bring_media(sample: Sample, root: Path, out: Path) -> None:
    from wherewise.media import resolve

    for medium in sample.media:
        if medium.path is not None:
            _bring(resolve(medium.path, root, sample_id=sample.id), out / medium.path)


def _bring_scenes(dataset: Path, groups: dict[str, set[str]], out: Path) -> dict[str, str]:
    """Scenes and sidecars of the kept groups; the sha256 of each file of scenes by its name."""
    from wherewise.samples.manifest import file_sha256

    digests = {}
    for split, names in sorted(groups.items()):
        source, target = dataset / f"scenes-{split}.jsonl", out / f"scenes-{split}.jsonl"
        if source.is_file():
            with source.open(encoding="utf-8") as stream:
                _write_lines(_lines_of(stream, names, source), target)
            digests[target.name] = file_sha256(target)
        for name in sorted(names):
            sidecar = dataset / "sidecars" / split / f"{name}.npz"
            if Path(name).name == name and sidecar.is_file():
                _bring(sidecar, out / "sidecars" / split / sidecar.name)
    return digests


def _lines_of(lines: Iterable[str], names: set[str], source: Path) -> Iterator[str]:
    from wherewise.samples.errors import DatasetError
    from wherewise.samples.plain import load_json

    for number, line in enumerate(lines, start=1):
        try:
            record = load_json(line, None)
        except DatasetError as error:
            raise error.at(file=str(source), row=number) from error
        if isinstance(record, dict) and record.get("id") in names:
            yield line


def _write_lines(lines: Iterable[str], target: Path) -> None:
    draft = target.with_name(target.name + ".tmp")
    with draft.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(lines)
    os.replace(draft, target)


def _bring(source: Path, target: Path) -> None:
    """Put a file at another place too: linked where the file system can, else copied."""
    if target.exists() and target.samefile(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".tmp")
    draft.unlink(missing_ok=True)
    try:
        os.link(source, draft)
    except OSError:
        shutil.copyfile(source, draft)
    os.replace(draft, target)
