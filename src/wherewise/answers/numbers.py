"""Numbers in text: digits, words, fractions, scientific, units, ranges. Linear time."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from wherewise.answers.parsed import Reading

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBER_WORDS: dict[str, int] = {
    **{word: i for i, word in enumerate(_ONES)},
    **{word: 10 * i for i, word in enumerate(_TENS, start=2)},
}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_CHINESE = {char: i for i, char in enumerate("零一二三四五六七八九十")} | {"两": 2}

# unit name -> (dimension, factor to the dimension's base: metres, seconds, degrees, square metres)
_UNITS: dict[str, tuple[str, float]] = {}
for _dimension, _factor, _names in (
    ("length", 1.0, "m meter meters metre metres 米"),
    ("length", 0.01, "cm centimeter centimeters centimetre centimetres 厘米"),
    ("length", 0.001, "mm millimeter millimeters millimetre millimetres 毫米"),
    ("length", 1000.0, "km kilometer kilometers kilometre kilometres 公里"),
    ("length", 0.3048, "ft foot feet"),
    ("length", 0.0254, "in inch inches"),
    ("length", 0.9144, "yd yard yards"),
    ("time", 1.0, "s sec secs second seconds 秒"),
    ("time", 0.001, "ms millisecond milliseconds"),
    ("time", 60.0, "min mins minute minutes 分钟"),
    ("time", 3600.0, "h hr hrs hour hours 小时"),
    ("angle", 1.0, "deg degree degrees ° 度"),
    ("angle", 180 / math.pi, "rad radian radians"),
    ("area", 1.0, "m2 m^2 sqm 平方米"),
    ("area", 1e-4, "cm2 cm^2"),
    ("area", 0.09290304, "ft2 ft^2 sqft"),
):
    for _name in _names.split():
        _UNITS[_name] = (_dimension, _factor)

_DIGITS = r"(?:\d{1,3}(?:,\d{3}){1,6}(?!\d)|\d{1,300})"
_TOKEN = re.compile(
    r"(?P<clock>(?<![\d:])\d{1,3}:[0-5]\d(?::[0-5]\d)?(?![\d:]))"
    rf"|(?P<number>(?:(?<![\w.)])[-+−])?(?:{_DIGITS}(?:\.\d{{1,300}})?|(?<![\w.])\.\d{{1,300}})"
    r"(?:[eE][-+]?\d{1,4}(?!\w)|[ ]?[x×*·][ ]?10\^?\{?(?P<power>[-+−]?\d{1,3})\}?)?"
    r"(?:[ ]?[/⁄][ ]?(?P<under>\d{1,9})(?![\d/.]))?%?)"
    r"|(?P<word>[A-Za-z]{1,40})|(?P<chinese>[零一二两三四五六七八九十])"
)
_UNIT_AFTER = re.compile(
    r"[ \t-]{0,2}(?P<square>(?:square|sq\.?)[ ]{1,2})?"
    r"(?P<name>[A-Za-z]{1,11}(?:\^?2(?!\d))?|°|米|厘米|毫米|公里|秒|分钟|小时|度|平方米)"
    r"(?P<squared>[ ]squared)?"
)
_RANGE = re.compile(r"\s{0,3}(?:-|–|—|~|to|or|through)\s{0,3}", re.IGNORECASE)
_DECLARES = re.compile(
    r"(?:\banswer\b(?:[ ]{1,3}to[^.\n:]{0,80})?|\btotal\b|\bresult\b|\baltogether\b|\bapproximately equal to\b|答案)"
    r"[ \t]{0,3}(?:is|was|of|would be|should be|has|are|equals|是|为)?[\s:=]{0,4}"
    r"(?:there (?:is|are)[ ]|about[ ]|approximately[ ]|around[ ]|roughly[ ]|~[ ]?|≈[ ]?)?[\"'(\[$]{0,2}$",
    re.IGNORECASE,
)
_IN_TOTAL = re.compile(r"[^.\n]{0,40}?\b(?:in total|altogether|overall)\b", re.IGNORECASE)
_EQUALS = re.compile(r"[=≈]\s{0,3}$")
_NOT = re.compile(
    r"(?:\bnot|n't|\bnever|\brather than|\binstead of)(?:[ ](?:be|at|about|just|only|exactly))?[ ]{1,2}$", re.I
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Quantity:
    """A number in a text, with its unit if it has one.

    Attributes:
        value: As written.
        unit: Unit name, or None.
        start: Position of the first character.
        end: Position behind number and unit.
        number_end: Position behind the number.
    """

    value: float
    unit: str | None
    start: int
    end: int
    number_end: int


def _clock(text: str) -> float:
    seconds = 0
    for part in text.split(":"):
        seconds = seconds * 60 + int(part)
    return float(seconds)


def _digits(match: re.Match[str]) -> float:
    text = match["number"].rstrip("%").replace("−", "-")
    under = match["under"]
    if under:
        text = re.split(r"[/⁄]", text)[0]
    if match["power"]:
        text = re.split(r"[x×*·]", text)[0]
    try:
        value = float(text.replace(",", "").replace(" ", ""))
    except OverflowError:
        return math.inf
    if match["power"]:
        value *= 10.0 ** int(match["power"].replace("−", "-"))
    if under:
        value = value / int(under) if int(under) else math.inf
    return value


def _unit(text: str, at: int) -> tuple[str | None, int]:
    match = _UNIT_AFTER.match(text, at)
    if match is None:
        return None, at
    name = match["name"] if match["name"] in _UNITS else match["name"].lower()
    if match["square"] or match["squared"]:
        name = {"m": "m2", "cm": "cm2", "ft": "ft2"}.get(_short(name), "")
    if name not in _UNITS:
        return None, at
    end = match.end()
    if end < len(text) and (text[end].isalnum() and text[end].isascii()):
        return None, at
    following = text[end : end + 2]
    if name == "in" and following[:1] == " " and following[1:].isalpha():
        return None, at
    return name, end


def _short(name: str) -> str:
    entry = _UNITS.get(name)
    return {1.0: "m", 0.01: "cm", 0.3048: "ft"}.get(entry[1], "") if entry and entry[0] == "length" else ""


def quantities(text: str) -> list[Quantity]:
    """All numbers of a text in order; words such as ``three hundred and twenty-one`` are one number."""
    found: list[Quantity] = []
    pending: tuple[int, int, int, int, int] | None = None  # total, current, start, end, last word's value

    def close() -> None:
        nonlocal pending
        if pending is not None:
            total, current, start, end, _ = pending
            unit, unit_end = _unit(text, end)
            found.append(Quantity(value=float(total + current), unit=unit, start=start, end=unit_end, number_end=end))
            pending = None

    def glued(start: int) -> bool:
        gap = text[pending[3] : start].strip().lower() if pending else "x"
        return gap in ("", "-", "and")

    skip_to = 0
    for match in _TOKEN.finditer(text):
        if match.start() < skip_to:
            continue
        word = (match["word"] or "").lower()
        if word:
            if word in NUMBER_WORDS:
                number = NUMBER_WORDS[word]
                joins = (
                    pending is not None
                    and glued(match.start())
                    and (pending[4] >= 100 or (20 <= pending[4] <= 90 and 1 <= number <= 9))
                )
                if pending is not None and joins:
                    pending = (pending[0], pending[1] + number, pending[2], match.end(), number)
                else:
                    close()
                    pending = (0, number, match.start(), match.end(), number)
            elif word in _SCALES and pending is not None and glued(match.start()):
                scale = _SCALES[word]
                total, current, start, _, _ = pending
                if scale == 100:
                    pending = (total, max(current, 1) * 100, start, match.end(), 100)
                else:
                    pending = (total + max(current, 1) * scale, 0, start, match.end(), scale)
            elif word != "and":
                close()
            continue
        close()
        if match["chinese"]:
            value, end, unit = float(_CHINESE[match["chinese"]]), match.end(), None
            unit_end = end
        elif match["clock"]:
            value, end, unit = _clock(match["clock"]), match.end(), "s"
            unit_end = end
        else:
            value, end = _digits(match), match.end()
            before = match.start()
            if before > 0 and text[before - 1].isascii() and (text[before - 1].isalpha() or text[before - 1] == "_"):
                continue
            unit, unit_end = _unit(text, end)
            skip_to = unit_end
        # "3 1/2": a whole number and a fraction
        last = found[-1] if found else None
        if (
            last is not None
            and match["number"]
            and match["under"]
            and 0 < value < 1
            and last.unit is None
            and last.value == int(last.value)
            and text[last.number_end : match.start()] == " "
        ):
            found[-1] = Quantity(value=last.value + value, unit=unit, start=last.start, end=unit_end, number_end=end)
            continue
        found.append(Quantity(value=value, unit=unit, start=match.start(), end=unit_end, number_end=end))
    close()
    return found


def known_unit(name: str) -> bool:
    """True if the unit can be converted."""
    return name in _UNITS or name.lower() in _UNITS


def _entry(name: str) -> tuple[str, float]:
    return _UNITS[name] if name in _UNITS else _UNITS[name.lower()]


def convert(value: float, unit: str, asked: str) -> float | None:
    """`value` in another unit, None when the two measure different things.

    >>> convert(150, "cm", "m"), convert(1, "s", "m")
    (1.5, None)
    """
    (dimension, factor), (asked_dimension, asked_factor) = _entry(unit), _entry(asked)
    return value * factor / asked_factor if dimension == asked_dimension else None


def _merge_compound(items: list[Quantity], text: str) -> list[Quantity]:
    """``1 m 20 cm`` and ``5 ft 3 in`` as one quantity in the first unit."""
    merged: list[Quantity] = []
    for item in items:
        last = merged[-1] if merged else None
        if last is not None and last.unit and item.unit and text[last.end : item.start].strip() in ("", "and"):
            (dimension, factor), (other, other_factor) = _entry(last.unit), _entry(item.unit)
            if dimension == other and other_factor < factor:
                value = last.value + item.value * other_factor / factor
                merged[-1] = Quantity(
                    value=value, unit=last.unit, start=last.start, end=item.end, number_end=item.number_end
                )
                continue
        merged.append(item)
    return merged


def _is_range(first: Quantity, second: Quantity, text: str) -> bool:
    gap = text[first.end : second.start]
    if len(gap) > 12:
        return False
    if _RANGE.fullmatch(gap):
        return True
    if gap == "" and second.value < 0:  # "20-25" with the hyphen read as a sign
        return True
    return gap.strip().lower() == "and" and text[max(0, first.start - 9) : first.start].lower().endswith("between ")


def read_number(text: str, unit: str | None) -> Reading:
    """The one number that a text answers with, in `unit`.

    Rules, in order: a range abstains; the last number declared by "answer", "total" or "=" in it; the only number;
    several equal ones; a number with its conversion (``2.5 meters (8.2 feet)``). Anything else abstains.

    Args:
        text: The answering part of a reply.
        unit: The unit asked for; a bare number is taken to be in it.
    """
    found = _merge_compound(quantities(text), text)
    found = [item for item in found if not _NOT.search(text[max(0, item.start - 24) : item.start])]
    if not found:
        return Reading(value=None, rule="no_number")
    ranged: set[int] = set()
    for i in range(len(found) - 1):
        if _is_range(found[i], found[i + 1], text):
            ranged |= {i, i + 1}
    chosen: int | None = None
    for i, item in enumerate(found):
        before = text[max(0, item.start - 120) : item.start]
        if _DECLARES.search(before) or _EQUALS.search(before) or _IN_TOTAL.match(text, item.end):
            chosen = i
    rule = "declared_number"
    if chosen is None:
        if ranged:
            return Reading(value=None, rule="range")
        rule = "number"
        if len({item.value for item in found}) > 1 and not _conversions(found, unit):
            return Reading(value=None, rule="several_numbers")
        chosen = _best(found, unit)
    elif chosen in ranged:
        return Reading(value=None, rule="range")
    return _in_unit(found[chosen], unit, rule)


def _conversions(found: list[Quantity], unit: str | None) -> bool:
    """True if all quantities say the same thing in different units (within 5 %)."""
    first = found[0]
    if any(item.unit is None for item in found) or first.unit is None:
        return False
    for item in found[1:]:
        same = convert(item.value, item.unit or "", first.unit)
        if same is None or abs(same - first.value) > 0.05 * abs(first.value):
            return False
    return True


def _best(found: list[Quantity], unit: str | None) -> int:
    for i, item in enumerate(found):
        if unit is not None and item.unit is not None and known_unit(unit) and _entry(item.unit) == _entry(unit):
            return i
    for i, item in enumerate(found):
        if item.unit is not None:
            return i
    return 0


def _in_unit(item: Quantity, unit: str | None, rule: str) -> Reading:
    value: float | None = item.value
    if unit is not None and item.unit is not None:
        if not known_unit(unit):
            raise ValueError(f"unknown unit {unit!r}; known: {', '.join(sorted(_UNITS))}")
        value = convert(item.value, item.unit, unit)
        if value is None:
            return Reading(value=None, rule="other_unit", conflicts=(f"a number in {item.unit}, not in {unit}",))
    if value is None or not math.isfinite(value):
        return Reading(value=None, rule="not_finite")
    return Reading(value=value, rule=rule)
