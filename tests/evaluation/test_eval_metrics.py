from __future__ import annotations

import pytest
from evaluation_builders import choice_sample, open_sample, predict

from wherewise.evaluation.metrics import summarize
from wherewise.evaluation.records import prediction_from_json
from wherewise.evaluation.tables import align, summary_lines
from wherewise.samples import Boolean, Number
from wherewise.samples.errors import InputError


def hand_worked() -> list:
    """Task ab: golds A, A, B, A; replies A (right), B (wrong), none, failed. Task count: 2 (right), 3 (wrong)."""
    return [
        predict(choice_sample("1", gold="A", task="ab"), "A"),
        predict(choice_sample("2", gold="A", task="ab"), "B"),
        predict(choice_sample("3", gold="B", task="ab"), "I cannot tell.", truncated=True),
        predict(choice_sample("4", gold="A", task="ab"), "", error="picture is damaged"),
        predict(open_sample("5", Number(value=2), task="count"), "2"),
        predict(open_sample("6", Number(value=3), task="count"), "There are 4."),
    ]


def test_every_question_counts() -> None:
    summary = summarize(hand_worked())
    assert summary.tasks["ab"].estimate.score == pytest.approx(1 / 4)
    assert summary.tasks["count"].estimate.score == pytest.approx(1 / 2)
    assert summary.micro.estimate.score == pytest.approx(2 / 6)
    assert summary.macro.estimate.score == pytest.approx((1 / 4 + 1 / 2) / 2)
    assert (summary.abstained, summary.truncated, summary.failed) == pytest.approx((1 / 6, 1 / 6, 1 / 6))
    assert sum(summary.rules.values()) == 6
    assert summary.rules["failed"] == 1


def test_baselines_beside_the_scores() -> None:
    summary = summarize(hand_worked())
    assert summary.tasks["ab"].chance == pytest.approx(1 / 2)
    assert summary.tasks["ab"].frequent == pytest.approx(3 / 4)  # always A
    assert summary.tasks["count"].chance == 0  # an open number cannot be guessed
    assert summary.tasks["count"].frequent == pytest.approx(1 / 2)
    assert summary.micro.chance == pytest.approx(4 * 0.5 / 6)
    assert summary.micro.frequent == pytest.approx((3 + 1) / 6)
    assert summary.macro.frequent == pytest.approx((3 / 4 + 1 / 2) / 2)


def test_yes_and_no_are_two_options() -> None:
    predictions = [predict(open_sample(str(i), Boolean(value=i > 0), task="exists"), "yes") for i in range(4)]
    task = summarize(predictions).tasks["exists"]
    assert (task.estimate.score, task.chance, task.frequent) == pytest.approx((0.75, 0.5, 0.75))


def test_a_constant_option_text_is_seen_behind_shuffled_letters() -> None:
    shuffled = [predict(choice_sample(str(i), gold="AB"[i % 2]), "A") for i in range(4)]
    same_text = []
    for i, p in enumerate(shuffled):
        options = ("yes", "no") if i % 2 == 0 else ("no", "yes")
        gold = {"kind": "choice", "letter": "AB"[i % 2], "text": "yes"}
        line = p.to_json()
        same_text.append(prediction_from_json(line, where="test"))
        object.__setattr__(same_text[-1], "options", options)
        object.__setattr__(same_text[-1], "gold", gold)
    assert summarize(shuffled).micro.frequent == pytest.approx(0.5)
    assert summarize(same_text).micro.frequent == pytest.approx(1.0)


def test_order_does_not_matter() -> None:
    assert summarize(hand_worked()) == summarize(hand_worked()[::-1])


def test_nothing_to_summarize_is_an_error() -> None:
    with pytest.raises(ValueError, match="no predictions"):
        summarize([])


def test_a_prediction_survives_its_line() -> None:
    for prediction in hand_worked():
        assert prediction_from_json(prediction.to_json(), where="x") == prediction


@pytest.mark.parametrize(("line", "message"), [("{", "not JSON"), ('{"id": "1"}', "missing fields"), ("[]", "missing")])
def test_a_bad_line_names_its_place(line: str, message: str) -> None:
    with pytest.raises(InputError, match=rf"p\.jsonl:7.*{message}"):
        prediction_from_json(line, where="p.jsonl:7")


def test_the_table_says_everything_in_words() -> None:
    manifest = {
        "title": "Toy",
        "model": {"name": "m"},
        "protocol_id": "0123456789abcdef",
        "headline": "macro",
        "notes": ["short by 3"],
    }
    text = "\n".join(summary_lines(summarize(hand_worked()), manifest))
    for part in (
        "Toy: m, 6 questions",
        "macro: mean over tasks (headline)",
        "37.5",
        "abstained 1 (16.7%)",
        "short by 3",
    ):
        assert part in text
    assert "not distinguishable from chance" in text


def test_columns_line_up() -> None:
    lines = align([["a", "1.0"], ["longer", "100.0"]])
    assert len({len(line) for line in lines}) == 1
