"""Grid maps as text: ``{"chair": [[1, 2]], "lamp": [[9, 9]]}``. Linear time."""

from __future__ import annotations

import json
import re

from wherewise.answers.parsed import Cells, Reading
from wherewise.answers.reply import compatible
from wherewise.samples import GridMap

_COORDINATE = r"[-+]?\d{1,6}(?:\.\d{1,6})?"
_TOKEN = re.compile(
    r"(?P<key>\"(?:[^\"\\\n]|\\.){0,1000}\"|'(?:[^'\\\n]|\\.){0,1000}')\s{0,3}:"
    r"|(?P<open>\{)|(?P<close>\})"
    rf"|[\[(]\s{{0,3}}(?P<x>{_COORDINATE})\s{{0,3}},\s{{0,3}}(?P<y>{_COORDINATE})\s{{0,3}}[\])]"
    r"|(?P<odd>[\[(]\s{0,3}[-+]?\d)"
)
_LINE = re.compile(r"[ \t]{0,8}(?:[-*•] )?\"?'?([^\W\d][^:=\n\"'\[\](){}]{0,200}?)\"?'?[ \t]{0,3}[:=]")
_POSITION_KEYS = frozenset(("x", "y", "label", "name", "position", "cells", "object"))


def write_grid(grid: GridMap) -> str:
    """The map as JSON, a line: names to their lists of ``[column, row]``.

    >>> write_grid(GridMap(size=10, cells=(("chair", ((1, 2),)),)))
    '{"chair": [[1, 2]]}'
    """
    return json.dumps({label: [list(cell) for cell in cells] for label, cells in grid.cells}, ensure_ascii=False)


def _number(text: str) -> float:
    value = float(text)
    return int(value) if value == int(value) else value


def _label(literal: str) -> str:
    """The text of a quoted key, JSON's or Python's."""
    if literal.startswith('"'):
        try:
            return str(json.loads(literal, strict=False))
        except ValueError:
            return literal[1:-1]
    return literal[1:-1].replace("\\'", "'")


def read_grid(text: str) -> Reading:
    """The cells that a text maps labels to, in order: ``(("chair", ((1, 2),)), ...)``.

    Reads a JSON object or Python literal (``{"chair": [[1, 2], [3, 4]]}``, ``{'chair': (1, 2)}``), the last one if
    there are several, else lines ``chair: [1, 2], [3, 4]``. An empty object is an empty map. A place that is no pair of
    numbers makes the map unreadable; cells outside a grid are kept, since the text doesn't know its size.
    """
    maps, malformed = _objects(text)
    if not maps and not text.isascii():
        text = compatible(text)  # full-width brackets and digits; labels are left alone where it can be helped
        maps, malformed = _objects(text)
    if maps:
        if malformed:
            return Reading(value=None, rule="malformed")
        different = any(cells != maps[-1] for cells in maps)
        clash = ("several maps; the last one counts",) if different else ()
        return Reading(value=maps[-1], rule="map", conflicts=clash)
    return _lines(text)


def _objects(text: str) -> tuple[list[Cells], bool]:
    """Maps of all closed objects (not of objects inside them), and whether the last has a malformed place."""
    maps: list[Cells] = []
    places: dict[str, list[tuple[float, float]]] = {}
    label: str | None = None
    depth, malformed, last_malformed = 0, False, False
    for match in _TOKEN.finditer(text):
        if match["open"]:
            depth += 1
            malformed |= depth > 1
            if depth == 1:
                places, label, malformed = {}, None, False
        elif depth == 0:
            continue
        elif match["close"]:
            depth -= 1
            if depth == 0:
                maps.append(tuple((name, tuple(cells)) for name, cells in places.items()))
                last_malformed = malformed
        elif match["key"]:
            label = _label(match["key"])
            places.setdefault(label, [])
        elif label is None or match["odd"]:
            malformed = True
        else:
            places[label].append((_number(match["x"]), _number(match["y"])))
    return maps, last_malformed


def _lines(text: str) -> Reading:
    places: dict[str, list[tuple[float, float]]] = {}
    for line in text.split("\n"):
        head = _LINE.match(line)
        if head is None or "{" in line or head[1].strip().lower() in _POSITION_KEYS:
            continue
        tokens = list(_TOKEN.finditer(line, head.end()))
        if not tokens:
            continue
        if any(match["x"] is None for match in tokens):
            return Reading(value=None, rule="malformed")
        cells = [(_number(match["x"]), _number(match["y"])) for match in tokens]
        places.setdefault(head[1].strip(), []).extend(cells)
    if not places:
        return Reading(value=None, rule="no_map")
    return Reading(value=tuple((name, tuple(cells)) for name, cells in places.items()), rule="lines")


def grid_problem(body: str, size: int) -> str:
    """Why a ``<map>`` does not keep its layout, a JSON object with cells inside the grid; empty when it does.

    >>> grid_problem('{"chair": [[1, 2]]}', 10), grid_problem('{"chair": [[1, 12]]}', 10)
    ('', '<map> has cells outside 0 to 9')
    """
    maps, malformed = _objects(body)
    if len(maps) != 1 or malformed or not (body.startswith("{") and body.endswith("}")):
        return "<map> is no JSON object of names and [column, row] cells"
    numbers = [number for _, cells in maps[0] for cell in cells for number in cell]
    inside = all(0 <= number < size and number == int(number) for number in numbers)
    return "" if inside else f"<map> has cells outside 0 to {size - 1}"
