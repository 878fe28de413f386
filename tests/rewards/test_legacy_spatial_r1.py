"""Spatial-R1's and SpaceR's rewards against values worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from wherewise.rewards.legacy import LEGACY
from wherewise.rewards.legacy.spatial_r1 import fuzzy_number, mean_relative_accuracy
from wherewise.rewards.legacy.spatial_r1_map import map_score, read_map


def value(name: str, answer: str, truth: str, **more: Any) -> float | None:
    row = {"completion": f"<think>x</think><answer>{answer}</answer>", "ground_truth": truth, **more}
    return LEGACY[f"legacy.spatial_r1_{name}"].score_row(row).value


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("a total of 4", 1),  # "a" is 1
        ("about 1,200", 1),  # the first run of digits
        ("twenty one", 1),  # "one" is looked for before "twenty"
        ("-3", 3),  # no sign
        ("4", 4),
        ("3.25 m", 3.25),
        ("Four chairs", 4),
        ("ten or two", 2),  # in the order of the list
        ("thirty", 30),
        ("zero", 0),
        ("an apple", 1),
        ("bone 7", 7),  # whole words only
        (".5", 5),
        ("none", None),
        ("", None),
    ],
)
def test_fuzzy_number(text: str, number: float | None) -> None:
    assert fuzzy_number(text) == number


@pytest.mark.parametrize(
    ("error", "score"), [(0, 1.0), (0.05, 1.0), (0.052, 0.9), (0.1, 0.9), (0.3, 0.5), (0.5, 0.1), (0.51, 0.0)]
)
def test_mean_relative_accuracy(error: float, score: float) -> None:
    # Thresholds are relative errors of .5, .45, ..., .05, "at most" counting: .05 meets all ten, .3 meets .5 to .3.
    assert mean_relative_accuracy(1 + error, 1.0) == pytest.approx(score)


def test_mean_relative_accuracy_of_odd_truths() -> None:
    assert mean_relative_accuracy(3.0, 0.0) is None
    assert mean_relative_accuracy(100.0, -2.0) == 1.0  # 102 / -2 is below every threshold


@pytest.mark.parametrize(
    ("answer", "truth", "score"),
    [
        ("4", "4", 1.0),
        ("a total of 4", "4", 0.0),  # read as 1: error .75
        ("about 1,200", "1200", 0.0),  # read as 1
        ("twenty one", "21", 0.0),  # read as 1
        ("-3", "3", 1.0),
        ("4.2", "<answer>4</answer>", 1.0),  # error .05
        ("4.3", "4", 0.9),  # error .075
        ("many", "4", 0.0),
        ("3", "0", 0.0),  # division by zero
        ("9", "-2", 1.0),
        ("4", "four", 0.0),  # float("four") fails
        ("2 km", "2", 1.0),  # no units
    ],
)
def test_mra(answer: str, truth: str, score: float) -> None:
    assert value("mra", answer, truth) == pytest.approx(score)


def test_mra_without_answer_tag() -> None:
    assert LEGACY["legacy.spatial_r1_mra"].score_row({"completion": "4", "ground_truth": "4"}).value == 0.0


@pytest.mark.parametrize(
    ("answer", "truth", "score"),
    [
        ("B", "B", 1),
        ("Answer is B", "A", 1),  # the A of "Answer"
        ("Answer is B", "B", 0),
        ("(C) the chair", "C", 1),
        ("b", "B", 0),  # lower case is no letter
        ("B", "b", 1),  # the truth's case doesn't matter
        ("A B C D", "A", 1),
        ("D or C", "C", 1),  # in the order of the alphabet
        ("E", "E", 0),
        ("left", "left", 0),  # no letter: "None"
    ],
)
def test_mca(answer: str, truth: str, score: float) -> None:
    assert value("mca", answer, truth) == score


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("<think></think><answer>b</answer>", 1),
        ("<think>a</think>\n<answer> </answer>", 1),
        ("<think>a</think><answer></answer>", 0),  # .+? wants one character
        ("<think>a</think><answer>b</answer>.", 0),
    ],
)
def test_format(text: str, score: float) -> None:
    row = {"completion": text, "ground_truth": ""}
    assert LEGACY["legacy.spatial_r1_format"].score_row(row).value == score


@pytest.mark.parametrize(
    ("answer", "truth", "kind", "score"),
    [
        ("B", "B", "multiple choice", 1),
        (" B ", "<answer>B</answer>", "multiple choice", 1),
        ("B.", "B", "multiple choice", 0),
        ("b", "B", "multiple choice", 0),
        ("4.2", "4", "numerical", 1.0),
        ("red bus", "red car", "OCR", 0.5),  # one of two words
        ("2", "2.5", "regression", 0.8),  # 1 - .5 / 2.5
        ("1,000", "1000", "regression", 1.0),
        ("x", "2.5", "regression", 0),
        ("nan", "2.5", "regression", 1.0),  # max(0, nan) is 0 in Python: a difference of 0
        ("5", "0", "numerical", 0),
    ],
)
def test_accuracy(answer: str, truth: str, kind: str, score: float) -> None:
    assert value("accuracy", answer, truth, problem_type=kind) == pytest.approx(score)


TRUE_MAP = {"chair": [[1, 2], [8, 8]], "table": [[4, 6]]}


def with_map(drawn: str, answer: str = "B", truth: str = "B", kind: str = "multiple choice") -> float | None:
    row = {
        "completion": f"<think><map>{drawn}</map></think><answer>{answer}</answer>",
        "ground_truth": truth,
        "cognitive_map": TRUE_MAP,
        "problem_type": kind,
    }
    return LEGACY["legacy.spatial_r1_map"].score_row(row).value


def test_map_reward() -> None:
    assert with_map(str(TRUE_MAP)) == 2.0
    assert with_map(str(TRUE_MAP), answer="A") == 0.0  # a wrong answer, whatever the map
    # The table is missing: chairs earn 1 * 2 of 3 cells.
    assert with_map("{'chair': [[1, 2], [8, 8]]}") == pytest.approx(1 + 2 / 3)
    # One of two chairs: 1 / max(1, 2) for the category, times 2 of 3 cells.
    assert with_map("{'chair': [[1, 2]], 'table': [[4, 6]]}") == pytest.approx(1 + (0.5 * 2 + 1) / 3)
    # Categories that aren't true cost nothing.
    assert with_map(str({**TRUE_MAP, "cat": [[0, 0]]})) == 2.0
    # A map without one right category scores 0 and takes the answer's 1 away.
    assert with_map("{'cat': [[0, 0]]}") == 0.0
    assert with_map("") == 0.0


def test_no_map_keeps_the_answer() -> None:
    row = {"completion": "<answer>B</answer>", "ground_truth": "B", "cognitive_map": TRUE_MAP}
    assert LEGACY["legacy.spatial_r1_map"].score_row(row).value == 1.0


def test_map_of_a_number_counts_above_half() -> None:
    # 13 for 10: MRA .5, which isn't above .5; 12.5: error .25, six thresholds.
    assert with_map(str(TRUE_MAP), "13", "10", "numerical") == 0.5
    assert with_map(str(TRUE_MAP), "12.5", "10", "numerical") == pytest.approx(1.6)


def test_an_exception_is_zero() -> None:
    # 1e999 is infinite, and int(inf) fails.
    assert with_map("{'chair': [[1e999, 2]]}") == 0.0
    row = {
        "completion": "<map>{'a': [[1, 1]]}</map><answer>B</answer>",
        "ground_truth": "B",
        "cognitive_map": {"a": []},
    }
    assert LEGACY["legacy.spatial_r1_map"].score_row(row).value == 0.0


def test_map_score() -> None:
    # The middle of the grid for one cell in the corner: distance sqrt(50), over 10 sqrt 2: 1 - .5.
    assert map_score({"a": [(5, 5)]}, {"a": [[0, 0]]}) == pytest.approx(0.5)
    # Greedy: (0,0)-(0,1) at distance 1 goes first and leaves (9,9) for (0,0) at distance 9 sqrt 2.
    first = 1 - 1 / (10 * math.sqrt(2))
    second = 1 - 0.9
    assert map_score({"a": [(0, 1), (9, 9)]}, {"a": [[0, 0], [0, 0]]}) == pytest.approx((first + second) / 2)
    assert map_score({}, {}) == 1.0
    assert map_score({}, {"a": [[0, 0]]}) == 0.0


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("{'chair': [[1, 2], (3, 4)]}", {"chair": [(1, 2), (3, 4)]}),
        ("{'Chair': [1, 2]}", {}),  # a bare pair is a list of two numbers, neither of which is a pair
        ("{'chair': (1, 2)}", {"chair": [(1, 2)]}),
        ("{'<chair>:': [['1', '2']]}", {"chair": [(1, 2)]}),
        ("{'chair': ['3, 4']}", {"chair": [(3, 4)]}),
        ("str{{'chair': [[1, 2]]}}", {"chair": [(1, 2)]}),
        ("{'chair': [[1.9, 2.9]]}", {"chair": [(1, 2)]}),  # cut, not rounded
        ("{'dog': [[1, 2]]}", {}),
        ("chair: (1, 2), (3, 4); table at 5 6 7", {"chair": [(1, 2), (3, 4)], "table": [(5, 6)]}),
        ("{'chair': [[1, 2], }", {"chair": [(1, 2)]}),  # no literal: read as text
        ("armchair 1 2", {}),
        ("", {}),
    ],
)
def test_read_map(text: str, places: dict[str, list[tuple[int, int]]]) -> None:
    assert read_map(text, ["chair", "table"]) == places


def test_of_overlapping_names_the_longer_counts() -> None:
    assert read_map("office chair 1 2", ["chair", "office chair"]) == {"office chair": [(1, 2)]}


def test_a_category_with_a_capital_is_never_met() -> None:
    row = {"completion": "<map>{'TV': [[1, 1]]}</map><answer>B</answer>", "ground_truth": "B"}
    assert LEGACY["legacy.spatial_r1_map"].score_row({**row, "cognitive_map": {"TV": [[1, 1]]}}).value == 0.0
