"""Group rewards, conditions, and what missing values do to a total."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rewards_builders import METRES, THINK, reply_group, sample, video_sample

from wherewise.answers import PromptConfig
from wherewise.rewards import (
    REGISTRY,
    Completion,
    GroupReward,
    MissingPolicy,
    ReplyGroup,
    RewardConfig,
    Score,
    build_reward,
    build_rewards,
    group_reward,
)
from wherewise.rewards.mixed_advantage import mixed_advantages
from wherewise.rewards.reference import BEGIN, with_table
from wherewise.samples.errors import InputError

PLAIN = PromptConfig()
ROOT = Path(__file__).parents[2]


def contrast(ordered: tuple[str, ...], shuffled: tuple[str, ...], **params: object) -> list[float | None]:
    reward = build_reward(RewardConfig(name="temporal_contrast", params=params))
    assert isinstance(reward, GroupReward)
    group = reply_group(*ordered, of=video_sample(), prompt=PLAIN, shuffled=shuffled)
    return [found.value for found in reward.score_group(group)]


def test_temporal_contrast() -> None:
    assert contrast(("A", "A", "B", "A"), ("A", "B")) == [1.0, 1.0, 0.0, 1.0]
    assert contrast(("A", "B"), ("A", "B")) == [0.0, 0.0]
    assert contrast(("A", "B"), ("A", "B"), ratio=0.8) == [1.0, 0.0]
    assert contrast(("B", "B"), ("B", "B")) == [0.0, 0.0]
    assert contrast(("A", "A"), ()) == [None, None]


def test_temporal_contrast_without_video() -> None:
    reward = build_reward(RewardConfig(name="temporal_contrast"))
    assert reward(Completion(text="A"), sample(), PLAIN).value == 0.0
    assert reward(Completion(text="A"), video_sample(), PLAIN).value is None


def test_mixture_says_how_many_shuffled_completions_it_needs() -> None:
    assert build_rewards([RewardConfig(name="accuracy")]).shuffled_share == 0.0
    nested = {"of": [{"name": "accuracy"}, {"name": "temporal_contrast", "params": {"shuffled_share": 0.25}}]}
    assert build_rewards([RewardConfig(name="mapo", params=nested)]).shuffled_share == 0.25


def test_mixed_advantage_by_hand() -> None:
    # Half succeed: l = 0, the z-score with n - 1.
    assert mixed_advantages([1.0, 0.0], 0.5) == pytest.approx([0.5 / (0.5**0.5 + 1e-4), -0.5 / (0.5**0.5 + 1e-4)])
    # All succeed: l = 1, the deviation from the mean in shares of it.
    assert mixed_advantages([1.0, 0.5], 1.0) == pytest.approx([0.25 / 0.7501, -0.25 / 0.7501])
    # Three of four: l = 1/4.
    mean, spread = 0.75, 0.5
    scale = 0.75 / (spread + 1e-4) + 0.25 / (mean + 1e-4)
    assert mixed_advantages([1, 1, 1, 0], 0.75) == pytest.approx([0.25 * scale] * 3 + [-0.75 * scale])
    # A mean below zero keeps the order.
    low, high = mixed_advantages([-2.0, -1.0], 0.0)
    assert low < 0 < high
    assert mixed_advantages([0.5, 0.5], 1.0) == (0.0, 0.0)
    assert mixed_advantages([0.5], 1.0) == (0.0,)
    assert mixed_advantages([], 0.0) == ()


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8), st.floats(0, 1))
def test_mixed_advantages_sum_to_zero_and_keep_the_order(rewards: list[float], success: float) -> None:
    found = mixed_advantages(rewards, success)
    assert sum(found) == pytest.approx(0, abs=1e-6 * max(1.0, *map(abs, found)))
    for i, a in enumerate(rewards):
        for j, b in enumerate(rewards):
            assert a <= b or found[i] >= found[j]


def test_mapo_as_a_reward() -> None:
    reward = build_reward(RewardConfig(name="mapo", params={"of": [{"name": "accuracy"}]}))
    assert isinstance(reward, GroupReward)
    scores = reward.score_group(reply_group("A", "A", "A", "B", of=sample(), prompt=PLAIN))
    assert [s.value for s in scores] == pytest.approx(list(mixed_advantages([1, 1, 1, 0], 0.75)))
    assert scores[0].parts == {"accuracy": 1.0, "total": 1.0, "success": 0.75}
    assert reward(Completion(text="A"), sample(), PLAIN).value == 0.0
    with pytest.raises(InputError, match="certain_by is 'accuracy'"):
        build_reward(RewardConfig(name="mapo", params={"of": [{"name": "format"}]}))


def test_mapo_leaves_out_what_could_not_be_judged(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from wherewise.rewards import Score\n"
        "def some(completion, sample, prompt):\n"
        "    return Score(value=None if 'x' in completion.text else 0.0, note='x')\n"
    )
    nested = {"of": [{"name": "accuracy"}, {"name": f"{file}:some"}]}
    reward = build_reward(RewardConfig(name="mapo", params=nested))
    assert isinstance(reward, GroupReward)
    group = reply_group("A", "B", "<think>x</think><answer>A</answer>", of=sample(), prompt=PLAIN)
    first, second, third = (s.value for s in reward.score_group(group))
    assert third is None
    assert (first, second) == pytest.approx(mixed_advantages([1.0, 0.0], 0.5))


def test_user_group_reward(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from wherewise.rewards import Score, group_reward\n"
        "@group_reward\n"
        "def shortest(group):\n"
        "    least = min(len(c.text) for c in group.completions)\n"
        "    return [Score(value=float(len(c.text) == least)) for c in group.completions]\n"
    )
    rewards = build_rewards([RewardConfig(name="accuracy"), RewardConfig(name=f"{file}:shortest", weight=0.5)])
    judged = rewards.judge(reply_group("A", "(A)", "B", of=sample(), prompt=PLAIN))
    assert [judgement.total for judgement in judged] == [1.5, 1.0, 0.5]
    assert rewards.score(Completion(text="(A)"), sample(), PLAIN)[f"{file}:shortest"].value == 1.0


def test_group_rewards_must_score_every_completion() -> None:
    def one_short(group: ReplyGroup) -> list[Score]:
        return [Score(value=1.0)] * (len(group.completions) - 1)

    with pytest.raises(ValueError, match="one_short: 1 scores for 2 completions"):
        group_reward(one_short).score_group(reply_group("A", "B", of=sample()))


CONFIGS = [
    RewardConfig(name="accuracy"),
    RewardConfig(name="format", weight=0.5, needs={"accuracy": 1.0}),
    RewardConfig(name="repetition", weight=-0.5),
]
ONE, ZERO, NONE = Score(value=1.0), Score(value=0.0), Score(value=None, note="the judge is down")


@pytest.mark.parametrize(
    ("accuracy", "layout", "expected"),
    [(ONE, ONE, 1.5), (ZERO, ONE, 0.0), (ZERO, NONE, 0.0), (ONE, NONE, None), (NONE, ONE, None)],
)
def test_needs(accuracy: Score, layout: Score, expected: float | None) -> None:
    scores = {"accuracy": accuracy, "format": layout, "repetition": ZERO}
    assert build_rewards(CONFIGS).total(scores) == expected


def test_needs_must_name_another_reward() -> None:
    with pytest.raises(InputError, match="needs 'acuracy', which is no other reward of the mixture; did you mean"):
        build_rewards([RewardConfig(name="accuracy"), RewardConfig(name="format", needs={"acuracy": 1})])
    with pytest.raises(InputError, match="no other reward"):
        build_rewards([RewardConfig(name="accuracy", needs={"accuracy": 1})])


def test_missing_policies() -> None:
    configs = [RewardConfig(name="accuracy"), RewardConfig(name="format", weight=3.0), RewardConfig(name="lexical")]
    scores = {"accuracy": ONE, "format": NONE, "lexical": ZERO}
    assert build_rewards(configs).total(scores) is None
    renormalise = build_rewards(configs, MissingPolicy.RENORMALISE)
    assert renormalise.total(scores) == pytest.approx(1.0 * 5 / 2)
    assert renormalise.total(dict.fromkeys(scores, NONE)) is None
    assert renormalise.total(scores | {"format": ONE}) == 4.0
    fail = build_rewards(configs, MissingPolicy.FAIL)
    assert fail.total(scores | {"format": ONE}) == 4.0
    with pytest.raises(
        InputError, match="sample 's1': reward 'format' could not judge a reply \\(the judge is down\\)"
    ):
        fail.total(scores, sample_id="s1")


def test_missing_gates_and_unpaid_rewards() -> None:
    configs = [RewardConfig(name="accuracy"), RewardConfig(name="format", weight=0.0, gate=True)]
    for policy in (MissingPolicy.DROP_COMPLETION, MissingPolicy.RENORMALISE):
        assert build_rewards(configs, policy).total({"accuracy": ONE, "format": NONE}) is None
    logged = [RewardConfig(name="accuracy"), RewardConfig(name="format", weight=0.0)]
    for policy in MissingPolicy:
        assert build_rewards(logged, policy).total({"accuracy": ONE, "format": NONE}) == 1.0
    shut = [RewardConfig(name="accuracy"), RewardConfig(name="format", gate=True), RewardConfig(name="lexical")]
    assert (
        build_rewards(shut, MissingPolicy.RENORMALISE).total({"accuracy": ONE, "format": ZERO, "lexical": NONE}) == 0.0
    )


def test_every_registered_reward_survives_anything() -> None:
    """Every reward says something about every reply, alone and in a group."""
    texts = ("", "A", "<think>", "<scene>{</scene><map>{</map><timeline>{</timeline><answer>", "\\boxed{", "x" * 5000)
    for name, entry in REGISTRY.items():
        if name in ("scene_graph", "positions") or name.startswith("legacy."):
            continue  # these refuse other prompts' styles; they have tests of their own
        fields = entry.params.model_fields
        reward = build_reward(RewardConfig(name=name, params={"similarity": "words"} if "similarity" in fields else {}))
        for of in (sample(), video_sample(), METRES):
            singles = [reward(Completion(text=text), of, THINK) for text in texts]
            assert len(singles) == len(texts)
            if isinstance(reward, GroupReward):
                assert len(reward.score_group(reply_group(*texts, of=of))) == len(texts)


def test_reference_is_up_to_date() -> None:
    page = (ROOT / "docs" / "rewards.md").read_text(encoding="utf-8")
    assert page == with_table(page), "run: python -m wherewise.rewards.reference docs/rewards.md"
    with pytest.raises(InputError, match="lacks the marks"):
        with_table(BEGIN)


def test_the_table_says_something_about_every_reward() -> None:
    for name, entry in REGISTRY.items():
        if not name.startswith("legacy."):
            assert all((entry.summary, entry.formula, entry.bounds, entry.source, entry.fixed)), name


def test_rewards_import_without_torch() -> None:
    missing = ("torch", "transformers", "torchvision", "openai", "sentence_transformers", "tokenizers", "safetensors")
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({missing!r}))\n"
        "import wherewise.rewards, wherewise.rewards.reference\n"
        "wherewise.rewards.build_rewards([wherewise.rewards.RewardConfig(name=n) for n in wherewise.rewards.REGISTRY\n"
        "    if not n.startswith('legacy.')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
