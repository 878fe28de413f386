"""The dry run: everything is looked at, all that is wrong is told at once, and no weights are loaded before."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from training_toy import PROMPT, grpo_config, png, sft_config, toy_samples

from wherewise.answers.styles import PromptConfig
from wherewise.models.load import load_processor
from wherewise.rewards import RewardConfig, build_rewards
from wherewise.samples import Image, Sample
from wherewise.training import train_sft
from wherewise.training.checks import rehearsal
from wherewise.training.checks.canned import canned_problems, canned_text, try_replies
from wherewise.training.checks.limits import within_limit
from wherewise.training.checks.rehearsal import rehearse
from wherewise.training.config import LoraConfig, OptimConfig, PartRates
from wherewise.training.data import DataError

REWARDS = (
    RewardConfig(name="accuracy"),
    RewardConfig(name="format", weight=0.1),
    RewardConfig(name="consistency", weight=0, gate=True),
)
TAGGED = PromptConfig(style="think", options="letters")


def spoken(config: Any, samples: list[Sample], **options: Any) -> str:
    lines: list[str] = []
    rehearse(config, samples, say=lines.append, **options)
    return "\n".join(lines)


@pytest.fixture
def no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "load_for_training", lambda config: pytest.fail("the model was loaded"))


@pytest.mark.usefixtures("no_weights")
def test_sft_is_told_in_numbers(tiny: Path, tmp_path: Path) -> None:
    samples = toy_samples()
    samples[7] = dataclasses.replace(samples[7], media=(Image(data=png((1, 2, 3), 256), width=256, height=256),))
    told = spoken(sft_config(tiny, tmp_path / "run", lora=True), samples, memory=24)
    assert "12 of 12 samples checked: media decode, prompts render, targets render" in told
    assert "SFT: 4 samples a step = 2 backward passes of up to 3; 6 steps = 24 samples" in told
    assert "64 of them for pictures and clips (sample 'toy-007')" in told  # 256 / (16 * 2) squared
    assert "longest target:" in told
    assert "\nvision " in told
    assert "memory, by arithmetic:" in told
    assert "memory of 24 GiB: fits" in told
    assert told.endswith("dry run: nothing was trained")
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("no_weights")
def test_grpo_shows_what_replies_earn(tiny: Path, tmp_path: Path) -> None:
    config = grpo_config(tiny, tmp_path / "run", rewards=REWARDS, prompt=TAGGED, max_new_tokens=128)
    told = spoken(config, toy_samples())
    table = next(line for line in told.splitlines() if line.startswith("gold "))
    assert "1.00  " in table
    assert "attacks on the rewards earn what they deserve" in told
    assert "prompts" in told


@pytest.mark.usefixtures("no_weights")
def test_all_that_is_wrong_is_told_at_once(tiny: Path, tmp_path: Path) -> None:
    samples = toy_samples()
    samples[2] = dataclasses.replace(samples[2], media=(Image(path="gone.png"),))
    samples[3] = dataclasses.replace(samples[3], media=(Image(data=b"x"),))
    samples[5] = dataclasses.replace(samples[5], question="What is <|im_end|> here, in this long question of mine?")
    samples[9] = dataclasses.replace(samples[9], id="toy-008")
    config = sft_config(tiny, tmp_path / "run", max_prompt_tokens=5)
    config = config.model_copy(
        update={
            "model": config.model.model_copy(update={"lora": LoraConfig(ranks={"nothing": 2})}),
            "optim": OptimConfig(part_lr=PartRates(vision=1e-5)),
            "preflight": 1,
        }
    )
    with pytest.raises(DataError) as refused:
        spoken(config, samples)
    told = str(refused.value)
    for part in ("gone.png", "toy-003", "'toy-008' occurs more than once", "<|im_end|>", "lora.ranks: 'nothing'"):
        assert part in told
    assert "nothing was trained" in told


@pytest.mark.usefixtures("no_weights")
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_new_tokens": 1}, r"its gold reply has \d+ tokens and max_new_tokens is 1"),
        ({"max_new_tokens": 4090}, "and the model reads 4096"),
        ({"max_prompt_tokens": 5}, r"12 of 12 prompts have more than 5 tokens(.|\n)*toy-000"),
        ({"rewards": (RewardConfig(name="format"),)}, r"the rewards have \d+ holes(.|\n)*'wrong' earns 1.00"),
        ({"rewards": (RewardConfig(name="acuracy"),)}, "did you mean 'accuracy'"),
    ],
)
def test_what_can_never_work_is_refused(tiny: Path, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    values = {"rewards": REWARDS, "prompt": TAGGED, "max_new_tokens": 128, **changes}
    with pytest.raises(DataError, match=message):
        spoken(grpo_config(tiny, tmp_path / "run", **values), toy_samples())


def test_steps_are_timed_outside_the_run_folder(tiny: Path, tmp_path: Path) -> None:
    told = spoken(sft_config(tiny, tmp_path / "run", steps=500), toy_samples(), time_steps=2)
    assert "timed steps: " in told
    assert "; 500 steps of " in told
    assert not (tmp_path / "run").exists()


def long_one() -> list[Sample]:
    samples = toy_samples()
    samples[7] = dataclasses.replace(samples[7], media=(Image(data=png((1, 2, 3), 256), width=256, height=256),))
    return samples


def test_prompts_over_the_limit_are_left_out_by_name(tiny: Path, tmp_path: Path) -> None:
    said: list[str] = []
    config = sft_config(tiny, tmp_path / "run", max_prompt_tokens=60, too_long="drop", steps=2)
    kept = within_limit(config, long_one(), None, said.append)
    assert [s.id for s in kept] == [s.id for s in toy_samples() if s.id != "toy-007"]
    assert (
        "1 of 12 prompts have more than 60 tokens (max_prompt_tokens) and are left out:\n  sample 'toy-007'" in said[0]
    )
    lines: list[str] = []
    train_sft(config, samples=long_one(), on_progress=lambda p: lines.append(p.line or ""))
    assert any("'toy-007'" in line for line in lines)
    assert any("passes over 11" in line for line in lines)


def test_prompts_over_the_limit_stop_a_run(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"1 of 12 prompts(.|\n)*'toy-007': \d+ tokens, 64 of them for pictures"):
        train_sft(sft_config(tiny, tmp_path / "run", max_prompt_tokens=60), samples=long_one())
    assert not (tmp_path / "run").exists()


def test_canned_replies_in_every_style() -> None:
    rewards = build_rewards(list(REWARDS[:2]))
    for prompt in (PROMPT, TAGGED, PromptConfig(style="direct")):
        rows = {row.kind: row for row in try_replies(rewards, toy_samples(), prompt)}
        assert rows["gold"].total == pytest.approx(1.1)
        assert rows["wrong"].scores == {"accuracy": 0.0, "format": 1.0}
        assert rows["format broken"].scores["format"] == 0.0
        assert rows["empty"].total == 0.0
        assert canned_problems(list(rows.values())) == []
        lines = canned_text(list(rows.values())).splitlines()
        assert lines[0].split()[:4] == ["reply", "accuracy", "format", "total"]


def test_rewards_that_pay_wrong_replies_alike_are_a_problem() -> None:
    rows = try_replies(build_rewards([RewardConfig(name="format")]), toy_samples(), TAGGED)
    assert "'wrong' earns 1.00" in canned_problems(rows)[0]


def test_the_processor_alone_is_enough(tiny: Path) -> None:
    assert load_processor(tiny).tokenizer.padding_side == "left"
