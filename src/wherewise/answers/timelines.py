"""Timelines as text: ``00:03.2-00:05 the red chair comes into view; 00:09 the lamp leaves``. Linear time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from wherewise.answers.parsed import Reading
from wherewise.answers.reply import compatible
from wherewise.samples import Timeline, TimelineEvent

_TIME = (
    r"(?:(?:(?P<{0}h>\d{{1,3}}):)?(?P<{0}m>\d{{1,4}}):(?P<{0}s>[0-5]\d(?:[.,]\d{{1,6}})?)(?![\d:])"
    r"|(?P<{0}n>\d{{1,7}}(?:\.\d{{1,6}})?)\s?(?P<{0}u>s|secs?|seconds?|秒)?(?!\w|:\d))"
)
_SPAN = re.compile(
    r"(?<![\d:.])" + _TIME.format("a")
    + r"(?:\s{0,3}(?:-->|->|-|–|—|~|to|until|till|and|至|到)\s{0,3}" + _TIME.format("b") + r")?",
    re.IGNORECASE,
)  # fmt: skip
_BULLET = re.compile(r"\s{0,8}(?:[-*•]\s{1,3}|\d{1,3}[.)]\s{1,3})")
_LEAD = re.compile(r"(?:\b(?:from|at|between|during|on|around|in)|[\[(\"'\s,:~-])+$", re.IGNORECASE)
_EDGES = " \t()[]\"',:.|~–—-*"
_TEXT_KEYS = ("label", "event", "description", "caption", "action", "text", "name", "sentence")
_SPLIT = re.compile(r"[;\n]")


def clock_text(seconds: float) -> str:
    """Minutes and seconds, to a tenth of a second: ``00:03.2``, ``75:00``.

    >>> clock_text(3.2), clock_text(59.97), clock_text(75 * 60)
    ('00:03.2', '01:00', '75:00')
    """
    tenths = round(seconds * 10)
    text = f"{tenths // 600:02d}:{tenths % 600 // 10:02d}"
    return f"{text}.{tenths % 10}" if tenths % 10 else text


def write_timeline(timeline: Timeline) -> str:
    """All events on a line, times to a tenth of a second, ``none`` when there are none.

    A ``;`` or line break in a label becomes a comma, since it separates events.

    >>> write_timeline(Timeline(events=(TimelineEvent(label="lamp in view", start=3.2, end=5.0),)))
    '00:03.2-00:05 lamp in view'
    """
    parts = []
    for event in timeline.events:
        start, end = clock_text(event.start), clock_text(event.end)
        label = ", ".join(" ".join(piece.split()) for piece in _SPLIT.split(event.label))
        parts.append(f"{start if start == end else f'{start}-{end}'} {label}")
    return "; ".join(parts) or "none"


def _seconds(match: re.Match[str], which: str) -> tuple[float | None, bool]:
    """Seconds of the first (``a``) or second (``b``) time of a span, and whether it is surely a time."""
    if match[f"{which}m"] is not None:
        hours, minutes = int(match[f"{which}h"] or 0), int(match[f"{which}m"])
        return hours * 3600 + minutes * 60 + float(match[f"{which}s"].replace(",", ".")), True
    if match[f"{which}n"] is not None:
        return float(match[f"{which}n"]), match[f"{which}u"] is not None
    return None, False


def _span(match: re.Match[str]) -> tuple[float, float] | None:
    """Start and end in seconds, None where bare numbers aren't times (``2 chairs``)."""
    start, sure = _seconds(match, "a")
    end, end_sure = _seconds(match, "b")
    if start is None or not (sure or end_sure):
        return None
    return start, start if end is None else end


def _event(entry: str) -> TimelineEvent | None:
    """The event of one entry, its time before or behind its label; None if it has no time, several, or no label."""
    bullet = _BULLET.match(entry)
    begin = bullet.end() if bullet else 0
    found: list[tuple[re.Match[str], tuple[float, float]]] = []
    for match in _SPAN.finditer(entry, begin):
        span = _span(match)
        if span is not None:
            found.append((match, span))
            if len(found) > 1 and match.start() > found[0][0].end() + 3:
                break
    if not found:
        return None
    match, (start, end) = found[0]
    before, after = entry[begin : match.start()], entry[match.end() :]
    if before.strip("[(\"'*, ") or not after.strip(_EDGES):
        if len(found) > 1:
            return None
        lead = _LEAD.search(before[-64:])
        cut = before[: len(before) - (len(lead[0]) if lead else 0)]
        after = f"{cut.strip(_EDGES)} {after.strip(_EDGES)}"
    label = " ".join(after.strip(_EDGES).split())
    return TimelineEvent(label=label, start=start, end=end) if label and start <= end else None


def _number(value: object) -> float | None:
    """Seconds of a JSON time: a number, ``"00:05"`` or ``"5 s"``."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value) if 0 <= value < 1e9 else None
    match = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    return None if match is None or match["bm"] or match["bn"] else _seconds(match, "a")[0]


def _from_row(row: Mapping[str, object]) -> TimelineEvent | None:
    """The event of a JSON object with a text and ``start``/``end`` or ``time``."""
    label = next((row[key] for key in _TEXT_KEYS if isinstance(row.get(key), str)), None)
    time = row.get("time", row.get("timestamp"))
    match = _SPAN.fullmatch(time.strip()) if isinstance(time, str) else None
    if match is not None:
        start, end = _seconds(match, "a")[0], _seconds(match, "b")[0]
    else:
        start, end = _number(row.get("start", time)), _number(row.get("end"))
    if not isinstance(label, str) or not label.strip() or start is None:
        return None
    end = start if end is None else end
    return TimelineEvent(label=" ".join(label.split()), start=start, end=end) if start <= end else None


def _json_events(text: str) -> list[TimelineEvent | None] | None:
    """Events of a JSON list of objects or of an object of times to texts; None if the text isn't one."""
    start = min((at for at in (text.find("["), text.find("{")) if at >= 0), default=-1)
    end = max(text.rfind("]"), text.rfind("}"))
    if start < 0 or end < start or text[start + 1 : end].lstrip()[:1] not in ("{", '"'):
        return None
    try:
        table = json.loads(text[start : end + 1])
    except (ValueError, RecursionError):
        return None
    if isinstance(table, dict):
        for key in ("events", "timeline"):
            if isinstance(table.get(key), list):
                return [_from_row(row) if isinstance(row, dict) else None for row in table[key]]
        rows = [{"time": key, "label": value} for key, value in table.items()]
        return [_from_row(row) for row in rows]
    return [_from_row(row) if isinstance(row, dict) else None for row in table] if isinstance(table, list) else None


def read_timeline(text: str) -> Reading:
    """The events that a text tells, ordered by start, as `TimelineEvent` objects.

    Reads entries separated by ``;`` or line breaks with a time or a range of times (``00:03``, ``1:02:03.5``,
    ``3.2 s``, ``0:03 - 0:05``, ``3-5 s``) before or behind a label; or JSON: ``[{"start": 3, "end": 5, "label":
    "..."}]``, ``{"00:03-00:05": "..."}``. Entries without a time, with a time alone or that end before they start are
    left out, and the conflicts say how many. ``none`` is an empty timeline; a text without any event is no timeline.
    """
    read, rule = _entries(text)
    events = [event for event in read if event is not None]
    if not events:
        return Reading(value=() if rule == "none" else None, rule="none" if rule == "none" else "no_events")
    surplus = len(read) - len(events)
    clash = (f"{surplus} entries are no events",) if surplus else ()
    return Reading(value=tuple(sorted(events, key=lambda event: (event.start, event.end))), rule=rule, conflicts=clash)


def _entries(text: str) -> tuple[list[TimelineEvent | None], str]:
    """Every entry's event in the order of the text, None where it is none; and the rule that found them."""
    text = text.strip()
    if text.rstrip(".").lower() == "none":
        return [], "none"
    read = _json_events(text)
    if read is not None:
        return read, "json_events"
    if not text.isascii() and not _SPAN.search(text):
        text = compatible(text)  # full-width digits; labels are left alone where it can be helped
    return [_event(entry) for entry in _SPLIT.split(text) if entry.strip()], "events"


def timeline_problem(body: str) -> str:
    """Why a ``<timeline>`` does not keep its layout, events in the order of their start; empty when it does.

    >>> timeline_problem("00:03-00:05 a chair; 00:07 a lamp"), timeline_problem("a chair")
    ('', '<timeline> has 1 entries that are no MM:SS-MM:SS event')
    """
    read, rule = _entries(body)
    starts = [event.start for event in read if event is not None]
    if len(starts) < len(read) or (not read and rule != "none"):
        return f"<timeline> has {max(len(read) - len(starts), 1)} entries that are no MM:SS-MM:SS event"
    return "" if starts == sorted(starts) else "<timeline> is not in the order of time"
