"""The completions of one prompt as the learner keeps them, and how groups are stacked and cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor


@dataclass(kw_only=True, slots=True)
class Group:
    """The completions of one prompt, on the CPU; G completions of up to C tokens.

    Attributes:
        sample: Index of the sample.
        ids: Long[G, C] tokens.
        mask: Bool[G, C] tokens of the completions.
        finished: Bool[G] ended by an end token.
        advantages: Float[G]; 0 where there is no reward.
        weights: Float[G, C] of each token in the step's loss; 0 where it does not count.
        active: False if the group's gradient is exactly zero.
        old_logp: Float[G, C] under the sampling policy; None until the first pass has computed it.
        ref_logp: Float[G, C] under the reference; None without one.
        sampler_logp: Float[G, C] as the sampler gave them; None where its numerics are not corrected for.
    """

    sample: int
    ids: Tensor
    mask: Tensor
    finished: Tensor
    advantages: Tensor
    weights: Tensor
    active: bool
    old_logp: Tensor | None = None
    ref_logp: Tensor | None = None
    sampler_logp: Tensor | None = None

    def state(self) -> dict[str, Any]:
        """All fields."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


def pad_columns(tensors: Sequence[Tensor], value: float = 0) -> Tensor:
    """Stack [G_i, C_i] tensors into [sum G_i, max C_i], filling the right."""
    width = max(t.shape[1] for t in tensors)
    return torch.cat([torch.nn.functional.pad(t, (0, width - t.shape[1]), value=value) for t in tensors])


def by_group(rows: Tensor, generations: int) -> list[Tensor]:
    """Cut [groups * generations, C] into groups."""
    return list(rows.unflatten(0, (-1, generations)).unbind(0))  # type: ignore[no-untyped-call]
