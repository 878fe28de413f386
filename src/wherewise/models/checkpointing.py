"""Recompute activations in the backward pass, by hand, so that it goes together with the shared prefix.

transformers' own gradient checkpointing switches the key-value cache off, and without the cache there is no prompt to
share. Here each layer of the language model and of the vision tower is checkpointed around its own `forward`, cache
included: the caches of `wherewise.training.grpo.prefix` may be written twice with the same result. The numbers are
those of the plain pass; a layer's activations live only while its own backward runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from wherewise.models.forward import unwrap


def checkpointed_layers(model: nn.Module) -> list[nn.Module]:
    """The layers that transformers marks as worth recomputing: blocks of the vision tower and of the language model.

    Raises:
        ValueError: The model has none.
    """
    from transformers.modeling_layers import GradientCheckpointingLayer

    found = [module for module in unwrap(model).modules() if isinstance(module, GradientCheckpointingLayer)]
    if not found:
        raise ValueError(f"{type(unwrap(model)).__name__} has no layers to recompute: set `model.checkpointing: false`")
    return found


@contextmanager
def recomputing(model: nn.Module, enabled: bool = True) -> Iterator[None]:
    """Forwards inside keep only what goes into each layer; the backward pass computes the rest again.

    Nothing changes where gradients are off. The backward pass may happen outside.

    Args:
        model: A Hugging Face model, with or without LoRA.
        enabled: False does nothing.
    """
    layers = checkpointed_layers(model) if enabled and torch.is_grad_enabled() else []
    for layer in layers:
        layer.__dict__["forward"] = partial(_recomputed, layer.forward)
    try:
        yield
    finally:
        for layer in layers:
            layer.__dict__.pop("forward", None)


def _recomputed(forward: Callable[..., Any], *inputs: Any, **keywords: Any) -> Any:
    return checkpoint(partial(forward, **keywords), *inputs, use_reentrant=False)
