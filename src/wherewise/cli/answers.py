"""``wherewise answers parse``: replies in, what they answer out."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wherewise.answers.parsed import Parsed

Rows = Annotated[Path, typer.Argument(metavar="IN.jsonl", help="One JSON object a line.", show_default=False)]
"""Input lines."""

Out = Annotated[
    Path,
    typer.Option("--output", "-o", metavar="OUT.jsonl", help="File to write, a line for a line.", show_default=False),
]
"""Output lines."""


def parse(rows: Rows, output: Out) -> None:
    """Read replies: {"kind", "text", "options"?, "unit"?} to {"value", "rule", "abstained", "truncated"}.

    Kinds: choice, number, boolean, text, order, box, point, grid_map, timeline. A choice's value is its letter, a
    number's is in the asked unit, a boolean's true or false, a map's an object of labels and [column, row] cells, a
    timeline's a list of {"label", "start", "end"} in seconds; null where the reply holds no answer. A bad line ends the
    command with exit code 2.
    """
    from wherewise.answers.rows import map_lines

    count = map_lines(rows, output, _parse_row)
    typer.echo(f"{count} replies read: {output}")


def _plain_value(parsed: Parsed) -> Any:
    from wherewise.samples.plain import to_plain

    if parsed.kind == "grid_map" and isinstance(parsed.value, tuple):
        return dict(to_plain(parsed.value, "value"))
    return to_plain(parsed.value, "value")


def _parse_row(row: Mapping[str, Any]) -> Mapping[str, Any]:
    from wherewise.answers.parse import KINDS
    from wherewise.answers.parse import parse as parse_reply
    from wherewise.samples.errors import DatasetError
    from wherewise.samples.plain import check_text, short

    known = ("kind", "text", "options", "unit")
    for key in row:
        close = [] if key in known else difflib.get_close_matches(key, known, n=1, cutoff=0.8)
        if close:
            raise DatasetError("unknown field", field=key, fix=f"did you mean {close[0]!r}?")
    kind, text, options, unit = (row.get(key) for key in known)
    if kind not in KINDS:
        raise DatasetError(
            f"expected one of {', '.join(KINDS)}, got {short(kind)}", field="kind", fix="declare the kind"
        )
    if not isinstance(text, str):
        raise DatasetError(f"expected text, got {short(text)}", field="text", fix="give the reply as a string")
    check_text(text, "text")
    options = [] if options is None else options
    if not isinstance(options, list) or not all(isinstance(option, str) for option in options) or len(options) > 26:
        raise DatasetError(
            f"expected at most 26 texts, got {short(options)}", field="options", fix='write ["left", "right"]'
        )
    if unit is not None and not isinstance(unit, str):
        raise DatasetError(f"expected text or null, got {short(unit)}", field="unit", fix='write "m" or leave it out')
    parsed = parse_reply(kind, text, options=options, unit=unit)
    return {
        "value": _plain_value(parsed),
        "rule": parsed.rule,
        "abstained": parsed.abstained,
        "truncated": parsed.truncated,
        "conflicts": list(parsed.conflicts),
    }
