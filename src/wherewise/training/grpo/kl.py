"""How far the policy is from its reference: estimates per token, from log-probabilities of the sampled tokens.

With ``d = log policy - log reference`` of a token that the policy drew (Schulman, "Approximating KL Divergence", 2020):

======== ============================= =======================================================================
k1       ``d``                         unbiased, any sign, much variance
abs      ``|d|``                       never negative; no estimate of the divergence
mse      ``d^2 / 2``                   k2: biased, little variance; its gradient is unbiased on policy
k3       ``exp(-d) + d - 1``           unbiased, never negative
chi2     ``(exp(-d) - 1)^2``           unbiased for the chi-squared divergence of the reference from the policy
full     ``sum p (log p - log q)``     no estimate: over the whole vocabulary, see `full_divergence`
======== ============================= =======================================================================

That a value is unbiased says nothing about its gradient: as a term of the loss, the expected gradient of k1 is 0 and
that of k3 is the gradient of the *reversed* divergence. Multiplied by the ratio of new to old probability
(`bias_corrected`) they are right. As a part of the reward only the values matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from wherewise.models.forward import scaled_log_softmax
from wherewise.training.grpo.config import KLEstimator

CHUNK_TOKENS = 256
"""Tokens whose distributions exist at once."""


def k1(logp: Tensor, ref_logp: Tensor) -> Tensor:
    """``d``: the plain log-ratio; its mean is the divergence, single values may be negative."""
    return logp - ref_logp


def absolute(logp: Tensor, ref_logp: Tensor) -> Tensor:
    """``|d|``, as in verl and EasyR1 (``core_algos.py``, ``abs``)."""
    return (logp - ref_logp).abs()


def mse(logp: Tensor, ref_logp: Tensor) -> Tensor:
    """``d^2 / 2``: Schulman's k2, ``mse`` in verl."""
    return 0.5 * (logp - ref_logp).square()


def k3(logp: Tensor, ref_logp: Tensor) -> Tensor:
    """Schulman's k3 estimate of KL(policy || reference) per token: ``exp(d) - d - 1``, ``d = ref - policy``; >= 0.

    The penalty of GRPO (arXiv 2402.03300, eq. 4).
    """
    d = ref_logp - logp
    return d.exp() - d - 1


def chi2(logp: Tensor, ref_logp: Tensor) -> Tensor:
    """``(reference / policy - 1)^2``: estimates the chi-squared divergence of the reference from the policy.

    As in EasyR1's ``core_algos.py``, which clamps it to [0, 20] (`kl_clip`).
    """
    return ((ref_logp - logp).exp() - 1).square()


ESTIMATORS = {
    KLEstimator.K1: k1,
    KLEstimator.ABS: absolute,
    KLEstimator.MSE: mse,
    KLEstimator.K3: k3,
    KLEstimator.CHI2: chi2,
}
"""The function of each estimator that needs no more than the sampled tokens."""


def estimate(kind: KLEstimator, logp: Tensor, ref_logp: Tensor, clip: float | None = None) -> Tensor:
    """One estimate a token.

    Args:
        kind: Which one.
        logp: Float[...] log-probabilities under the policy.
        ref_logp: Float[...] under the reference.
        clip: Values are clamped to [-clip, clip], which also stops their gradient; None leaves them.
    """
    values = ESTIMATORS[kind](logp, ref_logp)
    return values if clip is None else values.clamp(-clip, clip)


def full_divergence(
    head: Callable[[Tensor], Tensor],
    hidden: Tensor,
    ref_head: Callable[[Tensor], Tensor],
    ref_hidden: Tensor,
    *,
    temperature: float,
    banned_ids: Sequence[int],
) -> Tensor:
    """``sum over v of p(v) (log p(v) - log q(v))`` at every token: KL(policy || reference) without sampling error.

    The head is computed for both models, and again in the backward pass, `CHUNK_TOKENS` tokens at a time: a float32
    block of [chunk, vocabulary] for each, 156 MB for a vocabulary of 152,000.

    Args:
        head: The policy's language-model head, [N, H] -> [N, V].
        hidden: Float[N, H] the policy's hidden states that predict the tokens.
        ref_head: The reference's head.
        ref_hidden: Float[N, H] the reference's hidden states.
        temperature: Divides the logits of both; 0 counts as 1.
        banned_ids: Tokens that neither can draw.

    Returns:
        Float32[N], with a gradient into `hidden` and `head`.
    """
    banned = torch.tensor(sorted(banned_ids), dtype=torch.long, device=hidden.device)
    scale = 1.0 if temperature == 0 else 1.0 / temperature
    least = torch.finfo(torch.float32).min

    def block(states: Tensor, ref_states: Tensor) -> Tensor:
        policy = scaled_log_softmax(head(states), scale, banned)
        with torch.no_grad():
            reference = scaled_log_softmax(ref_head(ref_states), scale, banned)
        return (policy.exp() * (policy.clamp_min(least) - reference.clamp_min(least))).sum(-1)

    parts = [
        checkpoint(block, states, ref_states, use_reentrant=False)
        for states, ref_states in zip(hidden.split(CHUNK_TOKENS), ref_hidden.split(CHUNK_TOKENS), strict=True)  # type: ignore[no-untyped-call]
    ]
    return torch.cat(parts) if parts else hidden.new_zeros(0, dtype=torch.float32)


def bias_corrected(values: Tensor, ratio: Tensor) -> Tensor:
    """Estimates weighted by the ratio of new to old probability: then their gradient is that of the divergence.

    On policy the ratio is 1 and the value stays; the gradient gains ``value * grad log p``, the term that an estimate
    from samples otherwise lacks. DeepSeek-V3.2 (arXiv 2512.02556, "Unbiased KL Estimate"); TRL's
    ``use_bias_correction_kl``.

    Args:
        values: Float[N, C] estimates.
        ratio: Float[N, C] or [N, 1] new over old probability, with its gradient.
    """
    return values * ratio
