from __future__ import annotations

import math

import pytest
import torch

from wherewise.training.grpo.config import LossType
from wherewise.training.grpo.losses import LossInputs, clipped_surrogate, k3, policy_loss, token_weights

MASK = torch.tensor([[True, True, False], [True, True, True], [False, False, False], [True, False, False]])


def inputs(logp: torch.Tensor, *, ref: torch.Tensor | None = None, shift: float = 0.0) -> LossInputs:
    mask = MASK.clone()
    return LossInputs(
        logp=logp,
        old_logp=logp.detach() - shift,
        ref_logp=ref,
        mask=mask,
        advantages=torch.tensor([1.0, -2.0, 5.0, 0.5], dtype=logp.dtype),
        weights=token_weights(mask, LossType.DAPO, max_new_tokens=3).to(logp.dtype),
    )


def logps(seed: int = 0) -> torch.Tensor:
    return -torch.rand(4, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 0.1


@pytest.mark.parametrize(
    ("loss_type", "expected"),
    [
        (LossType.GRPO, [[1 / 6, 1 / 6, 0], [1 / 9, 1 / 9, 1 / 9], [0, 0, 0], [1 / 3, 0, 0]]),
        (LossType.DR_GRPO, [[1 / 30, 1 / 30, 0], [1 / 30, 1 / 30, 1 / 30], [0, 0, 0], [1 / 30, 0, 0]]),
        (LossType.DAPO, [[1 / 6, 1 / 6, 0], [1 / 6, 1 / 6, 1 / 6], [0, 0, 0], [1 / 6, 0, 0]]),
        # two micro-batches: 2 counted completions of 5 tokens, 1 counted completion of 1 token
        (LossType.BNPO, [[2 / 15, 2 / 15, 0], [2 / 15, 2 / 15, 2 / 15], [0, 0, 0], [1 / 3, 0, 0]]),
    ],
)
def test_token_weights_closed_form(loss_type: LossType, expected: list[list[float]]) -> None:
    weights = token_weights(MASK, loss_type, max_new_tokens=10, micro_batch=torch.tensor([0, 0, 1, 1]))
    torch.testing.assert_close(weights, torch.tensor(expected, dtype=torch.float32))


def test_weights_of_nothing_are_zero() -> None:
    for loss_type in LossType:
        assert token_weights(torch.zeros(2, 3, dtype=torch.bool), loss_type, max_new_tokens=3).abs().sum() == 0


def test_on_policy_loss_is_minus_weighted_advantage() -> None:
    """Ratio 1: the surrogate is the advantage itself."""
    out = policy_loss(inputs(logps()))
    assert float(out.loss) == pytest.approx(-(2 * 1.0 + 3 * -2.0 + 0.5) / 6)
    assert out.metrics == {"kl_sum": 0.0, "clipped": 0.0, "tokens": 6.0}


def test_on_policy_gradient_is_the_policy_gradient() -> None:
    logp = logps().requires_grad_()
    given = inputs(logp)
    policy_loss(given).loss.backward()
    torch.testing.assert_close(logp.grad, -given.weights * given.advantages[:, None] * MASK)


@pytest.mark.parametrize(("ratio", "advantage", "expected"), [
    (1.5, 1.0, -1.28), (1.5, -1.0, 1.5), (0.5, 1.0, -0.5), (0.5, -1.0, 0.8), (1.1, 1.0, -1.1), (0.9, -1.0, 0.9),
])  # fmt: skip
def test_clipped_surrogate_closed_form(ratio: float, advantage: float, expected: float) -> None:
    loss = clipped_surrogate(torch.tensor([[ratio]]), torch.tensor([advantage]), 0.2, 0.28)
    assert float(loss) == pytest.approx(expected)


def test_clipped_tokens_have_no_gradient_and_are_counted() -> None:
    logp = logps().requires_grad_()
    given = inputs(logp, shift=math.log(1.5))  # every ratio is 1.5: clipped where the advantage is positive
    out = policy_loss(given, clip_high=0.28)
    out.loss.backward()
    assert out.metrics["clipped"] == 3
    assert logp.grad is not None
    assert logp.grad[0].abs().sum() == 0
    assert logp.grad[1].abs().min() > 0


def test_k3_is_nonnegative_and_zero_at_the_reference() -> None:
    a, b = logps(1), logps(2)
    assert float(k3(a, b).min()) > 0
    assert float(k3(a, a).abs().max()) == 0
    assert float(k3(torch.tensor(-1.0), torch.tensor(-1.5))) == pytest.approx(math.exp(-0.5) + 0.5 - 1)


@pytest.mark.parametrize("beta", [0.0, 0.3])
@pytest.mark.parametrize("shift", [0.0, 0.1, -0.4, 0.5])
def test_gradient_matches_finite_differences(beta: float, shift: float) -> None:
    ref, base = logps(3), logps()
    old = base - shift

    def value(logp: torch.Tensor) -> torch.Tensor:
        given = inputs(logp, ref=ref)
        fixed = LossInputs(
            logp=logp,
            old_logp=old,
            ref_logp=ref,
            mask=given.mask,
            advantages=given.advantages,
            weights=given.weights,
        )
        return policy_loss(fixed, clip_low=0.2, clip_high=0.28, beta=beta).loss

    logp = base.clone().requires_grad_()
    value(logp).backward()
    assert logp.grad is not None
    numeric = torch.zeros_like(base)
    for i in range(base.numel()):
        step = torch.zeros(base.numel(), dtype=base.dtype)
        step[i] = 1e-6
        step = step.view_as(base)
        numeric.view(-1)[i] = (value(base + step) - value(base - step)) / 2e-6
    torch.testing.assert_close(logp.grad, numeric, atol=1e-7, rtol=1e-5)


def test_padding_may_hold_anything() -> None:
    logp = logps().masked_fill(~MASK, float("-inf")).requires_grad_()
    out = policy_loss(inputs(logp, ref=logps(3).masked_fill(~MASK, float("nan"))), beta=0.1)
    out.loss.backward()
    assert math.isfinite(float(out.loss.detach()))
    assert logp.grad is not None
    assert torch.isfinite(logp.grad).all()


def test_a_kl_term_needs_a_reference() -> None:
    with pytest.raises(ValueError, match="reference"):
        policy_loss(inputs(logps()), beta=0.1)
