"""The parser on the committed replies, one row each, and on published replies where the data is at hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from reply_corpus import load_replies, plain_value, read_row

from wherewise.answers import parse

DATA = Path(__file__).parents[2].parent / "shared" / "data"
ROWS = load_replies()


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['kind']}-{i}" for i, row in enumerate(ROWS)])
def test_reply(row: dict[str, Any]) -> None:
    parsed = read_row(row)
    expected = round(row["value"], 9) if isinstance(row["value"], float) else row["value"]
    assert plain_value(parsed) == expected, parsed.rule
    assert parsed.abstained is (expected is None)


def test_every_kind_answers_and_abstains_in_the_corpus() -> None:
    kinds = {row["kind"] for row in ROWS}
    assert kinds == {"choice", "number", "boolean", "text", "order", "box", "point", "grid_map", "timeline"}
    for kind in kinds:
        values = [row["value"] for row in ROWS if row["kind"] == kind]
        assert any(value is None for value in values)
        assert any(value is not None for value in values)


def test_extraction_cases() -> None:
    path = DATA / "extraction_cases.json"
    if not path.is_file():
        pytest.skip(f"no {path.name} beside the checkout")
    kinds = {"mcq": "choice", "number": "number", "yesno": "boolean"}
    booleans = {"yes": True, "no": False, None: None}
    wrong = []
    for case in json.loads(path.read_text()):
        kind = kinds[case["kind"]]
        expected = booleans[case["expected"]] if kind == "boolean" else case["expected"]
        got = parse(kind, case["prediction"], options=case["options"] or ())
        if got.value != expected:
            wrong.append((case["id"], got.value, expected, got.rule))
    assert wrong == []


def test_agreement_with_the_official_readings_of_blink() -> None:
    path = DATA / "blink" / "val_predictions.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"no {path.name} beside the checkout")
    rows = agree = wrongly_credited = 0
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            official, gold = row["prediction"].strip("()"), row["answer"].strip("()")
            if not row["options"] or official == "Z":
                continue
            ours = parse("choice", row["full_prediction"], options=row["options"]).value
            rows += 1
            agree += ours == official
            wrongly_credited += ours == gold != official
    assert rows == 2626
    assert agree / rows >= 0.997
    assert wrongly_credited / rows < 0.003
