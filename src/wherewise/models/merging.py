"""Adapters or shards, and the model that they belong to, as one plain Hugging Face folder that answers as before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import PIL.Image
import torch
from torch import Tensor, nn

from wherewise.models.forward import unwrap
from wherewise.models.inputs import collate, encode_prompt, end_token_ids, padding_id
from wherewise.models.load import (
    LoadedModel,
    ModelLoadError,
    Precision,
    check_saved,
    load_model,
    save_model,
    stored_dtype,
)
from wherewise.models.lora import load_adapter, merge
from wherewise.models.megatron import is_megatron, to_hugging_face
from wherewise.models.shards import current_names, kind_of, read_shards

TOKENS = 8
"""Tokens of the reply that is compared."""
PLACES = (
    "actor/lora_adapter",
    "lora_adapter",
    "actor/model/dist_ckpt",
    "actor/model/huggingface",
    "model/dist_ckpt",
    "model/huggingface",
    "actor",
)
"""Where verl's checkpoints have what was trained: adapters, Megatron's shards, a plain folder, or a file a rank."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Merged:
    """A merged model.

    Attributes:
        folder: Where it is.
        kind: What was merged: ``lora``, ``verl``, ``dcp`` or ``megatron``.
        tensors: Tensors that were compared with the written ones, bit for bit.
        reply: Tokens that the model in memory and the one read back both gave to a test picture.
    """

    folder: Path
    kind: str
    tensors: int
    reply: tuple[int, ...]


def merge_folder(base: str | Path, source: str | Path, folder: str | Path, *, dtype: Precision = "auto") -> Merged:
    """Merge adapters or put shards together, write a plain folder, read it back and compare weights and a reply.

    Args:
        base: Model that was trained: folder, hub name or ``starter``. Of shards it gives all but the weights.
        source: Folder with a LoRA adapter, with verl's ``model_world_size_N_rank_R.pt``, or with a distributed
            checkpoint (``.metadata``), Megatron's included; also a folder that has one of these where verl puts them.
        folder: Where to.
        dtype: Precision of the written weights; ``auto`` is that of the base's checkpoint.

    Raises:
        ModelLoadError: The source is none of these, does not fit the base, or the written model differs.
    """
    source = locate(Path(source))
    loaded = load_model(base, dtype="float32", device="cpu")
    if (source / "adapter_config.json").is_file():
        kind = "lora"
        model = merge(load_adapter(loaded.model, source, trainable=False))
    elif (found := kind_of(source)) is not None:
        kind, model, tensors = found, loaded.model, read_shards(source)
        if is_megatron(tensors):
            kind, tensors = "megatron", to_hugging_face(tensors, unwrap(model).config, source)
        put(model, current_names(tensors), source)
    else:
        raise ModelLoadError(
            f"{source} holds neither a LoRA adapter (adapter_config.json), nor verl's shards "
            "(model_world_size_N_rank_R.pt), nor a distributed checkpoint (.metadata)"
            + (": it is a plain folder already, use it as it is" if (source / "config.json").is_file() else "")
        )
    return write(model, loaded, base, folder, dtype=dtype, kind=kind)


def locate(source: Path) -> Path:
    """The folder that holds what is to be merged: the named one, or where verl puts it in a step's folder.

    Raises:
        ModelLoadError: There is no such folder.
    """
    if not source.is_dir():
        raise ModelLoadError(f"there is no folder {source}")
    if (source / "adapter_config.json").is_file():
        return source
    return next((source / place for place in PLACES if (source / place).is_dir()), source)


def write(
    model: Any, loaded: LoadedModel, base: str | Path, folder: str | Path, *, dtype: Precision, kind: str
) -> Merged:
    """Write a model, read it back and compare.

    Raises:
        ModelLoadError: The written model has other weights, or gives another reply.
    """
    model = model.to(stored_dtype(base) if dtype == "auto" else getattr(torch, dtype)).eval()
    written = save_model(model, loaded.processor, folder)
    check_saved(model, written)
    expected = sample_reply(model, loaded.processor)
    again = load_model(written, dtype=next(iter(model.parameters())).dtype, device="cpu")
    if (reply := sample_reply(again.model, again.processor)) != expected:
        raise ModelLoadError(f"{written}: the model that was read back replies {reply}, the merged one {expected}")
    return Merged(folder=written, kind=kind, tensors=len(unwrap(model).state_dict()), reply=reply)


@torch.no_grad()
def put(model: nn.Module, tensors: dict[str, Tensor], source: Path) -> None:
    """Copy tensors into a model, every one of them; a head that is tied to the embeddings may be missing.

    Raises:
        ModelLoadError: Names or shapes differ, or there are adapters among them.
    """
    own = model.state_dict()
    if any("lora_" in name or ".base_layer." in name for name in tensors):
        raise ModelLoadError(f"{source}: these shards hold LoRA adapters; merge its `lora_adapter` folder instead")
    tied = {"lm_head.weight"} if getattr(unwrap(model).config, "tie_word_embeddings", False) else set()
    odd = sorted((own.keys() ^ tensors.keys()) - tied)
    if odd:
        raise ModelLoadError(
            f"{source}: {len(odd)} tensors are in the shards or the base only, such as {odd[0]}: give the base that "
            "was trained"
        )
    for name, tensor in tensors.items():
        if own[name].shape != tensor.shape:
            raise ModelLoadError(f"{source}: {name} is {tuple(tensor.shape)}, in the base {tuple(own[name].shape)}")
        own[name].copy_(tensor)


@torch.no_grad()
def sample_reply(model: Any, processor: Any) -> tuple[int, ...]:
    """The likeliest tokens after a question about a picture of two colours."""
    picture = PIL.Image.new("RGB", (64, 64), (200, 30, 30))
    picture.paste((30, 30, 200), (32, 0, 64, 64))
    prompt = encode_prompt(processor, "Which colour is on the left?", (picture,), sample_id="test picture")
    batch = collate([prompt], pad_id=padding_id(processor))
    output = model.generate(
        **batch.model_inputs(),
        max_new_tokens=TOKENS,
        do_sample=False,
        eos_token_id=list(end_token_ids(processor)),
        pad_token_id=padding_id(processor),
    )
    return tuple(int(token) for token in output[0, batch.input_ids.shape[1] :])
