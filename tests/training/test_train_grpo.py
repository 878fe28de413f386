from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from training_toy import PROMPT, grpo_config, toy_samples

from wherewise.rewards import Completion, RewardConfig, Score, build_rewards
from wherewise.training import loop, train_grpo
from wherewise.training.data import Encoder
from wherewise.training.grpo.config import GRPOConfig
from wherewise.training.grpo.phase import GRPOPhase, make_phase
from wherewise.training.grpo.scoring import never_sampled
from wherewise.training.loop import Progress
from wherewise.training.run_folder import RunFolder

HERE = Path(__file__).parent


def toy_reward(name: str) -> tuple[RewardConfig, ...]:
    return (RewardConfig(name=f"{HERE / 'training_toy_rewards.py'}:{name}"),)


def phase_of(tiny: Path, tmp_path: Path, **changes: Any) -> GRPOPhase:
    config: GRPOConfig = grpo_config(tiny, tmp_path / "run", **changes)
    loaded = loop.load_for_training(config)
    session = loop.Session(
        config=config,
        samples=toy_samples(),
        root=None,
        folder=RunFolder(path=config.out),
        loaded=loaded,
        encoder=Encoder(processor=loaded.processor, prompt=PROMPT, root=None, frames=config.frames, budget=1 << 20),
        total=9,
        device=torch.device("cpu"),
    )
    return make_phase(session, build_rewards(config.rewards))


def gradients(phase: GRPOPhase) -> dict[str, torch.Tensor]:
    found = {n: p.grad.clone() for n, p in phase.session.loaded.model.named_parameters() if p.grad is not None}
    phase.session.loaded.model.zero_grad()
    return found


def assert_same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> None:
    assert one.keys() == two.keys()
    for name, gradient in one.items():
        torch.testing.assert_close(two[name], gradient, atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("optim", ["adamw", "muon"])
def test_reward_rises(tiny: Path, tmp_path: Path, optim: str) -> None:
    rewards: list[float] = []

    def watch(progress: Progress) -> None:
        if progress.step:
            rewards.append(progress.metrics["reward/total"])

    config = grpo_config(
        tiny,
        tmp_path / "run",
        optim={"name": optim, "lr": 0.03},
        steps=20,
        prompts_per_step=4,
        generations=8,
        micro_prompts=4,
        save_every=None,
    )
    train_grpo(config, samples=toy_samples(), on_progress=watch)
    first, last = sum(rewards[:5]) / 5, sum(rewards[-5:]) / 5
    assert last > first + 0.15


@pytest.mark.parametrize("loss_type", ["grpo", "dr_grpo", "dapo", "bnpo"])
def test_leaving_out_groups_without_a_signal_keeps_the_gradient(tiny: Path, tmp_path: Path, loss_type: str) -> None:
    phase = phase_of(tiny, tmp_path, loss_type=loss_type, prompts_per_step=4, micro_prompts=3)
    phase.sample(1)
    for dead in (phase.buffer[1], phase.buffer[3]):
        dead.advantages = torch.zeros_like(dead.advantages)
        dead.active = False
    phase.learner.gradient(phase.buffer)
    left_out = gradients(phase)
    for group in phase.buffer:
        group.active, group.old_logp = True, None
    phase.learner.gradient(phase.buffer)
    assert_same(gradients(phase), left_out)


@pytest.mark.parametrize("loss_type", ["grpo", "dr_grpo", "dapo"])
def test_micro_prompts_do_not_change_the_gradient(tiny: Path, tmp_path: Path, loss_type: str) -> None:
    found = []
    for micro in (1, 4):
        phase = phase_of(tiny, tmp_path, loss_type=loss_type, prompts_per_step=4, micro_prompts=4)
        phase.sample(1)
        object.__setattr__(phase.session, "config", phase.config.model_copy(update={"micro_prompts": micro}))
        phase.learner.gradient(phase.buffer)
        found.append(gradients(phase))
    assert_same(*found)


def test_unjudged_replies_do_not_count(tiny: Path, tmp_path: Path) -> None:
    """Their tokens could be anything: the gradient is that of the judged replies alone."""
    phase = phase_of(tiny, tmp_path, rewards=toy_reward("blind_to_odd"), generations=6)
    metrics = phase.sample(1)
    assert 0 < metrics["unjudged"] < 1
    unjudged = [(g, i) for g in phase.buffer for i in range(6) if not g.weights[i].any()]
    assert len(unjudged) == round(metrics["unjudged"] * 18)
    assert all(g.advantages[i] == 0 for g, i in unjudged)
    phase.learner.gradient(phase.buffer)
    before = gradients(phase)
    for group, i in unjudged:
        group.ids[i] = group.ids[i].flip(0)
    for group in phase.buffer:
        group.old_logp = None
    phase.learner.gradient(phase.buffer)
    assert_same(before, gradients(phase))


@pytest.mark.parametrize("beta", [0.0, 0.5])
def test_nothing_judged_is_no_gradient(tiny: Path, tmp_path: Path, beta: float) -> None:
    phase = phase_of(tiny, tmp_path, rewards=toy_reward("never"), beta=beta)
    metrics = phase.backward(1)
    assert gradients(phase) == {}
    assert metrics["unjudged"] == metrics["no_signal"] == 1.0
    assert metrics["reward/total"] is None
    assert metrics["loss"] == 0.0


def test_a_run_without_any_judgement_leaves_the_model_as_it_was(tiny: Path, tmp_path: Path) -> None:
    result = train_grpo(
        grpo_config(tiny, tmp_path / "run", rewards=toy_reward("never"), steps=2), samples=toy_samples()
    )
    assert (result.final / "model.safetensors").read_bytes() == (tiny / "model.safetensors").read_bytes()
    assert result.metrics["grad_norm"] == 0.0


def test_truncated_replies_can_be_masked(tiny: Path, tmp_path: Path) -> None:
    phase = phase_of(tiny, tmp_path, truncated="mask")
    metrics = phase.sample(1)
    assert metrics["truncated"] > 0.5
    for group in phase.buffer:
        assert (group.weights.sum(-1) > 0).tolist() == group.finished.tolist()


@pytest.mark.parametrize("lora", [False, True])
def test_kl_is_zero_at_the_start_and_pulls_back_later(tiny: Path, tmp_path: Path, lora: bool) -> None:
    phase = phase_of(tiny, tmp_path, beta=0.5, lora=lora, num_iterations=5)
    assert phase.backward(1)["kl"] == pytest.approx(0, abs=1e-7)
    for parameter in phase.session.loaded.model.parameters():
        if parameter.requires_grad:
            parameter.data += 0.02
    again = phase.backward(2)
    assert again["kl"] > 1e-4
    assert again["clip_fraction"] > 0
    assert "reward/total" not in again


def test_reference_leaves_the_policy_in_its_mode(tiny: Path, tmp_path: Path) -> None:
    phase = phase_of(tiny, tmp_path, beta=0.5, lora=True)
    model = phase.session.loaded.model.train()
    assert phase.learner.reference is not None
    with phase.learner.reference.model(model) as reference:
        assert not reference.training
    assert model.training


def test_vision_tokens_and_unused_rows_are_never_sampled(tiny: Path, tmp_path: Path) -> None:
    phase = phase_of(tiny, tmp_path, prompts_per_step=8, generations=16, max_new_tokens=8, temperature=5.0)
    phase.sample(1)
    banned = set(never_sampled(phase.session.loaded))
    sampled = {int(t) for g in phase.buffer for t in g.ids[g.mask]}
    assert len(sampled) > 200
    assert not sampled & banned
    size = len(phase.session.loaded.processor.tokenizer)
    assert max(sampled) < size


def test_rollouts_are_written_for_people(tiny: Path, tmp_path: Path) -> None:
    config = grpo_config(
        tiny, tmp_path / "run", steps=5, rewards=toy_reward("blind_to_odd"), rollouts={"every": 2, "groups": 2}
    )
    result = train_grpo(config, samples=toy_samples())
    files = sorted((result.folder / "rollouts").glob("*.jsonl"))
    assert [f.name for f in files] == [f"step-00000{n}.jsonl" for n in (1, 2, 4, 5)]
    groups = [json.loads(line) for line in files[0].read_text().splitlines()]
    assert len(groups) == 2
    group = groups[0]
    assert group["gold"] in ("red", "blue")
    assert group["options"] == ["red", "blue"]
    assert (result.folder / "rollouts" / group["media"][0]["file"]).read_bytes()[:2] == b"\xff\xd8"
    replies = group["completions"]
    assert len(replies) == 4
    for reply in replies:
        judged = reply["reward"] is not None
        assert judged == (reply["advantage"] is not None) == (reply["scores"]["blind_to_odd"] is not None)
        assert judged or reply["note"] == "blind_to_odd: odd length"
    assert str(HERE) not in files[0].read_text()


def test_metrics_have_every_key(tiny: Path, tmp_path: Path) -> None:
    rewards = (RewardConfig(name="accuracy"), RewardConfig(name="format", weight=0.1))
    result = train_grpo(
        grpo_config(tiny, tmp_path / "run", rewards=rewards, num_iterations=2, steps=2), samples=toy_samples()
    )
    lines = [json.loads(line) for line in (result.folder / "metrics.jsonl").read_text().splitlines()]
    assert set(loop.METRICS) <= lines[0].keys()
    assert set(loop.METRICS) <= lines[1].keys()
    assert {"reward/accuracy", "reward/format"} <= lines[0].keys()
    assert 0 <= lines[0]["accuracy"] <= 1
    assert lines[1]["accuracy"] is None


def test_reward_sees_text_without_the_end_token(tiny: Path, tmp_path: Path) -> None:
    seen: list[Completion] = []

    def spy(completion: Completion, sample: object, prompt: object) -> Score:
        seen.append(completion)
        return Score(value=0.0)

    phase = phase_of(tiny, tmp_path, generations=64, prompts_per_step=8, max_new_tokens=30)
    object.__setattr__(phase.rewards, "functions", (spy,))
    phase.sample(1)
    finished = [c for c in seen if not c.truncated]
    assert finished
    assert not any("<|im_end|>" in c.text for c in finished)
    assert all(c.tokens == 30 for c in seen if c.truncated)
    assert seen[0].seen == (32, 32)
