"""Encode each prompt and its pictures once, then use them for every completion of the group.

GRPO draws G completions of one prompt. The usual way repeats the prompt G times, so that the vision tower and the
language model read the same pictures G times to generate and G times more for the loss. Here `prefill` reads each
prompt once; `generate` and `completion_logprobs` expand its key-value cache to the G rows of its group and run the
completions alone. With gradients on, autograd sums the G rows' gradients back into the one prompt: the numbers are
those of the usual way (`naive_logprobs`, the reference in the tests).

Several prompts of different lengths go together, left-padded: row ``b * G + g`` is completion g of prompt b.
Positions are explicit; for the Qwen-VL families they are three-dimensional (M-RoPE), from the model's own
`get_rope_index`. The windowed attention of Qwen2.5-VL, the learned positions and DeepStack features of Qwen3-VL, and
the tiles of the other families all happen inside `prefill`.

The caches here are never changed once they are written (`_PromptLayer`, `_GroupLayer`), so that a layer may run twice
with the same result: that is what recomputing activations in the backward pass does (`wherewise.models.checkpointing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import Cache, DynamicLayer

from wherewise.models.batch import PromptBatch
from wherewise.models.completions import (
    Completions,
    Randomness,
    check_rows,
    draw,
    naive_generate,
    naive_logprobs,
    uniforms,
)
from wherewise.models.families import FAMILIES, Vision, facts_of
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

_SHRINK = 0.75  # finished rows leave the batch when at most this share of it is still running


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Prefix:
    """Prompts of a batch as the model remembers them. Never changed by its users, so one can be used many times.

    Attributes:
        cache: Key-value cache of the B prompts, P tokens each.
        last_hidden: Hidden state of each prompt's last token, which predicts the first completion token, [B, H].
        attention_mask: 1 for prompt tokens, 0 for left padding, int64 [B, P].
        next_position: Rotary position of the first completion token, the same on all axes, int64 [B].
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

    def select(self, rows: Sequence[int]) -> Prefix:
        """Some of the prompts in some order; all of them as they are is this prefix itself. Differentiable."""
        if list(rows) == list(range(len(self))):
            return self
        index = torch.tensor(list(rows), device=self.last_hidden.device)
        cache = Cache(layers=[_PromptLayer() for _ in self.cache.layers])
        for layer, kept in zip(cache.layers, self.cache.layers, strict=True):
            layer.update(kept.keys[index], kept.values[index])
        return Prefix(
            cache=cache,
            last_hidden=self.last_hidden[index],
            attention_mask=self.attention_mask[index],
            next_position=self.next_position[index],
            padded=self.padded,
            sample_ids=tuple(self.sample_ids[row] for row in rows),
        )


def supports_prefix(model: nn.Module) -> bool:
    """Whether `prefill` knows this model's family; if not, use `naive_generate` and `naive_logprobs`."""
    return facts_of(unwrap(model)).shares_prefix


def language_model(base: Any) -> Any:
    """The language model inside a Hugging Face vision-language model."""
    return base.model.language_model if hasattr(base.model, "language_model") else base.model.text_model


def _axes(base: Any, position: Tensor) -> Tensor:
    """Positions [B, T] as the family's language model takes them: on three axes for the Qwen-VL families."""
    return position.expand(3, -1, -1) if facts_of(base).vision is Vision.GRID else position


def prefill(model: nn.Module, batch: PromptBatch) -> Prefix:
    """Read the prompts and their pictures once. Differentiable when gradients are on.

    Args:
        model: One of the families of `wherewise.models.families`, with or without LoRA.
        batch: Left-padded prompts.

    Returns:
        What `generate` and `completion_logprobs` need of them.

    Raises:
        ValueError: The family is not supported, or the model keeps no cache (transformers' gradient checkpointing).
        BlindForwardError: The vision tower was not called although the batch holds pictures.
    """
    base = unwrap(model)
    if not supports_prefix(model):
        known = ", ".join(facts.name for facts in FAMILIES if facts.shares_prefix)
        raise ValueError(
            f"{type(base).__name__} is not supported by the shared prefix (known: {known}); use naive_generate and "
            "naive_logprobs"
        )
    inputs = batch.model_inputs()
    lengths = batch.attention_mask.sum(-1)
    if facts_of(base).vision is Vision.GRID:
        positions, deltas = base.model.get_rope_index(**{k: v for k, v in inputs.items() if not k.startswith("pixel")})
        following = lengths + deltas.reshape(-1).to(lengths.device)
        for name in ("mm_token_type_ids", "second_per_grid_ts"):  # only the positions depend on them
            inputs.pop(name, None)
    else:
        positions, following = (batch.attention_mask.cumsum(-1) - 1).clamp_min(0), lengths
    cache = Cache(layers=[_PromptLayer() for _ in language_model(base).layers])
    with watch_vision(model, batch):
        output = base.model(**inputs, position_ids=positions, past_key_values=cache, use_cache=True)
    if cache.get_seq_length() != batch.input_ids.shape[1]:
        raise ValueError(
            "the model kept no cache of its prompt: transformers' gradient checkpointing switches it off; call "
            "model.gradient_checkpointing_disable(), and set `model.checkpointing` instead"
        )
    return Prefix(
        cache=cache,
        last_hidden=output.last_hidden_state[:, -1],
        attention_mask=batch.attention_mask,
        next_position=following,
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
    generator: Randomness,
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
        generator: Source of randomness, or one for each prompt, whose completions then depend on it alone; may live on
            the CPU whatever the model's device.
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
            uniform = uniforms(generator, rows).to(device)
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
        output = language_model(base)(
            input_ids=drawn[:, None],
            attention_mask=attention,
            position_ids=_axes(base, (position + step)[:, None]),
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
    states: list[Tensor] | None = None,
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
        states: Filled with the hidden states that predict the tokens, [tokens, H] in the order of the mask.

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
        output = language_model(base)(
            input_ids=completions.ids[:, :-1],
            attention_mask=attention,
            position_ids=_axes(base, position),
            past_key_values=_continued(prefix.cache, group_size),
            use_cache=True,
        )
        hidden = torch.cat([hidden, output.last_hidden_state], dim=1)
    hidden = hidden[completions.mask]
    if states is not None:
        states.append(hidden)
    picked = token_logprobs(
        base.lm_head,
        hidden,
        completions.ids[completions.mask],
        temperature=temperature,
        banned_ids=banned_ids,
        entropy_gradient=entropy_gradient,
    )
    return LogProbs(*(scatter(completions.mask, part) for part in picked))


class _PromptLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values of a prompt, written once: another pass of the same prompt leaves them."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Keep what the first pass wrote; attention sees the prompt itself."""
        if not self.get_seq_length():
            self.dtype, self.device = key_states.dtype, key_states.device
            self.keys, self.values = key_states, value_states
            self.is_initialized = True
        return key_states, value_states


class _GroupLayer(DynamicLayer):  # type: ignore[misc]
    """A prompt's keys and values in front of each of its completions; never written."""

    def __init__(self, prompt: DynamicLayer, times: int) -> None:
        """The cache of B prompts [B, heads, P, width] for B*times completions."""
        super().__init__()
        self.keys, self.values, self.times = prompt.keys, prompt.values, times
        self.dtype, self.device, self.is_initialized = prompt.dtype, prompt.device, True

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Keys and values of prompt and completion, [B*times, heads, P+C, width]."""
        return self._joined(self.keys, key_states), self._joined(self.values, value_states)

    def _joined(self, prompt: Tensor, completions: Tensor) -> Tensor:
        grouped = completions.unflatten(0, (-1, self.times))  # type: ignore[no-untyped-call]
        return torch.cat([prompt[:, None].expand(-1, self.times, -1, -1, -1), grouped], dim=3).flatten(0, 1)


def _continued(cache: Cache, times: int) -> Cache:
    """The cache of prompts as all completions of a group see it; nothing is copied until a layer runs."""
    return Cache(layers=[_GroupLayer(layer, times) for layer in cache.layers])


def _expanded(cache: Cache, times: int) -> Cache:
    """A cache that grows, every row of the prompts `times` times."""
    grown = Cache(layers=[DynamicLayer() for _ in cache.layers])
    for layer, prompt in zip(grown.layers, cache.layers, strict=True):
        layer.update(prompt.keys.repeat_interleave(times, 0), prompt.values.repeat_interleave(times, 0))
    return grown
