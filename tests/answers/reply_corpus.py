"""The committed replies and what each of them answers: expectations written by hand, one row a reply."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wherewise.answers import Parsed, parse
from wherewise.samples.plain import to_plain

REPLIES = Path(__file__).with_name("replies.json")


def load_replies() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(REPLIES.read_text(encoding="utf-8"))
    return rows


def read_row(row: dict[str, Any]) -> Parsed:
    return parse(row["kind"], row["text"], options=row.get("options", ()), unit=row.get("unit"))


def plain_value(parsed: Parsed) -> Any:
    """The value as the corpus writes it; floats to nine digits, so that no platform's rounding shows."""
    value = to_plain(parsed.value, "value")
    if parsed.kind == "grid_map" and value is not None:
        return dict(value)
    return round(value, 9) if isinstance(value, float) else value
