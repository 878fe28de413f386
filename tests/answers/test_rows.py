"""``answers parse``: a line for a line, a bad line named, nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wherewise.cli.answers import parse
from wherewise.samples.errors import InputError


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_lines_are_parsed(tmp_path: Path) -> None:
    rows = write(
        tmp_path / "in.jsonl",
        {"kind": "choice", "text": "right", "options": ["left", "right"]},
        {"kind": "number", "text": "150 cm", "unit": "m", "id": 3},
        {"kind": "boolean", "text": "Yes.", "options": None},
        {"kind": "choice", "text": "<think>hm", "options": ["left", "right"]},
        {"kind": "grid_map", "text": '{"chair": [[1, 2]]}'},
        {"kind": "timeline", "text": "00:03-00:05.5 a chair"},
        {"kind": "box", "text": "[1, 2, 3, 4]"},
    )
    out = tmp_path / "new" / "out.jsonl"
    parse(rows, out)
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["value"] for row in found[:4]] == ["B", 1.5, True, None]
    assert [row["abstained"] for row in found[:4]] == [False, False, False, True]
    assert found[4]["value"] == {"chair": [[1, 2]]}
    assert found[5]["value"] == [{"label": "a chair", "start": 3.0, "end": 5.5}]
    assert found[6]["value"] == [1.0, 2.0, 3.0, 4.0]
    assert found[3]["truncated"] is True


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("{", r"in.jsonl:2: not valid JSON"),
        ("", r"in.jsonl:2: not valid JSON"),
        ("[1]", r"in.jsonl:2: expected a JSON object"),
        ({"kind": "mcq", "text": "A"}, r"in.jsonl:2: kind: expected one of choice"),
        ({"kind": "choice"}, r"in.jsonl:2: text: expected text"),
        ({"kind": "choice", "text": "A", "options": "AB"}, r"in.jsonl:2: options"),
        ({"kind": "choice", "text": "A", "option": ["x"]}, r"in.jsonl:2: option: unknown field.*options"),
        ({"kind": "number", "text": "1", "unit": 3}, r"in.jsonl:2: unit"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, bad: object, message: str) -> None:
    rows = write(tmp_path / "in.jsonl", {"kind": "boolean", "text": "yes"}, bad)
    out = tmp_path / "out.jsonl"
    out.write_text("old")
    with pytest.raises(InputError, match=message):
        parse(rows, out)
    assert out.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_missing_file_and_bad_bytes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        parse(tmp_path / "none.jsonl", tmp_path / "out.jsonl")
    (tmp_path / "in.jsonl").write_bytes(b"\xff\n")
    with pytest.raises(InputError, match=r"in.jsonl:1: not UTF-8"):
        parse(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
