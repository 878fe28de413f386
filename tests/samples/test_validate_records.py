"""One list of everything wrong with a dataset's records."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wherewise.samples import (
    Answer,
    Box,
    Choice,
    Evidence,
    GraphObject,
    GridMap,
    Image,
    Number,
    Point,
    Relation,
    Sample,
    SceneGraph,
    Text,
    Timeline,
    TimelineEvent,
    check_sample,
    to_record,
    validate_records,
    write_dataset,
)

CHAIR = GraphObject(id="a", label="chair", box=(10, 10, 50, 40))
GRAPH = SceneGraph(width=100, height=80, objects=(CHAIR, replace(CHAIR, id="b", label="table")), focus=("a",))


def make(name: str = "s1", **changes: Any) -> Sample:
    base = Sample(
        id=name,
        media=(Image(path="a.png", width=100, height=80),),
        question="Which is closer?",
        options=("chair", "table"),
        answer=Choice(letter="A", text="chair"),
        task="closer",
        group=f"room-{name}",
        evidence=GRAPH,
    )
    return replace(base, **changes)


def lines(path: Path, records: list[dict[str, Any] | str]) -> Path:
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r | {"media_bytes": None}) for r in records))
    return path


def test_a_good_dataset_has_no_problems(tmp_path: Path) -> None:
    write_dataset([make(f"s{i}") for i in range(5)], tmp_path)
    report = validate_records(tmp_path)
    assert report.ok
    assert report.samples == 5
    assert str(report) == f"{tmp_path}: 5 samples, no problems"


def test_all_problems_are_listed_with_their_lines(tmp_path: Path) -> None:
    letter = to_record(make("s3")) | {"answer": {"kind": "choice", "letter": "D", "text": "chair"}}
    path = lines(
        tmp_path / "mine.jsonl",
        [
            to_record(make("s1")),
            "{broken",
            letter,
            to_record(make("s1")),
            to_record(make("s5", question=" ", group="room-s1", split="test")),
            to_record(make("s6")) | {"optoins": 1, "seed": "x"},
        ],
    )
    report = validate_records(path)
    assert [(p.row, p.sample, p.field) for p in report.problems] == [
        (2, None, None),
        (3, "s3", "answer"),
        (4, "s1", "id"),
        (5, "s5", "group"),
        (5, "s5", "question"),
        (6, "s6", "optoins"),
        (6, "s6", "seed"),
    ]
    assert all(p.fix and p.message and p.file == str(path) for p in report.problems)
    assert report.samples == 6
    text = str(report)
    assert "mine.jsonl:3: sample 's3': answer: answer letter 'D' is out of range for 2 options. Fix: add the" in text
    assert "in split 'test' and, at mine.jsonl:1, in 'train'. Fix: put all samples of a group into one split" in text
    assert text.endswith("6 samples, 7 problems")


def test_split_leakage_across_shards(tmp_path: Path) -> None:
    write_dataset([make("a", group="g", split="train"), make("b", group="g", split="test"), make("c")], tmp_path)
    (problem,) = validate_records(tmp_path).problems
    assert (problem.field, problem.sample, problem.row) == ("group", "a", 0)
    assert "train-00000-of-00001.parquet" in problem.file
    assert "test-00000-of-00001.parquet:0" in problem.message


def test_damaged_shard_does_not_hide_the_others(tmp_path: Path) -> None:
    manifest = write_dataset([make(f"s{i}", question="") for i in range(4)], tmp_path, shard_rows=2)
    (tmp_path / manifest.shards[0].file).write_bytes(b"x" * manifest.shards[0].size)
    problems = validate_records(tmp_path).problems
    assert [(p.row, p.field) for p in problems] == [(None, None), (0, "question"), (1, "question")]
    assert "sha256" in problems[0].message


def test_no_dataset_and_empty_dataset(tmp_path: Path) -> None:
    assert "there is no manifest.json" in str(validate_records(tmp_path))
    assert "no such file" in str(validate_records(tmp_path / "no.jsonl"))
    assert "the dataset is empty" in str(validate_records(lines(tmp_path / "empty.jsonl", [])))


def test_limit(tmp_path: Path) -> None:
    path = lines(tmp_path / "m.jsonl", [to_record(make(f"s{i}", question="")) for i in range(9)])
    report = validate_records(path, limit=3)
    assert (report.samples, len(report.problems)) == (3, 3)


ANSWERS: list[tuple[Answer, str | None]] = [
    (Text(value="chair"), None),
    (Text(value="sofa"), "answer"),
    (Box(xyxy=(0, 0, 100, 80)), None),
    (Box(xyxy=(0, 0, 101, 80)), "answer.xyxy"),
    (Box(xyxy=(-1, 0, 10, 80)), "answer.xyxy"),
    (Box(xyxy=(20, 0, 10, 80)), "answer.xyxy"),
    (Point(xy=(100, 80)), None),
    (Point(xy=(50, 81)), "answer.xy"),
    (GridMap(size=10, cells=(("a", ((9, 0),)),)), None),
    (GridMap(size=10, cells=(("a", ((10, 0),)),)), "answer.cells[0]"),
    (Number(value=3), None),
]


@pytest.mark.parametrize(("answer", "field"), ANSWERS)
def test_answers_are_checked_against_options_and_picture(answer: Answer, field: str | None) -> None:
    assert [f.field for f in check_sample(make(answer=answer))] == ([] if field is None else [field])


EVIDENCE: list[tuple[Evidence, str]] = [
    (replace(GRAPH, objects=(CHAIR, replace(CHAIR, id="b", box=(10, 10, 50, 90)))), "evidence.objects[1].box"),
    (replace(GRAPH, objects=(CHAIR, CHAIR)), "evidence.objects[1].id"),
    (replace(GRAPH, focus=("a", "c")), "evidence.focus[1]"),
    (replace(GRAPH, relations=(Relation(subject="a", predicate="on", object="z"),)), "evidence.relations[0].object"),
    (replace(GRAPH, width=50), "evidence"),
    (Timeline(events=(TimelineEvent(label="in", start=3, end=2),)), "evidence.events[0]"),
    (GridMap(size=2, cells=(("a", ((0, -1),)),)), "evidence.cells[0]"),
]


@pytest.mark.parametrize(("evidence", "field"), EVIDENCE, ids=[e[1] for e in EVIDENCE])
def test_evidence_is_checked(evidence: Evidence, field: str) -> None:
    assert [f.field for f in check_sample(make(evidence=evidence))] == [field]


def test_true_sizes_replace_declared_ones() -> None:
    sample = make(media=(Image(path="a.png"),), evidence=None, answer=Box(xyxy=(0, 0, 100, 80)))
    assert check_sample(sample) == []
    (finding,) = check_sample(sample, [(64, 64)])
    assert "outside the picture of 64 x 64 pixels" in finding.message
    assert "original" in finding.fix
