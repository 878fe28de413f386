"""Rows in the published schemas: what is read is written again unchanged, and what cannot be held is said."""

from __future__ import annotations

import copy
import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import pytest
from published_rows import ROWS, png

from wherewise.formats import FORMATS, read_format, write_format
from wherewise.formats.files import rows_of
from wherewise.formats.rows import lost_fields, uncarry
from wherewise.samples import (
    Boolean,
    Choice,
    Image,
    Number,
    Sample,
    SceneGraph,
    Text,
    Timeline,
    TimelineEvent,
    Video,
    read_dataset,
    write_dataset,
)
from wherewise.samples.errors import DatasetError


def dump(rows: list[dict[str, Any]], path: Path) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows))
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_every_format_has_rows() -> None:
    assert set(ROWS) == set(FORMATS)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_what_is_read_is_written_again_unchanged(name: str, tmp_path: Path) -> None:
    form = FORMATS[name]
    path = dump(ROWS[name], tmp_path / f"in.{form.container}")
    samples = list(read_format(form, path))
    assert len(samples) == len(ROWS[name])
    write_format(form, samples, tmp_path / f"out.{form.container}")
    before, after = list(rows_of(path)), list(rows_of(tmp_path / f"out.{form.container}"))
    assert after == before
    if form.container != "parquet":
        assert [row for _, row in after] == ROWS[name]
        assert [list(row) for _, row in after] == [list(row) for row in ROWS[name]], "the order of keys changed"


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_it_survives_our_own_format(name: str, tmp_path: Path) -> None:
    form = FORMATS[name]
    samples = list(read_format(form, dump(ROWS[name], tmp_path / f"in.{form.container}")))
    write_dataset(samples, tmp_path / "own")
    back = list(read_dataset(tmp_path / "own"))
    assert [form.write(sample) for sample in back] == [form.write(sample) for sample in samples]


def test_kinds_of_answers() -> None:
    first = [FORMATS["spatial-r1"].read(row, k) for k, row in enumerate(ROWS["spatial-r1"])]
    assert [s.answer for s in first] == [
        Number(value=0.3507, unit="m"),
        Choice(letter="C", text="door"),
        Number(value=7.0),
        Choice(letter="B", text="right"),
        Text(value="EXIT 12"),
    ]
    assert first[1].question == "Which of these is the closest to the tv?"
    assert first[1].options == ("backpack", "sofa", "door", "lamp")
    assert first[0].media == (Video(path="mnt/scans/scene0024_02.mp4"),)
    assert FORMATS["swift"].read(ROWS["swift"][0], 0).answer == Boolean(value=True)
    assert FORMATS["easyr1"].read(ROWS["easyr1"][0], 0).answer == Number(value=2.75)


def test_evidence_and_reasons() -> None:
    graph = FORMATS["stvqa"].read(ROWS["stvqa"][0], 0).evidence
    assert isinstance(graph, SceneGraph)
    assert (graph.width, graph.height) == (40, 30)
    assert graph.objects[1].box == (10.0, 5.0, 39.0, 29.5)
    clip = FORMATS["video-r2"].read(ROWS["video-r2"][1], 0)
    assert clip.rationale == "Then at 01:06."
    assert clip.evidence == Timeline(
        events=(
            TimelineEvent(label="He actively wipes the table.", start=20.0, end=48.0),
            TimelineEvent(label="He opens the door.", start=66.0, end=66.0),
        )
    )


def ours() -> list[Sample]:
    """Samples that were never in another format."""
    options, side = ("left", "right"), Choice(letter="B", text="right")
    one, two = (Image(path="a/b.jpg"),), (Image(path="c.jpg"),)
    return [
        Sample(id="7", media=one, question="Which side?", options=options, answer=side, task="side", group="a/b"),
        Sample(id="8", media=one, question="How far?", answer=Number(value=1.25), task="far", group="a/b"),
        Sample(id="9", media=two, question="Is it?", answer=Boolean(value=False), task="is", group="c"),
    ]


@pytest.mark.parametrize("name", ["spatial-r1", "video-r2", "reinforcesight", "sharegpt", "swift", "easyr1"])
def test_what_a_format_can_hold_comes_back(name: str) -> None:
    form = FORMATS[name]
    for sample in ours():
        back, _ = uncarry(form.read(form.write(sample), 0))
        lost = set(lost_fields(form, sample))
        held = {"question", "media"} | (set() if name == "reinforcesight" else {"options", "answer"})
        assert not lost & held, lost
        for field in held:
            assert getattr(back, field) == getattr(sample, field)


def test_an_edited_sample_is_written_as_edited() -> None:
    form = FORMATS["spatial-r1"]
    read = form.read(ROWS["spatial-r1"][0], 0)
    edited = dataclasses.replace(read, question="How far is the door from the jacket, in meters?")
    row = form.write(edited)
    assert row["problem"] == edited.question
    assert "video" in row


def test_losses_are_counted(tmp_path: Path) -> None:
    samples = [dataclasses.replace(s, rationale="Because.", license="CC0-1.0") for s in ours()]
    loss = write_format(FORMATS["spatial-r1"], samples, tmp_path / "out.jsonl")
    assert loss.rows == 3
    assert loss.fields["rationale"] == 3
    assert any(line.startswith("rationale lost in 3 of 3 samples, for example 7") for line in loss.lines())


def test_media_in_memory_are_written_beside(tmp_path: Path) -> None:
    sample = dataclasses.replace(ours()[0], media=(Image(data=png(), width=40, height=30),))
    with pytest.raises(DatasetError, match=r"sample '7'.*give --media"):
        write_format(FORMATS["swift"], [sample], tmp_path / "a.jsonl")
    write_format(FORMATS["swift"], [sample], tmp_path / "b.jsonl", media=tmp_path / "pictures")
    (row,) = [row for _, row in rows_of(tmp_path / "b.jsonl")]
    assert (tmp_path / row["images"][0]).read_bytes() == png()
    assert not (tmp_path / "a.jsonl").exists()


def test_a_prefix_can_be_left_out(tmp_path: Path) -> None:
    path = dump(ROWS["spatial-r1"][:1], tmp_path / "in.jsonl")
    (sample,) = read_format(FORMATS["spatial-r1"], path, strip="/mnt/scans/", split="val")
    assert sample.media == (Video(path="scene0024_02.mp4"),)
    assert sample.split == "val"


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("spatial-r1", {"solution": None}, "solution"),
        ("spatial-r1", {"options": ["A. left", "B. right"], "solution": "<answer>C</answer>"}, "names none of"),
        ("video-r2", {"conversations": [{"from": "human", "value": "x"}]}, "conversations.*one question and one reply"),
        ("video-r2", {"temporal_grounding": {"soon": "x"}}, "soon"),
        ("stvqa", {"answer_only": "E"}, "answer_only"),
        ("stvqa", {"images": [{"bytes": None, "path": "x"}]}, "images.*holds no bytes"),
        ("vsi-bench", {"ground_truth": "E"}, "names none of"),
        ("dora", {"question": None}, ""),
        ("easyr1", {"videos": [["a.png", "b.png"]]}, "videos.*lists frames"),
    ],
)
def test_bad_rows_are_named(name: str, change: dict[str, Any], words: str, tmp_path: Path) -> None:
    form = FORMATS[name]
    row = copy.deepcopy(ROWS[name][-1]) | change
    if change.get("question", "") is None or change.get("solution", "") is None:
        row = {key: value for key, value in row.items() if value is not None}
    path = dump([row], tmp_path / ("in.parquet" if name == "stvqa" else "in.jsonl"))
    with pytest.raises(DatasetError, match=rf"in\.(jsonl:1|parquet row 0).*{words}"):
        list(read_format(form, path))


def test_broken_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(ROWS["spatial-r1"][0]) + "\n{broken\n")
    with pytest.raises(DatasetError, match=r"in\.jsonl:2: (?:is )?not JSON"):
        list(read_format(FORMATS["spatial-r1"], path))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_mutated_rows_never_crash(name: str) -> None:
    """A mutated row is read, or refused with an error of ours."""
    rng = random.Random(name)
    values = [None, "", [], {}, 0, -1, 1e308, "<image>" * 3, "A. ", ["x"], {"a": 1}, True, "\ud83d\ude00", "../../x"]
    refused = 0
    for _ in range(200):
        row = copy.deepcopy(rng.choice(ROWS[name]))
        for _ in range(rng.randint(1, 3)):
            key = rng.choice(list(row))
            if rng.random() < 0.3:
                del row[key]
                if not row:
                    break
            else:
                row[key] = rng.choice(values)
        try:
            sample = FORMATS[name].read(row, 0)
        except DatasetError:
            refused += 1
            continue
        assert all(m.path is None or ".." not in m.path.split("/") for m in sample.media)
    assert refused
