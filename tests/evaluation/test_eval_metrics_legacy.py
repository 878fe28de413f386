"""The faulty rules of published harnesses give the figures that were published or measured with them."""

from __future__ import annotations

import gzip
import json

import pytest
from evaluation_builders import BLINK_DATA, choice_sample, open_sample, predict

from wherewise.evaluation.load import load_benchmark
from wherewise.evaluation.metrics_legacy import (
    answered_only,
    contained,
    mra_of_nine,
    reinforcesight_containment,
    spatial_thinker,
    spatial_thinker_letter,
    video_r2_overall,
)
from wherewise.evaluation.records import Prediction, prediction_from_json
from wherewise.evaluation.specs import get_benchmark
from wherewise.samples import Number


def test_bare_letters_become_a() -> None:
    rows = [
        predict(choice_sample(str(i), gold="B"), reply) for i, reply in enumerate(["B", "(B)", "right", "(B) right"])
    ]
    assert [p.score for p in rows] == [1, 1, 1, 1]
    assert spatial_thinker(rows).value == 0.5


def test_terse_blink_replies_score_the_share_of_gold_a() -> None:
    archive = BLINK_DATA / "val_predictions.jsonl.gz"
    if not archive.is_file():
        pytest.skip("the BLINK predictions are not beside the repository")
    loaded = load_benchmark(get_benchmark("blink"), BLINK_DATA, subsets=["Spatial_Relation"])
    samples = {sample.id: sample for sample in loaded.samples}
    with gzip.open(archive, "rt", encoding="utf-8") as handle:
        lines = [json.loads(line) for line in handle]
    chosen = [line for line in lines if "34" in line["model"] and line["idx"] in samples]
    assert len({line["model"] for line in chosen}) == 1
    assert len(chosen) == 143
    hits = [
        spatial_thinker_letter(line["full_prediction"], samples[line["idx"]].options)
        == samples[line["idx"]].answer.letter  # type: ignore[union-attr]
        for line in chosen
    ]
    assert round(100 * sum(hits) / 143, 2) == 53.85
    right = [predict(samples[line["idx"]], line["full_prediction"]).score for line in chosen]
    assert round(100 * sum(right) / 143, 2) == 74.83


def test_nine_thresholds() -> None:
    assert mra_of_nine(1.3, 1.0) == pytest.approx(4 / 9)
    assert mra_of_nine(1.0, 1.0) == 1.0
    assert mra_of_nine(None, 1.0) == mra_of_nine(1.0, 0.0) == 0.0


def with_metric(prediction: Prediction) -> Prediction:
    copy = prediction_from_json(prediction.to_json(), where="test")
    object.__setattr__(copy, "tags", {"metric": "mra"})
    return copy


def test_ten_types_in_the_mean() -> None:
    rows = [with_metric(predict(open_sample("n", Number(value=1.0), task="type-0"), "1.3"))]
    rows += [predict(choice_sample(str(i), gold="A", task=f"type-{i}"), "A" if i < 4 else "B") for i in range(1, 10)]
    assert video_r2_overall(rows).value == pytest.approx((4 / 9 + 3) / 10)
    assert video_r2_overall(rows[1:]).missing == ("1 question types",)


def test_containment_takes_bright_for_right_and_nothing_for_anything() -> None:
    assert contained("right", "right")
    rows = [predict(choice_sample(str(i), gold="B"), reply) for i, reply in enumerate(["bright", "", "left", "right"])]
    assert reinforcesight_containment(rows).value == 0.75


def test_unreadable_replies_leave_the_denominator() -> None:
    replies = ["A", "B", "I cannot tell.", ""]
    rows = [predict(choice_sample(str(i), gold="A"), reply) for i, reply in enumerate(replies)]
    assert (answered_only(rows).value, answered_only(rows).units) == (0.5, 2)
    assert sum(p.score for p in rows) / 4 == 0.25
