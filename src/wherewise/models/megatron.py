"""Megatron's tensors under the names and in the shapes of Hugging Face: what its checkpoints fuse is taken apart.

Megatron-Core stacks the layers of a block along a first axis (or numbers them), keeps query, key and value of an
attention group together, and gate and up projection one after the other. Vision towers come in two kinds: as Hugging
Face has them (Megatron-Bridge), or rebuilt of Megatron's own blocks (mbridge's Qwen2.5-VL). Sources of the layout:
``sharded_state_dict`` in ``megatron/core/transformer/transformer_block.py`` and ``mlp.py``,
``mbridge/models/qwen2_5_vl`` and ``megatron/bridge/models/qwen_vl``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wherewise.models.load import ModelLoadError

LANGUAGE = {
    "embedding.word_embeddings.weight": "model.language_model.embed_tokens.weight",
    "decoder.final_layernorm.weight": "model.language_model.norm.weight",
    "output_layer.weight": "lm_head.weight",
}
"""Tensors of the language model outside its layers."""
TOWER = {
    "decoder.final_layernorm.weight": "model.visual.merger.ln_q.weight",
    "projection.encoder.linear_fc1.weight": "model.visual.merger.mlp.0.weight",
    "projection.encoder.linear_fc1.bias": "model.visual.merger.mlp.0.bias",
    "projection.encoder.linear_fc2.weight": "model.visual.merger.mlp.2.weight",
    "projection.encoder.linear_fc2.bias": "model.visual.merger.mlp.2.bias",
}
"""Tensors of a rebuilt vision tower outside its layers."""
LANGUAGE_LAYER = {
    "self_attention.linear_qkv.layer_norm_weight": "input_layernorm.weight",
    "input_layernorm.weight": "input_layernorm.weight",
    "self_attention.q_layernorm.weight": "self_attn.q_norm.weight",
    "self_attention.k_layernorm.weight": "self_attn.k_norm.weight",
    "self_attention.linear_proj.weight": "self_attn.o_proj.weight",
    "mlp.linear_fc1.layer_norm_weight": "post_attention_layernorm.weight",
    "pre_mlp_layernorm.weight": "post_attention_layernorm.weight",
    "mlp.linear_fc2.weight": "mlp.down_proj.weight",
}
"""Tensors of a layer that Megatron keeps as they are."""
TOWER_LAYER = {
    "self_attention.linear_qkv.layer_norm_weight": "norm1.weight",
    "input_layernorm.weight": "norm1.weight",
    "self_attention.linear_proj.weight": "attn.proj.weight",
    "self_attention.linear_proj.bias": "attn.proj.bias",
    "mlp.linear_fc1.layer_norm_weight": "norm2.weight",
    "pre_mlp_layernorm.weight": "norm2.weight",
    "mlp.linear_fc2.weight": "mlp.down_proj.weight",
    "mlp.linear_fc2.bias": "mlp.down_proj.bias",
}
"""The same of a rebuilt vision tower."""
_LAYER = re.compile(r"decoder\.layers\.(?:(\d+)\.)?(.+)")
_FUSED = re.compile(r"(self_attention\.linear_qkv|mlp\.linear_fc1)\.(weight|bias)(_w|_v)?")


def is_megatron(names: Mapping[str, Any]) -> bool:
    """Whether tensors are named as Megatron-Core names them."""
    return any(re.match(r"(language_model\.)?(decoder\.layers|embedding\.word_embeddings)\.", name) for name in names)


def to_hugging_face(tensors: Mapping[str, Tensor], config: Any, source: Path) -> dict[str, Tensor]:
    """Tensors of a Megatron checkpoint of a Qwen2-VL, Qwen2.5-VL or Qwen3-VL as transformers names them.

    Args:
        tensors: Whole tensors, as `shards.read_shards` gives them.
        config: The base's configuration: numbers of heads, rows of the vocabulary.
        source: Named in errors.

    Raises:
        ModelLoadError: A tensor's name is not known.
    """
    text, tower = config.get_text_config(), config.vision_config.num_heads
    language = _Heads(
        heads=text.num_attention_heads,
        groups=text.num_key_value_heads,
        names=("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    )
    vision = _Heads(heads=tower, groups=tower, names=("attn.qkv",))
    made: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        root, _, rest = name.partition(".")
        if root == "visual" or (root == "vision_model" and not rest.startswith(("decoder.", "projection."))):
            made[f"model.visual.{rest}"] = tensor
        elif root == "vision_model":
            made |= _place(rest, tensor, TOWER, TOWER_LAYER, vision, "model.visual.blocks", name, source)
        else:
            rest = rest if root == "language_model" else name
            layers = "model.language_model.layers"
            made |= _place(rest, tensor, LANGUAGE, LANGUAGE_LAYER, language, layers, name, source)
    for name in ("model.language_model.embed_tokens.weight", "lm_head.weight"):
        if name in made:  # padded to divide among the processes
            made[name] = made[name][: text.vocab_size]
    return {name: tensor.contiguous() for name, tensor in made.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Heads:
    """Heads of an attention, and what its fused projections are called apart.

    Attributes:
        heads: Query heads.
        groups: Key and value heads.
        names: What queries, keys and values are called; one name where Hugging Face keeps them in one tensor.
    """

    heads: int
    groups: int
    names: tuple[str, ...]

    def split(self, tensor: Tensor, kind: str) -> dict[str, Tensor]:
        """Queries, keys and values of [groups x (heads / groups + 2) x head size, ...]."""
        each = self.heads // self.groups
        grouped = tensor.reshape(self.groups, each + 2, -1, *tensor.shape[1:])
        parts = [part.flatten(0, 2) for part in grouped.tensor_split((each, each + 1), dim=1)]
        if len(self.names) == 1:
            return {f"{self.names[0]}.{kind}": torch.cat(parts)}
        return {f"{name}.{kind}": part for name, part in zip(self.names, parts, strict=True)}


def _place(
    rest: str,
    tensor: Tensor,
    single: Mapping[str, str],
    layer: Mapping[str, str],
    heads: _Heads,
    layers: str,
    name: str,
    source: Path,
) -> dict[str, Tensor]:
    """One of Megatron's tensors under its new names; stacked layers each."""
    if rest in single:
        return {single[rest]: tensor}
    match = _LAYER.fullmatch(rest)
    if match is None:
        raise _unknown(name, source)
    number, inner = match.groups()
    numbered = list(enumerate(tensor)) if number is None else [(int(number), tensor)]
    made: dict[str, Tensor] = {}
    for index, one in numbered:
        if inner in layer:
            parts = {layer[inner]: one}
        elif fused := _FUSED.fullmatch(inner):
            parts = _apart(fused[1], fused[2], fused[3], one, heads)
        else:
            raise _unknown(name, source)
        made |= {f"{layers}.{index}.{part}": value for part, value in parts.items()}
    return made


def _apart(module: str, kind: str, half: str | None, tensor: Tensor, heads: _Heads) -> dict[str, Tensor]:
    if module == "self_attention.linear_qkv":
        return heads.split(tensor, kind)
    if half is not None:  # newer checkpoints keep the halves apart
        return {f"mlp.{'gate' if half == '_w' else 'up'}_proj.{kind}": tensor}
    gate, up = tensor.chunk(2)
    return {f"mlp.gate_proj.{kind}": gate, f"mlp.up_proj.{kind}": up}


def _unknown(name: str, source: Path) -> ModelLoadError:
    return ModelLoadError(
        f"{source}: {name} is no tensor of a dense Qwen2-VL, Qwen2.5-VL or Qwen3-VL in Megatron's layout; let the "
        "engine write Hugging Face's format, which needs no merge (verl: checkpoint.save_contents=[hf_model,...])"
    )
