"""Rows of record files: Parquet, JSON, JSON lines, CSV, TSV."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet

from wherewise.samples.errors import InputError

_ROWS_AT_A_TIME = 64
_LONGEST_FIELD = min(sys.maxsize, 2**31 - 1)
"""A picture in base64 is one field of a TSV file."""

RECORD_SUFFIXES = (".parquet", ".json", ".jsonl", ".csv", ".tsv")
"""Endings of the files that are read."""


def read_rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Row number from 0 and row, one after the other.

    Raises:
        InputError: Not a record file, or a damaged one.
    """
    readers = {".parquet": _parquet, ".json": _json, ".jsonl": _lines, ".csv": _table, ".tsv": _table}
    if file.suffix not in readers:
        raise InputError(f"{file}: not a record file; known endings: {', '.join(RECORD_SUFFIXES)}")
    yield from enumerate(readers[file.suffix](file))


def _parquet(file: Path) -> Iterator[dict[str, Any]]:
    with pyarrow.parquet.ParquetFile(file) as parquet:
        for batch in parquet.iter_batches(batch_size=_ROWS_AT_A_TIME):
            yield from batch.to_pylist()


def _json(file: Path) -> Iterator[dict[str, Any]]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"{file}: not JSON ({error})") from error
    if not isinstance(rows, list):
        raise InputError(f"{file}: expected a list of records, found {type(rows).__name__}")
    yield from rows


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as handle:
        for number, line in enumerate(handle, start=1):
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise InputError(f"{file}:{number}: not JSON ({error})") from error


def _table(file: Path) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(_LONGEST_FIELD)
    with file.open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle, delimiter="\t" if file.suffix == ".tsv" else ",")
