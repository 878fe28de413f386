"""YAML text -> plain data plus where every value stands, and every mistake of form at once.

The dialect is YAML 1.2's core schema, not PyYAML's 1.1: ``1e-6`` is a number, ``no`` and ``on`` are strings, ``010`` is
ten, ``1:30`` and ``2026-01-31`` are strings. Mapping keys are always strings. Duplicated keys, unknown tags (hence any
Python object) and values that contain themselves are errors. Anchors, aliases and ``<<`` merge keys work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

KeyPath = tuple[str | int, ...]
"""Where a value stands in the data: keys and list indices, outermost first."""

MAX_VALUES = 100_000
"""A config with more values than this is aliases multiplying each other, not something a person wrote."""

_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(
    r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_NULL = re.compile(r"^(?:~|null|Null|NULL|)$")


class CoreLoader(yaml.SafeLoader):
    """Composes nodes with YAML 1.2's scalar rules; it constructs nothing itself."""


class CoreDumper(yaml.SafeDumper):
    """Writes what `CoreLoader` reads back: the same rules decide which strings need quotes."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write shared values out in full: a reader sees each key's value where it stands."""
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        r"""Escape line breaks that are not ``\n``: PyYAML writes them raw, and reads them back folded into a space."""
        exotic = any(mark in data for mark in ("\x85", "\u2028", "\u2029"))
        return self.represent_scalar("tag:yaml.org,2002:str", data, style='"' if exotic else None)


CoreDumper.add_representer(str, CoreDumper.represent_str)

for _class in (CoreLoader, CoreDumper):
    _class.yaml_implicit_resolvers = {}
    # The order matters: the first rule that matches wins, so whole numbers come before floats.
    for _name, _rule, _first in (
        ("bool", _BOOL, "tTfF"),
        ("int", _INT, "-+0123456789"),
        ("float", _FLOAT, "-+0123456789."),
        ("null", _NULL, ["~", "n", "N", ""]),
        ("merge", re.compile(r"^<<$"), "<"),
    ):
        _class.add_implicit_resolver(_TAG + _name, _rule, list(_first))


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """Where a value was written."""

    file: str
    """The file as the user named it, or ``override 'key=value'``."""
    line: int | None = None
    """1-based; None for an override."""
    column: int | None = None
    """1-based, in characters; None for an override."""
    text: str = ""
    """The source line, without its line end."""

    def __str__(self) -> str:
        """``file:line:col``, as editors and terminals make clickable."""
        return self.file if self.line is None else f"{self.file}:{self.line}:{self.column}"

    def problem(self, message: str) -> str:
        """``file:line:col: message`` with the source line below it."""
        shown = f"{self}: {message}"
        return shown if self.line is None else f"{shown}\n    {self.line:>4} | {self.text}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """One YAML text, read."""

    data: Any
    """Plain dicts (string keys), lists, strings, numbers, booleans and None; None where the text is empty."""
    sources: dict[KeyPath, Source]
    """For each path in `data` where its key (or list item) stands; ``()`` is the document."""
    problems: list[str]
    """Located messages."""
    whole: bool = True
    """False: some of `data` could not be read. (With a duplicated key all was read, and the first one kept.)"""


def read_yaml(text: str, *, file: str, inline: bool = False) -> Document:
    """Parse ``text``.

    Args:
        text: the YAML.
        file: how messages call it.
        inline: ``text`` comes from the command line, so messages carry no line and column.
    """
    lines = text.split("\n")

    def source(mark: Any) -> Source:
        if inline or mark is None:
            return Source(file=file)
        line = lines[mark.line].rstrip("\r") if mark.line < len(lines) else ""
        return Source(file=file, line=mark.line + 1, column=mark.column + 1, text=line)

    try:
        node = CoreLoader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        return Document(data=None, sources={}, problems=[_syntax_problem(error, source)])
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        row = before.count("\n")
        at = Source(file=file, line=row + 1, column=len(before) - before.rfind("\n"), text=repr(lines[row])[1:-1])
        message = f"character U+{int(error.character):04X} can't stand in YAML; remove it"
        return Document(data=None, sources={}, problems=[(Source(file=file) if inline else at).problem(message)])
    reader = _Reader(source=source)
    if node is None:
        return Document(data=None, sources={(): Source(file=file) if inline else source(_Start())}, problems=[])
    data = reader.value(node, ())
    return Document(data=data, sources=reader.sources, problems=reader.problems, whole=reader.whole)


def write_yaml(data: Any) -> str:
    """Plain data as YAML that `read_yaml` reads back unchanged."""
    return yaml.dump(data, Dumper=CoreDumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=False)


@dataclass(frozen=True, slots=True)
class _Start:
    """The mark of an empty document."""

    line: int = 0
    column: int = 0


def _syntax_problem(error: yaml.MarkedYAMLError, source: Any) -> str:
    """One located line for PyYAML's multi-line message, with a hint for the two mistakes everyone makes."""
    at = source(error.problem_mark or error.context_mark)
    problem = str(error.problem or "can't be read as YAML")
    if "'\\t'" in problem or at.text[: (at.column or 1)].strip(" ").startswith("\t"):
        problem = "YAML indents with spaces, not with tabs"
    elif "mapping values are not allowed" in problem:
        problem += " (an unquoted value that holds ': ' needs quotes; or the line is indented too far)"
    elif "expected a single document" in str(error.context):
        problem = "a second document starts here ('---'); a config is one document"
    elif error.context and error.context_mark and error.context_mark.line != getattr(error.problem_mark, "line", None):
        problem += f" ({error.context} that starts in line {error.context_mark.line + 1})"
    return str(at.problem(f"not YAML: {problem}"))


@dataclass(slots=True)
class _Reader:
    """Walks composed nodes; collects values, positions and problems in one pass."""

    source: Any
    sources: dict[KeyPath, Source] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    whole: bool = True
    _open: set[int] = field(default_factory=set)
    _full: bool = False

    def value(self, node: Node, path: KeyPath) -> Any:
        """The plain value of ``node``, which stands at ``path``."""
        self.sources.setdefault(path, self.source(node.start_mark))
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            self._problem(node, "this alias makes a value that contains itself")
            return None
        if len(self.sources) > MAX_VALUES:
            if not self._full:
                self._problem(node, f"more than {MAX_VALUES} values (aliases of aliases?)")
            self._full = True
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, SequenceNode):
                self._check_tag(node, "seq")
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
            assert isinstance(node, MappingNode)
            self._check_tag(node, "map")
            return self._mapping(node, path)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        own: dict[str, Node] = {}
        merged: list[Node] = []
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._problem(key, "a key must be a plain word")
            elif key.tag == _TAG + "merge":
                merged += value.value if isinstance(value, SequenceNode) else [value]
            elif key.value in own:
                first = own[key.value].start_mark
                message = f"duplicated key '{key.value}' (the first one is in line {first.line + 1})"
                self.problems.append(self.source(key.start_mark).problem(message))
            else:
                own[key.value] = key
                self.sources[(*path, key.value)] = self.source(key.start_mark)
        result: dict[str, Any] = {}
        for key, value in node.value:
            if isinstance(key, ScalarNode) and own.get(key.value) is key:
                result[key.value] = self.value(value, (*path, key.value))
        for base in merged:
            if not isinstance(base, MappingNode):
                self._problem(base, "'<<' takes an alias of a mapping, or a list of such aliases")
                continue
            for key, value in _pairs(base):
                if key.value not in result:
                    self.sources[(*path, key.value)] = self.source(key.start_mark)
                    result[key.value] = self.value(value, (*path, key.value))
        return result

    def _scalar(self, node: ScalarNode) -> Any:
        text = str(node.value)
        kind = node.tag.removeprefix(_TAG)
        if kind == "str" or (kind == "merge" and not node.style):
            return text
        if kind == "null" and _NULL.match(text):
            return None
        if kind == "bool" and _BOOL.match(text):
            return text.lower() == "true"
        if kind == "int" and _INT.match(text):
            base = {"0o": 8, "0x": 16}.get(text[:2], 10)
            return int(text if base == 10 else text[2:], base)
        if kind == "float" and _FLOAT.match(text):
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        self._problem(node, f"{text!r} can't carry the tag {_short(node.tag)}; leave the tag out")
        return None

    def _check_tag(self, node: Node, expected: str) -> None:
        if node.tag != _TAG + expected:
            self._problem(node, f"the tag {_short(node.tag)} isn't allowed; leave it out")

    def _problem(self, node: Node, message: str) -> None:
        self.whole = False
        self.problems.append(self.source(node.start_mark).problem(message))


def _short(tag: str) -> str:
    return "!!" + tag.removeprefix(_TAG) if tag.startswith(_TAG) else tag


def _pairs(node: MappingNode, depth: int = 0) -> Iterator[tuple[ScalarNode, Node]]:
    """Key and value nodes of a mapping that is merged in with ``<<``, the mappings merged into it last."""
    later: list[Node] = []
    for key, value in node.value:
        if key.tag == _TAG + "merge":
            later += value.value if isinstance(value, SequenceNode) else [value]
        elif isinstance(key, ScalarNode):
            yield key, value
    for base in later:
        if isinstance(base, MappingNode) and depth < 20:
            yield from _pairs(base, depth + 1)
