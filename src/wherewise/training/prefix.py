"""Encode each prompt and its pictures once, then use them for every completion of the group.

GRPO draws G completions of one prompt. The usual way repeats the prompt G times, so that the vision tower and the
language model read the same pictures G times to generate and G times more for the loss. Here `prefill` reads each
prompt once; `generate` and `completion_logprobs` expand its key-value cache to the G rows of its group and run the
completions alone. With gradients on, autograd sums the G rows' gradients back into the one prompt: the numbers are
those of the usual way (`naive_logprobs`, the reference in the tests).

Several prompts of different lengths go together, left-padded: row ``b * G + g`` is completion g of prompt b.
Positions are explicit and three-dimensional (M-RoPE), from the model's own `get_rope_index`; the windowed attention
of Qwen2.5-VL, and the learned positions and DeepStack features of Qwen3-VL, all happen inside `prefill`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from wherewise.models.batch import PromptBatch
from wherewise.models.completions import Completions, check_rows, draw, naive_generate, naive_logprobs
from wherewise.models.forward import (
    BlindForwardError,
    TokenLogProbs,
    scaled_log_softmax,
    scatter,
    token_logprobs,
    unwrap,
    watch_vision,
)

__all__ = [
    "BlindForwardError",
    "Completions",
    "LogProbs",
    "Prefix",
    "completion_logprobs",
    "generate",
    "naive_generate",
    "naive_logprobs",
    "prefill",
    "supports_prefix",
]

LogProbs = TokenLogProbs
"""Log-probabilities `values` and `entropy` of a group's completions, float32 [B*G, C], 0 outside the mask."""

_FAMILIES = frozenset({"qwen2_5_vl", "qwen3_vl"})
_SHRINK = 0.75  # finished rows leave the batch when at most this share of it is still running


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prefix:
    """Prompts of a batch as the model remembers them. Never changed by its users, so one can be used many times.

    Attributes:
        cache: Key-value cache of the B prompts, P tokens each.
        last_hidden: Hidden state of each prompt's last token, which predicts the first completion token, [B, H].
        attention_mask: 1 for prompt tokens, 0 for left padding, int64 [B, P].
        next_position: Rotary position of the first completion token, the same on all three axes, int64 [B].
        padded: Whether any row has padding.
        sample_ids: One id per prompt.
    """

    cache: Any
    last_hidden: Tensor
    attention_mask: Tensor
    next_position: Tensor
    padded: bool
    sample_ids: tuple[str, ...]

    def __len__(self) -> int:
        """Number of prompts."""
        return len(self.sample_ids)


def supports_prefix(model: nn.Module) -> bool:
    """Whether `prefill` knows this model's family; if not, use `naive_generate` and `naive_logprobs`."""
    return getattr(unwrap(model).config, "model_type", None) in _FAMILIES


def prefill(model: nn.Module, batch: PromptBatch) -> Prefix:
    """Read the prompts and their pictures once. Differentiable when gradients are on.

    Args:
        model: Qwen2.5-VL or Qwen3-VL, with or without LoRA.
        batch: Left-padded prompts.

    Returns:
        What `generate` and `completion_logprobs` need of them.

    Raises:
        ValueError: The family is not supported, or the model keeps no cache (gradient checkpointing).
        BlindForwardError: The vision tower was not called although the batch holds pictures.
    """
    base = unwrap(model)
    if not supports_prefix(model):
        raise ValueError(
            f"{type(base).__name__} is not supported by the shared prefix (known: {', '.join(sorted(_FAMILIES))}); "
            "use naive_generate and naive_logprobs"
        )
    inputs = batch.model_inputs()
    positions, deltas = base.model.get_rope_index(**{k: v for k, v in inputs.items() if not k.startswith("pixel")})
    for name in ("mm_token_type_ids", "second_per_grid_ts"):  # only the positions depend on them
        inputs.pop(name, None)
    with watch_vision(model, batch):
        output = base.model(**inputs, position_ids=positions, use_cache=True)
    if output.past_key_values is None or output.past_key_values.get_seq_length() != batch.input_ids.shape[1]:
        raise ValueError(
            "the model kept no cache of its prompt: gradient checkpointing of the language model switches it off; call "
            "model.gradient_checkpointing_disable() (the vision tower alone may keep it)"
        )
    lengths = batch.attention_mask.sum(-1)
    return Prefix(
        cache=output.past_key_values,
        last_hidden=output.last_hidden_state[:, -1],
        attention_mask=batch.attention_mask,
        next_position=lengths + deltas.reshape(-1).to(lengths.device),
        padded=not bool(batch.attention_mask.all()),
        sample_ids=batch.sample_ids,
    )


@torch.no_grad()
def generate(
    model: nn.Module,
    prefix: Prefix,
    *,
    group_size: int,
    max_new_tokens: int,
    temperature: float,
    eos_ids: Sequence[int],
    pad_id: int,
    banned_ids: Sequence[int],
    generator: torch.Generator,
    top_p: float = 1.0,
) -> Completions:
    """Draw `group_size` completions of every prompt. The prefix is left as it was.

    The draw of row r at step t depends on the generator, r and t alone, not on which other rows have ended.

    Args:
        model: The model that made the prefix (in `eval()` mode where dropout is on).
        prefix: Encoded prompts; make it under `torch.no_grad()` to save memory.
        group_size: Completions per prompt, G.
        max_new_tokens: Longest completion, its end token included.
        temperature: Divides the logits; 0 takes the likeliest token (all G rows alike).
        eos_ids: Tokens that end a completion.
        pad_id: Fills rows after their end.
        banned_ids: Tokens that are never drawn (`vision_token_ids`).
        generator: Source of randomness; may live on the CPU whatever the model's device.
        top_p: Draw only from the smallest set of tokens with this probability together.

    Returns:
        Completions on the prefix's device.

    Raises:
        ValueError: A size or temperature out of range.
    """
    if group_size < 1 or max_new_tokens < 1 or temperature < 0 or not 0 < top_p <= 1:
        raise ValueError(
            f"generate needs group_size >= 1, max_new_tokens >= 1, temperature >= 0, 0 < top_p <= 1; got {group_size}, "
            f"{max_new_tokens}, {temperature}, {top_p}"
        )
    base = unwrap(model)
    device = prefix.last_hidden.device
    rows = len(prefix) * group_size
    banned = torch.tensor(sorted(banned_ids), dtype=torch.long, device=device)
    ends = torch.tensor(sorted(eos_ids), dtype=torch.long, device=device)
    scale = 1.0 if temperature == 0 else 1.0 / temperature

    ids = torch.full((rows, max_new_tokens), pad_id, dtype=torch.long, device=device)
    mask = torch.zeros((rows, max_new_tokens), dtype=torch.bool, device=device)
    logprobs = torch.zeros((rows, max_new_tokens), dtype=torch.float32, device=device)
    finished = torch.zeros(rows, dtype=torch.bool, device=device)

    cache = _expanded(prefix.cache, group_size)
    attention = prefix.attention_mask.repeat_interleave(group_size, 0) if prefix.padded else None
    position = prefix.next_position.repeat_interleave(group_size, 0)
    hidden = prefix.last_hidden.repeat_interleave(group_size, 0)
    alive = torch.arange(rows, device=device)  # which row each row of the running batch is
    steps = 0
    for step in range(max_new_tokens):
        logs = scaled_log_softmax(base.lm_head(hidden), scale, banned)
        if temperature == 0:
            drawn = logs.argmax(-1)
        else:
            uniform = torch.rand(rows, generator=generator, device=generator.device).to(device)
            drawn = draw(logs, uniform[alive], top_p)
        running = ~finished[alive]
        target = alive[running]
        ids[target, step] = drawn[running]
        mask[target, step] = True
        logprobs[target, step] = logs.gather(-1, drawn[:, None])[running, 0]
        finished[target] = torch.isin(drawn[running], ends)
        steps = step + 1
        left = int((~finished).sum())
        if left == 0 or steps == max_new_tokens:
            break
        if left <= _SHRINK * len(alive):
            keep = (~finished[alive]).nonzero()[:, 0]
            alive, drawn, position = alive[keep], drawn[keep], position[keep]
            cache.batch_select_indices(keep)
            attention = None if attention is None else attention[keep]
        if attention is not None:
            attention = torch.cat([attention, attention.new_ones(len(alive), 1)], dim=1)
        output = base.model.language_model(
            input_ids=drawn[:, None],
            attention_mask=attention,
            position_ids=(position + step).expand(3, -1)[..., None],
            past_key_values=cache,
            use_cache=True,
        )
        hidden = output.last_hidden_state[:, -1]
    return Completions(ids=ids[:, :steps], mask=mask[:, :steps], logprobs=logprobs[:, :steps], finished=finished)


def completion_logprobs(
    model: nn.Module,
    prefix: Prefix,
    completions: Completions,
    *,
    group_size: int,
    banned_ids: Sequence[int],
    temperature: float = 1.0,
    entropy_gradient: bool = False,
) -> LogProbs:
    """Log-probabilities of completions under the model, given prompts encoded once.

    Differentiable into every parameter that the prompts, the pictures and the completions went through, if the prefix
    was made with gradients on.

    Args:
        model: The model that made the prefix.
        prefix: The B prompts.
        completions: Their B*G completions.
        group_size: G.
        banned_ids: As in `generate`, so that the two agree.
        temperature: As in `generate`.
        entropy_gradient: Whether the entropy carries a gradient too.

    Returns:
        Values and entropies [B*G, C], 0 outside the mask.

    Raises:
        ValueError: The completions are not `group_size` per prompt.
    """
    check_rows(len(prefix), completions, group_size)
    base = unwrap(model)
    width = int(completions.ids.shape[1])
    hidden = prefix.last_hidden.repeat_interleave(group_size, 0)[:, None]
    if width > 1:
        attention = None
        if prefix.padded:
            prompt = prefix.attention_mask.repeat_interleave(group_size, 0)
            attention = torch.cat([prompt, prompt.new_ones(len(completions), width - 1)], dim=1)
        steps = torch.arange(width - 1, device=completions.ids.device)
        position = prefix.next_position.repeat_interleave(group_size, 0)[:, None] + steps[None]
        output = base.model.language_model(
            input_ids=completions.ids[:, :-1],
            attention_mask=attention,
            position_ids=position.expand(3, -1, -1),
            past_key_values=_expanded(prefix.cache, group_size),
            use_cache=True,
        )
        hidden = torch.cat([hidden, output.last_hidden_state], dim=1)
    picked = token_logprobs(
        base.lm_head,
        hidden[completions.mask],
        completions.ids[completions.mask],
        temperature=temperature,
        banned_ids=banned_ids,
        entropy_gradient=entropy_gradient,
    )
    return LogProbs(*(scatter(completions.mask, part) for part in picked))


def _expanded(cache: Any, times: int) -> Any:
    """A copy of a cache with every row `times` times; the original keeps its tensors and its length."""
    copied = copy.copy(cache)
    copied.layers = [copy.copy(layer) for layer in cache.layers]
    copied.batch_repeat_interleave(times)
    return copied
