"""The likeliest token after the other, for a batch whose finished rows leave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache

from wherewise.models.batch import PromptBatch
from wherewise.models.families import Vision, facts_of
from wherewise.models.forward import unwrap

_SHRINK = 0.75  # finished rows leave the batch when at most this share of it is still running


@torch.inference_mode()
def greedy_replies(
    model: Any,
    batch: PromptBatch,
    *,
    max_new_tokens: int,
    end_ids: Sequence[int],
    pad_id: int,
    banned_ids: Sequence[int],
) -> list[list[int]]:
    """Tokens of each row's reply, up to its end token or the longest reply.

    Plain greedy decoding, whatever the checkpoint's generation settings say (Qwen2.5-VL: a repetition penalty).

    Args:
        model: A Hugging Face vision-language model.
        batch: Left-padded prompts.
        max_new_tokens: Longest reply, its end token included.
        end_ids: Tokens that end a reply.
        pad_id: The tokenizer's padding.
        banned_ids: Tokens that are never taken (`wherewise.models.inputs.vision_token_ids`).

    Returns:
        One list a row; the end token is its last where there is one.
    """
    base = unwrap(model)
    if not facts_of(base).shares_prefix:  # how such a family counts positions is known to its `generate` alone
        output = base.generate(
            **batch.model_inputs(),
            max_new_tokens=max_new_tokens,
            do_sample=False,
            num_beams=1,
            repetition_penalty=1.0,
            temperature=None,
            top_p=None,
            top_k=None,
            eos_token_id=list(end_ids),
            pad_token_id=pad_id,
            suppress_tokens=list(banned_ids),
        )
        rows: list[list[int]] = output[:, batch.input_ids.shape[1] :].tolist()
        return [_until_end(row, end_ids) for row in rows]

    device = batch.input_ids.device
    banned = torch.tensor(sorted(banned_ids), dtype=torch.long, device=device)
    ends = torch.tensor(sorted(end_ids), dtype=torch.long, device=device)
    attention = batch.attention_mask
    positions, following = _positions(base, batch)
    cache = DynamicCache()
    inputs = batch.model_inputs()
    logits = base(**inputs, position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=1).logits
    replies: list[list[int]] = [[] for _ in range(len(batch))]
    alive = torch.arange(len(batch), device=device)  # which row of `replies` each row of the running batch is
    finished = torch.zeros(len(batch), dtype=torch.bool, device=device)  # of the running batch
    for step in range(max_new_tokens):
        scores = logits[:, -1].float()
        scores[:, banned] = -torch.inf
        taken = scores.argmax(-1)
        for row, token, over in zip(alive.tolist(), taken.tolist(), finished.tolist(), strict=True):
            if not over:
                replies[row].append(token)
        finished = finished | torch.isin(taken, ends)
        left = int((~finished).sum())
        if left == 0 or step + 1 == max_new_tokens:
            break
        if left <= _SHRINK * len(alive):
            keep = (~finished).nonzero()[:, 0]
            alive, taken, finished = alive[keep], taken[keep], finished[keep]
            attention, following = attention[keep], following[keep]
            cache.batch_select_indices(keep)
        attention = torch.cat([attention, attention.new_ones(len(alive), 1)], dim=1)
        logits = base(
            input_ids=taken[:, None],
            attention_mask=attention,
            position_ids=_axes(base, (following + step)[:, None]),
            past_key_values=cache,
            use_cache=True,
        ).logits
    return replies


def _positions(base: Any, batch: PromptBatch) -> tuple[Tensor, Tensor]:
    """Rotary positions of the prompts' tokens, and that of each reply's first token [B]."""
    if facts_of(base).vision is not Vision.GRID:
        positions = (batch.attention_mask.cumsum(-1) - 1).clamp_min(0)
        return positions, batch.attention_mask.sum(-1)
    inputs = {name: value for name, value in batch.model_inputs().items() if not name.startswith("pixel")}
    positions, deltas = base.model.get_rope_index(**inputs)
    return positions, batch.attention_mask.sum(-1) + deltas.reshape(-1).to(batch.attention_mask.device)


def _axes(base: Any, position: Tensor) -> Tensor:
    """Positions [B, 1] as the family takes them: on three axes for the Qwen-VL families."""
    return position.expand(3, -1, -1) if facts_of(base).vision is Vision.GRID else position


def _until_end(row: list[int], ends: Sequence[int]) -> list[int]:
    end = next((position for position, token in enumerate(row) if token in ends), None)
    return row if end is None else row[: end + 1]
