"""Nested state (dicts, lists, numbers, strings, tensors) as JSON plus safetensors: nothing is pickled.

Integer keys and tuples survive the round trip; floats are exact (JSON writes the shortest text that reads back as the
same double).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

_TENSOR, _DICT, _TUPLE = "$tensor", "$dict", "$tuple"


def pack(tree: Any, tensors: dict[str, Tensor], prefix: str) -> Any:
    """The JSON part of `tree`; its tensors are added to `tensors` under names that begin with `prefix`.

    Raises:
        TypeError: A value is of another type.
    """
    if isinstance(tree, Tensor):
        name = f"{prefix}{len(tensors):06d}"
        tensors[name] = tree.detach().cpu().contiguous()
        return {_TENSOR: name}
    if isinstance(tree, Mapping):
        return {_DICT: [[key, pack(value, tensors, prefix)] for key, value in tree.items()]}
    if isinstance(tree, tuple):
        return {_TUPLE: [pack(value, tensors, prefix) for value in tree]}
    if isinstance(tree, list):
        return [pack(value, tensors, prefix) for value in tree]
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    raise TypeError(f"a checkpoint holds tensors and plain values, got {type(tree).__name__}")


def unpack(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The inverse of `pack`; tensors are copied into memory of their own."""
    if isinstance(tree, list):
        return [unpack(value, tensors) for value in tree]
    if not isinstance(tree, dict):
        return tree
    if _TENSOR in tree:
        return torch.clone(tensors[tree[_TENSOR]])
    if _TUPLE in tree:
        return tuple(unpack(value, tensors) for value in tree[_TUPLE])
    return {key: unpack(value, tensors) for key, value in tree[_DICT]}
