from __future__ import annotations

import pytest

from wherewise.answers.styles import PromptConfig
from wherewise.rewards import Completion, RewardConfig, build_rewards
from wherewise.rewards.consistency import ConsistencyParams, consistency
from wherewise.samples import Choice, Image, Sample

THINK = PromptConfig(style="think")
SAMPLE = Sample(
    id="s",
    media=(Image(path="a.png"),),
    question="Where is the chair?",
    options=("left", "right"),
    answer=Choice(letter="A", text="left"),
    task="left_right",
    group="g",
)


@pytest.mark.parametrize(
    ("think", "value"),
    [
        ("The chair is near the wall. So the answer is left.", 1.0),
        ("The chair is near the wall. So the answer is right.", 0.0),
        ("The chair is brown.", 1.0),
    ],
)
def test_the_answer_is_held_against_the_conclusion(think: str, value: float) -> None:
    reply = Completion(text=f"<think>{think}</think><answer>A</answer>")
    assert consistency()(reply, SAMPLE, THINK).value == value


def test_what_cannot_be_read_may_count_as_unknown() -> None:
    reply = Completion(text="<think>The chair is brown.</think><answer>A</answer>")
    assert consistency(ConsistencyParams(unread=None))(reply, SAMPLE, THINK).value is None


def test_as_a_gate_it_takes_the_reward_of_a_contradicted_answer() -> None:
    rewards = build_rewards([RewardConfig(name="accuracy"), RewardConfig(name="consistency", weight=0, gate=True)])
    for word, total in (("left", 1.0), ("right", 0.0)):
        reply = Completion(text=f"<think>So the answer is {word}.</think><answer>A</answer>")
        assert rewards.total(rewards.score(reply, SAMPLE, THINK)) == total
