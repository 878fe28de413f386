"""The model of a run as its configuration wants it."""

from __future__ import annotations

import os
from dataclasses import replace

import torch

from wherewise.models.load import LoadedModel, load_model
from wherewise.models.lora import apply_lora, freeze
from wherewise.models.quantize import Quantization
from wherewise.training.config import ModelConfig, RunConfig
from wherewise.training.recovery import rng


def quantization_of(config: ModelConfig) -> Quantization | None:
    """How the frozen weights are stored; None where they are not quantised."""
    return None if config.quantize is None else Quantization(**config.quantize.model_dump())


def load_for_training(config: RunConfig) -> LoadedModel:
    """The model, frozen in part or given adapters, on its device; random state is seeded just before."""
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    rng.seed_everything(config.seed)
    loaded = load_model(
        config.model.path,
        dtype=config.model.dtype,
        device=config.model.device,
        attn=config.model.attn,
        quantization=quantization_of(config.model),
    )
    if config.model.lora is None:
        freeze(loaded.model, **config.model.freeze.model_dump())
        return loaded
    return replace(loaded, model=apply_lora(loaded.model, **config.model.lora.model_dump()))
