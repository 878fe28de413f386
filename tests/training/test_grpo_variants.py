"""Losses, advantages, penalties and dynamic sampling through the whole step: drawn, judged, gradients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from test_train_grpo import assert_same, gradients, phase_of, toy_reward
from test_train_resume import Interrupted, assert_same_run, interrupt_at, train
from training_toy import grpo_config

from wherewise.rewards import Completion, RewardConfig, Score, build_rewards
from wherewise.training.grpo.advantages import step_advantages
from wherewise.training.grpo.config import LossType
from wherewise.training.grpo.draws import group_rewards
from wherewise.training.grpo.kl import k3
from wherewise.training.grpo.phase import GRPOPhase
from wherewise.training.loop import Progress

HERE = Path(__file__).parent
LETTERS = f"{HERE / 'training_toy_rewards.py'}:likes_e"
PICKY = f"{HERE / 'training_toy_rewards.py'}:likes_some_questions"


def nudge(phase: GRPOPhase) -> None:
    """Move the policy away from its reference."""
    for parameter in phase.session.loaded.model.parameters():
        if parameter.requires_grad:
            parameter.data += 0.02


@pytest.mark.parametrize("loss_type", [LossType.GSPO, LossType.GSPO_TOKEN, LossType.GMPO, LossType.CISPO])
def test_micro_prompts_do_not_change_the_gradient(tiny: Path, tmp_path: Path, loss_type: LossType) -> None:
    found = []
    for micro in (1, 3):
        phase = phase_of(tiny, tmp_path, loss_type=loss_type, micro_prompts=3, beta=0.1)
        phase.sample(1)
        random = torch.Generator().manual_seed(0)
        for group in phase.buffer:
            group.old_logp = -3 + 0.3 * torch.randn(group.ids.shape, generator=random)
        object.__setattr__(phase.session, "config", phase.config.model_copy(update={"micro_prompts": micro}))
        phase.learner.gradient(phase.buffer)
        found.append(gradients(phase))
    assert_same(*found)
    assert max(float(g.abs().max()) for g in found[0].values()) > 1e-5


def test_remax_compares_with_the_greedy_completion(tiny: Path, tmp_path: Path) -> None:
    """The greedy completion costs no randomness: the group is the one that GRPO draws."""
    phase = phase_of(tiny, tmp_path, advantage="remax")
    draws = phase.draw(1, [0, 1, 2])
    plain = phase_of(tiny, tmp_path).draw(1, [0, 1, 2])
    assert [d.completions.token_lists() for d in draws] == [d.completions.token_lists() for d in plain]
    again = phase.complete([0, 1, 2], 1, greedy=True)
    for draw, alone in zip(draws, again, strict=True):
        assert draw.greedy == phase.judge(phase.session.samples[draw.sample], alone)[0].reward
    phase = phase_of(tiny, tmp_path, advantage="remax")
    phase.sample(1)
    for group, draw in zip(
        phase.buffer, phase_of(tiny, tmp_path, advantage="remax").draw(1, [g.sample for g in phase.buffer]), strict=True
    ):
        assert draw.greedy is not None
        expected = [(reply.reward or 0.0) - draw.greedy for reply in draw.replies]
        assert group.advantages.tolist() == pytest.approx(expected)


def test_remax_without_a_judged_greedy_completion_trains_nothing(tiny: Path, tmp_path: Path) -> None:
    phase = phase_of(tiny, tmp_path, advantage="remax", beta=0.5, rewards=toy_reward("never"))
    phase.backward(1)
    assert gradients(phase) == {}


def test_mapo_is_the_same_as_advantage_and_as_reward(tiny: Path, tmp_path: Path) -> None:
    mixture = ({"name": LETTERS}, {"name": "accuracy", "weight": 0.0})
    one = phase_of(
        tiny, tmp_path, advantage="mapo", mapo_by="accuracy", rewards=tuple(RewardConfig(**r) for r in mixture)
    )
    nested = (RewardConfig(name="mapo", params={"of": list(mixture)}),)
    two = phase_of(tiny, tmp_path, scaling="none", rewards=nested)
    for phase in (one, two):
        phase.sample(1)
    for a, b in zip(one.buffer, two.buffer, strict=True):
        torch.testing.assert_close(a.advantages, b.advantages)
        assert a.advantages.abs().max() > 0


def test_kl_in_the_reward_is_the_summed_estimate(tiny: Path, tmp_path: Path) -> None:
    phase = phase_of(tiny, tmp_path, beta=0.5, kl_in="reward", kl="k3", scaling="none", num_iterations=2)
    nudge(phase)
    phase.sample(1)
    twin = phase_of(tiny, tmp_path, beta=0.5, kl_in="reward", kl="k3", scaling="none")
    nudge(twin)
    draws = twin.draw(1, [g.sample for g in phase.buffer])
    references = twin.learner.reference_logps([d.sample for d in draws], [d.completions for d in draws])
    for group, draw, reference in zip(phase.buffer, draws, references, strict=True):
        assert group.ref_logp is not None
        torch.testing.assert_close(group.ref_logp, reference)
        summed = (k3(draw.completions.logprobs, reference) * draw.completions.mask).sum(-1)
        penalties = (0.5 * summed).tolist()
        assert min(penalties) > 1e-4
        expected = step_advantages([group_rewards(draw, twin.config, penalties)], twin.config.advantage, "none")[0]  # type: ignore[arg-type]
        assert group.advantages.tolist() == pytest.approx(list(expected.values), abs=1e-5)
    metrics = phase.learner.gradient(phase.buffer)
    assert metrics["kl"] > 0
    first = gradients(phase)
    for group in phase.buffer:
        group.ref_logp = group.ref_logp - 1 if group.ref_logp is not None else None
    phase.learner.gradient(phase.buffer)
    assert_same(first, gradients(phase))  # the loss has no term of its own


def test_weights_after_the_normalisation(tiny: Path, tmp_path: Path) -> None:
    rewards = (RewardConfig(name=LETTERS), RewardConfig(name=f"{HERE / 'training_toy_rewards.py'}:likes_length"))
    phase = phase_of(tiny, tmp_path, reward_order="normalise_then_sum", rewards=rewards)
    phase.sample(1)
    values = torch.cat([g.advantages for g in phase.buffer])
    assert float(values.std()) == pytest.approx(1.0, abs=1e-2)
    assert all(abs(float(g.advantages.sum())) < 1e-5 for g in phase.buffer)


def test_long_replies_can_be_penalised(tiny: Path, tmp_path: Path) -> None:
    config = grpo_config(tiny, tmp_path / "run", truncated="penalise", overlong_cache=2)
    phase = phase_of(tiny, tmp_path, truncated="penalise", overlong_cache=2)
    phase.rewards = build_rewards(config.mixture)
    draws = phase.draw(1, [0, 1, 2, 3, 4, 5])
    replies = [reply for draw in draws for reply in draw.replies]
    assert any(r.truncated for r in replies)
    for reply in replies:
        assert reply.reward is not None
        own = reply.scores[LETTERS].value
        assert own is not None
        expected = -1.0 if reply.truncated else -max(0.0, (reply.tokens - 3) / 2)
        assert reply.reward == pytest.approx(own + expected)


# ---------------------------------------------------------------------- dynamic sampling


def dynamic(rounds: int = 10, **changes: Any) -> dict[str, Any]:
    return {"dynamic_sampling": {"max_rounds": rounds}, "rewards": (RewardConfig(name=PICKY),), **changes}


def test_groups_without_a_signal_are_drawn_anew(tiny: Path, tmp_path: Path) -> None:
    """A third of the toy questions has a signal."""
    phase = phase_of(tiny, tmp_path, **dynamic())
    metrics = phase.sample(1)
    assert [phase.session.samples[g.sample].question for g in phase.buffer] == ["Red or blue?"] * 3
    assert all(g.advantages.abs().max() > 0 for g in phase.buffer)
    assert metrics["drawn"] == phase.sampler.cursor > 3
    assert metrics["filled"] == 0
    assert metrics["no_signal"] == pytest.approx(1 - 3 / metrics["drawn"])


def test_the_cap_fills_up_with_groups_without_a_signal(tiny: Path, tmp_path: Path) -> None:
    phase = phase_of(tiny, tmp_path, **dynamic(3, rewards=toy_reward("never")))
    metrics = phase.sample(1)
    assert (metrics["drawn"], metrics["filled"], phase.sampler.cursor) == (9, 3, 9)
    assert len(phase.buffer) == 3
    assert not any(g.active for g in phase.buffer)


def test_one_round_is_no_dynamic_sampling(tiny: Path, tmp_path: Path) -> None:
    one, two = phase_of(tiny, tmp_path, **dynamic(1)), phase_of(tiny, tmp_path, **dynamic(1, dynamic_sampling=None))
    for phase in (one, two):
        phase.sample(1)
    assert sorted(g.sample for g in one.buffer) == sorted(g.sample for g in two.buffer)


def test_dynamic_sampling_resumes_bit_for_bit(tiny: Path, tmp_path: Path) -> None:
    options = {**dynamic(4), "num_iterations": 2, "save_every": 3, "steps": 5}
    straight = train(grpo_config(tiny, tmp_path / "straight", **options))
    broken = grpo_config(tiny, tmp_path / "broken", **options)
    with pytest.raises(Interrupted):
        train(broken, on_progress=interrupt_at(4))
    resumed = train(broken)
    assert resumed.resumed_from == 3
    assert_same_run(straight.folder, resumed.folder)
    drawn = [json.loads(line).get("drawn") for line in (resumed.folder / "metrics.jsonl").read_text().splitlines()]
    assert max(n for n in drawn if n is not None) > 3


# ---------------------------------------------------------------------- factors and bonus


def test_correction_of_our_own_sampler_changes_nothing(tiny: Path, tmp_path: Path) -> None:
    plain = phase_of(tiny, tmp_path)
    plain.sample(1)
    assert all(g.sampler_logp is None for g in plain.buffer)
    plain.learner.gradient(plain.buffer)
    corrected = phase_of(tiny, tmp_path, sampler_correction="token_truncate")
    corrected.sample(1)
    metrics = corrected.learner.gradient(corrected.buffer)
    assert metrics["sampler_gap"] < 1e-5
    assert metrics["sampler_weight"] == pytest.approx(1.0, abs=1e-5)
    assert_same(gradients(plain), gradients(corrected))


def test_correction_weighs_what_another_sampler_drew(tiny: Path, tmp_path: Path) -> None:
    """A sampler that thinks each token e^.1 times likelier than we do: weights e^-.1."""
    plain, corrected = (phase_of(tiny, tmp_path, sampler_correction=kind) for kind in ("off", "token_truncate"))
    plain.sample(1)
    corrected.sample(1)
    for group in corrected.buffer:
        assert group.sampler_logp is not None
        group.sampler_logp = group.sampler_logp + 0.1
    plain.learner.gradient(plain.buffer)
    metrics = corrected.learner.gradient(corrected.buffer)
    assert metrics["sampler_gap"] == pytest.approx(0.1, abs=1e-4)
    expected = {name: g * 0.904837 for name, g in gradients(plain).items()}
    assert_same(expected, gradients(corrected))


def test_an_entropy_bonus_pulls_at_groups_without_a_signal(tiny: Path, tmp_path: Path) -> None:
    class Same:
        def __call__(self, completion: Completion, sample: object, prompt: object) -> Score:
            return Score(value=1.0)

    entropies = []
    for bonus in (0.0, 0.5):
        phase = phase_of(tiny, tmp_path, entropy_bonus=bonus)
        object.__setattr__(phase.rewards, "functions", (Same(),))
        phase.sample(1)
        assert any(g.active for g in phase.buffer) == bool(bonus)
        phase.learner.gradient(phase.buffer)
        if bonus:
            before = phase.learner.gradient(phase.buffer)["entropy"]
            for parameter in phase.session.loaded.model.parameters():
                if parameter.grad is not None:
                    parameter.data -= 0.05 * parameter.grad
            entropies = [before, phase.learner.gradient(phase.buffer)["entropy"]]
    assert entropies[1] > entropies[0]


def test_only_uncertain_tokens_may_be_trained(tiny: Path, tmp_path: Path) -> None:
    """With the share 1 the gradient is that of all tokens; with a small share it is another, and smaller."""
    found = []
    for share in (1.0, 0.999999, 0.2):
        phase = phase_of(tiny, tmp_path, top_entropy=share, loss_type="dr_grpo")
        phase.sample(1)
        phase.learner.gradient(phase.buffer)
        found.append(gradients(phase))
    norms = [sum(float(g.square().sum()) for g in part.values()) ** 0.5 for part in found]
    assert norms[1] == pytest.approx(norms[0], rel=0.2)
    assert norms[2] < 0.8 * norms[0]


# ---------------------------------------------------------------------- the exact divergence


@pytest.mark.parametrize("lora", [False, True])
def test_exact_divergence_through_the_model(tiny: Path, tmp_path: Path, lora: bool) -> None:
    """0 at the start; later what k1 finds in the mean, and pulled down by its gradient."""
    phase = phase_of(tiny, tmp_path, beta=0.5, kl="full", lora=lora, generations=16, num_iterations=9, micro_prompts=2)
    assert phase.backward(1)["kl"] == pytest.approx(0, abs=1e-6)
    nudge(phase)
    for group in phase.buffer:
        group.advantages = torch.zeros_like(group.advantages)
    phase.session.loaded.model.zero_grad()
    exact = phase.learner.gradient(phase.buffer)["kl"]
    assert exact > 1e-3
    moved = [p for p in phase.session.loaded.model.parameters() if p.grad is not None]
    step = 0.02 / max(float(p.grad.abs().max()) for p in moved if p.grad is not None)
    for parameter in moved:
        if parameter.grad is not None:
            parameter.data -= step * parameter.grad
    assert phase.learner.gradient(phase.buffer)["kl"] < exact


def test_exact_divergence_is_the_mean_of_sampled_ones(tiny: Path, tmp_path: Path) -> None:
    """Drawn from the moved policy itself, k3 agrees with the exact divergence within its spread."""
    found = {}
    for kind in ("full", "k3"):
        phase = phase_of(tiny, tmp_path, beta=0.5, kl=kind, generations=64, prompts_per_step=4, num_iterations=2)
        nudge(phase)
        phase.sample(1)
        found[kind] = phase.learner.gradient(phase.buffer)["kl"]
    assert found["k3"] == pytest.approx(found["full"], rel=0.15)


LEARNERS: dict[str, dict[str, Any]] = {
    "gspo": {"loss_type": "gspo", "clip_low": 0.05, "clip_high": 0.05, "num_iterations": 2},
    "gmpo": {"loss_type": "gmpo", "clip_low": 0.3297, "clip_high": 0.4918, "num_iterations": 2},
    "cispo": {"loss_type": "cispo", "clip_high": 4.0, "num_iterations": 2},
    "dual clip": {"clip_high": 0.28, "clip_dual": 3.0, "num_iterations": 2},
    "rloo": {"advantage": "rloo", "loss_type": "dr_grpo", "max_new_tokens": 5},
    "reinforce++": {"advantage": "reinforce++", "beta": 0.01, "kl_in": "reward", "kl": "k1"},
    "reinforce++ with a baseline": {"advantage": "reinforce++_baseline"},
    "remax": {"advantage": "remax", "scaling": "batch"},
    "mapo": {"advantage": "mapo", "mapo_by": LETTERS},
    "gdpo": {"reward_order": "normalise_then_sum"},
    "exact divergence": {"beta": 0.01, "kl": "full"},
    "high entropy": {"top_entropy": 0.5, "entropy_bonus": 0.001},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LEARNERS)
def test_every_variant_learns(tiny: Path, tmp_path: Path, name: str) -> None:
    """The share of lower-case letters rises by more than .1 in 16 draws."""
    rewards: list[float] = []

    def watch(progress: Progress) -> None:
        if progress.step and progress.metrics["reward/total"] is not None:
            rewards.append(progress.metrics["reward/total"])

    changes = LEARNERS[name]
    config = grpo_config(
        tiny,
        tmp_path / "run",
        optim={"name": "adamw", "lr": 0.02},
        prompts_per_step=4,
        generations=8,
        micro_prompts=4,
        save_every=None,
        **{**changes, "steps": 16 * changes.get("num_iterations", 1)},
    )
    train(config, on_progress=watch)
    first, last = sum(rewards[:4]) / 4, sum(rewards[-4:]) / 4
    print(f"\n{name}: reward {first:.3f} -> {last:.3f} in {len(rewards)} draws")
    assert last > first + 0.1
