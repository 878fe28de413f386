"""Options as benchmarks write them: lists, columns, dictionaries, or letters inside a text."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from wherewise.samples import LETTERS
from wherewise.samples.errors import InputError

_NOTHING = ("", "nan", "n/a", "none")


def _mark(letter: str) -> re.Pattern[str]:
    """The letter as a mark of an option: ``(A)``, ``A.``, ``A)`` or ``A:``, at a word's start, upper or lower case."""
    return re.compile(rf"(?:(?<=\s)|^)(?:\([{letter}{letter.lower()}]\)|[{letter}{letter.lower()}][.):])\s{{0,3}}")


def split_options(text: str) -> tuple[str, tuple[str, ...]]:
    r"""A question and the lettered options behind it; no options where there are not at least two in order.

    >>> split_options("Is it open? (a) Open (b) Closed")
    ('Is it open?', ('Open', 'Closed'))
    >>> split_options("Which one?\nA. the cup\nB. the box")
    ('Which one?', ('the cup', 'the box'))
    """
    spots: list[re.Match[str]] = []
    at = 0
    for letter in LETTERS:
        found = _mark(letter).search(text, at)
        if found is None:
            break
        spots.append(found)
        at = found.end()
    if len(spots) < 2:
        return text.strip(), ()
    ends = [spot.start() for spot in spots[1:]] + [len(text)]
    options = [text[spot.end() : end].strip() for spot, end in zip(spots, ends, strict=True)]
    # What follows the last option on its own line is an instruction, not part of it.
    options[-1] = options[-1].split("\n")[0].strip()
    if all(option.endswith(",") for option in options[:-1]):  # options listed in one sentence
        options = [option.rstrip(",").strip() for option in options]
    return text[: spots[0].start()].strip(), tuple(options)


def labelled_lines(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    r"""A question of several lines and its options, ``(label, text)`` each, one a line.

    >>> labelled_lines("Which fits?\nOption 1: He runs.\nOption 2: He sits.")
    ('Which fits?', (('Option 1', 'He runs.'), ('Option 2', 'He sits.')))
    """
    question, *lines = [line.strip() for line in text.strip().split("\n") if line.strip()]
    pairs = [line.partition(": ") for line in lines]
    return question, tuple((label.strip(), rest.strip()) for label, colon, rest in pairs if colon)


def read_options(raw: Any, *, where: str) -> tuple[str, ...]:
    """Options from a column: a list, a dictionary by letter, or either as text; or lettered text.

    >>> read_options("['left', 'right']", where="x"), read_options(["A. left", "B. right"], where="x")
    (('left', 'right'), ('left', 'right'))
    """
    if isinstance(raw, str):
        stripped = raw.strip()
        if stripped[:1] not in ("[", "{"):
            options = split_options(stripped)[1]
            if not options:
                raise InputError(f"{where}: no lettered options in {raw!r}")
            return options
        raw = _literal(stripped, where=where)
    if isinstance(raw, Mapping):
        return plain_options([raw[key] for key in sorted(raw)])
    if not isinstance(raw, (list, tuple)):
        raise InputError(f"{where}: options are {type(raw).__name__}, expected a list, a dictionary or text")
    return plain_options(raw)


def read_list(text: str, *, where: str) -> list[Any]:
    """A list that is written as text.

    >>> read_list("['a.png', 'b.png']", where="x")
    ['a.png', 'b.png']
    """
    found = _literal(text.strip(), where=where)
    if not isinstance(found, list):
        raise InputError(f"{where}: {text!r} is no list")
    return found


def _literal(text: str, *, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        pass  # Python's own notation, with single quotes, is the other form in use.
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{where}: {text!r} is neither JSON nor a Python literal") from error


def plain_options(raw: Sequence[Any]) -> tuple[str, ...]:
    """Option texts without empty ones and without letters in front; letters go only if every option has its own."""
    texts = [str(option).strip() for option in raw if not is_nothing(option)]
    marks = [_mark(letter).match(text) for letter, text in zip(LETTERS, texts, strict=False)]
    if texts and all(marks):
        texts = [text[mark.end() :].strip() for text, mark in zip(texts, marks, strict=True) if mark]
    return tuple(texts)


def is_nothing(value: Any) -> bool:
    """Whether an option's place is empty: None, NaN, "nan", "N/A"."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return True
    return isinstance(value, str) and value.strip().lower() in _NOTHING


def distinct(options: Sequence[str]) -> tuple[str, ...]:
    """The options with repeated texts told apart, since a sample's options must differ.

    >>> distinct(("cap", "scarf", "cap"))
    ('cap', 'scarf', 'cap (again)')
    """
    seen: list[str] = []
    for option in options:
        while option in seen:
            option += " (again)"
        seen.append(option)
    return tuple(seen)
