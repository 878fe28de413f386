"""The manifest that makes a folder of shards a dataset."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wherewise.samples.codec import SCHEMA_VERSION
from wherewise.samples.errors import DatasetError
from wherewise.samples.plain import from_plain, load_json, to_plain

MANIFEST = "manifest.json"
SPLIT_NAME = re.compile(r"[A-Za-z0-9_]+")
SHARD_NAME = re.compile(r"[A-Za-z0-9_]+-\d{5}-of-\d{5}\.parquet")
SHARD_DRAFT = re.compile(r"[A-Za-z0-9_]+-\d{5}\.parquet\.tmp")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """One Parquet file of a dataset.

    Attributes:
        file: Its name inside the dataset folder.
        split: The split that all its rows belong to.
        rows: Number of samples.
        size: Length in bytes.
        sha256: Hex digest of its bytes.
    """

    file: str
    split: str
    rows: int
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a dataset folder holds.

    Attributes:
        schema_version: Version of the record's columns.
        wherewise: Version of the package that wrote it.
        counts: Samples by split and, within it, by task.
        shards: Its files, in reading order.
        generator: Configuration that made the data; plain JSON values.
        rejections: How often each reason rejected a candidate while the data was made.
    """

    schema_version: int
    wherewise: str
    counts: Mapping[str, Mapping[str, int]]
    shards: tuple[Shard, ...]
    generator: Mapping[str, Any] = field(default_factory=dict)
    rejections: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of samples."""
        return sum(shard.rows for shard in self.shards)

    def to_json(self) -> str:
        """The text of the manifest's file: same content, same bytes."""
        return json.dumps(to_plain(self, MANIFEST), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Read and check a dataset's manifest.

    Raises:
        DatasetError: The folder is not a whole dataset that this version can read.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise DatasetError("there is no such dataset folder", file=str(folder), fix="correct the path")
    if not path.is_file():
        cut = any(SHARD_DRAFT.fullmatch(p.name) or SHARD_NAME.fullmatch(p.name) for p in folder.iterdir())
        raise DatasetError(
            f"not a dataset: there is no {MANIFEST}" + (", so writing it was cut short" if cut else ""),
            file=str(folder),
            fix="run the command that makes it again" if cut else "point at a folder that wherewise wrote",
        )
    try:
        manifest = _parse(path)
    except DatasetError as error:
        raise error.at(file=str(path)) from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"not UTF-8 text: {error}", file=str(path), fix="make the dataset again") from error
    return manifest


def _parse(path: Path) -> Manifest:
    table = load_json(path.read_text(encoding="utf-8"), None)
    version = table.get("schema_version") if isinstance(table, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise DatasetError(
            f"schema version {version} is newer than {SCHEMA_VERSION}, the newest this wherewise reads",
            field="schema_version",
            fix="upgrade wherewise",
        )
    manifest: Manifest = from_plain(Manifest, table, "manifest")
    totals: dict[str, int] = {}
    for i, shard in enumerate(manifest.shards):
        if not SHARD_NAME.fullmatch(shard.file):
            raise DatasetError(
                f"{shard.file!r} is not a shard's name",
                field=f"shards[{i}].file",
                fix="use {split}-00000-of-00001.parquet, inside the folder",
            )
        totals[shard.split] = totals.get(shard.split, 0) + shard.rows
    if totals != {split: sum(tasks.values()) for split, tasks in manifest.counts.items()}:
        raise DatasetError("the counts do not add up to the shards' rows", field="counts", fix="make the dataset again")
    return manifest


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_shard(folder: Path, shard: Shard, *, verify: bool) -> None:
    """Compare a shard's file with the manifest: existence and size, and its sha256 if `verify`.

    Raises:
        DatasetError: The file is missing, cut short or changed.
    """
    path = folder / shard.file
    again = "copy the dataset again, or make it again"
    if not path.is_file():
        raise DatasetError("the shard is missing", file=str(path), fix=again)
    size = path.stat().st_size
    if size != shard.size:
        what = "truncated" if size < shard.size else "longer than it was"
        raise DatasetError(f"the shard is {what}: {size} bytes instead of {shard.size}", file=str(path), fix=again)
    if verify:
        digest = file_sha256(path)
        if digest != shard.sha256:
            raise DatasetError(
                f"the shard was changed: sha256 is {digest[:12]}..., the manifest says {shard.sha256[:12]}...",
                file=str(path),
                fix=again,
            )
