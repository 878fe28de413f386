"""Everything that is wrong with a dataset, as one list; its media are looked at by a callback."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wherewise.samples.answer import Box, GridMap, Point, Text
from wherewise.samples.codec import decode_record
from wherewise.samples.errors import DatasetError, describe
from wherewise.samples.evidence import SceneGraph, Timeline
from wherewise.samples.manifest import check_shard, read_manifest
from wherewise.samples.media import Image
from wherewise.samples.plain import short
from wherewise.samples.sample import Sample
from wherewise.samples.store import jsonl_records, shard_records

Size = tuple[int, int]
"""``(width, height)`` in pixels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing wrong with one sample.

    Attributes:
        field: Field to blame (``media[0]``).
        message: What is wrong.
        fix: What to do about it.
    """

    field: str
    message: str
    fix: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaReport:
    """What a look at a sample's media found.

    Attributes:
        findings: What is wrong.
        sizes: For each medium its true ``(width, height)`` in pixels, or None where it could not be read.
    """

    findings: tuple[Finding, ...]
    sizes: tuple[Size | None, ...]


MediaCheck = Callable[[Sample], MediaReport]


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """One thing wrong with a dataset.

    Attributes:
        file: Where it stands.
        row: Line of a ``.jsonl`` file (from 1) or row of a shard (from 0); None for the file as a whole.
        sample: Id of the sample, if it could be read.
        field: Field to blame, if it is one.
        message: What is wrong.
        fix: What to do about it.
    """

    file: str
    row: int | None
    sample: str | None
    field: str | None
    message: str
    fix: str

    def __str__(self) -> str:
        return describe(self.message, fix=self.fix, field=self.field, sample=self.sample, file=self.file, row=self.row)


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """The outcome of a validation.

    Attributes:
        file: The dataset.
        samples: Records looked at.
        problems: All that is wrong, in reading order.
    """

    file: str
    samples: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Nothing is wrong."""
        return not self.problems

    def __str__(self) -> str:
        lines = [str(problem) for problem in self.problems]
        count = "no problems" if self.ok else f"{len(lines)} problem{'s' * (len(lines) > 1)}"
        return "\n".join([*lines, f"{self.file}: {self.samples} samples, {count}"])


def validate_records(folder: Path, *, check_media: MediaCheck | None = None, limit: int | None = None) -> Report:
    """List everything wrong with a dataset's files and records.

    Args:
        folder: Dataset folder or ``.jsonl`` file.
        check_media: Looks at each readable sample's media; None leaves them out.
        limit: At most so many records; None means all.

    Returns:
        The report; broken files and records are in it, never raised.
    """
    problems: list[Problem] = []
    seen: dict[str, str] = {}
    groups: dict[str, dict[str, str]] = {}
    count = 0
    for file, row, record in _records(folder):
        if isinstance(record, DatasetError):
            problems.append(_problem(record, file, row))
            count += row is not None
            continue
        if limit is not None and count == limit:
            break
        count += 1
        sample, errors = decode_record(record)
        problems += [_problem(error, file, row) for error in errors]
        if sample is None:
            continue
        here = f"{Path(file).name}:{row}"
        findings = list(_crossings(sample, here, seen, groups))
        media = MediaReport(findings=(), sizes=()) if check_media is None else check_media(sample)
        findings += [*media.findings, *check_sample(sample, media.sizes)]
        problems += [
            Problem(file=file, row=row, sample=sample.id, field=f.field, message=f.message, fix=f.fix) for f in findings
        ]
    if count == 0 and not problems:
        problems.append(
            Problem(
                file=str(folder), row=None, sample=None, field=None, message="the dataset is empty", fix="make it again"
            )
        )
    return Report(file=str(folder), samples=count, problems=tuple(problems))


def _records(folder: Path) -> Iterator[tuple[str, int | None, Mapping[str, Any] | DatasetError]]:
    """Every record of a dataset with its place, or what keeps it from being read."""
    if folder.suffix == ".jsonl":
        if not folder.is_file():
            yield str(folder), None, DatasetError("there is no such file", fix="correct the path")
            return
        for line, record in jsonl_records(folder):
            yield str(folder), line, record
        return
    try:
        manifest = read_manifest(folder)
    except DatasetError as error:
        yield error.file or str(folder), None, error
        return
    for shard in manifest.shards:
        path = folder / shard.file
        try:
            check_shard(folder, shard, verify=True)
            for row, record in shard_records(path, rows=shard.rows):
                yield str(path), row, record
        except DatasetError as error:
            yield str(path), None, error


def _problem(error: DatasetError, file: str, row: int | None) -> Problem:
    return Problem(
        file=error.file or file, row=row, sample=error.sample, field=error.field, message=error.message, fix=error.fix
    )


def _crossings(sample: Sample, here: str, seen: dict[str, str], groups: dict[str, dict[str, str]]) -> Iterator[Finding]:
    """Repeated ids and groups that stand in two splits; remembers the sample for the ones to come."""
    if sample.id in seen:
        yield Finding(field="id", message=f"the id is taken by {seen[sample.id]}", fix="give every sample its own id")
    seen.setdefault(sample.id, here)
    splits = groups.setdefault(sample.group, {})
    if splits and sample.split not in splits:
        split, other = next(iter(splits.items()))
        yield Finding(
            field="group",
            message=f"group {sample.group!r} is in split {sample.split!r} and, at {other}, in {split!r}",
            fix="put all samples of a group into one split, or the test set leaks into training",
        )
    splits.setdefault(sample.split, here)


def check_sample(sample: Sample, sizes: Sequence[Size | None] = ()) -> list[Finding]:
    """What is wrong with a sample beyond what its class refuses.

    Args:
        sample: The sample.
        sizes: True sizes of its media where known; declared ones stand in for the rest.
    """
    findings: list[Finding] = []
    for name in ("question", "task", "group"):
        if not getattr(sample, name).strip():
            findings.append(
                Finding(field=name, message=f"the {name} is empty", fix=f"write the {name}, or drop the sample")
            )
    for i, option in enumerate(sample.options):
        if not option.strip():
            findings.append(Finding(field=f"options[{i}]", message="the option is empty", fix="write its text"))
    if isinstance(sample.answer, Text) and sample.options and sample.answer.value not in sample.options:
        findings.append(
            Finding(
                field="answer",
                message=f"{short(sample.answer.value)} is none of the options",
                fix='correct it, or declare {"kind": "choice", "letter": ..., "text": ...}',
            )
        )
    if not sample.media:
        findings.append(Finding(field="media", message="there are no media", fix="add the picture or clip asked about"))
    known = list(sizes) or [None] * len(sample.media)
    found = [size or _declared(medium) for size, medium in zip(known, sample.media, strict=True)]
    picture = found[0] if len(found) == 1 else None
    findings += _geometry(sample, picture)
    findings += _evidence(sample, picture)
    return findings


def _declared(medium: Any) -> Size | None:
    return None if medium.width is None or medium.height is None else (medium.width, medium.height)


def _geometry(sample: Sample, picture: Size | None) -> Iterator[Finding]:
    match sample.answer:
        case Box(xyxy=box):
            yield from _box(box, picture, "answer.xyxy")
        case Point(xy=(x, y)) if picture is not None and not (0 <= x <= picture[0] and 0 <= y <= picture[1]):
            yield Finding(field="answer.xy", message=f"point {x:g}, {y:g} is {_outside(picture)}", fix=_PIXELS)
        case GridMap():
            yield from _grid(sample.answer, "answer")


_PIXELS = "give pixels of the original, upright picture (not of a resized one, not 0-1 or 0-1000)"


def _outside(picture: Size) -> str:
    return f"outside the picture of {picture[0]} x {picture[1]} pixels"


def _box(box: tuple[float, float, float, float], picture: Size | None, field: str) -> Iterator[Finding]:
    x1, y1, x2, y2 = box
    text = f"box [{x1:g}, {y1:g}, {x2:g}, {y2:g}]"
    if not (x1 < x2 and y1 < y2):
        yield Finding(field=field, message=f"{text} is empty or turned around", fix="give x1 < x2 and y1 < y2")
    if picture is not None and not (min(x1, y1) >= 0 and x2 <= picture[0] and y2 <= picture[1]):
        yield Finding(field=field, message=f"{text} is {_outside(picture)}", fix=_PIXELS)


def _grid(grid: GridMap, field: str) -> Iterator[Finding]:
    for i, (label, cells) in enumerate(grid.cells):
        for column, row in cells:
            if not (0 <= column < grid.size and 0 <= row < grid.size):
                yield Finding(
                    field=f"{field}.cells[{i}]",
                    message=f"{label!r} is at cell ({column}, {row}), outside a {grid.size} x {grid.size} grid",
                    fix=f"use (column, row), each 0 .. {grid.size - 1}",
                )


def _evidence(sample: Sample, picture: Size | None) -> Iterator[Finding]:
    match sample.evidence:
        case SceneGraph():
            yield from _scene_graph(sample.evidence, picture)
            if picture is not None and isinstance(sample.media[0], Image):
                yield from _same_size(sample.evidence, picture)
        case Timeline(events=events):
            for i, event in enumerate(events):
                if not 0 <= event.start <= event.end:
                    yield Finding(
                        field=f"evidence.events[{i}]",
                        message=f"{event.label!r} lasts from {event.start:g} to {event.end:g} s",
                        fix="give 0 <= start <= end",
                    )
        case GridMap():
            yield from _grid(sample.evidence, "evidence")


def _same_size(graph: SceneGraph, picture: Size) -> Iterator[Finding]:
    if (graph.width, graph.height) != picture:
        yield Finding(
            field="evidence",
            message=f"the scene graph is for {graph.width} x {graph.height} pixels, "
            f"the picture has {picture[0]} x {picture[1]}",
            fix="scale the boxes to the original picture, and set width and height to it",
        )


def _scene_graph(graph: SceneGraph, picture: Size | None) -> Iterator[Finding]:
    ids = [item.id for item in graph.objects]
    for i, item in enumerate(graph.objects):
        if item.id in ids[:i]:
            yield Finding(field=f"evidence.objects[{i}].id", message=f"{item.id!r} is taken", fix="use another id")
        yield from _box(item.box, picture or (graph.width, graph.height), f"evidence.objects[{i}].box")
    named: Iterable[tuple[str, str]] = [
        *((f"evidence.relations[{i}].subject", relation.subject) for i, relation in enumerate(graph.relations)),
        *((f"evidence.relations[{i}].object", relation.object) for i, relation in enumerate(graph.relations)),
        *((f"evidence.focus[{i}]", name) for i, name in enumerate(graph.focus)),
    ]
    for field, name in named:
        if name not in ids:
            yield Finding(field=field, message=f"there is no object {name!r}", fix="name one of the graph's objects")
