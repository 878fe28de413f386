"""Video-R2's rewards against values worked out by hand."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from wherewise.rewards import Score
from wherewise.rewards.legacy import LEGACY
from wherewise.rewards.legacy.video_r2 import Claim, question_type, read_claims
from wherewise.samples.errors import DatasetError, InputError


def run(name: str, row: dict[str, Any], **params: str) -> Score:
    reward = LEGACY[f"legacy.{name}"]
    return reward.score_row(row, reward.params(**params))


def accuracy(answer: str, truth: str) -> float | None:
    return run(
        "video_r2_accuracy",
        {"completion": f"<think>x</think><answer>{answer}</answer>", "ground_truth": f"<answer>{truth}</answer>"},
    ).value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("<think>a</think><answer>b</answer>", 1),
        ("<think>a\nb</think> \n <answer>b\n</answer>", 1),
        ("<think></think><answer></answer>", 1),
        ("<think><think></think></think><answer>a</answer>", 1),  # dots match tags
        ("<think>a</think>x<answer>b</answer>", 0),
        ("<think>a</think><answer>b</answer>\n", 0),
        ("<think>a</think>", 0),
        ("<answer>b</answer><think>a</think>", 0),
    ],
)
def test_format(text: str, value: float) -> None:
    assert run("video_r2_format", {"completion": text}).value == value


@pytest.mark.parametrize(
    ("truth", "kind"),
    [
        ("B", "multiple choice"),
        ("e) on the left", "multiple choice"),
        ("Because it rains", "multiple choice"),
        ("dog", "multiple choice"),
        ("F", "OCR"),
        ("1,234", "numerical"),
        ("12345", "numerical"),
        ("-2.125", "numerical"),
        ("2.1255", "regression"),
        ("red car", "OCR"),
        ("He sits.", "free-form"),
        ("one two three four five six", "free-form"),
        ("", "free-form"),
    ],
)
def test_question_type(truth: str, kind: str) -> None:
    assert question_type(truth) == kind


@pytest.mark.parametrize(
    ("answer", "truth", "value"),
    [
        ("B", "B. left", 1),
        ("b) whatever", "B. left", 1),
        ("left", "B. left", 0),  # no letter in front: compared as text with "B"
        ("", "B. left", 0),
        ("door", "dog", 1),  # a word that begins with d is the option D
        ("4", "4", 1),
        ("4.0", "4", 0),  # one with a point, one without
        ("1,200", "1200", 0),  # one with a comma, one without
        ("1,200", "1,200", 1),
        ("4.004", "4.0", 1),  # 4.00 = 4.00
        ("4.006", "4.0", 0),  # 4.01
        ("4 m", "4", 0),
        ("red car", "red car", 1),
        ("red bus", "red car", 0.5),  # 1 - 1 wrong of 2 words
        ("a very long red text", "red car", 0),  # WER 4 / 2, clipped
        ("2.0000", "2.5000", 0.8),  # 1 - .5 / 2.5
        ("9", "2.5000", 0),  # clipped
        ("nan", "2.5000", 1),  # min(1, nan) is 1 in Python
        ("about 2", "2.5000", 0),
        ("0.0001", "0.0000", 0),  # 1e-4 / 1e-9, clipped
        ("0", "0.0000", 0),  # (0 + 1e-9) / (0 + 1e-9) = 1
    ],
)
def test_accuracy(answer: str, truth: str, value: float) -> None:
    assert accuracy(answer, truth) == pytest.approx(value)


def test_accuracy_without_tags() -> None:
    row = {"completion": "B", "ground_truth": "<answer>B</answer>"}
    assert run("video_r2_accuracy", row).value == 0.0
    bare = run("video_r2_accuracy", {"completion": "<answer>B</answer>", "ground_truth": "B. left"})
    assert bare.value == 1.0
    assert "no <answer>" in bare.note


def test_free_form_is_rouge() -> None:
    if importlib.util.find_spec("nltk") is None:
        with pytest.raises(InputError, match="rouge-score"):
            accuracy("He stood up.", "He stands up.")
        return
    # Stems: "stood" and "stand" differ. 2 of 3 words; 0 of 2 pairs; a subsequence of 2: (2/3 + 0 + 2/3) / 3.
    assert accuracy("He stood up.", "He stands up.") == pytest.approx(4 / 9)


@pytest.mark.parametrize(
    ("key", "span"),
    [
        ("01:05", (65, 65)),
        ("1:00:05", (3605, 3605)),
        ("00:05-00:09", (5, 9)),
        ("00:09 – 00:05", (5, 9)),  # swapped
        ("0:05 to 0:09", (5, 9)),
        ("12", (12, 12)),
        ("12.6", (13, 13)),
        ("00:03.5", (4, 4)),  # banker's rounding, as Python's
        ("00:10-end", None),  # open ends are dropped
        ("noon", None),
        ("1:2:3:4", None),
        ("00:01-00:02-00:03", None),
    ],
)
def test_times(key: str, span: tuple[int, int] | None) -> None:
    assert read_claims({key: "he waves"}) == ([] if span is None else [Claim(*span, "he waves")])


def test_claims_are_sorted_and_unique() -> None:
    # Middles: 10, 4.5, 7; "00:05" and "5" are the same time, where the later text stays; blank texts are dropped.
    found = read_claims({"00:10": "a", "00:00-00:09": "b", "00:05": "c", "5": "d", "00:06-00:08": "e", "00:20": " "})
    assert [claim.text for claim in found] == ["b", "d", "e", "a"]


def tar(claims: Any, reference: dict[str, str], **more: Any) -> Score:
    row = {"claims": claims, "reference": reference, "buffer_seconds": 2, "similarity_threshold": 0.75, **more}
    return run("video_r2_tar", row, similarity="exact")


FOUR = {"00:10": "He waves.", "00:20-00:25": "He sits down.", "00:40": "He reads.", "01:00": "He leaves."}


def test_precision_only() -> None:
    assert tar(FOUR, FOUR).value == 1.0
    # One safe claim of four: 1 match / 1 claim.
    assert tar({"00:10": "He waves."}, FOUR).value == 1.0
    # Two right of three claims.
    found = tar({"00:10": "he waves", "00:40": "He reads.", "00:50": "He sings."}, FOUR)
    assert found.value == pytest.approx(2 / 3)
    assert found.parts == {
        "claims": 3,
        "references": 4,
        "matches": 2,
        "precision": pytest.approx(2 / 3),
        "gate": 1,
    }


def test_gaps_of_twice_the_buffer_are_bridged() -> None:
    # 00:14 to 00:10 is a gap of 4 = 2 + 2; 00:15 is one too many.
    assert tar({"00:14": "He waves."}, {"00:10": "He waves."}).value == 1.0
    assert tar({"00:15": "He waves."}, {"00:10": "He waves."}).value == 0.0
    assert tar({"00:15": "He waves."}, {"00:10": "He waves."}, buffer_seconds=2.5).value == 1.0
    # From inside a range the gap is 0.
    assert tar({"00:22": "He sits down."}, FOUR, buffer_seconds=0).value == 1.0


def test_a_reference_is_used_once_and_greedily() -> None:
    # Both claims fit 00:10 alone: the earlier one takes it.
    assert tar({"00:09": "He waves.", "00:11": "He waves."}, {"00:10": "He waves."}).value == 0.5
    # 00:10 takes the first of two equal references (00:10), so that 00:08, which comes before it, took 00:06.
    found = tar({"00:08": "a b", "00:12": "a b"}, {"00:06": "a b", "00:10": "a b"})
    assert found.parts["matches"] == 2


def test_nothing_said_and_failures_are_zero() -> None:
    assert tar({}, FOUR).value == 0.0
    assert tar(FOUR, {}).value == 0.0
    assert tar({}, {}).value == 0.0
    assert tar({"00:10-end": "He waves."}, FOUR).value == 0.0
    timed_out = tar(None, FOUR)
    assert timed_out.value == 0.0
    assert "judge" in timed_out.note


@pytest.mark.parametrize(("consistent", "value"), [(True, 1.0), (False, 0.0), (None, 0.0)])
def test_consistency_gate(consistent: bool | None, value: float) -> None:
    assert tar(FOUR, FOUR, consistent=consistent).value == value


def test_sentences_by_minilm() -> None:
    row = {"claims": {"00:10": "A man waves his hand."}, "reference": {"00:10": "The man is waving his hand."}}
    assert run("video_r2_tar", row).value == 1.0
    row["claims"] = {"00:10": "A dog sleeps on the sofa."}
    assert run("video_r2_tar", row).value == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"claims": ["00:10"]}, r"claims: .*Fix: write {\"MM:SS\""),
        ({"reference": {"00:10": 3}}, "reference.00:10"),
        ({"buffer_seconds": -1}, "buffer_seconds"),
        ({"threshold": 0.5}, "threshold: unknown field. Fix: did you mean 'similarity_threshold'"),
    ],
)
def test_wrong_rows_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        run("video_r2_tar", {"claims": {}, "reference": {}, **change})
