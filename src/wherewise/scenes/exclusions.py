"""Lists of scenes that must not be trained on, because a benchmark asks about them.

A list is a text file with one ``dataset/scene`` a line; ``#`` begins a comment. `benchmark_scenes` makes one from the
benchmark's own files, so that no list has to be shipped or trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from wherewise.samples.errors import DatasetError
from wherewise.samples.files import parquet_rows, read_lines, read_text
from wherewise.samples.plain import load_json, short

Key = tuple[str, str]
"""``(dataset, scene id)``."""


def read_exclusions(paths: Iterable[Path]) -> frozenset[Key]:
    """The scenes of some lists.

    Raises:
        DatasetError: A file is missing or empty, or a line is not ``dataset/scene``.
    """
    keys: set[Key] = set()
    for path in paths:
        if not path.is_file():
            raise DatasetError("there is no such list", file=str(path), fix="correct the path in 'exclude'")
        before = len(keys)
        lines = read_text(path).splitlines()
        for number, line in enumerate(lines, start=1):
            entry = line.partition("#")[0].strip()
            if not entry:
                continue
            dataset, slash, scene = entry.partition("/")
            if not slash or not dataset or not scene or " " in entry:
                raise DatasetError(
                    f"line {number}: {entry!r} is not dataset/scene",
                    file=str(path),
                    fix="write one scene a line, such as scannet/scene0011_00",
                )
            keys.add((dataset, scene))
        if len(keys) == before and not any(line.partition("#")[0].strip() for line in lines):
            raise DatasetError("the list is empty", file=str(path), fix="make it anew, or take it out of 'exclude'")
    return frozenset(keys)


def write_exclusions(keys: Iterable[Key], path: Path, *, title: str) -> int:
    """Write a list, sorted, under a comment; returns how many scenes it has."""
    ordered = sorted(set(keys))
    body = "".join(f"{dataset}/{scene}\n" for dataset, scene in ordered)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# {title}\n{body}", encoding="utf-8")
    return len(ordered)


def benchmark_scenes(paths: Iterable[Path]) -> frozenset[Key]:
    """The scenes that a benchmark's own files name.

    Read are scene metadata (``{scene: {"dataset": ...}}``), and questions as Parquet or JSON lines with ``dataset`` and
    ``scene_name`` (or ``scene``) in each row: the layouts of VSI-Bench.

    Raises:
        DatasetError: A file cannot be read, or a row names no scene.
    """
    found: set[Key] = set()
    for path in paths:
        if not path.is_file():
            raise DatasetError("there is no such file", file=str(path), fix="give the benchmark's own file")
        keys = [_key(row, path, number) for number, row in _rows(path)]
        if not keys:
            raise DatasetError("names no scene", file=str(path), fix="give the benchmark's own file")
        found.update(keys)
    return frozenset(found)


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if path.suffix == ".parquet":
        yield from enumerate(parquet_rows(path, ("dataset", "scene_name", "scene")))
    elif path.suffix == ".jsonl":
        for number, line in read_lines(path):
            if line.strip():
                yield number, _load(line, path, number)
    elif path.suffix == ".json":
        for number, (scene, entry) in enumerate(_load(read_text(path), path, None).items()):
            dataset = entry.get("dataset") if isinstance(entry, dict) else None
            yield number, {"dataset": dataset, "scene_name": scene}
    else:
        raise DatasetError("not .json, .jsonl or .parquet", file=str(path), fix="give one of these")


def _load(text: str, path: Path, row: int | None) -> dict[str, Any]:
    try:
        value = load_json(text, None)
    except DatasetError as error:
        raise error.at(file=str(path), row=row) from error
    if not isinstance(value, dict):
        raise DatasetError(f"holds {short(value)} instead of an object", file=str(path), row=row, fix="write {...}")
    return value


def _key(row: Mapping[str, Any], path: Path, number: int) -> Key:
    dataset, scene = row.get("dataset"), row.get("scene_name", row.get("scene"))
    if not isinstance(dataset, str) or not isinstance(scene, str) or not dataset or not scene:
        raise DatasetError(
            f"names no scene: dataset {dataset!r}, scene_name {scene!r}",
            file=str(path),
            row=number,
            fix="each row needs 'dataset' and 'scene_name'",
        )
    return dataset, scene
