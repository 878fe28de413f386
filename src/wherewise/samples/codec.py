"""A `Sample` as one flat record, and back, without loss.

Parts whose shape differs from sample to sample (media, answer, evidence, facts) are JSON texts: Arrow gives every row
of a struct column all the keys that any row has and fills the rest with nulls, and a reader then sees a video in a
sample that only has a picture. In a hand-written JSON-lines record the same parts may also stand as plain objects, and
bytes as base64.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Mapping
from typing import Any

from wherewise.samples.answer import Answer
from wherewise.samples.errors import DatasetError
from wherewise.samples.evidence import Evidence
from wherewise.samples.media import Image, Media, Video
from wherewise.samples.plain import check_text, did_you_mean, dump_json, from_plain, load_json, short, to_plain
from wherewise.samples.sample import Sample

SCHEMA_VERSION = 1
"""Version of the record's columns; a reader refuses newer ones."""

COLUMNS = (
    "id",
    "split",
    "task",
    "group",
    "question",
    "options",
    "answer",
    "rationale",
    "evidence",
    "facts",
    "source",
    "license",
    "seed",
    "media",
    "media_bytes",
)
"""Columns of a record, in order."""

MAX_SEED = 2**64 - 1
"""Largest seed that the unsigned 64-bit column holds."""

_MEDIA: dict[str, type[Image] | type[Video]] = {"image": Image, "video": Video}
_OPTIONAL = {
    part.name
    for part in dataclasses.fields(Sample)
    if part.default is not dataclasses.MISSING or part.default_factory is not dataclasses.MISSING
} | {"media_bytes"}
_HINTS: dict[str, Any] = {
    "id": str,
    "split": str,
    "task": str,
    "group": str,
    "question": str,
    "options": tuple[str, ...],
    "answer": Answer,
    "rationale": str | None,
    "evidence": Evidence | None,
    "facts": Mapping[str, Any],
    "source": str,
    "license": str,
    "seed": int | None,
}
_JSON = {"answer", "evidence", "facts"}


def to_record(sample: Sample) -> dict[str, Any]:
    """Flatten a sample.

    Tuples inside `facts` come back as lists; everything else comes back equal.

    Returns:
        One value for each of `COLUMNS`: text, a list of texts (`options`), an integer or None (`seed`), JSON text
        (`media`, `answer`, `evidence`, `facts`), a list of bytes or None (`media_bytes`, one entry per medium).

    Raises:
        DatasetError: A value cannot be stored exactly; names the sample and the field.
    """
    try:
        return {
            "id": check_text(sample.id, "id"),
            "split": check_text(sample.split, "split"),
            "task": str(check_text(sample.task, "task")),
            "group": check_text(sample.group, "group"),
            "question": check_text(sample.question, "question"),
            "options": to_plain(sample.options, "options"),
            "answer": dump_json(sample.answer, "answer"),
            "rationale": to_plain(sample.rationale, "rationale"),
            "evidence": None if sample.evidence is None else dump_json(sample.evidence, "evidence"),
            "facts": dump_json(sample.facts, "facts"),
            "source": str(check_text(sample.source, "source")),
            "license": str(check_text(sample.license, "license")),
            "seed": _seed(to_plain(sample.seed, "seed")),
            "media": dump_json([_medium_to_plain(m, i) for i, m in enumerate(sample.media)], "media"),
            "media_bytes": [medium.data for medium in sample.media],
        }
    except DatasetError as error:
        raise error.at(sample=sample.id) from error


def from_record(record: Mapping[str, Any]) -> Sample:
    """Read a record; the inverse of `to_record`.

    Raises:
        DatasetError: The first problem found (see `decode_record` for all of them).
    """
    sample, problems = decode_record(record)
    if sample is None:
        raise problems[0]
    return sample


def decode_record(record: Mapping[str, Any]) -> tuple[Sample | None, list[DatasetError]]:
    """Read a record and list everything that is wrong with it.

    Args:
        record: Columns by name. Columns that have a default in `Sample` may be left out.

    Returns:
        The sample (None if anything is wrong) and the problems, each with its field and fix.
    """
    problems: list[DatasetError] = []
    values: dict[str, Any] = {}
    for name in record:
        if name not in COLUMNS:
            fix = "remove it, or put what it says under 'facts'" + did_you_mean(name, COLUMNS)
            problems.append(DatasetError("unknown field", field=str(name), fix=fix))
    for name in COLUMNS:
        if name == "media_bytes":
            continue
        if name not in record:
            if name not in _OPTIONAL:
                problems.append(DatasetError("the field is missing", field=name, fix=f"add {name!r} to the record"))
            continue
        try:
            values[name] = _media(record) if name == "media" else _column(name, record[name])
        except DatasetError as error:
            problems.append(error)
    identifier = values.get("id")
    if problems:
        return None, [problem.at(sample=identifier) for problem in problems]
    try:
        return Sample(**values), []
    except ValueError as error:
        message, _, fix = str(error).removeprefix(f"sample {identifier!r}: ").partition("; ")
        field = "options" if message.startswith("options") else "answer"
        fallback = "make each option's text differ from the others"
        return None, [DatasetError(message, field=field, sample=identifier, fix=fix or fallback)]


def _column(name: str, value: Any) -> Any:
    if name in _JSON and isinstance(value, str):
        value = load_json(value, name)
    decoded = from_plain(_HINTS[name], value, name)
    if name == "id" and not decoded:
        raise DatasetError("the id is empty", field="id", fix="give every sample an id of its own")
    return _seed(decoded) if name == "seed" else decoded


def _seed(seed: int | None) -> int | None:
    if seed is not None and not 0 <= seed <= MAX_SEED:
        raise DatasetError(f"{seed} is out of range", field="seed", fix="use a seed in 0 .. 2**64 - 1")
    return seed


def _medium_to_plain(medium: Media, position: int) -> dict[str, Any]:
    plain: dict[str, Any] = {"type": "image" if isinstance(medium, Image) else "video"}
    plain.update(to_plain(dataclasses.replace(medium, data=None, path=medium.path or "-"), f"media[{position}]"))
    if medium.path is None:
        del plain["path"]
    return plain


def _media(record: Mapping[str, Any]) -> tuple[Media, ...]:
    value = record["media"]
    entries = load_json(value, "media") if isinstance(value, str) else value
    if not isinstance(entries, (list, tuple)):
        raise DatasetError(f"expected a list, got {short(entries)}", field="media", fix="write a list of media objects")
    contents = record.get("media_bytes")
    if contents is not None and not isinstance(contents, (list, tuple)):
        raise DatasetError(
            f"expected a list, got {short(contents)}", field="media_bytes", fix="give one entry per medium"
        )
    contents = [None] * len(entries) if contents is None else list(contents)
    if len(contents) != len(entries):
        raise DatasetError(
            f"{len(contents)} entries for {len(entries)} media",
            field="media_bytes",
            fix="give one entry per medium, null for one with a path",
        )
    pairs = zip(entries, contents, strict=True)
    return tuple(_medium(entry, content, f"media[{i}]") for i, (entry, content) in enumerate(pairs))


def _medium(entry: Any, content: Any, field: str) -> Media:
    if not isinstance(entry, dict):
        raise DatasetError(f"expected an object, got {short(entry)}", field=field, fix='write {"type": "image", ...}')
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in _MEDIA:
        raise DatasetError(f"unknown media type {kind!r}", field=f"{field}.type", fix="use 'image' or 'video'")
    if "data" in entry:
        raise DatasetError("bytes stand in the wrong place", field=field, fix="put them in 'media_bytes'")
    if isinstance(content, str):
        try:
            content = base64.b64decode(content, validate=True)
        except binascii.Error as error:
            raise DatasetError(
                f"not base64: {error}", field=f"{field} bytes", fix="encode the bytes as base64"
            ) from error
    if content is not None and not isinstance(content, bytes):
        raise DatasetError(
            f"expected bytes, got {short(content)}", field=f"{field} bytes", fix="give bytes or base64 text"
        )
    described = {key: value for key, value in entry.items() if key != "type"}
    if (content is None) == ("path" not in described):
        raise DatasetError(
            "a medium needs a path or bytes, and not both",
            field=field,
            fix="give 'path', or its bytes in 'media_bytes'",
        )
    if content is None:
        medium: Media = from_plain(_MEDIA[kind], described, field)
        return medium
    placeholder: Media = from_plain(_MEDIA[kind], described | {"path": "-"}, field)
    return dataclasses.replace(placeholder, path=None, data=content)
