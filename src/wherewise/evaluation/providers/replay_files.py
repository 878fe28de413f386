"""Files of replies, line by line: plain JSONL, lmms-eval's samples, VLMEvalKit's xlsx."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from wherewise.samples.errors import InputError
from wherewise.samples.files import parse_json


@dataclass(frozen=True, kw_only=True, slots=True)
class Fields:
    """A format's usual fields: of the sample's id and of the reply."""

    id_field: str
    reply_field: str


FORMS: Mapping[str, Fields] = {
    "jsonl": Fields(id_field="id", reply_field="reply"),
    "lmms-eval": Fields(id_field="doc_id", reply_field="filtered_resps"),
    "vlmevalkit": Fields(id_field="index", reply_field="prediction"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a file.

    Attributes:
        place: File and line number.
        record: Its fields.
    """

    place: str
    record: Mapping[str, Any]

    def field(self, path: str) -> Any:
        """The value of a field; dots go deeper.

        Raises:
            InputError: There is none.
        """
        value: Any = self.record
        for name in [path] if path in self.record else path.split("."):
            if not isinstance(value, Mapping) or name not in value:
                raise InputError(f"{self.place}: no field {path!r}; the line has {', '.join(sorted(self.record))}")
            value = value[name]
        return value

    def question(self) -> str | None:
        """What the model was asked, if the line says so."""
        for name in ("input", "question"):
            if isinstance(text := self.record.get(name), str):
                return text
        doc = self.record.get("doc")
        text = doc.get("question") if isinstance(doc, Mapping) else None
        return text if isinstance(text, str) else None


def read_lines(path: Path, form: str) -> Iterator[Line]:
    """The file's lines.

    Raises:
        InputError: The file is missing, damaged or of another format, or openpyxl is not installed.
    """
    if not path.is_file():
        raise InputError(f"no file {path} with replies")
    return _sheet(path) if form == "vlmevalkit" else _jsonl(path)


def _jsonl(path: Path) -> Iterator[Line]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as handle:
            for number, text in enumerate(handle, start=1):
                if not text.strip():
                    continue
                record = parse_json(text, file=path, row=number)
                if not isinstance(record, dict):
                    raise InputError(f"{path}:{number}: not an object; one JSON object a line is needed")
                yield Line(place=f"{path}:{number}", record=record)
    except (UnicodeDecodeError, EOFError, zlib.error, OSError) as error:
        raise InputError(f"{path}: not readable as (compressed) UTF-8 text ({error}); copy it again") from error


def _sheet(path: Path) -> Iterator[Line]:
    if path.suffix.lower() != ".xlsx":
        raise InputError(f"{path}: VLMEvalKit's predictions are .xlsx files; for others use --replay-format jsonl")
    if find_spec("openpyxl") is None:
        raise InputError(f"{path}: reading xlsx needs the extra 'xlsx': pip install 'wherewise[xlsx]'")
    import openpyxl

    # openpyxl lets out whatever its zip and XML readers raise.
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        rows = book.worksheets[0].iter_rows(values_only=True)
        head = [str(name) if name is not None else "" for name in next(rows, ())]
        lines = [dict(zip(head, row, strict=False)) for row in rows]
        book.close()
    except Exception as error:
        raise InputError(f"{path}: not a readable xlsx file ({error}); copy it again") from error
    for number, record in enumerate(lines, start=2):
        if any(value is not None for value in record.values()):
            yield Line(place=f"{path}:{number}", record=record)
