"""Policy-gradient losses as small pure functions.

Every published variant here is ``sum(weight * per_token_loss)``. `token_weights` computes the weights once for all
completions of an optimiser step, so that neither micro-batching nor leaving out groups without a signal changes the
gradient; the per-token losses are in `surrogates`, the KL penalty is in `kl`.

Shapes: N completions, C tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wherewise.training.grpo.config import KLEstimator, LossType
from wherewise.training.grpo.kl import bias_corrected, estimate, k3
from wherewise.training.grpo.surrogates import Clip, clipped_surrogate, surrogate

__all__ = ["LossInputs", "LossOutputs", "clipped_surrogate", "k3", "policy_loss", "token_weights"]


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
        factors: Float[N, C] what each token's surrogate is multiplied by (see `factors`); None is 1.
        entropy: Float[N, C] nats, with gradient; only an entropy bonus needs it.
        divergence: Float[N, C] exact KL to the reference, with gradient; only ``kl: full`` needs it.
    """

    logp: Tensor
    old_logp: Tensor
    ref_logp: Tensor | None
    mask: Tensor
    advantages: Tensor
    weights: Tensor
    factors: Tensor | None = None
    entropy: Tensor | None = None
    divergence: Tensor | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LossOutputs:
    """A loss and what to log beside it.

    Attributes:
        loss: Scalar with gradient.
        metrics: Sums over masked tokens, to be divided by ``tokens``: ``kl_sum`` (estimate of the distance to the
            reference), ``clipped`` (tokens whose gradient was clipped away), ``tokens``.
    """

    loss: Tensor
    metrics: dict[str, float]


def token_weights(
    mask: Tensor, loss_type: LossType, *, max_new_tokens: int, micro_batch: Tensor | None = None
) -> Tensor:
    """The weight of each token in the loss of one optimiser step.

    ``grpo``: DeepSeekMath (arXiv 2402.03300, eq. 3); ``dr_grpo``: arXiv 2503.20783, section 3.2; ``dapo``: arXiv
    2503.14476, section 3.3 and eq. 8; ``bnpo``: TRL's name for the mean over the tokens of one backward pass. ``gspo``,
    ``gspo_token`` and ``gmpo`` are means over completions as in ``grpo``, ``cispo`` over tokens as in ``dapo``.

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
        case LossType.GRPO | LossType.GSPO | LossType.GSPO_TOKEN | LossType.GMPO:
            weights = m / lengths.clamp(min=1)[:, None] / completions
        case LossType.DR_GRPO:
            weights = m / max_new_tokens / completions
        case LossType.DAPO | LossType.CISPO:
            weights = m / lengths.sum().clamp(min=1)
        case LossType.BNPO:
            part = torch.zeros(len(m), dtype=torch.long, device=m.device) if micro_batch is None else micro_batch
            parts = int(part.max()) + 1 if len(part) else 1
            tokens = torch.zeros(parts, dtype=m.dtype, device=m.device).index_add_(0, part, lengths)
            counts = torch.zeros(parts, dtype=m.dtype, device=m.device).index_add_(0, part, (lengths > 0).to(m.dtype))
            weights = m / tokens.clamp(min=1)[part][:, None] * (counts / completions)[part][:, None]
    return weights.float()


def policy_loss(
    inputs: LossInputs,
    *,
    loss_type: LossType = LossType.DAPO,
    clip_low: float = 0.2,
    clip_high: float = 0.2,
    clip_dual: float | None = None,
    beta: float = 0.0,
    kl: KLEstimator = KLEstimator.K3,
    kl_clip: float | None = None,
    kl_correction: bool = False,
    entropy_bonus: float = 0.0,
) -> LossOutputs:
    """``sum(weights * (factors * surrogate + beta * kl - entropy_bonus * entropy))``.

    Args:
        inputs: Of some completions of a step.
        loss_type: The surrogate; the averaging is in ``inputs.weights``.
        clip_low: The ratio is clipped below at ``1 - clip_low``.
        clip_high: The ratio is clipped above at ``1 + clip_high``.
        clip_dual: Bound for negative advantages, see `clipped_surrogate`.
        beta: Weight of the KL penalty.
        kl: Its estimator.
        kl_clip: Bound of its estimates.
        kl_correction: Whether estimates are weighted by the ratio of probabilities.
        entropy_bonus: Weight of the entropy.

    Raises:
        ValueError: `beta` is not 0 and there are no reference log-probabilities (or, for ``full``, no divergence), or
            there is a bonus and no entropy.
    """
    if beta and inputs.ref_logp is None:
        raise ValueError("a KL term (beta > 0) needs reference log-probabilities")
    if entropy_bonus and inputs.entropy is None:
        raise ValueError("an entropy bonus needs the entropies")
    # Padding may hold anything, infinities included, and inf * 0 is NaN: take it out before the exponential.
    logp = inputs.logp.masked_fill(~inputs.mask, 0.0)
    found = surrogate(
        loss_type,
        log_ratio=(inputs.logp - inputs.old_logp).masked_fill(~inputs.mask, 0.0),
        logp=logp,
        advantages=inputs.advantages,
        mask=inputs.mask,
        clip=Clip(low=clip_low, high=clip_high, dual=clip_dual),
    )
    per_token = found.loss if inputs.factors is None else found.loss * inputs.factors
    kl_sum = 0.0
    if inputs.ref_logp is not None:
        if kl is not KLEstimator.FULL:
            distance = estimate(kl, logp, inputs.ref_logp.masked_fill(~inputs.mask, 0.0), kl_clip)
        elif inputs.divergence is not None:
            distance = inputs.divergence.masked_fill(~inputs.mask, 0.0)
            distance = distance if kl_clip is None else distance.clamp(-kl_clip, kl_clip)
        else:
            raise ValueError("`kl: full` needs the divergence of the distributions")
        kl_sum = float((distance.detach() * inputs.mask).sum())
        if beta:
            per_token = per_token + beta * (bias_corrected(distance, found.ratio) if kl_correction else distance)
    if entropy_bonus and inputs.entropy is not None:
        per_token = per_token - entropy_bonus * inputs.entropy.masked_fill(~inputs.mask, 0.0)
    metrics = {
        "kl_sum": kl_sum,
        "clipped": float((found.clipped & inputs.mask).sum()),
        "tokens": float(inputs.mask.sum()),
    }
    return LossOutputs(loss=(per_token * inputs.weights).sum(), metrics=metrics)
