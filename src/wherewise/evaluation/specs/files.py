"""Rows of record files: Parquet, JSON, JSON lines, CSV, TSV."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from wherewise.samples.errors import InputError
from wherewise.samples.files import parquet_rows, parse_json, read_lines, read_text
from wherewise.samples.plain import short

_LONGEST_FIELD = min(sys.maxsize, 2**31 - 1)
"""A picture in base64 is one field of a TSV file."""

RECORD_SUFFIXES = (".parquet", ".json", ".jsonl", ".csv", ".tsv")
"""Endings of the files that are read."""


def read_rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Row number from 0 and row, one after the other.

    Raises:
        InputError: Not a record file, or a damaged one.
    """
    readers: dict[str, Callable[[Path], Iterator[dict[str, Any]]]]
    readers = {".parquet": parquet_rows, ".json": _json, ".jsonl": _lines, ".csv": _table, ".tsv": _table}
    if file.suffix not in readers:
        raise InputError(f"{file}: not a record file; known endings: {', '.join(RECORD_SUFFIXES)}")
    yield from enumerate(readers[file.suffix](file))


def _json(file: Path) -> Iterator[dict[str, Any]]:
    rows = parse_json(read_text(file), file=file)
    if not isinstance(rows, list):
        raise InputError(f"{file}: expected a list of records, found {type(rows).__name__}")
    for number, row in enumerate(rows):
        yield _record(row, f"{file}: record {number}")


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    for number, line in read_lines(file):
        yield _record(parse_json(line, file=file, row=number), f"{file}:{number}")


def _record(row: Any, where: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise InputError(f"{where}: expected a record {{...}}, found {type(row).__name__}")
    return row


def _table(file: Path) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with file.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle, delimiter="\t" if file.suffix == ".tsv" else ","):
                if None in row:
                    raise InputError(f"{file}: a record has more values than the file has columns: {short(row[None])}")
                yield row
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not a table that can be read ({error}); save it again as UTF-8") from error
