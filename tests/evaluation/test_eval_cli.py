from __future__ import annotations

import json
from pathlib import Path

import pytest
from evaluation_builders import blink_row, write_blink

from wherewise.cli.main import Verb, run
from wherewise.samples.errors import InputError

VERBS = {
    "eval list": Verb("wherewise.cli.evaluate:list_benchmarks", "List."),
    "eval run": Verb("wherewise.cli.evaluate:run", "Run."),
    "eval rescore": Verb("wherewise.cli.evaluate:rescore", "Rescore."),
    "eval compare": Verb("wherewise.cli.evaluate:compare", "Compare."),
}


def wherewise(*words: object) -> int:
    return run([str(word) for word in words], verbs=VERBS)


@pytest.fixture
def blink(tmp_path: Path) -> Path:
    return write_blink(tmp_path / "blink", [blink_row(i, answer="(AB)"[1 + i % 2].join("()")) for i in range(12)])


def test_the_list_names_every_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    assert wherewise("eval", "list") == 0
    out = capsys.readouterr().out
    assert "BLINK-Benchmark/BLINK" in out
    assert "1901" in out


def test_run_rescore_and_compare(tmp_path: Path, blink: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, model in (("a", "random:3"), ("b", "frequent")):
        assert wherewise("eval", "run", "blink", "--data", blink, "--model", model, "--out", tmp_path / name, "-q") == 0
    out = capsys.readouterr().out
    for part in ("BLINK (val): frequent, 12 questions", "(headline)", "abstained 0", "12 records, 143 expected"):
        assert part in out
    assert wherewise("eval", "rescore", tmp_path / "a") == 0
    assert wherewise("eval", "compare", tmp_path / "a", tmp_path / "b") == 0
    assert "fixed" in capsys.readouterr().out


def test_replay_by_condition(tmp_path: Path, blink: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"model": model, "idx": f"val_Spatial_Relation_{i}", "text": f"({letter})"}
        for model, letter in (("x", "A"), ("y", "B"))
        for i in range(12)
    ]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = [
        "eval",
        "run",
        "blink",
        "--data",
        blink,
        "--model",
        f"replay:{tmp_path / 'r.jsonl'}",
        "--out",
        tmp_path / "o",
    ]
    fields = ["--replay-id", "idx", "--replay-field", "text"]
    assert wherewise(*words, *fields) == 2
    assert "a second reply to" in capsys.readouterr().err
    assert wherewise(*words, *fields, "--replay-where", "model=y") == 0
    assert "12/12" in capsys.readouterr().err
    assert json.loads((tmp_path / "o" / "summary.json").read_text())["micro"]["estimate"]["score"] == 0.5


def test_a_run_in_which_all_fail_ends_with_3(tmp_path: Path, blink: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.jsonl").write_text('{"id": "other", "reply": "A"}\n')
    model = f"replay:{tmp_path / 'r.jsonl'}"
    assert wherewise("eval", "run", "blink", "--data", blink, "--model", model, "--out", tmp_path / "o", "-q") == 3
    captured = capsys.readouterr()
    assert "all 12 samples failed" in captured.err
    assert "failed 12 (100.0%)" in captured.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--prompt-style", "thnk"], "--prompt-style 'thnk'"),
        (["--prompt-coordinates", "inches"], "--prompt-coordinates 'inches'"),
        (["--subset", "Depth"], "no subset 'Depth'"),
        (["--replay-where", "model"], "write FIELD=VALUE"),
    ],
)
def test_wrong_input_ends_with_2_and_the_fix(
    tmp_path: Path, blink: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    model = "replay:nowhere.jsonl" if "--replay-where" in words else "random"
    code = wherewise("eval", "run", "blink", "--data", blink, "--model", model, "--out", tmp_path / "o", *words)
    assert code == 2
    assert message in capsys.readouterr().err


def test_prompt_options_become_the_protocol(tmp_path: Path, blink: Path) -> None:
    words = ["eval", "run", "blink", "--data", blink, "--model", "frequent", "-q", "--out"]
    assert wherewise(*words, tmp_path / "o", "--prompt-style", "think", "--prompt-options", "words") == 0
    prompt = json.loads((tmp_path / "o" / "manifest.json").read_text())["protocol"]["prompt"]
    assert (prompt["style"], prompt["options"]) == ("think", "words")
    assert wherewise(*words, tmp_path / "p") == 0
    assert json.loads((tmp_path / "p" / "manifest.json").read_text())["protocol"]["prompt"] == "official"


def test_comparing_nothing_is_wrong_input(tmp_path: Path) -> None:
    from wherewise.evaluation.compare import compare_runs

    with pytest.raises(InputError, match="holds no evaluation"):
        compare_runs(tmp_path, tmp_path)
