"""Legacy rewards in a mixture, on our own samples."""

from __future__ import annotations

import pytest

from wherewise.answers import PromptConfig
from wherewise.rewards import REGISTRY, Completion, RewardConfig, build_reward, build_rewards
from wherewise.rewards.audit.fixtures import FIXTURES
from wherewise.rewards.legacy import LEGACY
from wherewise.samples import Choice, Number, Sample, Timeline
from wherewise.samples.errors import InputError

PROMPT = PromptConfig()
ALONE = sorted(name for name, entry in LEGACY.items() if entry.row_of is not None)


def test_every_legacy_reward_is_registered_with_its_source() -> None:
    assert set(LEGACY) <= set(REGISTRY)
    for name, entry in LEGACY.items():
        assert name.startswith("legacy.")
        assert ":" in entry.source
        assert (entry.row_of is None) == (entry.write is None)


@pytest.mark.parametrize("name", sorted(LEGACY))
def test_every_formula_says_what_is_wrong_with_it(name: str) -> None:
    doc = LEGACY[name].score.__doc__ or ""
    assert "What is wrong with it" in doc


@pytest.mark.parametrize("name", ALONE)
def test_its_own_layout_earns_the_most(name: str) -> None:
    """A right reply as the published prompt asks for it earns the greatest value, on every sample it can judge."""
    reward, write = build_reward(RewardConfig(name=name)), LEGACY[name].write
    assert write is not None
    most = {"legacy.spatial_r1_map": 2.0, "legacy.reinforcesight": 1.2}.get(name, 1.0)
    values = []
    for sample in FIXTURES:
        if name == "legacy.video_r2_accuracy" and not isinstance(sample.answer, (Choice, Number)):
            continue  # an answer in words may be free-form, which needs another package
        values.append(reward(Completion(text=write(sample, "I look.")), sample, PROMPT).value)
    judged = [value for value in values if value is not None]
    assert judged
    assert min(judged) >= most - 1e-5 if name != "legacy.dora_f1" else min(judged) > 0.5


@pytest.mark.parametrize("name", ALONE)
def test_any_text_is_scored(name: str) -> None:
    reward = build_reward(RewardConfig(name=name))
    texts = ("", "\0", "<answer>", "<scene>{", "<map>{</map><answer>B</answer>", "a" * 100_000, "<think>" * 20_000)
    for sample in FIXTURES[:6]:
        for text in texts:
            value = reward(Completion(text=text), sample, PROMPT).value
            assert value is None or -1 <= value <= 2


def test_a_sample_that_does_not_fit_is_not_judged() -> None:
    without = next(sample for sample in FIXTURES if not isinstance(sample.evidence, Timeline))
    score = build_reward(RewardConfig(name="legacy.video_r2_tar"))(Completion(text=""), without, PROMPT)
    assert score.value is None
    assert "no timeline" in score.note


def test_timelines_are_read_from_the_reasoning() -> None:
    clip: Sample = next(sample for sample in FIXTURES if isinstance(sample.evidence, Timeline))
    reward = build_reward(RewardConfig(name="legacy.video_r2_tar"))
    reply = "<think>At 00:04 a man opens the cabinet door. At 00:40 it rains.</think><answer>D</answer>"
    score = reward(Completion(text=reply), clip, PROMPT)
    assert score.parts["claims"] == 2
    assert score.value == 0.5


def test_group_rewards_are_refused_in_a_mixture() -> None:
    with pytest.raises(InputError, match="scores rows only"):
        build_rewards([RewardConfig(name="legacy.spatial_r1_length")])
