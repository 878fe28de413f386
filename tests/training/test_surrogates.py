from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from wherewise.training.grpo.config import KLEstimator, LossType
from wherewise.training.grpo.losses import LossInputs, policy_loss, token_weights
from wherewise.training.grpo.surrogates import (
    Clip,
    Surrogate,
    cispo,
    clipped_surrogate,
    gmpo,
    gspo,
    gspo_token,
    token_level,
)

MASK = torch.tensor([[True, True, False], [True, True, True], [False, False, False], [True, False, False]])
ADVANTAGES = torch.tensor([1.0, -2.0, 5.0, 0.5], dtype=torch.float64)
CLIP = Clip(low=0.2, high=0.28)


def numbers(seed: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(4, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def of(*ratios: float) -> Tensor:
    """Log-ratios of one completion."""
    return torch.tensor([ratios], dtype=torch.float64).log()


def row(advantage: float) -> Tensor:
    return torch.tensor([advantage], dtype=torch.float64)


ALL = torch.ones(1, 2, dtype=torch.bool)


@pytest.mark.parametrize(("ratio", "expected", "stopped"), [(2.0, 4.0, False), (5.0, 6.0, True), (0.5, 1.6, True)])
def test_dual_clip_bounds_the_loss_of_bad_tokens(ratio: float, expected: float, stopped: bool) -> None:
    """A = -2: the pessimistic loss is 2 * max(ratio, .8), at most 3 * 2."""
    found = token_level(of(ratio), row(-2.0), Clip(low=0.2, high=0.28, dual=3.0))
    assert float(found.loss) == pytest.approx(expected)
    assert bool(found.clipped) == stopped
    without = clipped_surrogate(of(ratio).exp(), row(-2.0), 0.2, 0.28)
    assert float(without) == pytest.approx(2 * max(ratio, 0.8))


def test_dual_clip_leaves_good_tokens_alone() -> None:
    for ratio in (0.1, 1.0, 9.0):
        one = clipped_surrogate(of(ratio).exp(), row(2.0), 0.2, 0.28, 3.0)
        assert float(one) == float(clipped_surrogate(of(ratio).exp(), row(2.0), 0.2, 0.28))


def test_gspo_closed_form() -> None:
    """Ratios 1.5 and .9: s = sqrt(1.35) = 1.162; each token carries the whole completion's loss."""
    s = math.sqrt(1.5 * 0.9)
    free = gspo(of(1.5, 0.9), row(2.0), ALL, CLIP)
    assert free.loss.tolist() == [pytest.approx([-2 * s, -2 * s])]
    assert not free.clipped.any()
    tight = gspo(of(1.5, 0.9), row(2.0), ALL, Clip(low=3e-4, high=4e-4))
    assert tight.loss.tolist() == [pytest.approx([-2 * 1.0004] * 2)]
    assert tight.clipped.all()


def test_gspo_looks_at_counted_tokens_alone() -> None:
    found = gspo(of(1.5, 7.0), row(1.0), torch.tensor([[True, False]]), Clip(low=0.9, high=9.0))
    assert float(found.ratio[0, 0]) == pytest.approx(1.5)


def test_gspo_token_is_gspo_for_one_advantage_a_completion() -> None:
    base = torch.tensor([[0.4, 0.3, 0], [0.1, -0.2, 0.3], [0, 0, 0], [-0.1, 0, 0]], dtype=torch.float64)
    found = []
    for variant in (gspo, gspo_token):
        log_ratio = base.clone().requires_grad_()
        result = variant(log_ratio, ADVANTAGES, MASK, CLIP)
        weights = token_weights(MASK, LossType.GSPO, max_new_tokens=3).double()
        (result.loss * weights).sum().backward()
        found.append((result.loss.detach() * MASK, log_ratio.grad, result.clipped & MASK))
    torch.testing.assert_close(found[0], found[1])
    assert found[0][2].any()
    assert not found[0][2].all()


def test_gmpo_closed_form() -> None:
    """A > 0 bounds ratios above alone, A < 0 below alone; then the geometric mean."""
    up = gmpo(of(1.5, 0.5), row(2.0), ALL, CLIP)
    assert up.loss.tolist() == [pytest.approx([-2 * math.sqrt(1.28 * 0.5)] * 2)]
    assert up.clipped.tolist() == [[True, False]]
    down = gmpo(of(1.5, 0.5), row(-2.0), ALL, CLIP)
    assert down.loss.tolist() == [pytest.approx([2 * math.sqrt(1.5 * 0.8)] * 2)]
    assert down.clipped.tolist() == [[False, True]]


def published_gmpo(new: Tensor, old: Tensor, mask: Tensor, advantage: float, epsilon: float) -> Tensor:
    """Algorithm 1 of arXiv 2507.20673, for one completion."""
    sign = 1 if advantage > 0 else -1
    difference = sign * (new - old)
    least = sign * torch.minimum(difference, difference.clamp(-epsilon, epsilon))
    return -advantage * torch.exp(least[mask].sum() / mask.sum())


@pytest.mark.parametrize("advantage", [1.5, -0.7])
def test_gmpo_is_the_published_algorithm(advantage: float) -> None:
    """The window exp(+-.4) in our terms: clip_low = 1 - exp(-.4), clip_high = exp(.4) - 1."""
    clip = Clip(low=1 - math.exp(-0.4), high=math.exp(0.4) - 1)
    new, old, mask = numbers(2)[1], numbers(3)[1], torch.tensor([True, True, False])
    log_ratio = (new - old).masked_fill(~mask, 0.0)[None]
    found = gmpo(log_ratio, row(advantage), mask[None], clip)
    weights = token_weights(mask[None], LossType.GMPO, max_new_tokens=3).double()
    assert float((found.loss * weights).sum()) == pytest.approx(float(published_gmpo(new, old, mask, advantage, 0.4)))


def test_cispo_clips_the_weight_and_keeps_the_gradient() -> None:
    """Ratio 4, bound 1.28: the gradient is -1.28 * A, where the clipped surrogate has none."""
    logp = torch.tensor([[-1.0, -2.0]], dtype=torch.float64, requires_grad=True)
    found = cispo(of(4.0, 0.3), logp, row(2.0), CLIP)
    assert found.loss.tolist() == [pytest.approx([1.28 * 2 * 1.0, 0.3 * 2 * 2.0])]
    assert found.clipped.tolist() == [[True, False]]
    found.loss.sum().backward()
    assert logp.grad is not None
    assert logp.grad.tolist() == [pytest.approx([-1.28 * 2, -0.3 * 2])]


VARIANTS: dict[str, Callable[[Tensor], Surrogate]] = {
    "token": lambda x: token_level(x, ADVANTAGES, CLIP),
    "gspo": lambda x: gspo(x, ADVANTAGES, MASK, CLIP),
    "gmpo": lambda x: gmpo(x, ADVANTAGES, MASK, CLIP),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_on_policy_every_variant_has_the_policy_gradient(name: str) -> None:
    """With ratio 1, the sum over a completion's tokens has the gradient -A for each of its tokens."""
    log_ratio = torch.zeros(4, 3, dtype=torch.float64, requires_grad=True)
    (VARIANTS[name](log_ratio).loss * MASK).sum().backward()
    torch.testing.assert_close(log_ratio.grad, -ADVANTAGES[:, None] * MASK)


def inputs(logp: Tensor, old: Tensor, loss_type: LossType, **changes: Any) -> LossInputs:
    given = LossInputs(
        logp=logp,
        old_logp=old,
        ref_logp=numbers(6, 0.5),
        mask=MASK,
        advantages=ADVANTAGES,
        weights=token_weights(MASK, loss_type, max_new_tokens=3).double(),
    )
    return replace(given, **changes)


def detached_parts(loss_type: LossType) -> bool:
    """Whether the gradient is, on purpose, not that of the value."""
    return loss_type in (LossType.CISPO, LossType.GSPO_TOKEN)


SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"clip_high": 0.28, "beta": 0.3},
    *({"beta": 0.3, "kl": kind} for kind in KLEstimator if kind is not KLEstimator.FULL),
    {"beta": 0.3, "kl_correction": True},
    {"beta": 0.3, "kl": KLEstimator.K1, "kl_correction": True},
    {"beta": 0.3, "kl": KLEstimator.CHI2, "kl_clip": 0.4},
)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("loss_type", [t for t in LossType if not detached_parts(t)])
def test_gradients_match_finite_differences(loss_type: LossType, settings: dict[str, Any]) -> None:
    dual = {} if loss_type is LossType.GMPO else {"clip_dual": 1.9}
    old, factors = numbers(5, 0.4), numbers(7).abs()

    def value(logp: Tensor) -> Tensor:
        return policy_loss(
            inputs(logp, old, loss_type, factors=factors), loss_type=loss_type, **{**dual, **settings}
        ).loss

    logp = numbers(4, 0.4).requires_grad_()
    assert torch.autograd.gradcheck(value, (logp,), eps=1e-6, atol=1e-7)


def test_cispo_gradient_is_its_formula() -> None:
    """``-weights * min(ratio, 1 + high) * A``: finite differences of its value would add the ratio's own."""
    logp, old = numbers(4, 0.8).requires_grad_(), numbers(5, 0.8)
    given = inputs(logp, old, LossType.CISPO)
    policy_loss(given, loss_type=LossType.CISPO, clip_high=0.28).loss.backward()
    ratio = (logp.detach() - old).exp().clamp(max=1.28)
    torch.testing.assert_close(logp.grad, -given.weights * ratio * ADVANTAGES[:, None] * MASK)


def test_entropy_bonus_is_the_weighted_entropy() -> None:
    logp, old = numbers(4, 0.1), numbers(4, 0.1)
    entropy = numbers(8).abs().requires_grad_()
    given = inputs(logp, old, LossType.GRPO, entropy=entropy)
    without = policy_loss(given, loss_type=LossType.GRPO).loss
    found = policy_loss(given, loss_type=LossType.GRPO, entropy_bonus=0.2).loss
    assert float((without - found).detach()) == pytest.approx(0.2 * float((given.weights * entropy.detach()).sum()))
    found.backward()
    torch.testing.assert_close(entropy.grad, -0.2 * given.weights)
    with pytest.raises(ValueError, match="entropies"):
        policy_loss(replace(given, entropy=None), entropy_bonus=0.2)


def test_factors_weigh_the_surrogate_and_not_the_penalty() -> None:
    given = inputs(numbers(4, 0.1), numbers(5, 0.1), LossType.DAPO, factors=torch.zeros(4, 3, dtype=torch.float64))
    only_kl = policy_loss(given, beta=0.3).loss
    no_advantage = replace(given, factors=None, advantages=torch.zeros(4, dtype=torch.float64))
    assert float(only_kl) == pytest.approx(float(policy_loss(no_advantage, beta=0.3).loss))


@pytest.mark.parametrize("loss_type", LossType)
def test_padding_may_hold_anything(loss_type: LossType) -> None:
    logp = numbers(4, 0.1).masked_fill(~MASK, -math.inf).requires_grad_()
    old = numbers(5, 0.1).masked_fill(~MASK, math.inf)
    given = inputs(
        logp,
        old,
        loss_type,
        ref_logp=numbers(6).masked_fill(~MASK, math.nan),
        entropy=numbers(8).masked_fill(~MASK, math.nan),
    )
    loss = policy_loss(given, loss_type=loss_type, beta=0.1, entropy_bonus=0.1).loss
    loss.backward()
    assert math.isfinite(float(loss.detach()))
    assert logp.grad is not None
    assert torch.isfinite(logp.grad).all()


def test_an_exact_divergence_takes_the_place_of_estimates() -> None:
    logp, divergence = numbers(4, 0.1), numbers(9).abs().requires_grad_()
    given = inputs(logp, logp, LossType.DAPO, divergence=divergence.masked_fill(~MASK, math.nan))
    without = policy_loss(given).loss
    found = policy_loss(given, beta=0.3, kl=KLEstimator.FULL)
    found.loss.backward()
    torch.testing.assert_close(divergence.grad, 0.3 * given.weights)
    added = 0.3 * float((given.weights * divergence.detach()).sum())
    assert float(found.loss.detach() - without) == pytest.approx(added)
    assert found.metrics["kl_sum"] == pytest.approx(float(divergence.detach()[MASK].sum()))
    with pytest.raises(ValueError, match="needs the divergence"):
        policy_loss(replace(given, divergence=None), beta=0.3, kl=KLEstimator.FULL)
