"""Reading annotation files: long JSON arrays as a stream, JSON lines, Parquet rows; every mistake located."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from wherewise.samples.errors import DatasetError
from wherewise.samples.files import parquet_rows, read_lines
from wherewise.samples.plain import load_json, short

CHUNK = 1 << 20
"""Characters that are read at a time."""


def array_items(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a file that holds one long JSON array, with their places, without holding the file in memory.

    Raises:
        DatasetError: The file is missing, is no array, or breaks off; names the item.
    """
    decoder = json.JSONDecoder()
    number = at = 0
    with _decoded(path) as stream:
        text = stream.read(CHUNK)
        at = _next(text, 0)
        if not text.startswith("[", at):
            raise DatasetError("does not begin with '['", file=str(path), fix="give the file as it was published")
        at += 1
        while True:
            at = _next(text, at)
            if text.startswith("]", at):
                return
            try:
                value, end = decoder.raw_decode(text, at)
            except json.JSONDecodeError as error:
                more = stream.read(max(CHUNK, len(text) - at))
                if not more:
                    raise DatasetError(
                        f"item {number}: {error.msg}, and nothing comes after it",
                        file=str(path),
                        fix="copy or download it again",
                    ) from error
                text, at = text[at:] + more, 0
                continue
            if not isinstance(value, dict):
                raise DatasetError(f"item {number} is {short(value)}", file=str(path), fix="write an object {...}")
            yield number, value
            number += 1
            at = end


def _next(text: str, at: int) -> int:
    """Where the next value begins: behind white space and commas."""
    while at < len(text) and text[at] in " \t\r\n,":
        at += 1
    return at


def line_items(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The records of a JSON-lines file, with their lines from 1.

    Raises:
        DatasetError: The file is missing, or a line is no JSON object.
    """
    for number, line in read_lines(path):
        if not line.strip():
            continue
        try:
            value = load_json(line, None)
        except DatasetError as error:
            raise error.at(file=str(path), row=number) from error
        if not isinstance(value, dict):
            raise DatasetError(f"{short(value)} is no record", file=str(path), row=number, fix="write {...}")
        yield number, value


def parquet_items(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a Parquet file, with their numbers from 0; of `columns` those that it has."""
    yield from enumerate(parquet_rows(path, columns))


@contextmanager
def _decoded(path: Path) -> Iterator[TextIO]:
    if not path.is_file():
        raise DatasetError("there is no such file", file=str(path), fix="correct the path")
    try:
        with path.open(encoding="utf-8") as stream:
            yield stream
    except UnicodeDecodeError as error:
        raise DatasetError(f"not UTF-8 text: {error.reason}", file=str(path), fix="copy it again") from error
    except RecursionError as error:
        raise DatasetError("the JSON is nested too deeply", file=str(path), fix="flatten it") from error


def text_of(record: Mapping[str, Any], name: str, field: str) -> str:
    """A field that holds text.

    Raises:
        DatasetError: It is missing, empty or something else.
    """
    value = record.get(name)
    if not isinstance(value, str) or not value.strip():
        raise DatasetError(f"expected text, got {short(value)}", field=f"{field}{name}", fix="write a word")
    return value.strip()


def whole(record: Mapping[str, Any], name: str, field: str) -> int:
    """A field that holds a whole number.

    Raises:
        DatasetError: It is missing or something else.
    """
    value = record.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise DatasetError(f"expected an integer, got {short(value)}", field=f"{field}{name}", fix="write an integer")
    return value


def number_of(record: Mapping[str, Any], name: str, field: str) -> float:
    """A field that holds a finite number.

    Raises:
        DatasetError: It is missing or something else.
    """
    return finite(record.get(name), f"{field}{name}")


def finite(value: Any, field: str) -> float:
    """A finite number.

    Raises:
        DatasetError: It is something else.
    """
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise DatasetError(f"expected a number, got {short(value)}", field=field, fix="write a finite number")
    return float(value)


def list_of(record: Mapping[str, Any], name: str, field: str, *, length: int | None = None) -> list[Any]:
    """A field that holds a list, of the given length if one is given.

    Raises:
        DatasetError: It is missing or something else.
    """
    value = record.get(name)
    if not isinstance(value, list) or (length is not None and len(value) != length):
        expected = "a list" if length is None else f"a list of {length}"
        raise DatasetError(f"expected {expected}, got {short(value)}", field=f"{field}{name}", fix=f"write {expected}")
    return value


def mapping(value: Any, field: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        DatasetError: It is something else.
    """
    if not isinstance(value, dict):
        raise DatasetError(f"expected an object {{...}}, got {short(value)}", field=field, fix="write an object {...}")
    return value
