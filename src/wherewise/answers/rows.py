"""JSON lines in, JSON lines out: a line for a line, a bad line named, nothing half-written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wherewise.samples.errors import DatasetError
from wherewise.samples.plain import load_json


def map_lines(source: Path, target: Path, convert: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> int:
    """Convert each line of one file to a line of another; the target appears only when all lines are done.

    Args:
        source: JSON objects, one a line, UTF-8.
        target: File to write; replaced if it exists.
        convert: Object to object; a `DatasetError` that it raises gets the file and the line.

    Returns:
        Number of lines.

    Raises:
        DatasetError: The file is missing, or a line is empty, no JSON object, or refused by `convert`.
    """
    if not source.is_file():
        raise DatasetError("there is no such file", file=str(source), fix="check the path")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    count = 0
    try:
        with source.open("rb") as lines, part.open("w", encoding="utf-8") as out:
            for count, line in enumerate(lines, start=1):
                try:
                    row = load_json(_decode(line), None)
                    if not isinstance(row, dict):
                        raise DatasetError("expected a JSON object", fix='write {"kind": ..., ...} on the line')
                    result = convert(row)
                except DatasetError as error:
                    raise error.at(file=str(source), row=count) from error
                out.write(json.dumps(result, ensure_ascii=False, allow_nan=False) + "\n")
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return count


def _decode(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DatasetError(f"not UTF-8 at byte {error.start + 1}", fix="save the file as UTF-8") from error
