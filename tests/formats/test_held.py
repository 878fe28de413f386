"""What a format holds comes back: a sample without the row that it came from is written, read, and is the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from published_rows import ROWS, png

from wherewise.formats import FORMATS, read_format, write_format
from wherewise.formats.rows import uncarry
from wherewise.samples import (
    Answer,
    Choice,
    GridMap,
    Image,
    Media,
    Number,
    Sample,
    SceneGraph,
    Text,
    Timeline,
    TimelineEvent,
    Video,
)


def through(name: str, sample: Sample, folder: Path) -> Sample:
    """The sample after it was written to a file and read again, without what it carries."""
    path = folder / f"held.{FORMATS[name].container}"
    write_format(FORMATS[name], [sample], path)
    (back,) = read_format(FORMATS[name], path)
    return uncarry(back)[0]


CASES = [(name, number) for name in sorted(FORMATS) for number in range(len(ROWS[name]))]


@pytest.mark.parametrize(("name", "number"), CASES, ids=[f"{name}-{number}" for name, number in CASES])
def test_a_sample_of_a_published_row_comes_back_whole(name: str, number: int, tmp_path: Path) -> None:
    read, carried = uncarry(FORMATS[name].read(ROWS[name][number], number))
    assert carried is not None
    back = through(name, read, tmp_path)
    differing = {
        field.name
        for field in dataclasses.fields(Sample)
        if getattr(back, field.name) != getattr(read, field.name) and field.name not in ("id", "group")
    }
    assert not differing


def sample(answer: Answer, *media: Media, options: tuple[str, ...] = (), **more: Any) -> Sample:
    return Sample(
        id="7", media=media, question="Which side?", options=options, answer=answer, task="side", group="a/b", **more
    )


GRAPH = SceneGraph(width=40, height=30, objects=())
LESSON = Timeline(
    events=(
        TimelineEvent(label="question", start=1.0, end=2.25),
        TimelineEvent(label="pause", start=2.25, end=5.0),
        TimelineEvent(label="answer", start=5.0, end=6.5),
    )
)
RIGHT, SIDES = Choice(letter="B", text="right"), ("left", "right")
IN_MEMORY = Image(data=png(), width=40, height=30)


@pytest.mark.parametrize(
    ("name", "given", "held"),
    [
        ("vsi-bench", sample(RIGHT, Video(path="a/b.mp4"), options=SIDES), {"answer", "options", "task", "group"}),
        ("vsi-bench", sample(Number(value=1.25), Video(path="a/b.mp4")), {"answer", "media", "task"}),
        ("stvqa", sample(RIGHT, IN_MEMORY, options=SIDES, evidence=GRAPH), {"answer", "options", "task", "media"}),
        ("dora", sample(RIGHT, IN_MEMORY, options=SIDES), {"answer", "options"}),
        ("dora", sample(Text(value="Over the bridge"), Video(path="S1/E2.mp4")), {"answer", "media"}),
        ("dora-labels", sample(Text(value="There!"), evidence=LESSON), {"id", "answer", "evidence", "group"}),
        (
            "spacer-maps",
            sample(GridMap(size=10, cells=(("door", ((1, 2),)),)), Video(path="a/b.mp4")),
            {"answer", "media", "group"},
        ),
        ("trl", sample(RIGHT, IN_MEMORY, options=SIDES, rationale="It is there."), {"answer", "options", "rationale"}),
        ("verl", sample(RIGHT, IN_MEMORY, Video(path="c.mp4"), options=SIDES), {"id", "answer", "options", "task"}),
        ("verl", sample(Number(value=1.25), Image(path="a/b.png")), {"answer", "media"}),
    ],
)
def test_what_was_never_in_another_format_is_held(name: str, given: Sample, held: set[str], tmp_path: Path) -> None:
    back = through(name, given, tmp_path)
    for field in held | ({"question"} if name != "spacer-maps" else set()):
        assert getattr(back, field) == getattr(given, field), field
