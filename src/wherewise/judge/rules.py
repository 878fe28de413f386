"""Timed claims in a text, found by rules: no judge, no server, the same result everywhere.

What counts as a time: clocks (``00:05``, ``1:02:03``) and ranges of them (``[00:05–00:09]``, ``from 0:05 to 0:09``);
seconds or minutes that are placed (``at 12 s``, ``from 3 to 7 seconds``, ``the 12-second mark``, ``second 12``,
``t=12.5``, ``1 min 20 s in``). What does not: times of day (``10:30 am``), ratios (``16:9``) and durations
(``for 3 seconds``, ``5 seconds later``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wherewise.samples.evidence import TimelineEvent

MAX_CLAIMS = 256
"""Claims beyond this many are left out."""

MAX_LABEL = 200
"""Longest label in characters."""

_NUMBER = r"\d{1,5}(?:\.\d{1,3})?"
_CLOCK = r"(?:\d{1,2}:)?\d{1,3}:[0-5]\d(?:\.\d{1,3})?(?!\d|:\d)(?!\s?[ap]\.?m\b)"
_SECONDS = rf"{_NUMBER}(?:\s?-?(?:seconds?|secs?|s)(?![a-z]))"
_MINUTES = r"\d{1,3}\s?-?(?:minutes?|mins?|m)(?![a-z])"
_SPOKEN = rf"(?:{_MINUTES}(?:\s{{0,2}}(?:and\s)?{_SECONDS})?|{_SECONDS})"
_TO = r"\s{0,3}(?:-{1,3}|[–—−~→]|\b(?:to|until|till|through)\b)\s{0,3}"
_CLEAR = r"(?!\w|:\d)"

_TIME = re.compile(
    rf"(?<![\w:.,])(?=[\dtsb])(?:"
    rf"(?P<clock>{_CLOCK})(?:{_TO}(?P<clock_end>{_CLOCK}))?"
    rf"|(?P<from>{_SPOKEN}|{_NUMBER}){_TO}(?P<to>{_SPOKEN})"
    rf"|(?P<spoken>{_SPOKEN})"
    rf"|between\s(?P<between>{_CLOCK}|{_SPOKEN}|{_NUMBER})\sand\s(?P<between_end>{_CLOCK}|{_SPOKEN})"
    rf"|t\s?=\s?(?P<t>{_NUMBER})(?:\s?s(?:ec(?:ond)?s?)?\b)?(?:{_TO}(?:t\s?=\s?)?(?P<t_end>{_NUMBER})(?:\s?s\b)?)?"
    rf"|sec(?:ond)?s?\s(?P<second>{_NUMBER}){_CLEAR}(?:{_TO}(?P<second_end>{_NUMBER}){_CLEAR})?"
    r"|(?P<ordinal>\d{1,5})(?:st|nd|rd|th)\ssecond\b"
    r")"
)
"""A time, in text whose ASCII letters are lower case."""
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_DIGIT = re.compile(r"\d")
_WHOLE_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):([0-5]\d(?:\.\d{1,3})?)")
_WHOLE_SPOKEN = re.compile(
    rf"(?:(\d{{1,3}})\s?-?(?:minutes?|mins?|m)\.?)?\s*(?:and\s)?(?:({_NUMBER})\s?-?(?:seconds?|secs?|s)?)?"
)
_SENTENCE_END = re.compile(r"[\n\r]+|[.!?;](?=\s|$)")
_WORD_BEFORE = re.compile(r"([A-Za-z@=~]+)[\s,:(\[]{0,3}$")

_PLACES = frozenset(("at", "from", "between", "by", "near", "around", "until", "till", "since", "to", "@", "reaches"))
"""Words that make seconds behind them a moment."""
_HEDGES = frozenset(("about", "approximately", "roughly", "exactly", "the", "~", "approx"))
"""Words between those and the number."""
_LENGTHS = frozenset(
    [
        "for",
        "last",
        "lasts",
        "lasting",
        "lasted",
        "takes",
        "took",
        "every",
        "within",
        "after",
        "over",
        "another",
        "spans",
        "full",
    ]
)
"""Words that make seconds behind them a duration."""
_IS_LENGTH = re.compile(
    r"[\s-]{0,2}(?:long|later|earlier|ago|apart|of|each|per|duration|total|clip|video|in total)\b", re.IGNORECASE
)
_IS_PLACE = re.compile(
    r"[\s-]{0,2}(?:mark|point|timestamp|in\b(?!\s(?:total|length|duration|all))|into)\b", re.IGNORECASE
)
_CLAUSE = re.compile(r"[,;]|\b(?:and|then|when|while|before|until|but|as)\b")
_GOES_ON = re.compile(r"\s{0,2}(?:,|,?\sand|,?\sor)\s")
_LIST_ITEM = re.compile(r"\s{0,2}(?::|-\s|–\s|—\s|\))")

_EDGE = " \t,;:.-–—()[]{}*•#\"'`<>|→~="
_LEADING = re.compile(
    r"(?:and|then|when|while|but|at|in|from|so|to|by|around|about|between|next|is|mark|second)\b[\s,:]{0,3}",
    re.IGNORECASE,
)
_TRAILING = re.compile(
    r"[\s,(\[]{0,3}\b(?:and|then|when|while|but|at|in|from|to|by|near|around|about|between|during|the|until|till|since|approximately|roughly|"
    r"exactly|timestamps?|time|it|is|t)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Span:
    """A time in a sentence: where it stands and what it says, in seconds."""

    begin: int
    end: int
    start: float
    stop: float


def parse_seconds(text: str) -> float | None:
    """One time as seconds: ``MM:SS``, ``HH:MM:SS``, ``12.5``, ``12 s``, ``1 min 20 s``; None if it is none of these.

    >>> parse_seconds("1:02:03.5"), parse_seconds("1m20s"), parse_seconds("noon")
    (3723.5, 80.0, None)
    """
    text = text.strip()
    clock = _WHOLE_CLOCK.fullmatch(text)
    if clock:
        hours, minutes, seconds = clock.groups()
        if hours is not None and int(minutes) >= 60:
            return None
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
    spoken = _WHOLE_SPOKEN.fullmatch(text.translate(_LOWER))
    if not spoken or (spoken[1] is None and spoken[2] is None):
        return None
    return int(spoken[1] or 0) * 60 + float(spoken[2] or 0)


def timeline_claims(text: str) -> list[TimelineEvent]:
    """What a text says happens when.

    A claim is a time and the words of its sentence that belong to it: those behind it where the sentence begins with a
    time, else those before it. Times without words, and repetitions, are left out.

    >>> timeline_claims("[00:05–00:09] A man waves. He sits down at 12 s. It lasts for 3 seconds.")
    ... # doctest: +NORMALIZE_WHITESPACE
    [TimelineEvent(label='A man waves', start=5.0, end=9.0),
     TimelineEvent(label='He sits down', start=12.0, end=12.0)]

    Args:
        text: Any text, usually the reasoning of a reply.

    Returns:
        Claims by start and end, in seconds, `MAX_CLAIMS` at most.
    """
    claims: dict[tuple[float, float, str], TimelineEvent] = {}
    for sentence in _SENTENCE_END.split(text):
        if len(claims) >= MAX_CLAIMS:
            break
        spans = _spans(sentence)
        for span, label in zip(spans, _labels(sentence, spans), strict=True):
            if label:
                key = (span.start, span.stop, label.lower())
                claims.setdefault(key, TimelineEvent(label=label, start=span.start, end=span.stop))
    return sorted([*claims.values()][:MAX_CLAIMS], key=lambda claim: (claim.start, claim.end))


def _spans(sentence: str) -> list[_Span]:
    if not _DIGIT.search(sentence):
        return []
    sentence = sentence.translate(_LOWER)
    found: list[_Span] = []
    for match in _TIME.finditer(sentence):
        goes_on = bool(found and _GOES_ON.fullmatch(sentence, found[-1].end, match.start()))
        start, stop = _times(match, sentence, goes_on=goes_on)
        if start is None:
            continue
        stop = start if stop is None else stop
        found.append(_Span(match.start(), match.end(), min(start, stop), max(start, stop)))
        if len(found) >= MAX_CLAIMS:
            break
    return found


def _times(match: re.Match[str], sentence: str, *, goes_on: bool) -> tuple[float | None, float | None]:
    """Start and end in seconds; no start where the match is no time, no end where it is a moment.

    Seconds that go on with a list of times are one too: ``at 3 s, 5 s and 7 s``.
    """
    group = match.groupdict()
    if group["clock"]:
        return parse_seconds(group["clock"]), parse_seconds(group["clock_end"] or "")
    for name in ("t", "second"):
        if group[name]:
            return float(group[name]), float(group[f"{name}_end"]) if group[f"{name}_end"] else None
    if group["ordinal"]:
        return float(group["ordinal"]), None
    if group["spoken"]:
        return (parse_seconds(group["spoken"]), None) if goes_on or _is_moment(sentence, match) else (None, None)
    if group["from"] and not _is_range(sentence, match):
        return None, None
    first, last = group["from"] or group["between"], group["to"] or group["between_end"]
    bare = first[-1].isdigit() and ":" not in first
    return parse_seconds(first + _unit_of(last) if bare else first), parse_seconds(last)


def _unit_of(spoken: str) -> str:
    return "min" if re.fullmatch(_MINUTES, spoken) else "s"


def _words_before(sentence: str, end: int) -> list[str]:
    """Up to two words before an index, lower case, punctuation between them forgiven."""
    words: list[str] = []
    for _ in range(2):
        match = _WORD_BEFORE.search(sentence, max(0, end - 24), end)
        if match is None:
            break
        words.insert(0, match[1].lower())
        end = match.start()
    return words


def _is_range(sentence: str, match: re.Match[str]) -> bool:
    words = _words_before(sentence, match.start())
    if words and (words[-1] in _LENGTHS or (words[-1] in _HEDGES and words[0] in _LENGTHS)):
        return False
    return _IS_LENGTH.match(sentence, match.end()) is None


def _is_moment(sentence: str, match: re.Match[str]) -> bool:
    """Whether spoken seconds are a moment: by the words around them, brackets, or as the head of a list item."""
    if _IS_LENGTH.match(sentence, match.end()):
        return False
    if _IS_PLACE.match(sentence, match.end()):
        return True
    before = sentence[max(0, match.start() - 24) : match.start()].rstrip()
    after = sentence[match.end() : match.end() + 1]
    if before[-1:] in ("[", "(") and after in ("]", ")"):
        return True
    if match.start() < 24 and not before.strip(_EDGE) and _LIST_ITEM.match(sentence, match.end()):
        return True
    words = _words_before(sentence, match.start())
    if not words:
        return False
    if words[-1] in _HEDGES:
        return len(words) > 1 and words[0] in _PLACES
    return words[-1] in _PLACES and words[0] not in _LENGTHS


def _labels(sentence: str, spans: Sequence[_Span]) -> list[str]:
    """The words that belong to each span."""
    if not spans:
        return []
    edges = [0, *(edge for span in spans for edge in (span.begin, span.end)), len(sentence)]
    pieces = [_clean(sentence[edges[i] : edges[i + 1]]) for i in range(0, len(edges), 2)]
    if len(spans) == 1:
        return [_clean(" ".join(piece for piece in pieces if piece))]
    if not pieces[0]:
        labels = pieces[1:]
        for i in reversed(range(len(labels) - 1)):
            labels[i] = labels[i] or labels[i + 1]
        if not labels[-1]:
            labels[-2:] = _shared(labels[-2])
        return labels
    labels = pieces[:-1]
    labels[-1] = _clean(f"{labels[-1]} {pieces[-1]}")
    for i in range(1, len(labels)):
        labels[i] = labels[i] or labels[i - 1]
    return labels


def _shared(text: str) -> tuple[str, str]:
    """The words between a leading time and one at the sentence's end, split at the last clause; whole if there is one.

    >>> _shared("the ball rolls, and the girl enters")
    ('the ball rolls', 'the girl enters')
    """
    parts = _CLAUSE.split(text)
    first, last = _clean(text[: len(text) - len(parts[-1])]), _clean(parts[-1])
    return (first, last) if len(parts) > 1 and first and last else (text, text)


def _clean(text: str) -> str:
    """The words without the punctuation and the little words that led to a time."""
    text = " ".join(text[:2000].replace("**", " ").split())
    for _ in range(6):
        before = text
        text = _TRAILING.sub("", text.strip(_EDGE))
        lead = _LEADING.match(text)
        text = text[lead.end() :] if lead else text
        if text == before:
            break
    return text[:MAX_LABEL].strip(_EDGE)
