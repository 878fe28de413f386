"""What a benchmark is, as data: where its records are, what their columns mean, and how its score is formed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wherewise.evaluation.metrics import Average
from wherewise.samples import LETTERS, Answer, Boolean, Choice, Image, Number, Sample, Text
from wherewise.samples.errors import InputError


class Layout(StrEnum):
    """How a benchmark's files lie in its folder."""

    HUB_PARQUET = "hub_parquet"
    """``{subset}/{split}-*.parquet``, as datasets lie on the Hugging Face hub; images inside the rows."""
    WHEREWISE = "wherewise"
    """A dataset folder written by wherewise: its own manifest and shards."""


class Metric(StrEnum):
    """Score of one reply."""

    ACCURACY = "accuracy"
    """1 if the answer is right, else 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Names of the columns that a record is read from; an empty name means that there is none.

    Attributes:
        id: Unique id.
        question: Question without options.
        answer: Gold answer: ``(B)``, ``B``, an index from 0 or an option's text for choices.
        options: List of option texts.
        task: Task; the subset's name when empty.
        group: Unit of clustering; when empty, questions that show the same first picture form a group.
        prompt: The official prompt, used as it is.
        images: Image columns, in order; rows may leave later ones empty. Values: ``{bytes, path}`` or a list of them.
    """

    id: str
    question: str
    answer: str
    options: str = ""
    task: str = ""
    group: str = ""
    prompt: str = ""
    images: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchmarkSpec:
    """One benchmark.

    Attributes:
        name: Name on the command line.
        title: Name in tables.
        layout: How its files lie.
        split: Split that is evaluated.
        kind: Kind of its answers (``choice``, ``number``, ...); empty when the records declare it.
        headline: The average that is quoted as *the* score.
        license: SPDX id or name of the licence of questions and media.
        source: Where the rule comes from (paper, official code).
        hub_id: Dataset on the Hugging Face hub; empty if it is not there.
        subsets: Expected records of each subset (folder); empty when unknown.
        columns: What the columns mean; None for `Layout.WHEREWISE`.
        metric: Score of one reply.
    """

    name: str
    title: str
    layout: Layout
    split: str
    kind: str
    headline: Average
    license: str
    source: str
    hub_id: str = ""
    subsets: Mapping[str, int] = field(default_factory=dict)
    columns: Columns | None = None
    metric: Metric = Metric.ACCURACY


def sample_from_row(spec: BenchmarkSpec, row: Mapping[str, Any], *, subset: str, where: str) -> Sample:
    """One record of a hub dataset as a `Sample`; the official prompt, if there is one, is in ``facts["prompt"]``.

    Args:
        spec: The benchmark; needs `columns`.
        row: Column name to value.
        subset: Folder that the row comes from.
        where: File and row for error messages.

    Raises:
        InputError: A column is missing, an image is absent, or the gold answer is none of the options.
    """
    columns = spec.columns
    if columns is None:
        raise InputError(f"benchmark {spec.name!r} declares no columns")
    images = tuple(_images(row, columns, where=where))
    options = tuple(str(option) for option in _value(row, columns.options, where=where)) if columns.options else ()
    facts: dict[str, Any] = {"subset": subset}
    if columns.prompt:
        facts["prompt"] = str(_value(row, columns.prompt, where=where))
    sample_id = str(_value(row, columns.id, where=where))
    group = str(_value(row, columns.group, where=where)) if columns.group else _media_group(images, sample_id)
    return Sample(
        id=sample_id,
        media=images,
        question=str(_value(row, columns.question, where=where)),
        options=options,
        answer=read_gold(spec.kind, _value(row, columns.answer, where=where), options, where=where),
        task=str(_value(row, columns.task, where=where)) if columns.task else subset,
        group=group,
        split=spec.split,
        source=spec.name,
        license=spec.license,
        facts=facts,
    )


def read_gold(kind: str, raw: Any, options: tuple[str, ...], *, where: str) -> Answer:
    """The gold answer of a declared kind from a column's value.

    >>> read_gold("choice", "(B)", ("left", "right"), where="example")
    Choice(letter='B', text='right')
    """
    if kind == "choice":
        index = _option_index(raw, options)
        if index is None or not 0 <= index < len(options):
            raise InputError(f"{where}: gold answer {raw!r} is none of the {len(options)} options {list(options)}")
        return Choice(letter=LETTERS[index], text=options[index])
    if kind == "number":
        return Number(value=float(raw))
    if kind == "boolean":
        word = str(raw).strip().lower()
        if word not in ("yes", "no", "true", "false", "1", "0"):
            raise InputError(f"{where}: gold answer {raw!r} is not yes or no")
        return Boolean(value=word in ("yes", "true", "1"))
    if kind == "text":
        return Text(value=str(raw))
    raise InputError(f"{where}: answers of kind {kind!r} cannot be read from a column")


def _option_index(raw: Any, options: tuple[str, ...]) -> int | None:
    if isinstance(raw, int):
        return raw
    text = str(raw).strip()
    letter = re.fullmatch(r"\(?([A-Za-z])[).]?", text)
    if letter:
        return LETTERS.index(letter.group(1).upper())
    return options.index(text) if text in options else None


def _value(row: Mapping[str, Any], column: str, *, where: str) -> Any:
    if column not in row:
        raise InputError(f"{where}: no column {column!r}; the file has {', '.join(sorted(row))}")
    value = row[column]
    if value is None:
        raise InputError(f"{where}: column {column!r} is empty")
    return value


def _images(row: Mapping[str, Any], columns: Columns, *, where: str) -> list[Image]:
    images: list[Image] = []
    for position, column in enumerate(columns.images):
        if column not in row:
            raise InputError(f"{where}: no column {column!r}; the file has {', '.join(sorted(row))}")
        value = row[column]
        if value is None:
            if position == 0:
                raise InputError(f"{where}: the first picture, column {column!r}, is missing")
            continue
        for picture in value if isinstance(value, list) else [value]:
            data = picture.get("bytes")
            if not data:
                raise InputError(f"{where}: column {column!r} holds no image bytes (path {picture.get('path')!r})")
            images.append(Image(data=data))
    return images


def _media_group(images: tuple[Image, ...], sample_id: str) -> str:
    if not images or images[0].data is None:
        return sample_id
    return "image-" + hashlib.sha256(images[0].data).hexdigest()[:16]
