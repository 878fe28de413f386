"""Accuracy by kind, layouts, lengths, words and maps, by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rewards_builders import METRES, PIXELS, THINK, plain_sample, sample, score, video_sample

from wherewise.answers import PromptConfig
from wherewise.rewards import Completion, RewardConfig, build_reward
from wherewise.rewards.answer_quality import AnswerQualityParams, wording
from wherewise.rewards.blocks import layout_problem
from wherewise.rewards.repetition import repeated_share
from wherewise.samples import Box, GridMap, Image, Order, Sample, Text
from wherewise.samples.errors import InputError

PLAIN = PromptConfig()
SOFA = plain_sample(Text(value="the red sofa"))
ORDER = plain_sample(Order(items=("bed", "lamp", "rug")))
MAP = GridMap(size=10, cells=(("chair", ((1, 2),)), ("lamp", ((9, 9),))))


@pytest.mark.parametrize(
    ("of", "text", "params", "expected"),
    [
        (METRES, "2.2", {"number": "mra"}, 0.9),
        (METRES, "3 m", {"number": "relative"}, 0.5),
        (METRES, "9", {"number": "relative"}, 0.0),
        (METRES, "2.05", {}, 1.0),
        (SOFA, "Red sofa.", {}, 1.0),
        (SOFA, "sofa", {}, 0.0),
        (SOFA, "sofa", {"text": "wer"}, 0.5),
        (SOFA, "it is on the left of a lamp", {"text": "wer"}, 0.0),
        (SOFA, "red bed", {"text": "rouge"}, (0.5 + 0 + 0.5) / 3),
        (SOFA, "red bed", {"text": "lexical"}, 0.3 * 0.5 + 0.7 * 0.5),
        (plain_sample(Text(value="sofa")), "sofa", {"text": "rouge"}, 1.0),
        (ORDER, "bed, rug, lamp", {}, 0.0),
        (ORDER, "bed, rug, lamp", {"order": "positions"}, 1 / 3),
        (ORDER, "bed, rug, lamp", {"order": "pairs"}, 1 / 3),
        (ORDER, "rug, lamp, bed", {"order": "pairs"}, 0.0),
        (ORDER, "bed, lamp, rug", {"order": "pairs"}, 1.0),
        (plain_sample(MAP), '{"chair": [[1, 2]], "lamp": [[9, 9]]}', {}, 1.0),
        (plain_sample(MAP), '{"chair": [[1, 2]]}', {}, 2 / 3),
        (plain_sample(MAP), "no map", {}, 0.0),
    ],
)
def test_accuracy_by_kind(of: Sample, text: str, params: dict[str, str], expected: float) -> None:
    assert score("accuracy", text, of, PLAIN, **params).value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("box", "measure", "expected"),
    [
        ("[0, 0, 40, 40]", "iou", 1.0),
        ("[20, 0, 60, 40]", "iou", 1 / 3),
        ("[20, 0, 60, 40]", "threshold", 0.0),
        ("[60, 0, 100, 40]", "giou", 0.0),
        ("[0, 0, 40, 40]", "ciou", 1.0),
        ("[20, 0, 60, 40]", "ciou", 1 / 3 - 20**2 / (60**2 + 40**2)),
        ("[40, 40, 0, 0]", "iou", 0.0),
    ],
)
def test_accuracy_of_boxes(box: str, measure: str, expected: float) -> None:
    of = plain_sample(Box(xyxy=(0.0, 0.0, 40.0, 40.0)))
    assert score("accuracy", box, of, PromptConfig(coordinates="pixels"), box=measure).value == pytest.approx(expected)


def test_the_best_writable_box_earns_all() -> None:
    of = plain_sample(Box(xyxy=(0.4, 0.0, 40.4, 40.0)))
    assert score("accuracy", "[0, 0, 40, 40]", of, PromptConfig(coordinates="pixels"), box="iou").value == 1.0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<think>a</think> \n<answer>b</answer>", None),
        ("<think>a</think><answer>b</answer> so", "text after"),
        ("x<think>a</think><answer>b</answer>", "text before <think>"),
        ("<think>a</think>x<answer>b</answer>", "text before <answer>"),
        ("<think> </think><answer>b</answer>", "<think> is empty"),
        ("<think>a</think><answer>b</answer><answer>c</answer>", "2 times instead of 1"),
        ("<scene>a</scene><think>a</think><answer>b</answer>", "<scene> occurs 1 times instead of 0"),
        ("</think>a<think><answer>b</answer>", "out of order"),
        ("<think>a<answer>b</think></answer>", "out of order"),
        ("", "0 times instead of 1"),
    ],
)
def test_layouts(text: str, problem: str | None) -> None:
    found = layout_problem(text, ("think", "answer"))
    assert found is None if problem is None else found is not None and problem in found


GOOD, SHORT = "<think>It is left.</think><answer>A</answer>", "A"
SCENE = "<observe>x</observe><scene>y</scene><think>z</think><answer>A</answer>"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("r1v", GOOD, 1.0),
        ("r1v", GOOD.replace("A<", "B<"), 0.5),
        ("r1v", SHORT, 0.5),
        ("r1v", "B", 0.0),
        ("r1v", GOOD.replace("A<", "\nA\n<"), 1.0),
        ("r1v_scene", SCENE, 1.0),
        ("r1v_scene", SCENE.replace("A<", "B<"), 0.5),
        ("r1v_scene", GOOD, 0.0),
        ("r1v_scene", "", 0.0),
        ("math", "<think>x</think>\\boxed{A}", 1.0),
        ("math", "<think>x</think>\\boxed{B}", 0.1),
        ("math", "\\boxed{A}", 0.9),
        ("math", "<think>x</think>A", 0.0),
        ("math", "<think>\\boxed{A}</think>", 0.0),
    ],
)
def test_answer_and_format(name: str, text: str, expected: float) -> None:
    assert score(name, text, sample()).value == pytest.approx(expected)


def test_cut_off_replies_keep_no_format() -> None:
    for name in ("r1v", "r1v_scene", "math"):
        found = build_reward(RewardConfig(name=name))(Completion(text=SCENE, truncated=True), sample(), THINK)
        assert found.parts["format"] == 0.0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("the red sofa", 1.0), ("red", 0.3 * 0.5 + 0.7 / 3), ("a blue bed", 0.0), ("", 0.0), ("!!", 0.0)],
)
def test_lexical(answer: str, expected: float) -> None:
    assert score("lexical", f"<think>x</think><answer>{answer}</answer>", SOFA).value == pytest.approx(expected)


def test_lexical_needs_words_in_the_truth() -> None:
    assert score("lexical", "sofa", plain_sample(Text(value="赤い"))).value is None


def test_wording_by_hand() -> None:
    params = AnswerQualityParams(keywords=("left", "chair", "table", "depth"), least_words=3, most_words=5)
    assert wording("", "q", params) == 0.0
    assert wording("left left", "q", params) == pytest.approx(0.4 / 2)
    assert wording("chair table lefty", "q", params) == pytest.approx(0.4 + 0.1)
    assert wording("because I see the chair", "q", params) == pytest.approx(0.2 + 0.3 + 0.2 + 0.1)
    own = AnswerQualityParams()
    assert wording("table", "Is the table near?", own) == pytest.approx(0.4)


def test_answer_quality() -> None:
    right = score("reinforcesight", "<think>I see the chair, so it is left.</think><answer>A</answer>", sample())
    quality = right.parts["wording"]
    assert 0.5 < quality < 1
    assert right.value == pytest.approx(1 + 0.3 * quality + 0.2)
    wrong = score("reinforcesight", "<think>I see the chair, so it is right.</think><answer>B</answer>", sample())
    assert wrong.value == pytest.approx(-0.5 + 0.2)
    contrary = "<think>I see the chair, so it is right.</think><answer>A</answer>"
    assert score("reinforcesight", contrary, sample()).value == pytest.approx(-0.5)
    ignored = score("reinforcesight", contrary, sample(), contradiction="ignore", quality_when="always")
    assert ignored.value == pytest.approx(1 + 0.3 * ignored.parts["wording"])
    assert score("reinforcesight", "", sample()).value == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("tokens", "truncated", "text", "expected"),
    [
        (320, False, "A", 1.0),
        (512, False, "A", 1.0),
        (319, False, "A", 0.0),
        (513, False, "A", 0.0),
        (400, True, "A", 0.0),
        (400, False, "B", 0.0),
    ],
)
def test_length_bonus(tokens: int, truncated: bool, text: str, expected: float) -> None:
    reward = build_reward(RewardConfig(name="length_bonus"))
    found = reward(Completion(text=text, tokens=tokens, truncated=truncated), sample(), PLAIN)
    assert found.value == expected


@pytest.mark.parametrize(
    ("tokens", "truncated", "expected"),
    [(0, False, 0.0), (80, False, 0.0), (90, False, -0.5), (100, False, -1.0), (150, False, -1.0), (10, True, -1.0)],
)
def test_overlong(tokens: int, truncated: bool, expected: float) -> None:
    reward = build_reward(RewardConfig(name="overlong", params={"limit": 100, "cache": 20}))
    assert reward(Completion(text="", tokens=tokens, truncated=truncated), sample(), PLAIN).value == expected


def test_windows_must_fit() -> None:
    with pytest.raises(InputError, match=r"cache \(20\) is more than limit \(10\)"):
        build_reward(RewardConfig(name="overlong", params={"limit": 10, "cache": 20}))
    with pytest.raises(InputError, match=r"most \(1\) is less than least \(2\)"):
        build_reward(RewardConfig(name="length_bonus", params={"least": 2, "most": 1}))


def test_repetition() -> None:
    assert score("repetition", "a b c", sample()).value == 0.0
    assert score("repetition", "a b a b a b", sample(), size=2).value == pytest.approx(-0.6)
    assert score("repetition", "a b a b a b", sample(), size=2, tolerance=0.2).value == pytest.approx(-0.5)
    assert score("repetition", "桌子桌子桌子", sample(), size=2).value == pytest.approx(-0.6)


@given(st.text(), st.integers(1, 5))
def test_repeated_share_stays_in_range(text: str, size: int) -> None:
    assert 0 <= repeated_share(text, size) < 1


ROOM = sample(evidence=MAP)
MAP_TEXT = '<map>{"chair": [[1, 2]], "lamp": [[9, 9]]}</map>'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{MAP_TEXT}<answer>A</answer>", 1.0),
        (f"{MAP_TEXT}<answer>B</answer>", 0.0),
        ("<answer>A</answer>", 0.0),
        ("<map>nonsense</map><answer>A</answer>", 0.0),
        ('<map>{"chair": [[8, 8]]}</map><answer>A</answer>', 0.0),
        ('<map>{"chair": [[1, 2]]}</map><answer>A</answer>', 2 / 3),
    ],
)
def test_grid_map(text: str, expected: float) -> None:
    assert score("grid_map", text, ROOM).value == pytest.approx(expected)
    # Whatever the map, a right answer keeps its reward.
    assert score("accuracy", text, ROOM).value == float("<answer>A" in text)


def test_samples_without_what_a_reward_needs() -> None:
    assert score("grid_map", "A", video_sample()).value is None
    assert score("grid_map", f"{MAP_TEXT}<answer>B</answer>", ROOM, accuracy_from=0).value == 1.0
    pictures = (Image(path="a.png", width=200, height=100),)
    assert score("scene_graph", "A", sample(evidence=MAP, media=pictures), PIXELS).value is None
