"""Policy-gradient losses as small pure functions.

Every published variant here is ``sum(weight * per_token_loss)``; they differ in the weights alone. `token_weights`
computes these once for all completions of an optimiser step, so that neither micro-batching nor leaving out groups
without a signal changes the gradient.

Shapes: N completions, C tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wherewise.training.grpo_config import LossType


@dataclass(frozen=True, kw_only=True, slots=True)
class LossInputs:
    """What a policy-gradient loss needs.

    Attributes:
        logp: Float[N, C] log-probabilities under the policy being trained; carries the gradient.
        old_logp: Float[N, C] under the policy that sampled.
        ref_logp: Float[N, C] under the reference, or None without a KL term.
        mask: Bool[N, C] tokens that count.
        advantages: Float[N].
        weights: Float[N, C] from `token_weights`; 0 where `mask` is False.
    """

    logp: Tensor
    old_logp: Tensor
    ref_logp: Tensor | None
    mask: Tensor
    advantages: Tensor
    weights: Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class LossOutputs:
    """A loss and what to log beside it.

    Attributes:
        loss: Scalar with gradient.
        metrics: Sums over masked tokens, to be divided by ``tokens``: ``kl_sum`` (k3 estimate to the reference),
            ``clipped`` (tokens whose gradient was clipped away), ``tokens``.
    """

    loss: Tensor
    metrics: dict[str, float]


def token_weights(
    mask: Tensor, loss_type: LossType, *, max_new_tokens: int, micro_batch: Tensor | None = None
) -> Tensor:
    """The weight of each token in the loss of one optimiser step.

    Completions without any counted token (not judged, or truncated and masked) are no part of a mean.

    Args:
        mask: Bool[N, C] counted tokens of *all* completions of the step.
        loss_type: The averaging rule.
        max_new_tokens: The constant of ``dr_grpo``.
        micro_batch: Long[N] micro-batch of each completion; only ``bnpo`` looks at it.

    Returns:
        Float32[N, C], zero where `mask` is False.
    """
    m = mask.to(torch.float64)
    lengths = m.sum(-1)
    completions = (lengths > 0).sum().clamp(min=1)
    match loss_type:
        case LossType.GRPO:
            weights = m / lengths.clamp(min=1)[:, None] / completions
        case LossType.DR_GRPO:
            weights = m / max_new_tokens / completions
        case LossType.DAPO:
            weights = m / lengths.sum().clamp(min=1)
        case LossType.BNPO:
            part = torch.zeros(len(m), dtype=torch.long, device=m.device) if micro_batch is None else micro_batch
            parts = int(part.max()) + 1 if len(part) else 1
            tokens = torch.zeros(parts, dtype=m.dtype, device=m.device).index_add_(0, part, lengths)
            counts = torch.zeros(parts, dtype=m.dtype, device=m.device).index_add_(0, part, (lengths > 0).to(m.dtype))
            weights = m / tokens.clamp(min=1)[part][:, None] * (counts / completions)[part][:, None]
    return weights.float()


def k3(logp: Tensor, ref_logp: Tensor) -> Tensor:
    """Schulman's k3 estimate of KL(policy || reference) per token: ``exp(d) - d - 1``, ``d = ref - policy``; >= 0."""
    d = ref_logp - logp
    return d.exp() - d - 1


def clipped_surrogate(ratio: Tensor, advantages: Tensor, clip_low: float, clip_high: float) -> Tensor:
    """PPO's pessimistic surrogate as a loss, per token.

    Args:
        ratio: Float[N, C] new over old probability.
        advantages: Float[N].
        clip_low: The ratio is clipped below at ``1 - clip_low``.
        clip_high: The ratio is clipped above at ``1 + clip_high``.
    """
    a = advantages[:, None]
    return -torch.minimum(ratio * a, ratio.clamp(1 - clip_low, 1 + clip_high) * a)


def policy_loss(inputs: LossInputs, *, clip_low: float = 0.2, clip_high: float = 0.2, beta: float = 0.0) -> LossOutputs:
    """``sum(weights * (clipped surrogate + beta * k3))``.

    Raises:
        ValueError: `beta` is not 0 and there are no reference log-probabilities.
    """
    if beta and inputs.ref_logp is None:
        raise ValueError("a KL term (beta > 0) needs reference log-probabilities")
    # Padding may hold anything, infinities included, and inf * 0 is NaN: take it out before the exponential.
    ratio = (inputs.logp - inputs.old_logp).masked_fill(~inputs.mask, 0.0).exp()
    per_token = clipped_surrogate(ratio, inputs.advantages, clip_low, clip_high)
    kl_sum = 0.0
    if inputs.ref_logp is not None:
        kl = k3(inputs.logp.masked_fill(~inputs.mask, 0.0), inputs.ref_logp.masked_fill(~inputs.mask, 0.0))
        kl_sum = float((kl.detach() * inputs.mask).sum())
        if beta:
            per_token = per_token + beta * kl
    with torch.no_grad():
        a = inputs.advantages[:, None]
        clipped = ((ratio < 1 - clip_low) & (a < 0)) | ((ratio > 1 + clip_high) & (a > 0))
        metrics = {
            "kl_sum": kl_sum,
            "clipped": float((clipped & inputs.mask).sum()),
            "tokens": float(inputs.mask.sum()),
        }
    return LossOutputs(loss=(per_token * inputs.weights).sum(), metrics=metrics)
