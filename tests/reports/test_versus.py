"""Two evaluations or two runs side by side: every verdict counted, the statistics those of `eval compare`."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import gallery_data
import pytest
import run_data
from test_report import Outline

from wherewise.cli.main import run as command
from wherewise.evaluation.compare import compare_runs
from wherewise.evaluation.records import Prediction
from wherewise.reports.versus import VersusInputs, build_versus_evaluations, build_versus_runs, distinct_names
from wherewise.samples.errors import InputError
from wherewise.samples.store import write_dataset

REPLIES = {
    "still-left_right-0": ("left", "right"),
    "still-camera_distance-0": ("table", "red chair"),
    "still-evil": ("no", "no"),
}
"""What A and B answer; the gold answers are left, red chair and yes."""


def prediction(key: str, reply: str, *, correct: bool) -> Prediction:
    sample = next(each for each in gallery_data.samples() if each.id == key)
    gold = dataclasses.asdict(sample.answer) | {"kind": sample.answer.kind}
    return Prediction(
        id=key,
        task=sample.task,
        group=sample.group + key,
        question=sample.question,
        options=sample.options,
        gold=gold,
        kind=sample.answer.kind,
        reply=f"<scene>red chair (6,4); {run_data.EVIL}</scene><answer>{reply}</answer>",
        value=reply,
        rule="tag/text",
        abstained=False,
        truncated=False,
        conflicts=(),
        correct=correct,
        score=float(correct),
        error=None,
        tokens=5,
    )


def evaluation(folder: Path, column: int) -> Path:
    folder.mkdir(parents=True)
    gold = {"still-left_right-0": "left", "still-camera_distance-0": "red chair", "still-evil": "yes"}
    rows = [prediction(key, replies[column], correct=replies[column] == gold[key]) for key, replies in REPLIES.items()]
    (folder / "predictions.jsonl").write_text("".join(row.to_json() + "\n" for row in rows), encoding="utf-8")
    protocol = {"benchmark": "dataset", "prompt": {"style": "scene_graph", "coordinates": "tenths"}}
    manifest = {
        "protocol": protocol,
        "protocol_id": "p",
        "model": {"name": f"hf:model-{column}", "fingerprint": "f"},
        "samples": len(rows),
        "headline": "micro",
        "title": "t",
        "notes": [],
        "expected": {},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "summary.json").write_text("{}")
    return folder


def data_of(page: Path) -> tuple[dict[str, object], Outline]:
    outline = Outline()
    outline.feed(page.read_text(encoding="utf-8"))
    return json.loads(outline.data), outline


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return evaluation(tmp_path / "eval" / "a", 0), evaluation(tmp_path / "eval" / "b", 1)


def test_every_question_has_its_verdict_and_its_pictures(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    samples = {each.id: each for each in gallery_data.samples()}
    inputs = VersusInputs(a=pair[0], b=pair[1], samples=samples, media_root=tmp_path)
    versus = build_versus_evaluations(inputs, tmp_path / "page.html")
    assert versus.counts == {"fixed": 1, "broken": 1, "both wrong": 1, "both right": 0}
    found = compare_runs(*pair)
    assert (len(found.fixed), len(found.broken), len(found.both_wrong), found.both_right) == (1, 1, 1, 0)
    data, outline = data_of(versus.page)
    rows = data["rows"]
    assert isinstance(rows, list)
    assert [(row["verdict"], row["id"]) for row in rows] == [
        ("fixed", "still-camera_distance-0"),
        ("broken", "still-left_right-0"),
        ("both wrong", "still-evil"),
    ]
    first = rows[0]
    assert first["sides"][0]["completions"][0]["claim"]["boxes"][0]["label"] == "red chair"
    assert {box["label"] for box in first["truth"]["boxes"]} == {"red chair", "table"}
    assert outline.blocks[first["shots"][0]["picture"]].startswith("data:image/jpeg")
    assert rows[2]["question"] == gallery_data.EVIL
    assert [tag for tag, _ in outline.tags].count("script") == 2 + len(outline.blocks)
    assert not [name for _, attributes in outline.tags for name in attributes if name.startswith("on")]


def test_a_picture_that_cannot_be_read_is_named_on_the_page(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    broken = {
        each.id: dataclasses.replace(each, media=(dataclasses.replace(each.media[0], data=b"no picture"),))
        for each in gallery_data.samples()
        if each.id in REPLIES
    }
    inputs = VersusInputs(a=pair[0], b=pair[1], samples=broken, media_root=tmp_path)
    data, _ = data_of(build_versus_evaluations(inputs, tmp_path / "page.html").page)
    assert all("still" in row["error"] for row in data["rows"])  # type: ignore[attr-defined]


def test_two_runs_are_compared_on_the_questions_that_both_wrote(tmp_path: Path) -> None:
    a, b = run_data.write_run(tmp_path / "a"), run_data.write_run(tmp_path / "b", better=True)
    versus = build_versus_runs(VersusInputs(a=a, b=b), tmp_path / "page.html")
    assert versus.counts == {"fixed": 1, "broken": 1, "both wrong": 1, "both right": 1}
    data, outline = data_of(versus.page)
    by_id = {row["id"]: row for row in data["rows"]}  # type: ignore[attr-defined]
    assert {key: row["verdict"] for key, row in by_id.items()} == {
        "silent": "fixed",
        "clip": "broken",
        "evil": "both wrong",
        "mixed": "both right",
    }
    assert [side["step"] for side in by_id["mixed"]["sides"]] == [2, 2]
    assert len(by_id["clip"]["shots"]) == 3
    assert len(outline.blocks) == 4
    assert {"loss", "seconds a step"} <= {chart["title"] for chart in data["charts"]}  # type: ignore[attr-defined]


def test_runs_without_a_common_question_or_reward_are_refused(tmp_path: Path) -> None:
    a, b = run_data.write_run(tmp_path / "a"), run_data.write_run(tmp_path / "b")
    with pytest.raises(InputError, match="--by one of: accuracy, format"):
        build_versus_runs(VersusInputs(a=a, b=b, by="ghost"), tmp_path / "page.html")
    for file in (b / "rollouts").glob("step-*.jsonl"):
        file.write_text(file.read_text().replace('"sample_id": "', '"sample_id": "other-'))
    with pytest.raises(InputError, match="no common question"):
        build_versus_runs(VersusInputs(a=a, b=b), tmp_path / "page.html")
    for file in (b / "rollouts").glob("step-*.jsonl"):
        file.unlink()
    with pytest.raises(InputError, match="holds no rollouts"):
        build_versus_runs(VersusInputs(a=a, b=b), tmp_path / "page.html")


def test_the_command_writes_the_page_and_prints_the_comparison(
    tmp_path: Path, pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    write_dataset(gallery_data.samples()[:3], tmp_path / "data")
    assert command(["view", *map(str, pair), "--data", str(tmp_path / "data"), "--split", "train"]) == 0
    said = capsys.readouterr().out
    assert "fixed 1, broken 1, both wrong 1" in said
    assert (pair[1] / "compare.html").exists()
    a, b = run_data.write_run(tmp_path / "one" / "grpo"), run_data.write_run(tmp_path / "two" / "grpo", better=True)
    assert command(["view", str(a), str(b)]) == 0
    assert "A: one/grpo, mean accuracy" in capsys.readouterr().out
    assert command(["view", str(a), str(b), "--report", "-o", str(tmp_path / "r.html")]) == 0
    said = capsys.readouterr().out
    assert "2 of 5 steps, not finished" in said
    assert "groups with no signal" in said
    assert "report: " in said


def test_names_tell_folders_apart() -> None:
    assert distinct_names(Path("a/grpo"), Path("b/grpo")) == ("a/grpo", "b/grpo")
    assert distinct_names(Path("x"), Path("x")) == ("x (A)", "x (B)")
