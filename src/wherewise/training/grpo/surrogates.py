"""What is maximised in place of the expected reward: one loss a token, from ratios of probabilities and advantages.

Every variant is a function of the log-ratios ``log new - log old`` and of one advantage a completion. They agree on
policy: with ratio 1 the gradient of each is that of ``-advantage * log p``, averaged over a completion's tokens where
the variant looks at whole completions. They differ in how an update is stopped that goes too far.

Shapes: N completions, C tokens; `mask` says which tokens count, and log-ratios are 0 elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from wherewise.training.grpo.config import LossType


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """How far a ratio of probabilities may go.

    Attributes:
        low: The ratio is clipped below at ``1 - low``.
        high: The ratio is clipped above at ``1 + high``.
        dual: With a negative advantage the loss is at most ``dual * |advantage|``; None has no such bound.
    """

    low: float = 0.2
    high: float = 0.2
    dual: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Surrogate:
    """A surrogate loss.

    Attributes:
        loss: Float[N, C], with gradient.
        ratio: Float[N, C] new over old probability, as the variant sees it, with gradient.
        clipped: Bool[N, C] tokens that the clipping keeps from the gradient.
    """

    loss: Tensor
    ratio: Tensor
    clipped: Tensor


def clipped_surrogate(
    ratio: Tensor, advantages: Tensor, clip_low: float, clip_high: float, clip_dual: float | None = None
) -> Tensor:
    """PPO's pessimistic surrogate as a loss, per token: ``-min(ratio * A, clip(ratio) * A)``.

    PPO (arXiv 1707.06347, eq. 7); unequal bounds are DAPO's clip-higher (arXiv 2503.14476, section 3.1). With
    `clip_dual`, where ``A < 0``: ``min(that, clip_dual * |A|)``, the dual-clip PPO of arXiv 1912.09729: a bad token
    whose probability has grown a lot would otherwise have an unbounded loss.

    Args:
        ratio: Float[N, C] new over old probability.
        advantages: Float[N].
        clip_low: The ratio is clipped below at ``1 - clip_low``.
        clip_high: The ratio is clipped above at ``1 + clip_high``.
        clip_dual: Greater than 1, or None.
    """
    a = advantages[:, None]
    loss = -torch.minimum(ratio * a, ratio.clamp(1 - clip_low, 1 + clip_high) * a)
    if clip_dual is None:
        return loss
    return torch.where(a < 0, torch.minimum(loss, -clip_dual * a), loss)


def clipped_tokens(ratio: Tensor, advantages: Tensor, clip: Clip) -> Tensor:
    """Bool[N, C]: where `clipped_surrogate` has no gradient."""
    a = advantages[:, None]
    stopped = ((ratio < 1 - clip.low) & (a < 0)) | ((ratio > 1 + clip.high) & (a > 0))
    return stopped if clip.dual is None else stopped | ((ratio > clip.dual) & (a < 0))


def sequence_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Float[N, 1]: mean of [N, C] over each completion's counted tokens; 0 for a completion without any."""
    return ((values * mask).sum(-1) / mask.sum(-1).clamp(min=1))[:, None]


def token_level(log_ratio: Tensor, advantages: Tensor, clip: Clip) -> Surrogate:
    """A ratio a token: GRPO (arXiv 2402.03300, eq. 3), DAPO, Dr. GRPO, BNPO."""
    ratio = log_ratio.exp()
    return Surrogate(
        loss=clipped_surrogate(ratio, advantages, clip.low, clip.high, clip.dual),
        ratio=ratio,
        clipped=clipped_tokens(ratio.detach(), advantages, clip),
    )


def gspo(log_ratio: Tensor, advantages: Tensor, mask: Tensor, clip: Clip) -> Surrogate:
    """One ratio a completion: ``s = exp(mean of the tokens' log-ratios)``, clipped as a whole.

    GSPO (arXiv 2507.18071, section 4.1, eq. 5 to 7). Ratios of whole completions lie much closer to 1 than those of
    tokens; the paper clips at ``clip_low: 3.0e-4``, ``clip_high: 4.0e-4``.
    """
    return token_level(sequence_mean(log_ratio, mask).expand_as(log_ratio), advantages, clip)


def gspo_token(log_ratio: Tensor, advantages: Tensor, mask: Tensor, clip: Clip) -> Surrogate:
    """GSPO's ratio in value, a token's own probability in gradient: ``s_t = sg[s] * p_t / sg[p_t]``.

    GSPO-token (arXiv 2507.18071, section 4.3, eq. 13 and 14). With one advantage a completion its value and gradient
    are those of `gspo`; it differs where tokens are weighted unequally.
    """
    whole = sequence_mean(log_ratio, mask).detach()
    return token_level(whole + log_ratio - log_ratio.detach(), advantages, clip)


def gmpo(log_ratio: Tensor, advantages: Tensor, mask: Tensor, clip: Clip) -> Surrogate:
    """The geometric mean of a completion's pessimistic ratios, times its advantage.

    GMPO (arXiv 2507.20673, Algorithm 1): each log-ratio is clipped on the side that the advantage favours
    (above at ``log(1 + high)`` where ``A > 0``, below at ``log(1 - low)`` where ``A < 0``), then averaged. The paper's
    bounds ``exp(-0.4)`` and ``exp(0.4)`` are ``clip_low: 0.3297`` and ``clip_high: 0.4918``.
    """
    a = advantages[:, None]
    low, high = 1 - clip.low, 1 + clip.high
    limits = log_ratio.new_tensor([low, high]).log()
    pessimistic = torch.where(a > 0, log_ratio.clamp(max=limits[1]), log_ratio.clamp(min=limits[0]))
    ratio = sequence_mean(pessimistic, mask).exp().expand_as(log_ratio)
    raw = log_ratio.detach()
    clipped = ((raw > limits[1]) & (a > 0)) | ((raw < limits[0]) & (a < 0))
    return Surrogate(loss=-a * ratio, ratio=log_ratio.exp(), clipped=clipped)


def cispo(log_ratio: Tensor, logp: Tensor, advantages: Tensor, clip: Clip) -> Surrogate:
    """``-sg[min(ratio, 1 + high)] * A * log p``: the weight is clipped, and no token loses its gradient.

    CISPO (MiniMax-M1, arXiv 2506.13585, section 3.1, eq. 4 and 5), without a lower bound, as the paper runs it.
    `Surrogate.clipped` counts the tokens whose weight is at its bound.

    Args:
        log_ratio: Float[N, C].
        logp: Float[N, C] finite log-probabilities with gradient.
        advantages: Float[N].
        clip: Only `high` is looked at.
    """
    ratio = log_ratio.exp()
    weight = ratio.detach().clamp(max=1 + clip.high)
    loss = -weight * advantages[:, None] * logp
    return Surrogate(loss=loss, ratio=ratio, clipped=ratio.detach() > 1 + clip.high)


def surrogate(
    loss_type: LossType, *, log_ratio: Tensor, logp: Tensor, advantages: Tensor, mask: Tensor, clip: Clip
) -> Surrogate:
    """The surrogate that belongs to a loss.

    Args:
        loss_type: The loss.
        log_ratio: Float[N, C] log new minus log old probability; 0 outside `mask`.
        logp: Float[N, C] log-probabilities under the policy, finite; only ``cispo`` looks at them.
        advantages: Float[N].
        mask: Bool[N, C].
        clip: Bounds of the ratio.
    """
    match loss_type:
        case LossType.GSPO:
            return gspo(log_ratio, advantages, mask, clip)
        case LossType.GSPO_TOKEN:
            return gspo_token(log_ratio, advantages, mask, clip)
        case LossType.GMPO:
            return gmpo(log_ratio, advantages, mask, clip)
        case LossType.CISPO:
            return cispo(log_ratio, logp, advantages, clip)
        case LossType.GRPO | LossType.DR_GRPO | LossType.DAPO | LossType.BNPO:
            return token_level(log_ratio, advantages, clip)
