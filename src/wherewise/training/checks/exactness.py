"""How close the shared prefix is to the plain way on a model: log-probabilities and every gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from wherewise.models.batch import PromptBatch
from wherewise.models.checkpointing import recomputing
from wherewise.training.grpo.prefix import Completions, completion_logprobs, naive_logprobs, prefill

ROUNDING = 1e-4
"""Share of the whole gradient's norm below which a parameter's gradient is not compared with its own norm."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Exactness:
    """One comparison.

    Attributes:
        logprob: Largest difference of a token's log-probability, in nats.
        gradient: Largest relative difference of a parameter's gradient, by norm. One that is zero but for rounding (the
            bias of keys, which softmax does not see) is compared with `ROUNDING` of the whole gradient instead.
        parameters: Parameters that had a gradient.
        seen: Largest change of a log-probability when the pictures change, in nats: 0 would be a blind model.
    """

    logprob: float
    gradient: float
    parameters: int
    seen: float


def random_completions(
    generator: torch.Generator, vocabulary: int, lengths: Sequence[int], banned: Sequence[int]
) -> Completions:
    """Completions of given lengths, tokens drawn evenly from those that are not banned."""
    weights = torch.ones(vocabulary)
    weights[list(banned)] = 0
    rows = [torch.multinomial(weights, n, replacement=True, generator=generator).tolist() for n in lengths]
    return Completions.from_lists(rows, pad_id=0)


def compare(
    model: nn.Module,
    batch: PromptBatch,
    completions: Completions,
    *,
    group_size: int,
    banned_ids: Sequence[int],
    other: PromptBatch | None = None,
    checkpointing: bool = False,
) -> Exactness:
    """Compare the shared prefix with a copy of the prompt for each completion.

    Args:
        model: A model of a family that shares; in training mode where activations are to be recomputed.
        batch: B prompts.
        completions: Their B*G completions.
        group_size: G.
        banned_ids: Tokens without probability.
        other: The same prompts with other pictures; without it `seen` is 0.
        checkpointing: Recompute activations on the side of the shared prefix.
    """

    def plain() -> Tensor:
        return naive_logprobs(model, batch, completions, group_size=group_size, banned_ids=banned_ids).values

    def shared(prompts: PromptBatch = batch) -> Tensor:
        prefix = prefill(model, prompts)
        return completion_logprobs(model, prefix, completions, group_size=group_size, banned_ids=banned_ids).values

    reference, wanted = gradients(model, plain)
    with recomputing(model, checkpointing):
        values, found = gradients(model, shared)
    if wanted.keys() != found.keys():
        raise RuntimeError(f"gradients of other parameters: {sorted(wanted.keys() ^ found.keys())[:3]}")
    whole = torch.stack([change.norm() for change in wanted.values()]).norm()
    worst = max(
        float((found[key] - wanted[key]).norm() / wanted[key].norm().clamp_min(ROUNDING * float(whole)))
        for key in wanted
    )
    seen = 0.0
    if other is not None:
        with torch.no_grad():
            seen = float((shared(other) - values).abs().max())
    return Exactness(logprob=float((values - reference).abs().max()), gradient=worst, parameters=len(found), seen=seen)


def gradients(model: nn.Module, score: Callable[[], Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Values of a function of the model, and the gradient of a fixed random weighting of them; both detached."""
    model.zero_grad(set_to_none=True)
    values = score()
    weights = torch.randn(values.shape, generator=torch.Generator().manual_seed(1)).to(values.device)
    (values * weights).sum().backward()  # type: ignore[no-untyped-call]
    found = {name: p.grad.detach().clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    return values.detach(), found
