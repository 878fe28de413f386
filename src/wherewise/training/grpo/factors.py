"""What the loss of single tokens is multiplied by: the sampler's own numerics corrected, and only some tokens chosen.

Neither touches the KL penalty or the averaging: a token with factor 0 still counts in the mean.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from wherewise.training.grpo.config import SamplerCorrection


def sampler_correction(
    old_logp: Tensor,
    sampler_logp: Tensor,
    mask: Tensor,
    kind: SamplerCorrection,
    *,
    most: float,
    least: float = 0.0,
) -> Tensor:
    """Importance weights from the policy that really drew the completions to the same policy in our numerics.

    An inference engine gives the same weights other probabilities than the training code does: other kernels, other
    precision. What it drew is then slightly off-policy. The weight is ``exp(ours - the sampler's)``, by token or by
    completion (the product over its tokens).

    ``*_truncate`` clamps weights to [`least`, `most`]: truncated importance sampling ("Your Efficient RL Framework
    Secretly Brings You Off-Policy RL Training", fengyao.notion.site/off-policy-rl, 2025). ``*_mask`` sets those
    outside to 0 (IcePop, ringtech.notion.site/icepop; by completion: "When Speed Kills Stability", yingru.notion.site).
    As TRL's ``vllm_importance_sampling_mode``.

    Args:
        old_logp: Float[N, C] under the policy that sampled, in our numerics.
        sampler_logp: Float[N, C] as the sampler gave them; NaN where it gave none (its weight is 1).
        mask: Bool[N, C] tokens that count.
        kind: Level and what happens outside the bounds.
        most: Upper bound of a weight.
        least: Lower bound.

    Returns:
        Float[N, C] without gradient; 1 outside `mask` at token level.
    """
    if kind is SamplerCorrection.OFF:
        return torch.ones_like(old_logp)
    difference = (old_logp - sampler_logp).detach().masked_fill(~mask, 0.0).nan_to_num(nan=0.0)
    if kind in (SamplerCorrection.SEQUENCE_TRUNCATE, SamplerCorrection.SEQUENCE_MASK):
        difference = difference.sum(-1, keepdim=True).expand_as(old_logp)
    weights = difference.exp()
    if kind in (SamplerCorrection.TOKEN_TRUNCATE, SamplerCorrection.SEQUENCE_TRUNCATE):
        return weights.clamp(least, most)
    return weights.masked_fill((weights < least) | (weights > most), 0.0)


def high_entropy(entropy: Tensor, mask: Tensor, share: float) -> Tensor:
    """The counted tokens with the highest entropy: the forks where a reply could have gone another way.

    "Beyond the 80/20 Rule" (arXiv 2506.01939, section 5) takes gradients from a share of 0.2. The threshold is
    the quantile ``1 - share`` over the tokens given; ties with it are in.

    Args:
        entropy: Float[N, C] nats.
        mask: Bool[N, C] tokens that count.
        share: In (0, 1]; 1 takes all.

    Returns:
        Bool[N, C], False outside `mask`.
    """
    if share >= 1 or not bool(mask.any()):
        return mask
    counted = entropy.detach()[mask].float()
    # torch.quantile refuses more than 2^24 values; a sorted copy has no such limit. Linear interpolation, as there.
    ordered = counted.sort().values
    position = (1 - share) * (len(ordered) - 1)
    below, above = ordered[math.floor(position)], ordered[math.ceil(position)]
    threshold = below + (above - below) * (position - math.floor(position))
    return mask & (entropy.detach().float() >= threshold)
