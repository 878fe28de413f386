"""Orders in text: lists, numbered lines, arrows, JSON, or the known items as they are mentioned. Linear time."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from wherewise.answers.options import WORDS, prepared
from wherewise.answers.parsed import Reading
from wherewise.answers.reply import last_match, plain
from wherewise.samples import LETTERS

_LABEL = re.compile(
    r"(?:\b(?:final answer|answer|(?:correct |appearance )?(?:order|sequence)|ordre|orden|reihenfolge|respuesta|réponse"
    r"|antwort)\b|答案|顺序|順番|順序|答え)(?:[ ]of[^.\n:]{0,60}?)?"
    r"(?:\s{0,3}(?:is|are|es|est|ist|是|为|は)(?![a-z])\s{0,3}[:：]?|\s{0,3}[:：])\s{0,3}",
    re.IGNORECASE,
)
_ARROWS = re.compile(r"\s{0,3}(?:->|=>|→|⇒|>|;|；|\n)\s{0,3}")
_COMMAS = re.compile(r"\s{0,3}[,，、]\s{0,3}(?:(?:and|then|finally)\s{1,3}){0,2}")
_ENUMERATED = re.compile(r"\(?\d{1,2}[.):]\s{0,3}|[-*•]\s{1,3}")
_SEQUENCE_WORD = re.compile(
    r"(?:and )?(?:first|second|third|fourth|then|next|finally|lastly)(?: comes?| is)?[,:]?\s{1,3}(?:the )?|the ",
    re.IGNORECASE,
)
_UNLISTED = re.compile(
    r"\b(?:not|never|neither|nor|or|either|unclear|cannot|can't|after|preceded|last|earlier|later)\b|n't\b|无法|或|之后",
    re.IGNORECASE,
)


def _json_items(body: str) -> list[str] | None:
    """The texts of a JSON list, None if the body is none."""
    start, end = body.find("["), body.rfind("]")
    if start < 0 or end < start or body[:start].strip("` \njson") or body[end + 1 :].strip("` \n."):
        return None
    try:
        items = json.loads(body[start : end + 1])
    except (ValueError, RecursionError):
        return None
    return items if isinstance(items, list) and items and all(isinstance(item, str) for item in items) else None


def _folded(text: str) -> str:
    return " ".join(plain(text).lower().split())


def _listed(body: str) -> list[str]:
    """The parts of a list, without numbers, quotes and full stops."""
    body = body.strip()
    if body.startswith("[") and body.endswith("]"):
        body = body[1:-1].strip()
    parts = [part for part in _ARROWS.split(body) if part.strip()]
    if len(parts) == 1:
        parts = _COMMAS.split(parts[0])
    items = [_ENUMERATED.sub("", part.strip(), count=1).strip() for part in parts]
    return [item for item in (item.rstrip(",.。").strip("\"'").strip() for item in items) if item]


def read_order(body: str, options: Sequence[str]) -> Reading:
    """The items of an order, first to last.

    Rules, in order: a JSON list of texts; what follows the last "order is:" or "answer:" as a list (lines, ``;``,
    arrows, else commas); the whole as a list. With known items, a list of letters stands for them; a list with an
    unknown item is none, and then each known item mentioned exactly once in a text without negation or "or" gives the
    order of their mention.

    Args:
        body: The answering part of a reply.
        options: The items to be ordered; empty when unknown, then any list is read.
    """
    label = last_match(_LABEL, body)
    tail = body[label.end() :].strip() if label is not None else ""
    rest = tail or body.strip()
    items = _json_items(rest) or _listed(rest)
    if not options:
        return Reading(value=tuple(items) or None, rule="items" if items else "no_items")
    known = {_folded(option): option for option in options}
    named = [known.get(_folded(item)) or known.get(_folded(_SEQUENCE_WORD.sub("", item, count=1))) for item in items]
    if items and all(item is not None for item in named):
        return Reading(value=tuple(item for item in named if item is not None), rule="items")
    letters = LETTERS[: len(options)]
    bare = [item.strip("().[] ") for item in items]
    if len(bare) > 1 and all(len(item) == 1 and item in letters for item in bare):
        return Reading(value=tuple(options[letters.index(item)] for item in bare), rule="letters")
    mentioned = _mentioned(rest, options)
    if mentioned is not None:
        return Reading(value=mentioned, rule="mentions")
    unknown = next((item for item, name in zip(items, named, strict=True) if name is None), "")
    return Reading(value=None, rule="unknown_item", conflicts=(f"{unknown[:60]!r} is no item",))


def _mentioned(text: str, options: Sequence[str]) -> tuple[str, ...] | None:
    """All known items in the order of their mention, if each occurs exactly once and nothing is denied."""
    if _UNLISTED.search(text) or not WORDS.search(text):
        return None
    hits = prepared(tuple(options)).find(plain(text))
    found = [hit.option for hit in sorted(hits, key=lambda hit: hit.start)]
    return tuple(options[i] for i in found) if sorted(found) == list(range(len(options))) else None
