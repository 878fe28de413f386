"""Datasets on disk: Parquet shards and a manifest, written atomically, read as a stream.

A folder is a dataset only once ``manifest.json`` stands in it, and the manifest is written last: whatever is killed on
the way leaves no dataset rather than half of one. The same samples give the same bytes (with the same pyarrow).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

import wherewise
from wherewise.samples.codec import COLUMNS, SCHEMA_VERSION, from_record, to_record
from wherewise.samples.errors import DatasetError
from wherewise.samples.manifest import (
    MANIFEST,
    SHARD_DRAFT,
    SHARD_NAME,
    SPLIT_NAME,
    Manifest,
    Shard,
    check_shard,
    file_sha256,
    read_manifest,
)
from wherewise.samples.plain import load_json, to_plain
from wherewise.samples.sample import Sample

GROUP_ROWS = 64
"""Rows in a Parquet row group: what a reader or writer holds in memory at once, per split."""

_TYPES = {"options": pa.list_(pa.string()), "media_bytes": pa.list_(pa.binary()), "seed": pa.uint64()}
_SCHEMA = pa.schema(
    [pa.field(name, _TYPES.get(name, pa.string())) for name in COLUMNS],
    metadata={"wherewise.schema_version": str(SCHEMA_VERSION)},
)
# Pictures and clips are compressed already; everything else is text.
_COMPRESSION = {
    {"options": "options.list.element", "media_bytes": "media_bytes.list.element"}.get(name, name): (
        "NONE" if name == "media_bytes" else "ZSTD"
    )
    for name in COLUMNS
}


class _SplitWriter:
    """Writes one split's shards under draft names, one row group at a time."""

    def __init__(self, folder: Path, split: str, shard_rows: int) -> None:
        self.folder = folder
        self.split = split
        self.shard_rows = shard_rows
        self.drafts: list[tuple[Path, int]] = []
        self.tasks: Counter[str] = Counter()
        self._rows: list[dict[str, Any]] = []
        self._writer: pq.ParquetWriter | None = None
        self._written = 0

    def add(self, record: dict[str, Any]) -> None:
        self.tasks[record["task"]] += 1
        self._rows.append(record)
        full = self._written + len(self._rows) == self.shard_rows
        if full or len(self._rows) == GROUP_ROWS:
            self._write_group()
        if full:
            self.finish()

    def _write_group(self) -> None:
        if self._writer is None:
            path = self.folder / f"{self.split}-{len(self.drafts):05d}.parquet.tmp"
            self._writer = pq.ParquetWriter(
                path,
                _SCHEMA,
                version="2.6",
                compression=_COMPRESSION,
                use_dictionary=["split", "task", "source", "license"],
                store_schema=False,
            )
            self.drafts.append((path, 0))
        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=_SCHEMA), row_group_size=GROUP_ROWS)
        self._written += len(self._rows)
        self._rows = []

    def finish(self) -> None:
        """Close the open shard, if any, and put it on the disk for good."""
        if self._rows:
            self._write_group()
        self.abandon()
        if self._written:
            path = self.drafts[-1][0]
            _sync(path)
            self.drafts[-1] = (path, self._written)
            self._written = 0

    def abandon(self) -> None:
        """Close the open file, if any, as it is."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def write_dataset(
    samples: Iterable[Sample],
    folder: Path,
    *,
    generator: Mapping[str, Any] | None = None,
    rejections: Mapping[str, int] | None = None,
    shard_rows: int = 512,
    overwrite: bool = False,
) -> Manifest:
    """Write samples as a dataset.

    Holds at most `GROUP_ROWS` samples per split in memory, besides the ids. Other files in the folder (media) stay.

    Args:
        samples: The samples; read once, in order.
        folder: Where to; made if need be.
        generator: Configuration that made the samples; plain JSON values.
        rejections: Rejected candidates by reason. Read after the last sample, so it may be a counter that the
            iterable of samples fills as it goes.
        shard_rows: Most samples in one shard.
        overwrite: Replace a dataset that stands in the folder. It stays whole until the new one is ready.

    Returns:
        The manifest, as written.

    Raises:
        DatasetError: No samples, a repeated id, a value that cannot be stored, or a dataset already there.
    """
    if shard_rows < 1:
        raise DatasetError(f"shard_rows is {shard_rows}", field="shard_rows", fix="use 1 or more")
    if (folder / MANIFEST).exists() and not overwrite:
        raise DatasetError(
            "a dataset stands here already", file=str(folder), fix="choose another folder, or pass overwrite=True"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for stale in sorted(folder.iterdir()):
        if SHARD_DRAFT.fullmatch(stale.name):
            stale.unlink()
    writers: dict[str, _SplitWriter] = {}
    try:
        _write_drafts(samples, folder, writers, shard_rows)
        if not writers:
            reasons = ", ".join(f"{reason} x{count}" for reason, count in Counter(rejections or {}).most_common(5))
            raise DatasetError(
                "there are no samples to write" + (f"; candidates were rejected: {reasons}" if reasons else ""),
                file=str(folder),
                fix="ask for more scenes, or loosen the generator's margins and filters",
            )
        return _publish(folder, writers, generator or {}, rejections or {})
    finally:
        for writer in writers.values():
            writer.abandon()
            for draft, _ in writer.drafts:
                draft.unlink(missing_ok=True)


def _write_drafts(samples: Iterable[Sample], folder: Path, writers: dict[str, _SplitWriter], shard_rows: int) -> None:
    seen: set[str] = set()
    for sample in samples:
        record = to_record(sample)
        if not sample.id:
            raise DatasetError("the id is empty", field="id", fix="give every sample an id of its own")
        if sample.id in seen:
            raise DatasetError(
                "the id is taken by an earlier sample", field="id", sample=sample.id, fix="give every sample its own id"
            )
        seen.add(sample.id)
        if not SPLIT_NAME.fullmatch(sample.split):
            raise DatasetError(
                f"{sample.split!r} cannot name a split",
                field="split",
                sample=sample.id,
                fix="use train, val or test (letters, digits and _)",
            )
        if sample.split not in writers:
            writers[sample.split] = _SplitWriter(folder, sample.split, shard_rows)
        writers[sample.split].add(record)
    for writer in writers.values():
        writer.finish()


def _publish(
    folder: Path, writers: Mapping[str, _SplitWriter], generator: Mapping[str, Any], rejections: Mapping[str, int]
) -> Manifest:
    """Give the finished drafts their names, then write the manifest."""
    moves: list[tuple[Path, Path]] = []
    shards: list[Shard] = []
    for split in sorted(writers):
        drafts = writers[split].drafts
        for i, (draft, rows) in enumerate(drafts):
            name = f"{split}-{i:05d}-of-{len(drafts):05d}.parquet"
            size, digest = draft.stat().st_size, file_sha256(draft)
            shards.append(Shard(file=name, split=split, rows=rows, size=size, sha256=digest))
            moves.append((draft, folder / name))
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        wherewise=wherewise.__version__,
        counts={split: dict(sorted(writers[split].tasks.items())) for split in sorted(writers)},
        shards=tuple(shards),
        generator=to_plain(generator, "generator"),
        rejections=to_plain(rejections, "rejections"),
    )
    text = manifest.to_json()
    (folder / MANIFEST).unlink(missing_ok=True)
    _sync(folder)
    for old in sorted(folder.iterdir()):
        if SHARD_NAME.fullmatch(old.name):
            old.unlink()
    for draft, final in moves:
        os.replace(draft, final)
    _sync(folder)
    draft = folder / f"{MANIFEST}.tmp"
    draft.write_text(text, encoding="utf-8")
    _sync(draft)
    os.replace(draft, folder / MANIFEST)
    _sync(folder)
    return manifest


def read_dataset(
    folder: Path, *, splits: Sequence[str] | None = None, limit: int | None = None, verify: bool = False
) -> Iterator[Sample]:
    """Read a dataset as a stream.

    Whether it is there and whole is checked at once, before the first sample is asked for.

    Args:
        folder: A dataset folder, or a ``.jsonl`` file with one record a line.
        splits: Only these; None means all.
        limit: At most so many samples; None means all.
        verify: Also compare each shard's sha256 with the manifest (reads everything once more).

    Returns:
        The samples, in the order of the manifest's shards (of the lines, for ``.jsonl``).

    Raises:
        DatasetError: Something is missing, changed, or not a valid record; names the file, row, field and fix.
    """
    if limit is not None and limit < 1:
        raise DatasetError(f"limit is {limit}", field="limit", fix="use 1 or more, or None for all")
    if folder.suffix == ".jsonl":
        if not folder.is_file():
            raise DatasetError("there is no such file", file=str(folder), fix="correct the path")
        return _limited(_read_jsonl(folder, splits), limit)
    manifest = read_manifest(folder)
    unknown = sorted(set(splits or ()) - set(manifest.counts))
    if unknown:
        raise DatasetError(
            f"there is no split {unknown[0]!r}", file=str(folder), fix=f"choose among {', '.join(manifest.counts)}"
        )
    chosen = [shard for shard in manifest.shards if splits is None or shard.split in splits]
    if not chosen or not manifest.rows:
        raise DatasetError("the dataset is empty", file=str(folder), fix="make it again, or name at least one split")
    for shard in chosen:
        check_shard(folder, shard, verify=verify)
    return _limited(_read_shards(folder, chosen), limit)


def _limited(samples: Iterator[Sample], limit: int | None) -> Iterator[Sample]:
    for count, sample in enumerate(samples, start=1):
        yield sample
        if count == limit:
            return


def _read_shards(folder: Path, shards: Iterable[Shard]) -> Iterator[Sample]:
    for shard in shards:
        for row, record in shard_records(folder / shard.file, rows=shard.rows):
            yield decode_at(folder / shard.file, row, record)


def decode_at(path: Path, row: int, record: Mapping[str, Any]) -> Sample:
    """`from_record` whose errors name the file and the row."""
    try:
        return from_record(record)
    except DatasetError as error:
        raise error.at(file=str(path), row=row) from error


def shard_records(path: Path, *, rows: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows of one shard with their positions (from 0), one row group in memory at a time.

    Raises:
        DatasetError: The file is not Parquet, is damaged, or does not hold `rows` rows.
    """
    try:
        with pq.ParquetFile(path) as file:
            if file.metadata.num_rows != rows:
                raise DatasetError(
                    f"the shard holds {file.metadata.num_rows} rows, the manifest says {rows}",
                    file=str(path),
                    fix="make the dataset again",
                )
            start = 0
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, use_threads=False)
                yield from enumerate(table.to_pylist(), start=start)
                start += table.num_rows
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"the shard is damaged: {error}", file=str(path), fix="make the dataset again") from error


def jsonl_records(path: Path) -> Iterator[tuple[int, dict[str, Any] | DatasetError]]:
    """Lines of a ``.jsonl`` file, from 1: each a record, or what is wrong with it. Blank lines are skipped."""
    with path.open("rb") as stream:
        for line, content in enumerate(stream, start=1):
            if not content.strip():
                continue
            try:
                record = load_json(content.decode("utf-8"), None)
            except UnicodeDecodeError as error:
                yield line, DatasetError(f"not UTF-8: {error.reason}", file=str(path), row=line, fix="save as UTF-8")
            except DatasetError as error:
                yield line, error.at(file=str(path), row=line)
            else:
                wrong = DatasetError("not a JSON object", file=str(path), row=line, fix="write one record {...} a line")
                yield line, record if isinstance(record, dict) else wrong


def _read_jsonl(path: Path, splits: Sequence[str] | None) -> Iterator[Sample]:
    lines: dict[str, int] = {}
    empty = True
    for line, record in jsonl_records(path):
        if isinstance(record, DatasetError):
            raise record
        sample = decode_at(path, line, record)
        if sample.id in lines:
            raise DatasetError(
                f"the id is taken by line {lines[sample.id]}",
                field="id",
                sample=sample.id,
                file=str(path),
                row=line,
                fix="give every sample its own id",
            )
        lines[sample.id] = line
        if splits is None or sample.split in splits:
            empty = False
            yield sample
    if empty:
        what = "has no samples" if not lines else f"has no samples of {', '.join(splits or ())}"
        raise DatasetError(f"the dataset {what}", file=str(path), fix="write one JSON record a line")


def _sync(path: Path) -> None:
    """Make a file's content, or a folder's entries, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
