"""Logs for inspect-ai and task folders for lmms-eval; inspect-ai itself reads its log where it is installed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from evaluation_builders import blink_row, write_blink

from wherewise.cli.evaluate_data import export_lmms_eval
from wherewise.cli.main import run
from wherewise.evaluation.exports import aggregate_lines, inspect_log
from wherewise.samples.errors import InputError


@pytest.fixture
def blink(tmp_path: Path) -> Path:
    return write_blink(tmp_path / "blink", [blink_row(i, answer="(AB)"[1 + i % 2].join("()")) for i in range(6)])


def evaluated(tmp_path: Path, blink: Path) -> Path:
    replies = tmp_path / "replies.jsonl"
    lines = [{"id": f"val_Spatial_Relation_{i}", "reply": "(A)"} for i in range(5)]  # the sixth fails
    replies.write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = [
        "eval",
        "run",
        "blink",
        "--data",
        str(blink),
        "--model",
        f"replay:{replies}",
        "--out",
        str(tmp_path / "run"),
    ]
    assert run([*words, "-q"]) == 0
    return tmp_path / "run"


def test_an_inspect_log(tmp_path: Path, blink: Path) -> None:
    folder, out = evaluated(tmp_path, blink), tmp_path / "log.json"
    assert run(["export", "inspect", str(folder), str(out)]) == 0
    log = json.loads(out.read_text())
    assert (log["version"], log["status"], len(log["samples"])) == (2, "success", 6)
    metrics = log["results"]["scores"][0]["metrics"]
    assert metrics["micro"]["value"] == pytest.approx(0.5)  # replies 0, 2 and 4 of six
    assert metrics["headline"]["value"] == pytest.approx(0.5)
    assert [sample["scores"]["wherewise"]["value"] for sample in log["samples"]] == [1, 0, 1, 0, 1, 0]
    assert log["samples"][5]["output"]["error"]
    if importlib.util.find_spec("inspect_ai"):
        from inspect_ai.log import read_eval_log

        assert read_eval_log(str(out)).results.scores[0].metrics["micro"].value == pytest.approx(0.5)


def test_the_log_of_one_run_is_the_same_every_time(tmp_path: Path, blink: Path) -> None:
    folder = evaluated(tmp_path, blink)
    assert inspect_log(folder) == inspect_log(folder)
    with pytest.raises(InputError, match="holds no evaluation"):
        inspect_log(tmp_path)


def test_a_task_folder_scores_as_the_benchmark(tmp_path: Path, blink: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "task"
    assert run(["export", "lmms-eval", "blink", str(out), "--data", str(blink)]) == 0
    assert "--tasks wherewise_blink" in capsys.readouterr().out
    spec = importlib.util.spec_from_file_location("utils", out / "utils.py")
    assert spec is not None
    assert spec.loader is not None
    utils = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(utils)
    docs = [json.loads(line) for line in (out / "questions.jsonl").read_text().splitlines()]
    assert utils.doc_to_text(docs[0]).endswith("(A) yes\n(B) no")
    assert utils.doc_to_visual(docs[3])[0].getpixel((0, 0)) == (3, 0, 0)
    lines = [utils.process_results(doc, [reply])["wherewise_macro"] for doc, reply in zip(docs, "AAABBB", strict=True)]
    # Gold A B A B A B: right are 0, 2, 3, 5.
    assert utils.aggregate(lines) == pytest.approx(100 * 4 / 6)
    assert aggregate_lines(lines, "macro") == pytest.approx(4 / 6)
    yaml = (out / "wherewise_blink.yaml").read_text()
    assert "metric: wherewise_macro" in yaml
    with pytest.raises(InputError, match="not empty"):
        export_lmms_eval("blink", out, data=blink)
