"""The adversarial suite: what it finds in the legacy rewards, and that it finds nothing in a sound mixture."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherewise.answers import PromptConfig
from wherewise.rewards import Completion, RewardConfig, Score, build_rewards
from wherewise.rewards.audit import ATTACKS, FAIR, FIXTURES, FORGERIES, AuditReport, Check, audit
from wherewise.rewards.audit.case import Case, native_write, wrong_answer
from wherewise.rewards.audit.offline import without_judges
from wherewise.rewards.audit.run import spread
from wherewise.rewards.mixture import Rewards
from wherewise.samples import ANSWER_KINDS, Choice, Sample
from wherewise.samples.errors import InputError

DIRECT = PromptConfig()
SCENE = PromptConfig(style="scene_graph", options="none")


def mixture(**weights: float) -> Rewards:
    return build_rewards([RewardConfig(name=name, weight=weight) for name, weight in weights.items()])


def holes(name: str, **params: str) -> set[str]:
    return set(audit(build_rewards([RewardConfig(name=f"legacy.{name}", params=params)]), DIRECT).holes)


def test_fixtures_cover_every_answer_kind() -> None:
    assert {sample.answer.kind for sample in FIXTURES} == set(ANSWER_KINDS)
    letters = {sample.answer.letter for sample in FIXTURES if isinstance(sample.answer, Choice)}
    assert letters == {"A", "B", "C", "D"}


def test_wrong_answers_are_wrong() -> None:
    accuracy = mixture(accuracy=1.0)
    for sample in FIXTURES:
        case = Case(sample=sample, prompt=DIRECT, write=native_write(DIRECT), letters=True)
        assert wrong_answer(sample) != sample.answer
        right, wrong = (
            accuracy.score(Completion(text=t), sample, DIRECT)["accuracy"] for t in (case.right(), case.wrong())
        )
        assert right.value == 1.0, sample.id
        assert wrong.value == 0.0, sample.id


def test_a_sound_mixture_has_no_hole() -> None:
    report = audit(mixture(accuracy=1.0, positions=0.5, format=0.1), SCENE)
    assert report.holes == ()
    assert len(report.judged) >= 10
    assert {finding.check for finding in report.findings} == set(Check)


def test_attacks_are_pure_and_apply_somewhere() -> None:
    for prompt in (DIRECT, PromptConfig(style="think")):
        cases = [Case(sample=s, prompt=prompt, write=native_write(prompt), letters=True) for s in FIXTURES]
        for name, (attack, about) in {**ATTACKS, **FAIR}.items():
            replies = [attack(case) for case in cases]
            assert replies == [attack(case) for case in cases]
            assert about
            if prompt.blocks:
                assert any(reply is not None for reply in replies), name
    for name, (forge, _) in FORGERIES.items():
        forged = [forge(s.evidence) for s in FIXTURES if s.evidence is not None]
        assert any(item is not None for item in forged), name


def test_reasoning_that_contradicts_is_a_hole_without_a_gate() -> None:
    report = audit(mixture(accuracy=1.0, format=0.1), PromptConfig(style="think"))
    assert "contradicting_think" in report.holes
    worst = next(finding for finding in report.worst if finding.probe == "contradicting_think")
    assert worst.total == pytest.approx(1.1)
    # Half of the right reply's 1.1 is more than a wrong one's .1 and the slack of 5 % of 1.1.
    assert worst.limit == pytest.approx(0.1 + 0.05 * 1.1)


def test_rewards_that_ignore_the_answer_are_a_hole() -> None:
    report = audit(mixture(format=1.0), PromptConfig(style="think"))
    assert "wrong_answer" in report.holes


def test_holes_of_spatial_sgg() -> None:
    found = holes("spatial_sgg")
    assert {"bare_letter", "option_text", "letter_sentence"} <= found  # the answer must repeat letter and text
    assert {"huge_box", "boxes_elsewhere", "degenerate_boxes", "nameless_boxes"} <= found  # mapped CIoU, labels ignored
    assert "contradicting_think" in found
    assert not {"empty", "wrong_answer", "all_letters", "letter_a"} & found


def test_holes_of_spatial_r1() -> None:
    assert {"wrong_sentence", "all_letters", "hedge", "option_text"} <= holes("spatial_r1_mca")
    assert {"negative_number", "wrong_unit", "hedge", "number_sentence"} <= holes("spatial_r1_mra")
    assert {"bare_letter", "number_word"}.isdisjoint(holes("spatial_r1_accuracy"))
    assert {"centre_map", "contradicting_think"} <= holes("spatial_r1_map")


def test_holes_of_video_r2() -> None:
    # Forged timelines are claims as sentences; the answer doesn't count at all.
    assert {"one_safe_claim", "wrong_answer", "whole_clip_claims"} <= holes("video_r2_tar", similarity="exact")
    assert {"first_letter", "all_letters", "option_text", "number_decimal"} <= holes("video_r2_accuracy")
    assert {"empty_blocks", "wrong_answer", "placeholder"} <= holes("video_r2_format")


def test_holes_of_the_others() -> None:
    assert {"relation_words", "keyword_stuffing"} <= holes("reinforcesight")
    assert {"negation", "echoed_prompt", "number_word"} <= holes("dora")
    assert {"wrong_answer", "right_then_wrong"} <= holes("dora_f1")
    assert {"empty_blocks", "wrong_answer", "placeholder", "shotgun"} <= holes("r1v")
    assert {"empty_blocks", "wrong_answer"} <= holes("r1v_scene")
    assert "number_word" in holes("math")


def test_a_map_that_takes_the_answer_away_is_unfair() -> None:
    assert "false_evidence" in holes("spatial_r1_map")


def test_own_samples_decide_which_kinds_are_tried() -> None:
    own = [sample for sample in FIXTURES if sample.answer.kind == "number"]
    report = audit(mixture(accuracy=1.0), DIRECT, own)
    assert {name for name in report.judged} == {sample.id for sample in own}
    assert not report.passed_over


def test_samples_are_spread_over_tasks() -> None:
    many = [s for s in FIXTURES if s.task == "left_right"] * 50 + [s for s in FIXTURES if s.task == "counting"]
    assert [sample.task for sample in spread(many, 3)] == ["left_right", "counting", "left_right"]


def mine(function: object) -> Rewards:
    return Rewards(configs=(RewardConfig(name="mine.py:f"),), functions=(function,))  # type: ignore[arg-type]


def test_a_reward_that_fails_is_named() -> None:
    def fails(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        return Score(value=1.0 / len(completion.text.split()))

    with pytest.raises(
        InputError, match=r"mine.py:f\] failed on sample 'audit/choice_a' and the reply '': ZeroDivision"
    ):
        audit(mine(fails), DIRECT)


def test_a_reward_that_judges_nothing_is_refused() -> None:
    def unknown(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        return Score(value=None, note="no idea")

    with pytest.raises(InputError, match=r"can judge none of the 16 samples .*no idea"):
        audit(mine(unknown), DIRECT)


def test_length_is_no_merit() -> None:
    def long(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        return Score(value=min(1.0, len(completion.text) / 1000))

    report: AuditReport = audit(mine(long), DIRECT)
    assert {"very_long", "tag_soup", "judge_injection"} <= set(report.holes)


def test_judges_are_replaced_by_rules() -> None:
    judged = RewardConfig(
        name="temporal", params={"consistency": "judge", "judge": {"model": "m"}, "buffer_seconds": 1}
    )
    alone = RewardConfig(name="opinion.py:f", params={"judge": {"model": "m"}})
    needing = RewardConfig(name="accuracy", needs={"opinion.py:f": 0.5, "temporal": 0.5})
    configs, notes = without_judges([judged, alone, needing])
    assert [config.name for config in configs] == ["temporal", "accuracy"]
    assert configs[0].params == {"consistency": "rules", "buffer_seconds": 1}
    assert configs[1].needs == {"temporal": 0.5}
    assert notes == ["temporal: consistency by rules instead of the judge", "opinion.py:f asks a judge: left out"]


RECIPES = Path(__file__).parents[2] / "recipes"


def test_shipped_mixtures_have_no_hole_or_say_so() -> None:
    """Mixtures of our own have none; published ones that have some say ``audit: warn``, and why."""
    from wherewise.cli.config import load_config
    from wherewise.training.grpo.config import GRPOConfig

    configs = sorted(RECIPES.rglob("grpo*.yaml"))
    assert configs
    for path in configs:
        config = load_config(GRPOConfig, path).value
        if config.audit == "warn":
            text = path.read_text(encoding="utf-8")
            base = path.with_name("grpo.yaml") if "extends: grpo.yaml" in text else path
            assert "audit: warn  #" in text + base.read_text(encoding="utf-8"), path
        else:
            assert audit(build_rewards(config.rewards, config.missing), config.prompt).holes == (), path
