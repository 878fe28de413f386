"""Other harnesses' predictions as replies: lmms-eval's samples JSONL, VLMEvalKit's xlsx."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest
from evaluation_builders import benchmark_of, choice_sample

from wherewise.evaluation.protocol import EvalConfig
from wherewise.evaluation.providers import ReplayProvider
from wherewise.evaluation.runner import run_benchmark
from wherewise.samples.errors import InputError

SAMPLES = [
    dataclasses.replace(choice_sample(f"val_{i}", gold="AB"[i % 2]), question=f"Where is cup {i}?") for i in range(6)
]
REPLIES = ["(A)", "The answer is (B).", "(B)", "B", "left", "A"]
"""Right: the first, second, fourth and fifth."""


def lmms_line(i: int, **changes: object) -> dict[str, object]:
    return {
        "doc_id": i,
        "doc": {"idx": f"val_{i}", "question": SAMPLES[i].question},
        "target": "(A)",
        "input": f"Select one.\nWhere is  cup {i}?\n(A) left\n(B) right",
        "resps": [[REPLIES[i]]],
        "filtered_resps": [REPLIES[i]],
        "blink_acc": {"score": 0.0},
    } | changes


def write(path: Path, lines: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_lmms_eval_samples_by_id_and_by_position_score_alike(tmp_path: Path) -> None:
    file = write(tmp_path / "samples.jsonl", [lmms_line(i) for i in reversed(range(6))])
    by_id = ReplayProvider(file, form="lmms-eval", id_field="doc.idx", samples=SAMPLES)
    by_position = ReplayProvider(file, form="lmms-eval", by_position=True, samples=SAMPLES)
    raw = ReplayProvider(file, form="lmms-eval", by_position=True, reply_field="resps", samples=SAMPLES)
    assert by_id.replies == by_position.replies == raw.replies
    summary = run_benchmark(benchmark_of(SAMPLES, tmp_path), by_id, EvalConfig(), tmp_path / "o")
    assert (summary.micro.estimate.score, summary.failed) == (pytest.approx(4 / 6), 0.0)


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        ([lmms_line(0)], {}, r"field 'doc_id', such as '0'.*like 'val_0'.*--replay-id.*--replay-by-position"),
        ([lmms_line(3, doc_id=2)], {"by_position": True}, r":1: position 2 is sample 'val_2'.*counts other records"),
        ([lmms_line(0, doc_id=6)], {"by_position": True}, r"'6' is no position among the 6 samples"),
        ([lmms_line(0), lmms_line(0)], {"by_position": True}, r":2: a second reply to 'val_0'"),
        ([lmms_line(0, filtered_resps=["a", "b"])], {"by_position": True}, r"holds 2 replies"),
        ([lmms_line(0)], {"id_field": "doc.id"}, r":1: no field 'doc.id'"),
        ([lmms_line(0)], {"id_field": "doc.idx", "reply_field": "blink_acc"}, r"an object, not a text"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    tmp_path: Path, lines: list[dict[str, object]], options: dict[str, object], message: str
) -> None:
    file = write(tmp_path / "samples.jsonl", lines)
    with pytest.raises(InputError, match=message):
        ReplayProvider(file, form="lmms-eval", samples=SAMPLES, **options)  # type: ignore[arg-type]


def test_vlmevalkit_sheets(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl", reason="the extra 'xlsx' is not installed")
    book = openpyxl.Workbook()
    book.active.append(["index", "question", "A", "B", "answer", "prediction"])
    for i, sample in enumerate(SAMPLES):
        book.active.append([i, sample.question, "left", "right", "A", REPLIES[i]])
    book.save(tmp_path / "model_BLINK.xlsx")
    provider = ReplayProvider(tmp_path / "model_BLINK.xlsx", form="vlmevalkit", by_position=True, samples=SAMPLES)
    summary = run_benchmark(benchmark_of(SAMPLES, tmp_path), provider, EvalConfig(), tmp_path / "o")
    assert summary.micro.estimate.score == pytest.approx(4 / 6)
    with pytest.raises(InputError, match="none of its ids"):
        ReplayProvider(tmp_path / "model_BLINK.xlsx", form="vlmevalkit", samples=SAMPLES)
    (tmp_path / "torn.xlsx").write_bytes((tmp_path / "model_BLINK.xlsx").read_bytes()[:500])
    with pytest.raises(InputError, match="not a readable xlsx file"):
        ReplayProvider(tmp_path / "torn.xlsx", form="vlmevalkit", samples=SAMPLES)


def test_without_openpyxl_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p.xlsx").write_bytes(b"PK")
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "openpyxl", raising=False)
    with pytest.raises(InputError, match=r"pip install 'wherewise\[xlsx\]'"):
        ReplayProvider(tmp_path / "p.xlsx", form="vlmevalkit")
    with pytest.raises(InputError, match=r"are \.xlsx files"):
        ReplayProvider(write(tmp_path / "p.tsv", []), form="vlmevalkit")
