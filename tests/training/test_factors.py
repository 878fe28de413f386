from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wherewise.training.grpo.config import SamplerCorrection
from wherewise.training.grpo.factors import high_entropy, sampler_correction

MASK = torch.tensor([[True, True, False], [True, False, False]])
RATIOS = torch.tensor([[2.0, 4.0, 9.0], [0.1, 9.0, 9.0]])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (SamplerCorrection.OFF, [[1, 1, 1], [1, 1, 1]]),
        (SamplerCorrection.TOKEN_TRUNCATE, [[2, 3, 1], [0.5, 1, 1]]),
        (SamplerCorrection.TOKEN_MASK, [[2, 0, 1], [0, 1, 1]]),
        (SamplerCorrection.SEQUENCE_TRUNCATE, [[3, 3, 3], [0.5, 0.5, 0.5]]),
        (SamplerCorrection.SEQUENCE_MASK, [[0, 0, 0], [0, 0, 0]]),
    ],
)
def test_correction_closed_form(kind: SamplerCorrection, expected: list[list[float]]) -> None:
    """Ratios 2 and 4 (product 8) and .1, bounds .5 and 3; tokens that do not count have no say."""
    sampler = torch.full((2, 3), -1.5)
    found = sampler_correction(sampler + RATIOS.log(), sampler, MASK, kind, most=3.0, least=0.5)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32))


@pytest.mark.parametrize("kind", SamplerCorrection)
def test_the_same_numerics_need_no_correction(kind: SamplerCorrection) -> None:
    logp = torch.randn(2, 3)
    assert (sampler_correction(logp, logp, MASK, kind, most=2.0) == 1).all()


def test_a_token_without_a_log_probability_is_taken_as_it_is() -> None:
    sampler = torch.tensor([[math.nan, -1.0, -1.0]])
    found = sampler_correction(torch.full((1, 3), -1.5), sampler, MASK[:1], SamplerCorrection.TOKEN_TRUNCATE, most=2.0)
    assert found[0].tolist() == pytest.approx([1.0, math.exp(-0.5), 1.0])


def test_correction_has_no_gradient() -> None:
    logp = torch.zeros(2, 3, requires_grad=True)
    assert not sampler_correction(logp, logp, MASK, SamplerCorrection.TOKEN_MASK, most=2.0).requires_grad


def test_high_entropy_takes_the_upper_share() -> None:
    entropy = torch.tensor([[0.1, 0.9, 7.0], [0.5, 7.0, 7.0]])
    assert high_entropy(entropy, MASK, 1.0) is MASK
    assert high_entropy(entropy, MASK, 0.5).tolist() == [[False, True, False], [True, False, False]]
    assert high_entropy(entropy, MASK, 0.01).tolist() == [[False, True, False], [False, False, False]]
    assert not high_entropy(entropy, torch.zeros_like(MASK), 0.2).any()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 10, width=32), min_size=1, max_size=30), st.floats(0.05, 0.95))
def test_high_entropy_is_torchs_quantile(values: list[float], share: float) -> None:
    entropy = torch.tensor([values])
    mask = torch.ones_like(entropy, dtype=torch.bool)
    threshold = torch.quantile(entropy[0].double(), 1 - share)
    clear = (entropy.double() - threshold).abs() > 1e-5
    assert torch.equal(high_entropy(entropy, mask, share)[clear], (entropy.double() >= threshold)[clear])
