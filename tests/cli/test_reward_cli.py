"""``wherewise reward list``, ``score`` and ``audit`` as users run them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wherewise.cli.main import run

RECIPES = Path(__file__).parents[2] / "recipes"


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def scored(tmp_path: Path, name: str, rows: list[dict[str, Any]], *more: str) -> list[dict[str, Any]]:
    out = tmp_path / "out.jsonl"
    assert run(["reward", "score", name, str(jsonl(tmp_path / "in.jsonl", rows)), "-o", str(out), *more]) == 0
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


SCENE = '<scene>{"objects": [{"id": "man.1", "bbox": [0, 0, 50, 50]}], "relationships": []}</scene>'


def test_list_has_legacy_rewards_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reward", "list"]) == 0
    shown = capsys.readouterr().out
    assert shown.index("accuracy") < shown.index("Legacy rewards") < shown.index("legacy.spatial_sgg")
    assert run(["reward", "list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["accuracy"]["legacy"] is False
    assert rows["legacy.spatial_sgg"]["legacy"] is True
    assert rows["legacy.spatial_sgg"]["row"] == ["completion", "ground_truth", "image_size"]
    assert rows["legacy.spatial_sgg"]["params"] == {"similarity": "exact"}


@pytest.mark.parametrize("similarity", ["exact", "embedding"])
def test_score_spatial_sgg(tmp_path: Path, similarity: str) -> None:
    truth = f"{SCENE}<answer>(A) left</answer>"
    good = f"<observe>o</observe><think>t</think>{truth}"
    rows = [
        {"completion": good, "ground_truth": truth, "image_size": [100, 100]},
        {"completion": "left", "ground_truth": truth, "image_size": [100, 100]},
    ]
    found = scored(tmp_path, "legacy.spatial_sgg", rows, "--similarity", similarity)
    assert set(found[0]) == {"value", "parts", "note"}
    assert list(found[0]["parts"]) == ["format", "count", "accuracy", "spatial"]
    assert found[0]["value"] == pytest.approx(1.0, abs=1e-5)
    assert found[1]["value"] == 0.0


@pytest.mark.parametrize(
    ("name", "row", "value"),
    [
        (
            "legacy.video_r2_tar",
            {
                "claims": {"00:10": "A man waves."},
                "reference": {"00:12": "A man waves.", "01:00": "He leaves."},
                "buffer_seconds": 2,
                "similarity_threshold": 0.75,
            },
            1.0,
        ),
        (
            "legacy.video_r2_accuracy",
            {"completion": "<answer>B</answer>", "ground_truth": "<answer>B. x</answer>"},
            1.0,
        ),
        ("legacy.dora", {"completion": "Final answer: bed", "ground_truth": "the bed"}, 0.3 * 2 / 3 + 0.7 * 0.5),
        ("legacy.reinforcesight", {"completion": "The answer is left", "ground_truth": "left"}, 1.2),
        ("legacy.spatial_r1_mra", {"completion": "<answer>4.3</answer>", "ground_truth": "4"}, 0.9),
        (
            "legacy.spatial_r1_map",
            {
                "completion": "<map>{'chair': [[1, 2]]}</map><answer>A</answer>",
                "ground_truth": "A",
                "cognitive_map": {"chair": [[1, 2]]},
            },
            2.0,
        ),
    ],
)
def test_score_published_rows(tmp_path: Path, name: str, row: dict[str, Any], value: float) -> None:
    assert scored(tmp_path, name, [row])[0]["value"] == pytest.approx(value)


def test_legacy_rewards_take_our_samples_too(tmp_path: Path) -> None:
    from wherewise.rewards.audit import FIXTURES
    from wherewise.samples import to_record

    count = next(sample for sample in FIXTURES if sample.answer.kind == "number")
    row = {"sample": to_record(count), "completion": "<answer>a total of 4</answer>"}
    assert scored(tmp_path, "legacy.spatial_r1_mra", [row])[0]["value"] == 0.0
    assert scored(tmp_path, "accuracy", [row])[0]["value"] == 1.0


@pytest.mark.parametrize(
    ("name", "row", "more", "message"),
    [
        ("legacy.dora", {"completion": "x"}, [], "in.jsonl:1: ground_truth: the field is missing. Fix: add"),
        ("legacy.dora", {"completion": "x", "truth": "y"}, [], "in.jsonl:1: truth: unknown field. Fix:"),
        (
            "legacy.dora",
            {"completion": 3, "ground_truth": "y"},
            [],
            "in.jsonl:1: completion: Input should be a valid string",
        ),
        ("legacy.dora", {"completion": "x", "ground_truth": "y"}, ["--similarity", "exact"], "params.similarity"),
        ("legacy.spatial_sgg", {}, ["--similarity", "words"], "params.similarity"),
        ("accuracy", {"sample": 3, "completion": "x"}, [], "in.jsonl:1: sample: expected an object"),
        ("legacy.dore", {}, [], "unknown reward 'legacy.dore'; did you mean 'legacy.dora'"),
    ],
)
def test_wrong_lines_are_named(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    row: dict[str, Any],
    more: list[str],
    message: str,
) -> None:
    rows = jsonl(tmp_path / "in.jsonl", [row])
    out = tmp_path / "out.jsonl"
    assert run(["reward", "score", name, str(rows), "-o", str(out), *more]) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_audit_of_a_sound_config(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reward", "audit", str(RECIPES / "demo" / "grpo.yaml")]) == 0
    assert "no hole" in capsys.readouterr().out


def test_audit_of_a_list_of_rewards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rewards.yaml"
    file.write_text("- legacy.spatial_r1_mca\n")
    assert run(["reward", "audit", str(file)]) == 2
    shown = capsys.readouterr().out
    assert "wrong_sentence" in shown
    assert "HOLE wrong_sentence on audit/choice_a: " in shown
    assert run(["reward", "audit", str(file), "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert {"wrong_sentence", "all_letters"} <= set(found["holes"])
    assert found["attacks"][0]["hole"] is True


def test_audit_of_rewards_and_prompt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rewards.yaml"
    file.write_text("rewards: [{name: accuracy}, {name: format, weight: 0.1}]\nprompt: {style: think}\n")
    assert run(["reward", "audit", str(file)]) == 2
    assert "contradicting_think" in capsys.readouterr().out
    assert run(["reward", "audit", str(file), "prompt.style=direct", "rewards.1.weight=0"]) in (0, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- acuracy\n", "did you mean 'accuracy'"),
        ("- {name: accuracy, weigth: 2}\n", "rewards.yaml: 0.weigth: Extra inputs"),
        ("rewards: [{name: accuracy}]\npromt: {}\n", "promt"),
        ("[", "rewards.yaml"),
    ],
)
def test_audit_names_mistakes(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str) -> None:
    file = tmp_path / "rewards.yaml"
    file.write_text(text)
    assert run(["reward", "audit", str(file)]) == 2
    assert message in capsys.readouterr().err
