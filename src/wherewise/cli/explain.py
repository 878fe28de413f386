"""What pydantic found wrong, said so that a person can mend it: where it stands, what is allowed, what was meant."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from wherewise.cli.located import KeyPath, Source

MAX_SHOWN = 80
"""Longest rejected value shown in a message, in characters."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """One of pydantic's errors, its location split into the data's path and the union branches it was seen in."""

    path: KeyPath
    unions: tuple[tuple[KeyPath, str], ...]
    """Where each union on the way stands and the branch of it that pydantic tried, outermost first."""
    kind: str
    message: str
    context: Mapping[str, Any]
    value: Any

    @property
    def branch(self) -> str:
        """The innermost union branch; empty outside unions."""
        return self.unions[-1][1] if self.unions else ""


def explain(
    error: ValidationError, model: type[BaseModel], data: Mapping[str, Any], sources: Mapping[KeyPath, Source]
) -> list[str]:
    """One located message for each mistake, in the order of files and lines.

    Args:
        error: what ``model.model_validate(data)`` raised.
        model: the config's class; its field names are what did-you-mean chooses from.
        data: the plain data that was validated.
        sources: where each path of ``data`` was written; paths made of defaults are absent.
    """
    found = [_split(item, data) for item in error.errors(include_url=False)]
    located: list[tuple[tuple[bool, str, int, int], str]] = []
    for item in _fewest_per_union(found):
        source = _source(item.path, sources)
        key = dotted(item.path)
        message = _message(item, model)
        order = (source.line is None, source.file, source.line or 0, source.column or 0)
        located.append((order, source.problem(f"{key}: {message}" if key else message)))
    return list(dict.fromkeys(text for _, text in sorted(located, key=lambda pair: pair[0])))


def dotted(path: KeyPath) -> str:
    """A path as overrides spell it: ``rewards.0.weight``."""
    return ".".join(str(part) for part in path)


def fields_at(model: type[BaseModel], path: KeyPath, branch: str = "") -> list[str]:
    """The keys that the mapping at ``path`` may hold; empty where any key may (or none is known).

    ``branch`` is the value of the discriminator, where a union has one; otherwise all classes of a union count.
    """
    candidates: list[Any] = [model]
    for part in path:
        candidates = [inner for annotation in candidates for inner in _step(annotation, part)]
    models = [kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)]
    named = [kind for kind in models if branch and _is_branch(kind, branch)]
    return list(dict.fromkeys(name for kind in named or models for name in kind.model_fields))


def nested_model(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """The config class of what stands at ``path``, where the annotations leave no choice; None otherwise."""
    candidates: list[Any] = [model]
    for part in path:
        candidates = [inner for annotation in candidates for inner in _step(annotation, part)]
    candidates = [kind for kind in candidates if kind is not type(None)]
    only = candidates[0] if len(candidates) == 1 else None
    return only if isinstance(only, type) and issubclass(only, BaseModel) else None


def did_you_mean(word: str, known: Iterable[str], *, alike: float = 0.6) -> str:
    """`` (did you mean 'x'?)``, or the empty string where nothing known is so much ``alike`` (0 to 1)."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=alike)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _split(item: Any, data: Any) -> _Found:
    """Walk an error's location through the data; the parts that aren't in it name union branches."""
    path: list[str | int] = []
    unions: list[tuple[KeyPath, str]] = []
    here = data
    loc: tuple[str | int, ...] = item["loc"]
    for index, part in enumerate(loc):
        if part == "[key]":
            continue
        in_list = isinstance(here, list) and isinstance(part, int) and part < len(here)
        if in_list or (isinstance(here, dict) and part in here):
            here = here[part]
            path.append(part)
        elif index == len(loc) - 1 and item["type"] == "missing":
            path.append(part)
        else:
            unions.append((tuple(path), str(part)))
    return _Found(
        path=tuple(path),
        unions=tuple(unions),
        kind=item["type"],
        message=item["msg"],
        context=item.get("ctx", {}),
        value=item.get("input"),
    )


def _fewest_per_union(found: Sequence[_Found], depth: int = 0) -> Iterator[_Found]:
    """Of a union's branches keep the one that the writer most likely meant.

    A branch of another shape (a string where a mapping stands) is dropped when one of the right shape has errors of
    its own; among those the one with the fewest errors stays. Where no branch has the right shape, one message names
    all that are allowed. ``depth`` counts the unions around the errors that are already decided.
    """
    unions: dict[KeyPath, dict[str, list[_Found]]] = {}
    for item in found:
        if len(item.unions) <= depth:
            yield item
        else:
            at, branch = item.unions[depth]
            unions.setdefault(at, {}).setdefault(branch, []).append(item)
    for at, branches in unions.items():
        fitting = [items for items in branches.values() if not all(_is_wrong_shape(item, at) for item in items)]
        if fitting:
            yield from _fewest_per_union(min(fitting, key=_misfit), depth + 1)
            continue
        first = next(iter(branches.values()))[0]
        texts = list(dict.fromkeys(_short(item.message) for items in branches.values() for item in items))
        joined = " or ".join([texts[0], *(text.removeprefix("should be ") for text in texts[1:])])
        yield replace(first, path=at, unions=(), message=joined, context={})


def _is_wrong_shape(item: _Found, at: KeyPath) -> bool:
    return item.path == at and (
        item.kind.endswith(("_type", "_parsing")) or item.kind in ("none_required", "literal_error")
    )


def _misfit(branch: Sequence[_Found]) -> tuple[int, int]:
    """How little a union's branch fits: first by keys unknown or missing, then by errors of any kind."""
    return sum(item.kind in ("extra_forbidden", "missing") for item in branch), len(branch)


def _source(path: KeyPath, sources: Mapping[KeyPath, Source]) -> Source:
    while path and path not in sources:
        path = path[:-1]
    return sources.get(path, Source(file="config"))


def _message(item: _Found, model: type[BaseModel]) -> str:
    if item.kind == "extra_forbidden":
        return _unknown_key(item, model)
    if item.kind == "missing":
        return "this key is required"
    discriminator = str(item.context.get("discriminator", "")).strip("'")
    if item.kind == "union_tag_not_found":
        return f"needs the key '{discriminator}', which says what it is"
    if item.kind == "union_tag_invalid":
        tag, expected = str(item.context["tag"]), str(item.context["expected_tags"])
        return f"'{discriminator}' should be one of {expected} (got '{tag}')" + did_you_mean(tag, _words(expected))
    message = _short(item.message)
    if item.kind in ("value_error", "assertion_error") and isinstance(item.value, dict):
        return message
    shown = repr(item.value)
    shown = shown if len(shown) <= MAX_SHOWN else shown[: MAX_SHOWN - 3] + "..."
    message += f" (got {shown})"
    if item.kind == "string_type" and item.value is not None:
        message += "; put it in quotes"
    if isinstance(item.value, str):
        message += did_you_mean(item.value, _words(str(item.context.get("expected", ""))))
    return message


def _words(expected: str) -> list[str]:
    """The quoted words in ``'a', 'b' or 'c'``."""
    return re.findall(r"'([^']*)'", expected)


def _short(message: str) -> str:
    """Pydantic's message without what doesn't help the writer of a YAML file."""
    message = re.sub(r"^(Value error|Assertion failed), |, unable to parse string as an? [a-z]+", "", message)
    message = re.sub(r"a valid dictionary( or (instance of \w+|object to extract fields from))?", "a mapping", message)
    return message.replace("Input should", "should", 1)


def _unknown_key(item: _Found, model: type[BaseModel]) -> str:
    word = str(item.path[-1])
    known = fields_at(model, item.path[:-1], item.branch)
    hint = did_you_mean(word, known)
    if hint:
        return f"unknown key{hint}"
    elsewhere = next(_find_key(model, word), None)
    if elsewhere is not None:
        return f"unknown key here (did you mean '{dotted(elsewhere)}'?)"
    return f"unknown key; allowed here: {', '.join(known) or 'none'}"


def _find_key(model: type[BaseModel], word: str, path: KeyPath = (), depth: int = 0) -> Iterator[KeyPath]:
    """Paths of fields called ``word`` anywhere in ``model``, not looking inside lists."""
    for name, info in model.model_fields.items():
        if name == word:
            yield (*path, name)
        for kind in _plain(info.annotation):
            if depth < 5 and isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _find_key(kind, word, (*path, name), depth + 1)


def _plain(annotation: Any) -> Iterator[Any]:
    """``annotation`` without Annotated, type aliases and unions."""
    origin = get_origin(annotation)
    if hasattr(annotation, "__value__"):  # a `type X = ...` alias
        yield from _plain(annotation.__value__)
    elif origin is Annotated:
        yield from _plain(get_args(annotation)[0])
    elif origin is Union or origin is types.UnionType:
        for inner in get_args(annotation):
            yield from _plain(inner)
    else:
        yield annotation


def _step(annotation: Any, part: str | int) -> Iterator[Any]:
    """The annotations of what stands under ``part`` in a value of type ``annotation``."""
    for kind in _plain(annotation):
        origin, arguments = get_origin(kind), get_args(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if part in kind.model_fields:
                yield from _plain(kind.model_fields[str(part)].annotation)
        elif isinstance(origin, type) and issubclass(origin, Mapping):
            yield from _plain(arguments[1])
        elif isinstance(origin, type) and issubclass(origin, Iterable) and isinstance(part, int):
            fixed = origin is tuple and Ellipsis not in arguments
            yield from _plain(arguments[part] if fixed and part < len(arguments) else arguments[0])


def _is_branch(kind: type[BaseModel], branch: str) -> bool:
    literals = (
        get_args(info.annotation) for info in kind.model_fields.values() if get_origin(info.annotation) is Literal
    )
    return any(branch in map(str, values) for values in literals)
