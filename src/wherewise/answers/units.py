"""Units of length, time, angle, area, volume and speed: their names in text, and conversion."""

from __future__ import annotations

import math
import re

# unit name -> (dimension, factor to the dimension's base: metres, seconds, degrees, square metres)
_UNITS: dict[str, tuple[str, float]] = {}
for _dimension, _factor, _names in (
    ("length", 1.0, "m meter meters metre metres metro metros mètre mètres 米 メートル"),
    (
        "length",
        0.01,
        "cm centimeter centimeters centimetre centimetres centímetro centímetros centimètre centimètres 厘米",
    ),
    ("length", 0.01, "zentimeter センチ センチメートル"),
    ("length", 0.001, "mm millimeter millimeters millimetre millimetres 毫米"),
    ("length", 1000.0, "km kilometer kilometers kilometre kilometres 公里"),
    ("length", 0.3048, "ft foot feet"),
    ("length", 0.0254, "in inch inches"),
    ("length", 0.9144, "yd yard yards"),
    ("time", 1.0, "s sec secs second seconds segundo segundos seconde secondes sekunde sekunden 秒"),
    ("time", 0.001, "ms millisecond milliseconds"),
    ("time", 60.0, "min mins minute minutes minuto minutos minuten 分钟 分"),
    ("time", 3600.0, "h hr hrs hour hours 小时 時間"),
    ("angle", 1.0, "deg degree degrees grad grados degrés ° 度"),
    ("angle", 180 / math.pi, "rad radian radians"),
    ("area", 1.0, "m2 m^2 sqm 平方米 平米"),
    ("volume", 1.0, "m3 m^3 立方米"),
    ("speed", 1.0, "m/s"),
    ("speed", 1 / 3.6, "km/h kmh kph"),
    ("area", 1e-4, "cm2 cm^2"),
    ("area", 0.09290304, "ft2 ft^2 sqft"),
):
    for _name in _names.split():
        _UNITS[_name] = (_dimension, _factor)

# Written without spaces behind, so that only the names themselves end them; longest first.
_GLUED = "|".join(sorted((name for name in _UNITS if name > "ɏ" or name == "°"), key=len, reverse=True))
_UNIT_AFTER = re.compile(
    r"[ \t-]{0,2}(?P<square>(?:square|sq\.?)[ ]{1,2})?"
    rf"(?P<name>m/s|km/h|[A-Za-zÀ-ɏ]{{1,12}}(?:\^?[23](?!\d))?|{_GLUED})"
    r"(?P<squared>[ ]squared)?"
)


def unit_after(text: str, at: int) -> tuple[str | None, int]:
    """The unit that stands at a position, and its end; None and the position where there is none."""
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
    dimension, factor = _UNITS.get(name, ("", 0.0))
    return {1.0: "m", 0.01: "cm", 0.3048: "ft"}.get(factor, "") if dimension == "length" else ""


def known_unit(name: str) -> bool:
    """True if the unit can be converted."""
    return name in _UNITS or name.lower() in _UNITS


def entry(name: str) -> tuple[str, float]:
    """Dimension of a known unit, and its factor to the dimension's base."""
    return _UNITS[name] if name in _UNITS else _UNITS[name.lower()]


def convert(value: float, unit: str, asked: str) -> float | None:
    """`value` in another unit, None when the two measure different things.

    >>> convert(150, "cm", "m"), convert(1, "s", "m")
    (1.5, None)
    """
    (dimension, factor), (asked_dimension, asked_factor) = entry(unit), entry(asked)
    return value * factor / asked_factor if dimension == asked_dimension else None


def known_units() -> str:
    """All unit names, for messages."""
    return ", ".join(sorted(_UNITS))
