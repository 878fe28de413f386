"""A model's tensors as Megatron-Core lays them out: the way there, of which `models/megatron.py` is the way back."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

QKV = ("q_proj", "k_proj", "v_proj")


def fused(parts: list[Tensor], heads: int, groups: int) -> Tensor:
    """Queries, keys and values, group by group."""
    rows = []
    size = parts[0].shape[0] // heads
    for group in range(groups):
        each = heads // groups
        rows += [parts[0][group * each * size : (group + 1) * each * size]]
        rows += [part[group * size : (group + 1) * size] for part in parts[1:]]
    return torch.cat(rows)


def to_megatron(state: Mapping[str, Tensor], config: Any, *, rebuilt_tower: bool, stacked: bool) -> dict[str, Tensor]:
    """A Hugging Face state as a Megatron checkpoint has it.

    Args:
        state: The state of a Qwen2.5-VL or Qwen3-VL.
        config: Its configuration.
        rebuilt_tower: Whether the vision tower is of Megatron's blocks (mbridge), or Hugging Face's own.
        stacked: Whether layers share one tensor.
    """
    text = config.get_text_config()
    layers: dict[str, dict[int, Tensor]] = defaultdict(dict)
    made: dict[str, Tensor] = {}
    for name, tensor in state.items():
        language = re.fullmatch(r"model\.language_model\.layers\.(\d+)\.(.+)", name)
        tower = re.fullmatch(r"model\.visual\.blocks\.(\d+)\.(.+)", name)
        if language is not None:
            number, inner = int(language[1]), language[2]
            start = f"model.language_model.layers.{number}."
            where = "language_model.decoder.layers"
            if match := re.fullmatch(r"self_attn\.q_proj\.(weight|bias)", inner):
                parts = [state[f"{start}self_attn.{part}.{match[1]}"] for part in QKV]
                whole = fused(parts, text.num_attention_heads, text.num_key_value_heads)
                layers[f"{where}|self_attention.linear_qkv.{match[1]}"][number] = whole
            elif inner == "mlp.gate_proj.weight":
                layers[f"{where}|mlp.linear_fc1.weight"][number] = torch.cat(
                    [tensor, state[f"{start}mlp.up_proj.weight"]]
                )
            elif not re.match(r"self_attn\.[kv]_proj|mlp\.up_proj", inner):
                layers[f"{where}|{LANGUAGE[inner]}"][number] = tensor
        elif tower is not None and rebuilt_tower:
            number, inner = int(tower[1]), tower[2]
            start = f"model.visual.blocks.{number}."
            where = "vision_model.decoder.layers"
            heads = config.vision_config.num_heads
            if match := re.fullmatch(r"attn\.qkv\.(weight|bias)", inner):
                whole = fused(list(tensor.chunk(3)), heads, heads)
                layers[f"{where}|self_attention.linear_qkv.{match[1]}"][number] = whole
            elif match := re.fullmatch(r"mlp\.gate_proj\.(weight|bias)", inner):
                up = state[f"{start}mlp.up_proj.{match[1]}"]
                layers[f"{where}|mlp.linear_fc1.{match[1]}"][number] = torch.cat([tensor, up])
            elif not re.match(r"mlp\.up_proj", inner):
                layers[f"{where}|{TOWER[inner]}"][number] = tensor
        elif name.startswith("model.visual."):
            rest = name.removeprefix("model.visual.")
            made[f"vision_model.{TOWER.get(rest, rest)}" if rebuilt_tower else f"visual.{rest}"] = tensor
        else:
            made[f"language_model.{OUTER[name]}"] = tensor
    for key, numbered in layers.items():
        where, _, inner = key.partition("|")
        ordered = [numbered[number] for number in range(len(numbered))]
        if stacked:
            made[f"{where}.{inner}"] = torch.stack(ordered)
        else:
            made |= {f"{where}.{number}.{inner}": tensor for number, tensor in enumerate(ordered)}
    table = "language_model.embedding.word_embeddings.weight"
    made[table] = torch.cat([made[table], torch.full((5, made[table].shape[1]), 7.0)])  # rows that fill up
    return {name: tensor.contiguous() for name, tensor in made.items()}


OUTER = {
    "model.language_model.embed_tokens.weight": "embedding.word_embeddings.weight",
    "model.language_model.norm.weight": "decoder.final_layernorm.weight",
    "lm_head.weight": "output_layer.weight",
}
LANGUAGE = {
    "input_layernorm.weight": "self_attention.linear_qkv.layer_norm_weight",
    "self_attn.q_norm.weight": "self_attention.q_layernorm.weight",
    "self_attn.k_norm.weight": "self_attention.k_layernorm.weight",
    "self_attn.o_proj.weight": "self_attention.linear_proj.weight",
    "post_attention_layernorm.weight": "mlp.linear_fc1.layer_norm_weight",
    "mlp.down_proj.weight": "mlp.linear_fc2.weight",
}
TOWER = {
    "norm1.weight": "self_attention.linear_qkv.layer_norm_weight",
    "attn.proj.weight": "self_attention.linear_proj.weight",
    "attn.proj.bias": "self_attention.linear_proj.bias",
    "norm2.weight": "mlp.linear_fc1.layer_norm_weight",
    "mlp.down_proj.weight": "mlp.linear_fc2.weight",
    "mlp.down_proj.bias": "mlp.linear_fc2.bias",
    "merger.ln_q.weight": "decoder.final_layernorm.weight",
    "merger.mlp.0.weight": "projection.encoder.linear_fc1.weight",
    "merger.mlp.0.bias": "projection.encoder.linear_fc1.bias",
    "merger.mlp.2.weight": "projection.encoder.linear_fc2.weight",
    "merger.mlp.2.bias": "projection.encoder.linear_fc2.bias",
}
