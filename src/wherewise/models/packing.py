"""Several sequences in one row, without padding and without seeing each other.

The row has the positions of each sequence as if it were alone (three-dimensional ones for the model's rotary embedding,
and plain ones that start at 0 anew, from which transformers makes the block mask). Vision towers see the pictures one
after another, as in a padded batch. Log-probabilities and gradients are those of the sequences one by one.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from wherewise.models.batch import IGNORED_LABEL, PromptBatch
from wherewise.models.forward import TokenLogProbs, scatter, token_logprobs, unwrap, watch_vision
from wherewise.samples.errors import InputError

PACKABLE = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
"""Model types whose forward takes the positions of packed rows."""


def check_packable(model: nn.Module) -> None:
    """Refuse models that would let packed sequences see each other.

    Raises:
        InputError: The model is of another family.
    """
    kind = getattr(unwrap(model).config, "model_type", "")
    if kind not in PACKABLE:
        raise InputError(
            f"pack: a {kind} model cannot keep packed samples apart, only {', '.join(PACKABLE)} can: "
            "set `pack: false`; `micro_tokens` bounds the tokens of a backward pass without packing"
        )


def label_positions(model: nn.Module, batch: PromptBatch) -> Tensor:
    """Positions [4, B, L] of a left-padded batch: the plain one, then time, height and width."""
    inputs = {
        name: value
        for name, value in batch.model_inputs().items()
        if not name.startswith("pixel") and not (name == "second_per_grid_ts" and batch.video_grid_thw is None)
    }
    rotary, _ = unwrap(model).model.get_rope_index(**inputs)
    plain = (batch.attention_mask.cumsum(-1) - 1).clamp_min(0)
    return torch.cat([plain[None], rotary.to(plain.device)])


def packed_logprobs(model: nn.Module, batch: PromptBatch, labels: Tensor) -> TokenLogProbs:
    """`wherewise.models.forward.label_logprobs` with the rows of the batch packed into one.

    Args:
        model: A model of a `PACKABLE` family.
        batch: Prompts with their targets, from `collate_with_targets`, [B, L].
        labels: Tokens to learn, `IGNORED_LABEL` elsewhere, [B, L].

    Returns:
        Values and entropies [B, L] at the labels' own positions, 0 where nothing is learned.

    Raises:
        BlindForwardError: The forward did not look at the pictures.
    """
    base = unwrap(model)
    there = batch.attention_mask.bool()
    positions = label_positions(model, batch)[:, there][:, None]
    row = replace(
        batch,
        input_ids=batch.input_ids[there][None],
        attention_mask=batch.attention_mask[there][None],
        mm_token_type_ids=batch.mm_token_type_ids[there][None],
    )
    inputs = {**row.model_inputs(), "attention_mask": None}
    with watch_vision(model, row):
        hidden = base.model(**inputs, position_ids=positions, use_cache=False).last_hidden_state[0]
    flat = labels[there]
    before = (flat != IGNORED_LABEL).nonzero()[:, 0] - 1  # the first token of a row is a prompt's: never a label
    picked = token_logprobs(base.lm_head, hidden[before], flat[before + 1])
    return TokenLogProbs(*(scatter(labels != IGNORED_LABEL, part) for part in picked))
