"""Boxes and points in text, in the forms that model families write. Linear time."""

from __future__ import annotations

import re

from wherewise.answers.parsed import Reading

_GAP = r"[\s,;]{1,4}"
_NUMBER = r"[-+]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})(?![\d.])"
_LIST = re.compile(r"[\[(<{]\s{0,3}([-+.\d][-+.,;\d\s]{0,200})[\])>}]")
_PART = re.compile(_NUMBER)
_NAMED = re.compile(
    r"(?<![A-Za-z_])[\"']?(?P<name>x_?(?:min|max|[12])?|y_?(?:min|max|[12])?|left|top|right|bottom)[\"']?"
    rf"\s{{0,3}}[:=]\s{{0,3}}[\"']?(?P<value>{_NUMBER})",
    re.IGNORECASE,
)
_ORDERS = (
    ("x1", "y1", "x2", "y2"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("left", "top", "right", "bottom"),
)
_LABEL = re.compile(r"\b(?:final answer|answer|the (?:box|bounding box|point) is)\b|答案", re.IGNORECASE)

Spot = tuple[int, int, tuple[float, ...]]
"""Start, end and numbers of one list in a text."""


def _numbers(text: str) -> tuple[float, ...] | None:
    """The numbers of a separated list; None if it holds anything else."""
    parts = text.replace(";", " ").replace(",", " ").split()
    if any(_PART.fullmatch(part) is None for part in parts):
        return None
    return tuple(float(part) for part in parts)


def _lists(text: str, size: int) -> list[Spot]:
    """All bracketed lists of `size` numbers; for a box also two neighbouring pairs: ``(1, 2), (3, 4)``."""
    found: list[Spot] = []
    pair: Spot | None = None
    for match in _LIST.finditer(text):
        numbers = _numbers(match[1])
        if numbers is None:
            pair = None
            continue
        if len(numbers) == size:
            found.append((match.start(), match.end(), numbers))
            pair = None
        elif size == 4 and len(numbers) == 2:
            beside = pair is not None and text[pair[1] : match.start()].strip(" \n,;-") in ("", "and", "to", "><")
            if pair is not None and beside and match.start() - pair[1] <= 10:
                found.append((pair[0], match.end(), pair[2] + numbers))
                pair = None
            else:
                pair = (match.start(), match.end(), numbers)
    return found


def _named(text: str, size: int) -> list[Spot]:
    """Numbers behind their names: ``x1=3, y1=4, x2=5, y2=6``, ``"x": 3, "y": 4``, ``<point x="3" y="4">``."""
    orders = _ORDERS if size == 4 else (("x", "y"), ("x1", "y1"))
    found: list[Spot] = []
    names: dict[str, float] = {}
    start = 0
    for match in _NAMED.finditer(text):
        name = match["name"].lower().replace("_", "")
        if not names or name in names:
            names, start = {}, match.start()
        names[name] = float(match["value"])
        for order in orders:
            if tuple(sorted(names)) == tuple(sorted(order)):
                found.append((start, match.end(), tuple(names[key] for key in order)))
                names = {}
                break
    return found


def read_place(text: str, size: int) -> Reading:
    """The one box (`size` 4) or point (`size` 2) that a text answers with, in the numbers as written.

    Rules, in order: the only bracketed list of `size` numbers (or several equal ones); the last one, if "answer" or
    "the box is" stands before it and after all others; numbers behind their names; a short text of `size` numbers.
    Several different ones abstain.
    """
    found = _lists(text, size) or _named(text, size)
    if found:
        if len({numbers for _, _, numbers in found}) == 1:
            return Reading(value=found[-1][2], rule="numbers")
        if _LABEL.search(text, found[-2][1], found[-1][0]):
            return Reading(
                value=found[-1][2],
                rule="declared_numbers",
                conflicts=("several lists of numbers; the declared one counts",),
            )
        return Reading(value=None, rule="several")
    bare = _numbers(text.strip().strip("[](){}<>")) if len(text) <= 200 else None
    if bare is not None and len(bare) == size:
        return Reading(value=bare, rule="numbers")
    return Reading(value=None, rule="no_numbers")
