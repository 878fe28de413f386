from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from wherewise.training.grpo.config import KLEstimator
from wherewise.training.grpo.kl import bias_corrected, estimate, full_divergence

SAMPLED = tuple(kind for kind in KLEstimator if kind is not KLEstimator.FULL)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (KLEstimator.K1, 0.5),
        (KLEstimator.ABS, 0.5),
        (KLEstimator.MSE, 0.125),
        (KLEstimator.K3, math.exp(-0.5) + 0.5 - 1),
        (KLEstimator.CHI2, (math.exp(-0.5) - 1) ** 2),
    ],
)
def test_closed_form(kind: KLEstimator, expected: float) -> None:
    """The policy gives e^.5 times the reference's probability."""
    logp, ref = torch.tensor([-1.0, -1.0]), torch.tensor([-1.5, -1.0])
    assert estimate(kind, logp, ref).tolist() == pytest.approx([expected, 0.0])
    assert float(estimate(kind, logp, ref, clip=0.01)[0]) == pytest.approx(0.01)


@pytest.mark.parametrize("kind", SAMPLED)
def test_gradient_matches_finite_differences(kind: KLEstimator) -> None:
    random = torch.Generator().manual_seed(3)
    logp = torch.randn(6, generator=random, dtype=torch.float64).requires_grad_()
    ref = torch.randn(6, generator=random, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: estimate(kind, x, ref), (logp,))
    assert torch.autograd.gradcheck(lambda x: estimate(kind, x, ref, 0.6), (logp,))


def distributions() -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    logits, other = torch.randn(2, 9, generator=random, dtype=torch.float64)
    return logits.requires_grad_(), other.log_softmax(-1)


def divergence(policy: Tensor, reference: Tensor) -> Tensor:
    return (policy.exp() * (policy - reference)).sum()


@pytest.mark.parametrize(
    ("kind", "unbiased"), [(KLEstimator.K1, True), (KLEstimator.K3, True), (KLEstimator.MSE, False)]
)
def test_expected_value(kind: KLEstimator, unbiased: bool) -> None:
    logits, reference = distributions()
    policy = logits.detach().log_softmax(-1)
    mean = float((policy.exp() * estimate(kind, policy, reference)).sum())
    assert (mean == pytest.approx(float(divergence(policy, reference)))) == unbiased


def expected_gradient(kind: KLEstimator, corrected: bool) -> Tensor:
    """The mean gradient of an estimate over tokens drawn from the policy itself, exactly: every token by its share."""
    logits, reference = distributions()
    policy = logits.log_softmax(-1)
    share = policy.detach().exp()
    values = estimate(kind, policy, reference)
    if corrected:
        values = bias_corrected(values, (policy - policy.detach()).exp())
    (share * values).sum().backward()
    assert logits.grad is not None
    return logits.grad


def true_gradient(reverse: bool = False) -> Tensor:
    logits, reference = distributions()
    policy = logits.log_softmax(-1)
    (divergence(reference, policy) if reverse else divergence(policy, reference)).backward()
    assert logits.grad is not None
    return logits.grad


def test_gradients_in_the_loss_are_what_the_documentation_says() -> None:
    zero = torch.zeros(9, dtype=torch.float64)
    torch.testing.assert_close(expected_gradient(KLEstimator.K1, corrected=False), zero)
    torch.testing.assert_close(expected_gradient(KLEstimator.K3, corrected=False), true_gradient(reverse=True))
    torch.testing.assert_close(expected_gradient(KLEstimator.MSE, corrected=False), true_gradient())
    for kind in (KLEstimator.K1, KLEstimator.K3):
        torch.testing.assert_close(expected_gradient(kind, corrected=True), true_gradient())


def test_chi2_estimates_the_divergence_of_the_reference_from_the_policy() -> None:
    logits, reference = distributions()
    policy = logits.detach().log_softmax(-1)
    p, q = policy.exp(), reference.exp()
    mean = (p * estimate(KLEstimator.CHI2, policy, reference)).sum()
    assert float(mean) == pytest.approx(float(((q - p).square() / p).sum()))


def test_full_divergence_is_exact_and_chunks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    random = torch.Generator().manual_seed(5)
    hidden, ref_hidden = torch.randn(2, 7, 4, generator=random)
    head, ref_head = torch.nn.Linear(4, 11, bias=False), torch.nn.Linear(4, 11, bias=False)
    hidden.requires_grad_()
    banned, keep = (3, 9), [i for i in range(11) if i not in (3, 9)]
    policy = (head(hidden)[:, keep] / 0.7).log_softmax(-1)
    reference = (ref_head(ref_hidden)[:, keep] / 0.7).log_softmax(-1).detach()
    expected = (policy.exp() * (policy - reference)).sum(-1)
    wanted = torch.autograd.grad(expected.sum(), (hidden, head.weight))
    for chunk in (256, 2):
        monkeypatch.setattr("wherewise.training.grpo.kl.CHUNK_TOKENS", chunk)
        found = full_divergence(head, hidden, ref_head, ref_hidden, temperature=0.7, banned_ids=banned)
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(torch.autograd.grad(found.sum(), (hidden, head.weight)), wanted)
    same = full_divergence(head, hidden, head, hidden.detach(), temperature=0.7, banned_ids=banned)
    torch.testing.assert_close(same, torch.zeros(7))
    assert full_divergence(head, hidden[:0], head, hidden[:0], temperature=1.0, banned_ids=()).shape == (0,)


def test_full_divergence_gradient_matches_finite_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    """In double precision, for which the single-precision head is bypassed."""
    monkeypatch.setattr(
        "wherewise.training.grpo.kl.scaled_log_softmax", lambda logits, scale, _: (logits * scale).log_softmax(-1)
    )
    random = torch.Generator().manual_seed(6)
    states, ref_states = torch.randn(2, 3, 5, generator=random, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda x: full_divergence(lambda s: s, x, lambda s: s, ref_states, temperature=1.3, banned_ids=()),
        (states.requires_grad_(),),
    )
