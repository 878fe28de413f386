"""Frozen dataclasses to plain JSON values and back, driven by their type hints.

A dataclass with a ``kind`` carries it as a tag, which tells the members of a union apart. Reading is strict: no unknown
fields, no missing ones, no conversions; every error names the field.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import re
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Union, get_args, get_origin

from wherewise.samples.errors import DatasetError

_SURROGATE = re.compile("[\ud800-\udfff]")
_NAMES: dict[type, str] = {str: "text", int: "an integer", float: "a number", bool: "true or false"}


def to_plain(value: object, field: str) -> Any:
    """Turn a value into plain JSON: dataclasses and mappings become objects, tuples become lists.

    Args:
        value: Dataclass, mapping, sequence, text, number, boolean or None.
        field: Its name, for errors.

    Raises:
        DatasetError: A value has no exact JSON form (NaN, NumPy scalars, keys that are not text, lone surrogates).
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(check_text(value, field))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise DatasetError(f"{value} has no JSON form", field=field, fix="leave the value out or use a finite one")
        return float(value)
    if isinstance(value, (list, tuple)):
        return [to_plain(item, f"{field}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise DatasetError(f"key {key!r} is not text", field=field, fix="use text keys, as JSON does")
        return {check_text(key, field): to_plain(item, f"{field}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        kind = getattr(value, "kind", None)
        plain: dict[str, Any] = {} if kind is None else {"kind": kind}
        for part in dataclasses.fields(value):
            item = getattr(value, part.name)
            if item is not None or part.default is not None:
                plain[part.name] = to_plain(item, f"{field}.{part.name}")
        return plain
    raise DatasetError(
        f"a {type(value).__module__}.{type(value).__name__} has no JSON form",
        field=field,
        fix="convert it with int(), float(), str(), list() or .tolist()",
    )


def check_text(value: str, field: str) -> str:
    """Return `value` if UTF-8 can hold it.

    Raises:
        DatasetError: It holds a lone surrogate.
    """
    if not value.isascii() and _SURROGATE.search(value):
        raise DatasetError(
            "the text holds a lone surrogate, which UTF-8 cannot store",
            field=field,
            fix="decode the original bytes with the right encoding",
        )
    return value


def dump_json(value: object, field: str) -> str:
    """Compact JSON text of a value (see `to_plain`)."""
    return json.dumps(to_plain(value, field), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def load_json(text: str, field: str | None) -> Any:
    """Parse JSON text strictly: no NaN, no repeated keys.

    Raises:
        DatasetError: The text is not JSON.
    """

    def constant(name: str) -> Any:
        raise DatasetError(f"{name} is not JSON", field=field, fix="use null or a finite number")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(items)
        if len(table) != len(items):
            repeated = next(key for key, _ in items if sum(other == key for other, _ in items) > 1)
            raise DatasetError(f"key {repeated!r} appears twice", field=field, fix="remove one of the two")
        return table

    try:
        return json.loads(text, parse_constant=constant, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"not valid JSON: {error.msg} at character {error.pos + 1}", field=field, fix="correct the JSON text"
        ) from error
    except DatasetError:
        raise
    except ValueError as error:
        raise DatasetError(f"not valid JSON: {error}", field=field, fix="correct the JSON text") from error
    except RecursionError as error:
        raise DatasetError("the JSON is nested too deeply", field=field, fix="flatten it") from error


@cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def from_plain(hint: Any, value: Any, field: str) -> Any:
    """Read a plain JSON value as the type that `hint` declares.

    Args:
        hint: ``str``, ``int``, ``float``, ``bool``, ``Any``, ``X | None``, ``tuple[...]``, ``Mapping[str, X]``, a
            dataclass, or a union of dataclasses that carry a ``kind``.
        value: Plain JSON value.
        field: Its name, for errors.

    Raises:
        DatasetError: The value is not of that type.
    """
    origin = get_origin(hint)
    if hint is Any:
        return value
    if origin is Union or origin is types.UnionType:
        return _union(hint, value, field)
    if origin is tuple:
        return _tuple(hint, value, field)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise _wrong("an object {...}", value, field)
        return {key: from_plain(get_args(hint)[1], item, f"{field}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(hint):
        return _dataclass(typing.cast(type, hint), value, field)
    accepted: tuple[type, ...] = (int, float) if hint is float else (hint,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and hint is not bool):
        raise _wrong(_NAMES[hint], value, field)
    if isinstance(value, float) and not math.isfinite(value):
        raise DatasetError(f"{value} is not a finite number", field=field, fix="use a finite number")
    return check_text(value, field) if isinstance(value, str) else value


def _union(hint: Any, value: Any, field: str) -> Any:
    members = [member for member in get_args(hint) if member is not types.NoneType]
    if value is None and len(members) < len(get_args(hint)):
        return None
    if len(members) == 1:
        return from_plain(members[0], value, field)
    kinds = {member.kind: member for member in members}
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in kinds:
        found = f"kind {kind!r}" if isinstance(value, dict) else short(value)
        raise DatasetError(
            f"unknown: {found}",
            field=field,
            fix=f'write an object with "kind": one of {", ".join(kinds)}' + did_you_mean(str(kind), kinds),
        )
    return from_plain(kinds[kind], value, field)


def _tuple(hint: Any, value: Any, field: str) -> tuple[Any, ...]:
    inner = get_args(hint)
    if not isinstance(value, (list, tuple)):
        raise _wrong("a list [...]", value, field)
    if len(inner) == 2 and inner[1] is Ellipsis:
        inner = (inner[0],) * len(value)
    if len(inner) != len(value):
        raise DatasetError(
            f"holds {len(value)} values instead of {len(inner)}", field=field, fix=f"give exactly {len(inner)} values"
        )
    return tuple(
        from_plain(part, item, f"{field}[{i}]") for i, (part, item) in enumerate(zip(inner, value, strict=True))
    )


def _dataclass(cls: type, value: Any, field: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong("an object {...}", value, field)
    hints, parts = _hints(cls), {part.name: part for part in dataclasses.fields(cls)}
    known = [*parts, "kind"] if hasattr(cls, "kind") else list(parts)
    for key in value:
        if key not in known:
            raise DatasetError(
                f"unknown field {key!r}", field=field, fix=f"known: {', '.join(known)}" + did_you_mean(key, known)
            )
    if "kind" in value and "kind" not in parts and value["kind"] != getattr(cls, "kind", None):
        raise DatasetError(
            f"kind is {value['kind']!r}", field=field, fix=f"it can only be {getattr(cls, 'kind', None)!r}"
        )
    arguments = {}
    for name, part in parts.items():
        if name in value:
            arguments[name] = from_plain(hints[name], value[name], f"{field}.{name}")
        elif part.default is dataclasses.MISSING and part.default_factory is dataclasses.MISSING:
            raise DatasetError(f"{name!r} is missing", field=field, fix=f"add {name!r}")
    try:
        return cls(**arguments)
    except ValueError as error:
        raise DatasetError(str(error), field=field, fix="correct the value") from error


def did_you_mean(word: str, known: typing.Iterable[str]) -> str:
    """`` (did you mean 'options'?)`` when a known word is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def short(value: Any) -> str:
    """`repr` cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _wrong(expected: str, value: Any, field: str) -> DatasetError:
    return DatasetError(f"expected {expected}, got {short(value)}", field=field, fix=f"write {expected}")
