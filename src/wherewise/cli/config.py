"""Config files: YAML, ``extends:``, ``key.sub=value`` overrides, and every mistake at once with its place and its fix.

    loaded = load_config(SftConfig, Path("recipes/sft.yaml"), ["train.learning_rate=1e-5", "rewards.0.weight=2"])
    loaded.value                       # an SftConfig
    loaded.where("train.batch_size")   # "recipes/base.yaml:7:3"

What the files may do:

* ``extends: base.yaml`` or ``extends: [base.yaml, gpu.yaml]``: files named relative to the one that names them, read
  first, later ones winning. Mappings merge key by key; **lists, like every other value, replace**.
* The dialect is YAML 1.2's core schema (`wherewise.cli.located`): ``1e-6`` is a number, ``no`` is a string.
* An override's value is YAML too: ``tags=[a, b]``, ``name='007'``, ``limit=null`` (or ``limit=``). A list item that
  exists is reached by its index. Overrides win over files, later ones over earlier ones.
* A mapping given for a nested config changes the keys it names and leaves the others at their defaults.
* Environment variables are not expanded: ``${HOME}`` stays those seven characters. A run's config says all it depends
  on; a shell expands ``data=$DATA`` in an override before it gets here.

`ConfigError` carries all messages; the command line prints them and exits with 2.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from wherewise.cli.explain import did_you_mean, dotted, explain, nested_model
from wherewise.cli.located import KeyPath, Source, read_yaml, write_yaml
from wherewise.samples.errors import InputError

M = TypeVar("M", bound=BaseModel)

EXTENDS = "extends"
"""The key, at the top of a file only, that names the files it builds on."""


class ConfigError(InputError):
    """One or more things are wrong in a config; `messages` holds each with its place."""

    def __init__(self, messages: Sequence[str]) -> None:
        self.messages = tuple(messages)
        count = len(self.messages)
        super().__init__(f"{count} problem{'s'[: count != 1]} in the config:\n" + "\n".join(self.messages))


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded(Generic[M]):
    """A valid config and where its values came from."""

    value: M
    """The validated config."""
    sources: Mapping[KeyPath, Source]
    """For each path that a file or an override set, where it was set; keys at their defaults are absent."""

    def where(self, key: str) -> str:
        """``file:line:col`` or the override that set ``key`` (spelled as in overrides); ``default`` if none did."""
        source = self.sources.get(_path(key))
        return "default" if source is None else str(source)

    def problem(self, key: str, message: str) -> str:
        """A message for `ConfigError` about a value that turned out wrong only when it was used."""
        source = self.sources.get(_path(key), Source(file="default"))
        return source.problem(f"{key}: {message}")


def load_config(model: type[M], path: Path | None, overrides: Sequence[str] = ()) -> Loaded[M]:
    """Read, merge and validate a config.

    Args:
        model: the pydantic class that says what is allowed (``extra="forbid"`` makes unknown keys errors).
        path: the YAML file; None starts from the defaults alone.
        overrides: ``key.sub=value``, applied in order.

    Raises:
        ConfigError: with every problem that was found.
    """
    read = _Read() if path is None else _read_file(path, above=(), named_by=None)
    problems = list(read.problems)
    for override in overrides:
        problem = _apply(override, model, read.data, read.sources)
        if problem is not None:
            problems.append(problem)
    if not read.whole:  # what could not be read would only raise follow-up errors below
        raise ConfigError(problems)
    complete = _with_defaults(model, read.data)
    try:
        value = model.model_validate(complete)
    except ValidationError as error:
        raise ConfigError([*explain(error, model, complete, read.sources), *problems]) from None
    if problems:
        raise ConfigError(problems)
    return Loaded(value=value, sources=read.sources)


def resolved_yaml(value: BaseModel) -> str:
    """Every key of a config, defaults included, as YAML that `load_config` reads back to an equal config."""
    return write_yaml(value.model_dump(mode="json"))


def _path(key: str) -> KeyPath:
    return tuple(int(part) if part.isdecimal() else part for part in key.split("."))


@dataclass(kw_only=True, slots=True)
class _Read:
    """What one file and all that it extends say."""

    data: dict[str, Any] = field(default_factory=dict)
    sources: dict[KeyPath, Source] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    whole: bool = True
    """False: part of it could not be read, so that keys missing from `data` prove nothing."""


def _read_file(path: Path, *, above: tuple[Path, ...], named_by: Source | None) -> _Read:
    """Read one file and all that it extends.

    Args:
        path: the file.
        above: the files that led here, outermost first.
        named_by: where the ``extends:`` stands that names this file.
    """
    text, problem = _read_text(path, named_by)
    if problem is not None:
        return _Read(problems=[problem], whole=False)
    document = read_yaml(text, file=str(path))
    if not document.sources:
        return _Read(problems=document.problems, whole=False)
    own = {} if document.data is None else document.data
    if not isinstance(own, dict):
        top = document.sources[()].problem("a config is a mapping of keys to values, at its top")
        return _Read(problems=[top], whole=False)
    read = _Read(problems=list(document.problems), whole=document.whole)
    for key_path, name in _extended(own.pop(EXTENDS, None)):
        base = _read_base(name, document.sources[key_path], (*above, path))
        _merge(read, base.data, base.sources)
        read.problems += base.problems
        read.whole = read.whole and base.whole
    _merge(read, own, {key: source for key, source in document.sources.items() if key[:1] != (EXTENDS,)})
    return read


def _read_base(name: Any, at: Source, chain: tuple[Path, ...]) -> _Read:
    """The file that the last file of ``chain`` names, at ``at``, in its ``extends:``."""
    if not isinstance(name, str):
        return _Read(problems=[at.problem(f"extends: takes a file name or a list of them (got {name!r})")], whole=False)
    base = Path(os.path.normpath(chain[-1].parent / name))
    if base.resolve() in [file.resolve() for file in chain]:
        circle = " -> ".join(map(str, (*chain, base)))
        return _Read(problems=[at.problem(f"extends: goes in a circle: {circle}")], whole=False)
    return _read_file(base, above=chain, named_by=at)


def _extended(names: Any) -> list[tuple[KeyPath, Any]]:
    if names is None:
        return []
    if isinstance(names, list):
        return [((EXTENDS, index), name) for index, name in enumerate(names)]
    return [((EXTENDS,), names)]


def _read_text(path: Path, named_by: Source | None) -> tuple[str, str | None]:
    """The file's text, or what is wrong with the file."""

    def problem(message: str) -> tuple[str, str]:
        return "", f"{path}: {message}" if named_by is None else named_by.problem(f"extends: {path}: {message}")

    if path.is_dir():
        return problem("is a folder; name the YAML file in it")
    if not path.is_file():
        beside = path.parent.iterdir() if path.parent.is_dir() else ()
        names = [file.name for file in beside if file.suffix in (".yaml", ".yml")]
        if "=" in str(path) and named_by is None:
            return problem("no such file; the config file comes before overrides")
        return problem(f"no such file{did_you_mean(path.name, names, alike=0.75)}")
    try:
        return path.read_text(encoding="utf-8-sig"), None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return problem(f"line {line} is not UTF-8; save the file as UTF-8 text")
    except PermissionError:
        return problem("may not be read (permissions)")


def _merge(read: _Read, over: Mapping[str, Any], over_sources: Mapping[KeyPath, Source]) -> None:
    """Put ``over`` on top of what was read: mappings merge, everything else replaces, its sources with it."""
    _merge_data(read.data, over, (), read.sources)
    read.sources.update(over_sources)


def _merge_data(data: dict[str, Any], over: Mapping[str, Any], path: KeyPath, sources: dict[KeyPath, Source]) -> None:
    for key, value in over.items():
        here = (*path, key)
        old = data.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            _merge_data(old, value, here, sources)
        else:
            _forget(here, sources)
            data[key] = value


def _forget(path: KeyPath, sources: dict[KeyPath, Source]) -> None:
    """Drop the places of a value that is being replaced, and of all inside it."""
    for known in [known for known in sources if known[: len(path)] == path]:
        del sources[known]


def _apply(override: str, model: type[BaseModel], data: dict[str, Any], sources: dict[KeyPath, Source]) -> str | None:
    """Put one ``key.sub=value`` into ``data``; the message if it can't be."""
    source = Source(file=f"override '{override}'")
    key, equals, text = override.partition("=")
    path = _path(key)
    if not equals or "" in path:
        return source.problem("an override looks like key.sub=value")
    document = read_yaml(text, file=source.file, inline=True)
    if document.problems:
        return f"{document.problems[0]}; quote the value: {key}='{text}'"
    at: Any = data
    for depth, part in enumerate(path):
        before, here = path[:depth], path[: depth + 1]
        last = depth == len(path) - 1
        if isinstance(at, list):
            if not isinstance(part, int) or part >= len(at):
                allowed = f"0 to {len(at) - 1}" if at else "none: it is empty"
                return source.problem(f"{dotted(before)}: is a list; its items are {allowed} (got '{part}')")
        elif isinstance(at, dict):
            part = str(part)
            here = (*before, part)
            path = (*here, *path[depth + 1 :])
            if not last and at.get(part) is None:
                at[part] = _default_list(model, here) if isinstance(path[depth + 1], int) else {}
        else:
            return source.problem(f"{dotted(before)}: is {at!r}, not a mapping, so '{part}' can't be set in it")
        if last:
            _forget(here, sources)
            at[part] = document.data
            sources.update({(*here, *inner): source for inner in document.sources})
        else:
            sources.setdefault(here, source)
            at = at[part]
    return None


def _default_list(model: type[BaseModel], path: KeyPath) -> list[Any] | dict[str, Any]:
    """The default of the list at ``path`` as plain data, so that an override can change one item of it."""
    owner = nested_model(model, path[:-1])
    info = None if owner is None else owner.model_fields.get(str(path[-1]))
    default = None if info is None or owner is None else _default(owner, str(path[-1]))
    if not isinstance(default, (list, tuple)):
        return {}
    return [item.model_dump() if isinstance(item, BaseModel) else item for item in default]


def _default(model: type[BaseModel], name: str) -> Any:
    info = model.model_fields[name]
    if info.is_required() or info.default_factory_takes_validated_data:
        return None
    return info.get_default(call_default_factory=True)


def _with_defaults(model: type[BaseModel], data: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` where a mapping given for a nested config is completed from that field's own default.

    ``train: Train = Train(lr=3)`` with ``train: {steps: 5}`` in the file means lr 3, as a reader of the class expects,
    and not `Train`'s own default.
    """
    complete = dict(data)
    for name in model.model_fields:
        inner = nested_model(model, (name,))
        given = complete.get(name)
        if inner is None or not isinstance(given, dict):
            continue
        default = _default(model, name)
        if type(default) is inner:
            given = _under(default.model_dump(exclude_unset=True), given)
        complete[name] = _with_defaults(inner, given)
    return complete


def _under(below: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for key, value in over.items():
        old = result.get(key)
        result[key] = _under(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result
