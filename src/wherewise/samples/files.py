"""Files that people bring: text, lines, JSON and Parquet, where everything that is wrong is a `DatasetError`.

Readers of any room build upon these, so that a damaged file ends with its name and what to do, never with a decoder's
own error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from wherewise.samples.errors import DatasetError

_AGAIN = "copy or download it again"


def read_text(path: Path, *, encoding: str = "utf-8") -> str:
    """The text of a file.

    Raises:
        DatasetError: It is missing, or not UTF-8; names the line.
    """
    raw = _raw(path)
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _not_utf8(error, path, line) from error


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file with their numbers from 1, line ends included, one in memory at a time.

    Raises:
        DatasetError: It is missing, or a line is not UTF-8.
    """
    if not path.is_file():
        raise DatasetError("there is no such file", file=str(path), fix="correct the path")
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, start=1):
            try:
                yield number, raw.decode("utf-8")
            except UnicodeDecodeError as error:
                raise _not_utf8(error, path, number) from error


def parse_json(text: str, *, file: Path | str | None = None, row: int | None = None) -> Any:
    """A JSON value as Python's reader takes it, NaN and repeated keys included (`load_json` is the strict one).

    Raises:
        DatasetError: It is not JSON, is nested too deeply, or holds a number of thousands of digits.
    """
    where = None if file is None else str(file)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        message = f"not JSON: {error.msg} at line {error.lineno}, character {error.colno}"
        raise DatasetError(message, file=where, row=row, fix="correct it") from error
    except ValueError as error:
        raise DatasetError(f"not JSON that can be read: {error}", file=where, row=row, fix="correct it") from error
    except RecursionError as error:
        raise DatasetError("the JSON is nested too deeply", file=where, row=row, fix="flatten it") from error


def parquet_rows(path: Path, columns: Sequence[str] | None = None, *, batch: int = 64) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file, `batch` in memory at a time.

    Args:
        path: The file.
        columns: Only these of its columns, as far as it has them; None means all.
        batch: Rows read at once.

    Raises:
        DatasetError: It is missing, no Parquet, or damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise DatasetError("there is no such file", file=str(path), fix="correct the path")
    try:
        with pq.ParquetFile(path) as file:
            known = file.schema_arrow.names
            wanted = None if columns is None else [name for name in columns if name in known]
            for part in file.iter_batches(batch_size=batch, columns=wanted):
                yield from part.to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError) as error:
        shown = " ".join(str(error).split())[:300]
        raise DatasetError(f"not readable as Parquet: {shown}", file=str(path), fix=_AGAIN) from error


def _raw(path: Path) -> bytes:
    if not path.is_file():
        raise DatasetError("there is no such file", file=str(path), fix="correct the path")
    return path.read_bytes()


def _not_utf8(error: UnicodeDecodeError, path: Path, line: int) -> DatasetError:
    return DatasetError(f"line {line} is not UTF-8: {error.reason}", file=str(path), fix="save the file as UTF-8")
