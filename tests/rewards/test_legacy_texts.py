"""DORA's, ReinforceSight's and the baselines' rewards, and the group bonuses, against values worked out by hand."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from wherewise.rewards import Score
from wherewise.rewards.legacy import LEGACY
from wherewise.rewards.legacy.dora import final_answer, labelled_answer
from wherewise.rewards.legacy.reinforcesight import sight_answer, sight_consistency, sight_quality
from wherewise.samples.errors import DatasetError, InputError


def run(name: str, **row: Any) -> Score:
    return LEGACY[f"legacy.{name}"].score_row(row)


def value(name: str, completion: str, truth: str, **more: Any) -> float | None:
    return run(name, completion=completion, ground_truth=truth, **more).value


# ----------------------------------------------------------------------------------------------------------- DORA


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("I think.\nFinal answer: on the bed", "on the bed"),
        ("Final answer: a\nFinal answer: b", "a\nFinal answer: b"),
        ("final answer: a", "final answer: a"),  # case counts; so it is the last line
        ("The bed.\nBecause it is big.\n\n", "Because it is big."),
        ("  ", ""),
    ],
)
def test_dora_final_answer(text: str, answer: str) -> None:
    assert final_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "truth", "score"),
    [
        ("Final answer: On the bed!", "on the bed", 1.0),
        # Sets {on, the, bed}, {under, the, bed}: F1 = 2 * 2 / 6; one of three words differs: E = 2 / 3.
        ("under the bed", "on the bed", 0.3 * 2 / 3 + 0.7 * 2 / 3),
        # Sets share 3 of 4 and 3: F1 = 6 / 7; one insertion in four words: E = 3 / 4.
        ("not on the bed", "on the bed", 0.3 * 6 / 7 + 0.7 * 0.75),
        # The same words in another order: F1 = 1; two substitutions of two: E = 0.
        ("bed the", "the bed", 0.3),
        # Repetition doesn't touch the sets: F1 = 1; three deletions of four: E = 1 / 4.
        ("bed bed bed bed", "bed", 0.3 + 0.7 * 0.25),
        ("sofa", "bed", 0.0),
        ("", "bed", 0.0),
        ("bed", "", 0.0),
        ("!!!", "bed", 0.0),
        ("árbol", "rbol", 1.0),  # accented letters split words
    ],
)
def test_dora(text: str, truth: str, score: float) -> None:
    assert value("dora", text, truth) == pytest.approx(score)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Final answer: the bed.", "the bed"),
        ("The answer is red.", "is red"),
        ("answer: ...\nthe answer is red", "red"),
        ("First we need to jump. Then run.", "jump. Then run."),
        ("It is red. Or blue?", "It is red"),
        ("red", "red"),
        ("", ""),
    ],
)
def test_dora_labelled_answer(text: str, answer: str) -> None:
    assert labelled_answer(text) == answer


def test_dora_f1() -> None:
    assert value("dora_f1", "Answer: bed the the", "the bed") == 1.0
    # {is, red} and {red}: 2 * 1 / 3.
    assert value("dora_f1", "The answer is red.", "red") == pytest.approx(2 / 3)
    assert value("dora_f1", "Answer: sofa", "bed") == 0.0
    assert value("dora_f1", "Answer: árbol", "ARBOL") == 0.0


# ------------------------------------------------------------------------------------------------- ReinforceSight


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("It is near.\nTherefore, the answer is: Left.", "left"),
        ("So, the object is the answer is red!", "red"),  # the last one of the line
        ("The answer is behind; I think", "behind; i think"),
        ("My answer is: above,", "above"),
        ("Therefore, it is left.\nThe answer is right", "right"),  # a conclusion that names nothing
        ("It is left.", ""),  # nothing follows the last full stop
        ("It is left", "it is left"),
        ("", ""),
    ],
)
def test_sight_answer(text: str, answer: str) -> None:
    assert sight_answer(text) == answer


@pytest.mark.parametrize(
    ("answer", "truth", "right"),
    [
        ("left", "Left", True),
        ("to the left of the table", "left", True),
        ("left of", "left", False),  # no synonym
        ("it is left over there", "above", True),  # "over"
        ("after all, in front", "behind", True),  # "after"
        ("thunder", "below", True),  # "under"
        ("nearer", "closer", True),
        ("left", "right", False),
        ("red chair", "red chair", True),
        ("the red chair", "red chair", False),
    ],
)
def test_sight_correct(answer: str, truth: str, right: bool) -> None:
    found = run("reinforcesight", completion=f"The answer is: {answer}", ground_truth=truth)
    assert found.parts["correct"] == float(right)


def test_sight_quality() -> None:
    # 3d_distance has 8 keywords, half of them is 4: "distance", "closer", "reference" make .4 * 3 / 4 = .3.
    assert sight_quality("distance closer reference", "3d_distance") == pytest.approx(0.3)
    # "because": .3; "see": .2; 20 words: .1.
    assert sight_quality("because", "") == pytest.approx(0.3)
    assert sight_quality("see", "") == pytest.approx(0.2)
    assert sight_quality("x " * 20, "") == pytest.approx(0.1)
    assert sight_quality("x " * 151, "") == 0.0
    # All of it: more keywords than half earn no more.
    full = "position located left right above below compare side because see " + "x " * 20
    assert sight_quality(full, "2d_spatial") == pytest.approx(1.0)


def test_sight_consistency() -> None:
    assert sight_consistency("left", "It is left.") == 1.0
    assert sight_consistency("", "anything") == 1.0
    assert sight_consistency("left indeed", "It stands to the left of it.") == 0.8
    assert sight_consistency("left indeed", "It is left.") == 0.0


def test_reinforcesight() -> None:
    # Right: 1; quality: "position" of 11 keywords / 5.5 = .0727 of .4 and "left" makes two: .1454..; "Therefore": .3;
    # "position" is a look too: .2; fewer than 20 words. Consistency 1.
    text = "The position decides. Therefore, the answer is: left"
    quality = 0.4 * 2 / 5.5 + 0.3 + 0.2
    found = run("reinforcesight", completion=text, ground_truth="left", task="2d_spatial")
    assert found.parts == {"correct": 1.0, "quality": pytest.approx(quality), "consistency": 1.0}
    assert found.value == pytest.approx(1 + 0.3 * quality + 0.2)
    # An empty reply: -.5, no quality, and "" is in "": .2.
    assert value("reinforcesight", "", "left") == pytest.approx(-0.3)


# ------------------------------------------------------------------------------------------ r1v, r1v_scene, math


@pytest.mark.parametrize(
    ("text", "truth", "score"),
    [
        ("<think>t</think><answer>(A) behind</answer>", "(A) behind", 1.0),
        ("<think>t</think><answer>(A) Behind</answer>", "<answer>(A) behind</answer>", 1.0),
        ("<think>t</think><answer>A</answer>", "(A) behind", 0.5),  # the layout alone
        ("<think></think><answer></answer>", "(A) behind", 0.5),
        ("(A) behind", "(A) behind", 0.5),  # the answer alone
        ("<think>t</think><answer>\n4\n</answer>", "4", 0.5),  # on more lines: the whole text is graded
        ("<think>t</think><answer>2 meters</answer>", "2 cm", 1.0),  # units are dropped
        ("<think>t</think><answer>1,200.0</answer>", "1200", 1.0),
        ("nonsense", "4", 0.0),
    ],
)
def test_r1v(text: str, truth: str, score: float) -> None:
    assert value("r1v", text, truth) == score


def test_r1v_scene() -> None:
    good = "<observe>o</observe> <scene>no JSON</scene><think>t</think>\n<answer>(A) Behind</answer>"
    assert value("r1v_scene", good, "<answer>(A) behind</answer>") == 1.0
    assert value("r1v_scene", good, "<answer>(B) left</answer>") == 0.5
    assert value("r1v_scene", good, "(A) behind") == 0.5  # a truth without tags is empty
    assert value("r1v_scene", good.replace("(A) Behind", ""), "(A) behind") == 1.0
    # Think before scene: 0, though the answer is right.
    swapped = "<observe>o</observe><think>t</think><scene>s</scene><answer>(A) behind</answer>"
    assert value("r1v_scene", swapped, "<answer>(A) behind</answer>") == 0.0


def test_math() -> None:
    assert value("math", r"<think>t</think>\boxed{4}", "4") == 1.0
    assert value("math", r"\boxed{4}", "4") == 0.9
    assert value("math", r"<think>t</think>\boxed{5} or \boxed{4}", "4") == 1.0  # the last box
    assert value("math", r"<think>t</think>\boxed{5}", "4") == 0.1
    assert value("math", r"\boxed{\frac{1}{2}", "1") == 0.0  # braces that don't balance
    assert value("math", "none", "None") == 0.9  # no box reads "None"


@pytest.mark.skipif(importlib.util.find_spec("mathruler") is not None, reason="mathruler is installed")
def test_mathruler_is_asked_for() -> None:
    reward = LEGACY["legacy.math"]
    with pytest.raises(InputError, match="pip install mathruler"):
        reward.score_row({"completion": "", "ground_truth": ""}, reward.params(grader="mathruler"))


# --------------------------------------------------------------------------------------------------------- groups


def test_temporal_bonus() -> None:
    # Means .5 and .625: .5 >= .8 * .625 = .5, so that right replies get .3.
    group = {"group_accuracy": [1.0, 0.0], "shuffled_accuracy": [0.625]}
    assert run("spatial_r1_temporal", accuracy=1.0, **group).value == pytest.approx(1.3)
    assert run("spatial_r1_temporal", accuracy=0.1, **group).value == pytest.approx(0.1)
    group["shuffled_accuracy"] = [0.7]
    assert run("spatial_r1_temporal", accuracy=1.0, **group).value == 1.0


def test_length_bonus() -> None:
    group = {"group_accuracy": [1.0, 1.0, 0.0], "group_tokens": [320, 512, 400]}
    assert run("spatial_r1_length", accuracy=1.0, tokens=320, **group).value == 1.2
    assert run("spatial_r1_length", accuracy=1.0, tokens=513, **group).value == 1.0
    assert run("spatial_r1_length", accuracy=0.0, tokens=400, **group).value == 0.0
    alone = {"group_accuracy": [1.0, 0.0], "group_tokens": [400, 400]}
    assert run("spatial_r1_length", accuracy=1.0, tokens=400, **alone).value == 1.0


def test_mapo() -> None:
    # m = .5, s = .5, p = .5: l = 0, so that the advantage is z = (1 - .5) / .5.
    even = run("video_r2_mapo", reward=1.0, group_rewards=[1.0, 0.0], group_accuracy=[1.0, 0.0])
    assert even.value == pytest.approx(1.0, abs=1e-5)
    # p = 1: l = 1, so that it is (r - m) / m = (1.5 - 1.25) / 1.25.
    sure = run("video_r2_mapo", reward=1.5, group_rewards=[1.5, 1.0], group_accuracy=[1.0, 1.0])
    assert sure.value == pytest.approx(0.2, abs=1e-5)
    # Without accuracies successes are rewards at or above the mean: 1 of 4, l = 1 - 4 * 3 / 16 = .25.
    loose = run("video_r2_mapo", reward=1.0, group_rewards=[1.0, 0.0, 0.0, 0.0])
    assert loose.parts["mix"] == pytest.approx(0.25)


def test_groups_are_no_part_of_a_mixture() -> None:
    with pytest.raises(InputError, match="needs the rewards of a whole group"):
        LEGACY["legacy.spatial_r1_length"].make()
    with pytest.raises(DatasetError, match="group_rewards"):
        run("video_r2_mapo", reward=1.0, group_rewards=[])
