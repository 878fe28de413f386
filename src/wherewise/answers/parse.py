"""One parser for rewards and evaluation: a reply's text to the value it answers with, or to no answer.

Never random, never a default: what cannot be read abstains and says why. Linear time on any input.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from wherewise.answers.boolean import read_boolean
from wherewise.answers.choice import read_choice
from wherewise.answers.numbers import known_unit, read_number
from wherewise.answers.parsed import Parsed, Reading
from wherewise.answers.reply import Located, is_placeholder, locate, plain
from wherewise.answers.styles import PromptStyle

KINDS = ("choice", "number", "boolean", "text", "order", "box", "point")
"""Kinds that `parse` reads."""

_BRACKETS = re.compile(r"[\[(]\s{0,3}([-+]?\d[^\[\]()a-zA-Z]{0,200})[\])]")
_FLOAT = re.compile(r"[-+]?\d{1,9}(?:\.\d{1,9})?")
_LABEL = re.compile(r"\s{0,3}(?:final answer|answer|答案)\s{0,3}[:：]\s{0,3}", re.IGNORECASE)
_ARROWS = re.compile(r"\s{0,3}(?:->|→|>|;|\n)\s{0,3}")
_ENUMERATED = re.compile(r"\(?\d{1,2}[.)]\s")


def parse(
    kind: str,
    text: str,
    *,
    options: Sequence[str] = (),
    unit: str | None = None,
    style: PromptStyle = PromptStyle.DIRECT,
) -> Parsed:
    """Read a reply.

    Args:
        kind: One of `KINDS`: the sample's declared answer kind.
        text: The whole reply.
        options: Option texts of a choice, in order; items of an order.
        unit: Unit that a number was asked in.
        style: The prompt's style; reading is equally lenient for all, since layout is the format reward's matter.

    Raises:
        ValueError: The kind or the unit is unknown.

    >>> parse("choice", "<think>A is left of B.</think><answer>B</answer>", options=["left", "right"]).value
    'B'
    >>> parse("number", "150 cm", unit="m").value
    1.5
    """
    if kind not in KINDS:
        raise ValueError(f"unknown answer kind {kind!r}; known: {', '.join(KINDS)}")
    if unit is not None and kind == "number" and not known_unit(unit):
        # A unit without conversions ("chairs"): numbers are read as they are.
        unit = None
    located = locate(text)
    if not located.body:
        rule = located.rule if located.truncated else f"{located.rule}/empty"
        return Parsed(kind=kind, value=None, rule=rule, truncated=located.truncated)
    if is_placeholder(located.body) and not (kind == "choice" and len(located.body.strip()) == 1):
        known = {option.strip().lower() for option in options}
        if located.body.strip().lower() not in known:
            return Parsed(kind=kind, value=None, rule=f"{located.rule}/placeholder", truncated=located.truncated)
    reading = _read(kind, located, options, unit)
    return Parsed(
        kind=kind,
        value=reading.value,
        rule=f"{located.rule}/{reading.rule}",
        truncated=located.truncated,
        conflicts=reading.conflicts,
    )


def _read(kind: str, located: Located, options: Sequence[str], unit: str | None) -> Reading:
    match kind:
        case "choice":
            return read_choice(located.body, options)
        case "number":
            return read_number(plain(located.body), unit)
        case "boolean":
            return read_boolean(plain(located.body))
        case "text":
            return _read_text(located)
        case "order":
            return _read_order(located.body, options)
        case "box":
            return _read_numbers(plain(located.body), 4)
        case _:
            return _read_numbers(plain(located.body), 2)


def _read_text(located: Located) -> Reading:
    body = located.body
    if not located.declared:
        labels = list(_LABEL.finditer(body))
        tail = body[labels[-1].end() :].strip() if labels else ""
        if tail:
            return Reading(value=tail, rule="labelled")
    return Reading(value=body, rule="text")


def _read_order(body: str, options: Sequence[str]) -> Reading:
    label = _LABEL.match(body)
    body = body[label.end() :] if label else body
    parts = _ARROWS.split(body.strip().strip("[]"))
    if len(parts) == 1:
        parts = parts[0].split(",")
    items = [_ENUMERATED.sub("", part.strip(), count=1).strip().strip("\"'").rstrip(".") for part in parts]
    items = [item for item in items if item]
    known = {" ".join(option.lower().split()): option for option in options}
    if known:
        folded = [" ".join(item.lower().split()) for item in items]
        unknown = [item for item in folded if item not in known]
        if unknown:
            return Reading(value=None, rule="unknown_item", conflicts=(f"{unknown[0]!r} is no item",))
        items = [known[item] for item in folded]
    return Reading(value=tuple(items) or None, rule="items" if items else "no_items")


def _read_numbers(body: str, size: int) -> Reading:
    found: list[tuple[float, ...]] = []
    for match in _BRACKETS.finditer(body):
        numbers = tuple(float(number) for number in _FLOAT.findall(match[1]))
        if len(numbers) == size:
            found.append(numbers)
    if not found:
        numbers = tuple(float(number) for number in _FLOAT.findall(body[:200])) if len(body) <= 200 else ()
        return Reading(value=numbers if len(numbers) == size else None, rule="numbers" if numbers else "no_numbers")
    clash = ("several lists of numbers; the last one counts",) if len(set(found)) > 1 else ()
    return Reading(value=found[-1], rule="numbers", conflicts=clash)
