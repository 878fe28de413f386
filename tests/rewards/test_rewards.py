"""Rewards, mixtures of them, and ``reward score``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherewise.answers import PromptConfig, PromptStyle, render_target
from wherewise.cli.reward import list_rewards, score
from wherewise.rewards import Completion, RewardConfig, Score, build_reward, build_rewards
from wherewise.samples import Choice, GraphObject, Image, Number, Sample, SceneGraph, to_record
from wherewise.samples.errors import InputError

OBJECTS = (
    GraphObject(
        id="c",
        label="red chair",
        box=(90, 150, 130, 190),
        distance=2.2,
        attributes=(("category", "chair"), ("color", "red")),
    ),
    GraphObject(id="t", label="blue table", box=(210, 180, 250, 220), distance=3.1),
)
SAMPLE = Sample(
    id="s1",
    media=(Image(path="a.png", width=320, height=320),),
    question="Which side?",
    options=("left", "right"),
    answer=Choice(letter="A", text="left"),
    task="left_right",
    group="g",
    evidence=SceneGraph(width=320, height=320, objects=OBJECTS, focus=("c", "t")),
    rationale="It is on the left.",
)
SCENE = PromptConfig(style=PromptStyle.SCENE_GRAPH, options="words")
GOLD = "<scene>red chair (3,5,4); blue table (7,6,6)</scene><answer>left</answer>"


def value(
    name: str, text: str, sample: Sample = SAMPLE, prompt: PromptConfig = SCENE, **params: object
) -> float | None:
    return build_reward(RewardConfig(name=name, params=params))(Completion(text=text), sample, prompt).value


def test_gold_target_earns_everything() -> None:
    assert render_target(SAMPLE, SCENE) == GOLD
    for name in ("accuracy", "format", "positions"):
        assert value(name, GOLD) == 1.0


def test_accuracy() -> None:
    assert value("accuracy", "<answer>right</answer>") == 0.0
    verdict = build_reward(RewardConfig(name="accuracy"))(Completion(text="hm"), SAMPLE, SCENE)
    assert verdict.value == 0.0
    assert verdict.parts == {"abstained": 1.0}
    assert "no answer" in verdict.note
    metre = dataclasses.replace(SAMPLE, options=(), answer=Number(value=2.0, unit="m"))
    assert value("accuracy", "<answer>260 cm</answer>", metre) == 0.0
    assert value("accuracy", "<answer>260 cm</answer>", metre, number="mra") == 0.5


def test_format() -> None:
    assert value("format", "left") == 0.0
    truncated = Completion(text=GOLD, truncated=True)
    assert build_reward(RewardConfig(name="format"))(truncated, SAMPLE, SCENE).value == 0.0


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ("blue table (7,6,6); red chair (3,5,4)", 1.0),
        ("red chair (4,5,4); blue table (7,6,6)", (2 - 1 / 9) / 2),
        ("red chair (3,5); blue table (7,6,6)", (2 - 1 / 3) / 2),
        ("red chair (3,5,4)", 2 / 3),
        ("red chair (3,5,4); blue table (7,6,6); lamp (1,1,1)", 4 / 5),
        ("red chair (3,5,4); red chair (3,5,4); red chair (3,5,4)", 2 / 5),
        ("red chair (3,5,4); blue table (7,6,6); oops", 4 / 5),
        ("red chair (9,9,9); blue table (1,1,0)", 0.0),
        ("green chair (3,5,4)", 0.0),
        ("none", 0.0),
    ],
)
def test_positions(claims: str, expected: float) -> None:
    assert value("positions", f"<scene>{claims}</scene><answer>left</answer>") == pytest.approx(expected)


def test_positions_label_credit() -> None:
    text = "<scene>green chair (3,5,4); blue table (7,6,6)</scene><answer>left</answer>"
    assert value("positions", text, category_credit=0.5) == pytest.approx(0.75)
    text = "<scene>red lamp (3,5,4); blue table (7,6,6)</scene><answer>left</answer>"
    assert value("positions", text, color_credit=0.25) == pytest.approx(0.625)


def test_positions_without_scene() -> None:
    assert value("positions", "left") == 0.0
    assert value("positions", GOLD, dataclasses.replace(SAMPLE, evidence=None)) is None
    empty = dataclasses.replace(SAMPLE, evidence=SceneGraph(width=320, height=320, objects=OBJECTS))
    assert value("positions", "<scene>none</scene>", empty) == 1.0
    assert value("positions", GOLD, empty) == 0.0
    with pytest.raises(InputError, match="needs prompt style 'scene_graph'"):
        value("positions", GOLD, prompt=PromptConfig())


def test_positions_in_boxes_of_the_seen_frame() -> None:
    prompt = PromptConfig(style=PromptStyle.SCENE_GRAPH, coordinates="pixels")
    seen = (640, 160)
    reward = build_reward(RewardConfig(name="positions"))
    text = render_target(SAMPLE, prompt, seen)
    assert reward(Completion(text=text, seen=seen), SAMPLE, prompt).value == pytest.approx(1.0)
    lost = reward(Completion(text=text), SAMPLE, prompt).value
    assert lost is not None
    assert lost < 0.7


CLAIMS = st.lists(
    st.tuples(st.sampled_from(["red chair", "blue table", "lamp"]), *[st.integers(-5, 15)] * 3), max_size=8
).map(lambda rows: "; ".join(f"{label} ({x},{y},{d})" for label, x, y, d in rows))


@settings(max_examples=150, deadline=None)
@given(claims=st.one_of(CLAIMS, st.text()))
def test_positions_stay_in_range(claims: str) -> None:
    got = value("positions", f"<scene>{claims}</scene><answer>left</answer>", category_credit=0.5, color_credit=0.5)
    assert got is not None
    assert 0 <= got <= 1


def test_hundreds_of_claims_earn_little() -> None:
    spam = "; ".join(f"red chair ({x},{y},{d})" for x in range(10) for y in range(10) for d in range(5))
    got = value("positions", f"<scene>{spam}</scene>")
    assert got is not None
    assert got < 0.01


def test_total_weights_gates_and_unknowns() -> None:
    rewards = build_rewards(
        [
            RewardConfig(name="accuracy"),
            RewardConfig(name="positions", weight=0.5),
            RewardConfig(name="format", weight=0.0, gate=True),
        ]
    )
    scores = rewards.score(Completion(text=GOLD), SAMPLE, SCENE)
    assert list(scores) == ["accuracy", "positions", "format"]
    assert rewards.total(scores) == 1.5
    assert rewards.total(scores | {"format": Score(value=0.0)}) == 0.0
    assert rewards.total(scores | {"positions": Score(value=None)}) is None
    assert rewards.total(scores | {"format": Score(value=None)}) is None
    logged = build_rewards([RewardConfig(name="accuracy"), RewardConfig(name="positions", weight=0)])
    assert logged.total({"accuracy": Score(value=1.0), "positions": Score(value=None)}) == 1.0


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"name": "acuracy"}, "unknown reward 'acuracy'; did you mean 'accuracy'"),
        ({"name": "zzz"}, "known: accuracy, "),
        ({"name": "positions", "params": {"rech": 2}}, "no parameter 'rech'; did you mean 'reach'"),
        ({"name": "positions", "params": {"reach": -1}}, "params.reach"),
        ({"name": "no_file.py:fn"}, "there is no file no_file.py"),
    ],
)
def test_mistakes_are_named(config: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_rewards([RewardConfig.model_validate(config)])


def test_lists_must_make_sense() -> None:
    with pytest.raises(InputError, match="empty"):
        build_rewards([])
    with pytest.raises(InputError, match="repeat: accuracy"):
        build_rewards([RewardConfig(name="accuracy"), RewardConfig(name="accuracy")])
    with pytest.raises(ValueError, match="finite"):
        Score(value=float("nan"))


def test_user_reward(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from wherewise.rewards import Score\n"
        "def short(completion, sample, prompt):\n"
        "    return Score(value=float(len(completion.text) < 10))\n"
    )
    assert value(f"{file}:short", "left") == 1.0
    with pytest.raises(InputError, match="no function 'shrt'; did you mean 'short'"):
        value(f"{file}:shrt", "left")


def test_reward_score_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = to_record(SAMPLE)
    rows = tmp_path / "in.jsonl"
    lines = [
        {"sample": record, "completion": GOLD},
        {"sample": record, "completion": {"text": "left", "truncated": True}, "prompt": {"style": "direct"}},
    ]
    rows.write_text("".join(json.dumps(line) + "\n" for line in lines))
    out = tmp_path / "out.jsonl"
    score("format", rows, out, prompt='{"style": "scene_graph"}')
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["value"] for row in found] == [1.0, 0.0]
    assert set(found[0]) == {"value", "parts", "note"}
    rows.write_text(json.dumps({"sample": record}) + "\n")
    with pytest.raises(InputError, match=r"in.jsonl:1: completion: the field is missing"):
        score("format", rows, out)
    with pytest.raises(InputError, match=r"prompt.style"):
        score("format", rows, out, prompt='{"style": "x"}')
    list_rewards()
    assert "positions" in capsys.readouterr().out
