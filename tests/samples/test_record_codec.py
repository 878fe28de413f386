"""Samples to flat records and back."""

from __future__ import annotations

import base64
import json
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherewise.samples import (
    ANSWER_KINDS,
    LETTERS,
    Answer,
    Boolean,
    Box,
    Choice,
    DatasetError,
    GraphObject,
    GridMap,
    Image,
    Number,
    Order,
    Point,
    Relation,
    Sample,
    SceneGraph,
    Text,
    Timeline,
    TimelineEvent,
    Video,
    decode_record,
    from_record,
    to_record,
)
from wherewise.samples.codec import COLUMNS

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
reals = st.floats(allow_nan=False, allow_infinity=False)
cells = st.tuples(st.integers(0, 20), st.integers(0, 20))
grids = st.builds(
    GridMap,
    size=st.integers(1, 20),
    cells=st.lists(st.tuples(words, st.lists(cells, max_size=3).map(tuple)), max_size=3).map(tuple),
)
boxes = st.tuples(reals, reals, reals, reals)
free_answers = st.one_of(
    st.builds(Number, value=reals, unit=st.none() | words, tolerance=st.none() | reals),
    st.builds(Boolean, value=st.booleans()),
    st.builds(Text, value=words),
    st.builds(Order, items=st.lists(words, max_size=4).map(tuple)),
    st.builds(Box, xyxy=boxes),
    st.builds(Point, xy=st.tuples(reals, reals)),
    grids,
)
graphs = st.builds(
    SceneGraph,
    width=st.integers(1, 4000),
    height=st.integers(1, 4000),
    objects=st.lists(
        st.builds(
            GraphObject,
            id=words,
            label=words,
            box=boxes,
            distance=st.none() | reals,
            attributes=st.lists(st.tuples(words, words), max_size=2).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    relations=st.lists(st.builds(Relation, subject=words, predicate=words, object=words), max_size=2).map(tuple),
    focus=st.lists(words, max_size=2).map(tuple),
)
timelines = st.builds(
    Timeline,
    events=st.lists(st.builds(TimelineEvent, label=words, start=reals, end=reals), max_size=3).map(tuple),
)
paths = st.text("abc/.-é ", min_size=1, max_size=12).filter(lambda p: not p.startswith("/") and ".." not in p)
sides = st.none() | st.integers(1, 10_000)
images = st.one_of(
    st.builds(Image, path=paths, width=sides, height=sides), st.builds(Image, data=st.binary(max_size=40), width=sides)
)
videos = st.one_of(
    st.builds(
        Video,
        path=paths,
        fps=st.none() | reals,
        duration=st.none() | reals,
        start=st.floats(0, 10),
        end=st.none() | st.floats(11, 20),
        frame_times=st.none() | st.lists(reals, max_size=3).map(tuple),
        height=sides,
    ),
    st.builds(Video, data=st.binary(max_size=40)),
)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | reals | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    options = tuple(draw(st.lists(words, max_size=5, unique=True)))
    answer: Answer = draw(free_answers)
    if options and draw(st.booleans()):
        index = draw(st.integers(0, len(options) - 1))
        answer = Choice(letter=LETTERS[index], text=options[index])
    return Sample(
        id=draw(words.filter(bool)),
        media=tuple(draw(st.lists(images | videos, max_size=3))),
        question=draw(words),
        options=options,
        answer=answer,
        task=draw(words),
        group=draw(words),
        evidence=draw(st.none() | graphs | timelines | grids),
        rationale=draw(st.none() | words),
        split=draw(words),
        source=draw(words),
        license=draw(words),
        seed=draw(st.none() | st.integers(0, 2**64 - 1)),
        facts=draw(st.dictionaries(words, plain, max_size=3)),
    )


@settings(max_examples=120, deadline=None)
@given(samples())
def test_round_trip_is_lossless(sample: Sample) -> None:
    record = to_record(sample)
    assert tuple(record) == COLUMNS
    again = from_record(record)
    assert again == sample
    assert [type(m) for m in again.media] == [type(m) for m in sample.media]
    assert to_record(again) == record


@settings(max_examples=60, deadline=None)
@given(samples())
def test_a_record_survives_json_lines(sample: Sample) -> None:
    record = to_record(sample)
    record["media_bytes"] = [None if b is None else base64.b64encode(b).decode() for b in record["media_bytes"]]
    assert from_record(json.loads(json.dumps(record))) == sample


def test_the_strategies_cover_every_answer_kind() -> None:
    examples: list[Answer] = [
        Choice(letter="A", text="x"),
        Number(value=2, unit="m"),
        Boolean(value=False),
        Text(value=""),
        Order(items=("b", "a")),
        Box(xyxy=(0, 1, 2, 3)),
        Point(xy=(1.5, 2)),
        GridMap(size=3, cells=(("a", ((0, 1), (2, 2))),)),
    ]
    assert {type(a) for a in examples} == set(ANSWER_KINDS.values())
    for answer in examples:
        sample = make(answer=answer, options=("x", "y"))
        assert from_record(to_record(sample)).answer == answer
        assert json.loads(to_record(sample)["answer"])["kind"] == answer.kind


def make(**changes: Any) -> Sample:
    base = Sample(
        id="s1",
        media=(Image(path="a.png", width=4, height=3),),
        question="Where?",
        options=("left", "right"),
        answer=Choice(letter="B", text="right"),
        task="left_right",
        group="room1",
    )
    return replace(base, **changes)


def test_a_picture_only_sample_shows_no_video() -> None:
    assert "video" not in to_record(make())["media"]
    assert json.loads(to_record(make())["media"]) == [{"type": "image", "path": "a.png", "width": 4, "height": 3}]


def test_hand_written_records_may_hold_plain_objects_and_leave_out_defaults() -> None:
    record = {
        "id": "s1",
        "media": [{"type": "image", "path": "a.png", "width": 4, "height": 3}],
        "question": "Where?",
        "options": ["left", "right"],
        "answer": {"kind": "choice", "letter": "B", "text": "right"},
        "task": "left_right",
        "group": "room1",
    }
    assert from_record(record) == make()


BROKEN: list[tuple[dict[str, Any], str, str, str]] = [
    ({"optoins": []}, "optoins", "unknown field", "'options'"),
    ({"question": None}, "question", "expected text", "text"),
    ({"options": "left"}, "options", "expected a list", "list"),
    ({"options": ["left", 3]}, "options[1]", "expected text", "text"),
    ({"answer": "B"}, "answer", "not valid JSON", "correct the JSON"),
    ({"answer": {"kind": "choise"}}, "answer", "unknown: kind 'choise'", "'choice'"),
    ({"answer": {"kind": "choice", "letter": "B"}}, "answer", "'text' is missing", "add 'text'"),
    ({"answer": {"kind": "choice", "letter": "C", "text": "right"}}, "answer", "out of range for 2 options", "letter"),
    ({"answer": {"kind": "choice", "letter": "A", "text": "right"}}, "answer", "the answer says 'right'", "equal"),
    ({"answer": {"kind": "choice", "letter": "b", "text": "right"}}, "answer", "one of A-Z", "correct"),
    ({"answer": {"kind": "number", "value": "3"}}, "answer.value", "expected a number", "number"),
    ({"answer": {"kind": "number", "value": True}}, "answer.value", "expected a number", "number"),
    ({"answer": '{"kind": "number", "value": NaN}'}, "answer", "NaN is not JSON", "finite"),
    ({"answer": '{"kind": "number", "value": 1e999}'}, "answer.value", "not a finite", "finite"),
    ({"answer": '{"kind": "text", "value": "a", "value": "b"}'}, "answer", "'value' appears twice", "remove"),
    ({"answer": {"kind": "box", "xyxy": [1, 2, 3]}}, "answer.xyxy", "holds 3 values instead of 4", "exactly 4"),
    ({"options": ["right", "right"]}, "options", "options repeat", "differ"),
    ({"media": [{"type": "picture", "path": "a.png"}]}, "media[0].type", "unknown media type", "'image'"),
    ({"media": [{"type": "image", "path": "../a.png"}]}, "media[0]", "no '..'", "correct"),
    ({"media": [{"type": "image", "path": "/etc/passwd"}]}, "media[0]", "no leading '/'", "correct"),
    ({"media": [{"type": "image"}]}, "media[0]", "a path or bytes", "'path'"),
    ({"media": [{"type": "image", "path": "a", "widht": 1}]}, "media[0]", "unknown field 'widht'", "'width'"),
    ({"media_bytes": []}, "media_bytes", "0 entries for 1 media", "per medium"),
    ({"media": [{"type": "image"}], "media_bytes": ["%%"]}, "media[0] bytes", "not base64", "base64"),
    ({"evidence": {"kind": "scene_graph", "width": 3}}, "evidence", "'height' is missing", "add"),
    ({"seed": -1}, "seed", "out of range", "2**64"),
    ({"id": ""}, "id", "empty", "id of its own"),
    ({"facts": []}, "facts", "expected an object", "{...}"),
]


@pytest.mark.parametrize(("change", "field", "message", "fix"), BROKEN, ids=[f"{b[1]}-{b[2]}" for b in BROKEN])
def test_broken_records_name_sample_field_and_fix(change: dict[str, Any], field: str, message: str, fix: str) -> None:
    sample, problems = decode_record(to_record(make()) | change)
    assert sample is None
    assert len(problems) == 1
    assert (problems[0].field, problems[0].sample) == (field, None if field == "id" else "s1")
    assert message in problems[0].message
    assert fix in problems[0].fix


def test_all_problems_of_a_record_are_listed_at_once() -> None:
    record = to_record(make()) | {"options": 3, "seed": "x", "extra": 1}
    del record["group"]
    assert {p.field for p in decode_record(record)[1]} == {"options", "seed", "extra", "group"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"facts": {"gap": np.float32(0.5)}}, "facts.gap"),
        ({"facts": {"gap": float("nan")}}, "facts.gap"),
        ({"facts": {"box": np.zeros(4)}}, "facts.box"),
        ({"facts": {1: "x"}}, "facts"),
        ({"facts": {"a": [{"b": {1, 2}}]}}, "facts.a[0].b"),
        ({"question": "\ud800"}, "question"),
        ({"seed": -5}, "seed"),
        ({"answer": Box(xyxy=(0, 0, 1, float("inf")))}, "answer.xyxy[3]"),
    ],
)
def test_what_cannot_be_stored_exactly_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(DatasetError) as caught:
        to_record(make(**changes))
    assert (caught.value.sample, caught.value.field) == ("s1", field)
    assert caught.value.fix


def test_errors_cross_process_borders() -> None:
    error = DatasetError("m", fix="f", field="a", sample="s", file="x.jsonl", row=3)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "x.jsonl:3: sample 's': a: m. Fix: f"
    assert again.row == 3
