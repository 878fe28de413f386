"""Forward passes that know what they must not do: run blind, or build logits nobody reads.

`watch_vision` counts the calls of the vision tower and refuses a forward that has pictures but did not look at them
(a model that trains blind learns nothing and says nothing). `token_logprobs` is the language-model head on chosen
positions only, in chunks, so that the [tokens, vocabulary] matrix never exists as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from wherewise.models.batch import IGNORED_LABEL, PromptBatch

_CHUNK_ELEMENTS = 1 << 25
"""Largest [tokens, vocabulary] block of logits kept at once, in elements (128 MB in float32)."""


class BlindForwardError(RuntimeError):
    """The batch holds pictures or clips, and the vision tower did not see them."""


class TokenLogProbs(NamedTuple):
    """Log-probabilities of given tokens and the entropy of the distributions they were drawn from, in nats."""

    values: Tensor
    entropy: Tensor


def unwrap(model: nn.Module) -> Any:
    """The Hugging Face model inside distributed wrappers and LoRA adapters (which stay active)."""
    while isinstance(inner := getattr(model, "module", None), nn.Module):
        model = inner
    base = getattr(model, "get_base_model", None)
    return base() if callable(base) else model


def vision_tower(model: nn.Module) -> nn.Module:
    """The module that turns pixels into features.

    Raises:
        ValueError: The model has none under a known name.
    """
    inner = getattr(unwrap(model), "model", unwrap(model))
    for name in ("visual", "vision_tower", "vision_model"):
        tower = getattr(inner, name, None)
        if isinstance(tower, nn.Module):
            return tower
    raise ValueError(f"{type(unwrap(model)).__name__} has no vision tower: wherewise trains vision-language models")


@contextmanager
def watch_vision(model: nn.Module, batch: PromptBatch) -> Iterator[None]:
    """Refuse a forward that does not look at the pictures of its batch.

    Raises:
        BlindForwardError: The prompt has placeholders without pixels, or the tower ran fewer times than it must.
    """
    wanted = 0
    for kind, name, pixels in ((1, "image", batch.images), (2, "video", batch.pixel_values_videos)):
        rows = (batch.mm_token_type_ids == kind).any(dim=1)
        if bool(rows.any()):
            wanted += 1
            if pixels is None:
                sample = batch.sample_ids[int(rows.int().argmax())]
                raise BlindForwardError(
                    f"sample {sample!r} has {name} placeholders in its prompt but the batch carries no {name} pixels; "
                    "the model would answer blind"
                )
        elif pixels is not None:
            raise BlindForwardError(
                f"the batch carries {name} pixels but no prompt has a {name} placeholder (first sample "
                f"{batch.sample_ids[0]!r}): the chat template dropped it"
            )
    calls = 0

    def count(_module: nn.Module, _inputs: Any, _output: Any) -> None:
        nonlocal calls
        calls += 1

    handle = vision_tower(model).register_forward_hook(count)
    try:
        yield
    finally:
        handle.remove()
    if calls < wanted:
        raise BlindForwardError(
            f"the vision tower ran {calls} times, {wanted} expected, for a batch with pictures (samples "
            f"{', '.join(batch.sample_ids[:3])}): the model answered blind"
        )


def token_logprobs(
    head: nn.Module,
    hidden: Tensor,
    ids: Tensor,
    *,
    temperature: float = 1.0,
    banned_ids: Sequence[int] = (),
    entropy_gradient: bool = False,
) -> TokenLogProbs:
    """Log-probability of each token given its hidden state.

    Args:
        head: The language-model head, [N, H] -> [N, V].
        hidden: Hidden states that predict the tokens, [N, H].
        ids: The tokens, int64 [N].
        temperature: Divides the logits; 0 counts as 1, as greedy decoding has no distribution of its own.
        banned_ids: Tokens that cannot be drawn: their probability is 0.
        entropy_gradient: Whether the entropy carries a gradient (it costs memory).

    Returns:
        Float32 [N] each.
    """
    if not len(ids):
        empty = hidden.new_zeros(0, dtype=torch.float32)
        return TokenLogProbs(empty, empty)
    scale = 1.0 if temperature == 0 else 1.0 / temperature
    vocabulary = int(cast(Any, head).weight.shape[0]) if hasattr(head, "weight") else 1 << 18
    chunk = max(1, _CHUNK_ELEMENTS // vocabulary)
    banned = torch.tensor(sorted(banned_ids), dtype=torch.long, device=hidden.device)

    def block(states: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        logs = scaled_log_softmax(head(states), scale, banned)
        chosen = logs.gather(-1, tokens[:, None])[:, 0]
        finite = logs if entropy_gradient else logs.detach()
        return chosen, -(finite.exp() * finite.clamp_min(torch.finfo(finite.dtype).min)).sum(-1)

    if len(ids) <= chunk:
        return TokenLogProbs(*block(hidden, ids))
    parts = []
    for start in range(0, len(ids), chunk):
        states, tokens = hidden[start : start + chunk], ids[start : start + chunk]
        if torch.is_grad_enabled():
            parts.append(checkpoint(block, states, tokens, use_reentrant=False))
        else:
            parts.append(block(states, tokens))
    return TokenLogProbs(torch.cat([part[0] for part in parts]), torch.cat([part[1] for part in parts]))


def scaled_log_softmax(logits: Tensor, scale: float, banned: Tensor) -> Tensor:
    """Float32 log-probabilities [..., V] of the logits times `scale`, with the `banned` ids impossible."""
    logits = logits.float()
    if scale != 1.0:
        logits = logits * scale
    if len(banned):
        logits = logits.index_fill(-1, banned, float("-inf"))
    return logits.log_softmax(-1)


def label_logprobs(model: nn.Module, batch: PromptBatch, labels: Tensor) -> TokenLogProbs:
    """Log-probabilities of the labelled tokens of a batch in one ordinary forward (supervised training).

    Args:
        model: A vision-language model.
        batch: Prompts with their targets, from `collate_with_targets`, [B, L].
        labels: Tokens to learn, `IGNORED_LABEL` elsewhere, [B, L].

    Returns:
        Values and entropies [B, L] at the labels' own positions, 0 where nothing is learned.

    Raises:
        BlindForwardError: The forward did not look at the pictures.
    """
    base = unwrap(model)
    with watch_vision(model, batch):
        hidden = base.model(**batch.model_inputs(), use_cache=False).last_hidden_state
    keep = labels[:, 1:] != IGNORED_LABEL
    picked = token_logprobs(base.lm_head, hidden[:, :-1][keep], labels[:, 1:][keep])
    where = nn.functional.pad(keep, (1, 0))
    return TokenLogProbs(*(scatter(where, part) for part in picked))


def scatter(where: Tensor, values: Tensor) -> Tensor:
    """Put values [N] at the true places of a mask; 0 elsewhere. Differentiable."""
    return torch.zeros(where.shape, dtype=values.dtype, device=values.device).masked_scatter(where, values)
