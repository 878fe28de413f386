"""Checkpoints that several processes wrote, put together: verl's files a rank, and torch's distributed checkpoints.

Both are pickles. Nothing in them is run: tensors are read with ``weights_only=True``, and the index of a distributed
checkpoint by an unpickler that knows the classes of such an index and no others.
"""

from __future__ import annotations

import pickle
import re
from collections import OrderedDict
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from wherewise.models.load import ModelLoadError

RANK_FILE = re.compile(r"model_world_size_(\d+)_rank_(\d+)\.pt")
INDEX = ".metadata"
_INDEX_CLASSES = {
    ("torch.distributed.checkpoint.metadata", name)
    for name in (
        "Metadata",
        "TensorStorageMetadata",
        "BytesStorageMetadata",
        "ChunkStorageMetadata",
        "TensorProperties",
        "MetadataIndex",
        "StorageMeta",
        "_MEM_FORMAT_ENCODING",
    )
} | {
    *(
        ("torch.distributed.checkpoint.planner", name)
        for name in ("SavePlan", "WriteItem", "WriteItemType", "TensorWriteData", "BytesIOWriteData")
    ),
    ("torch.distributed.checkpoint.filesystem", "_StorageInfo"),
    ("torch", "Size"),
    ("torch", "device"),
    ("torch.serialization", "_get_layout"),
    ("collections", "OrderedDict"),
    ("pathlib", "PosixPath"),
}
_MEGATRON = {
    ("megatron.core.dist_checkpointing.strategies.torch", "MCoreMetadata"): (
        "torch.distributed.checkpoint.metadata",
        "Metadata",
    ),
    ("megatron.core.dist_checkpointing.strategies.torch", "MCoreSavePlan"): (
        "torch.distributed.checkpoint.planner",
        "SavePlan",
    ),
}
"""Classes of Megatron that add nothing which is read here, and what they derive from."""
_TYPES = {str(value).removeprefix("torch.") for value in vars(torch).values() if isinstance(value, torch.dtype)}


def kind_of(folder: Path) -> str | None:
    """``verl`` or ``dcp`` if a folder is a sharded checkpoint of that kind, else None."""
    if any(RANK_FILE.fullmatch(path.name) for path in folder.iterdir()):
        return "verl"
    return "dcp" if (folder / INDEX).is_file() else None


def read_shards(folder: Path) -> dict[str, Tensor]:
    """All tensors of a sharded checkpoint, whole, on the CPU.

    Raises:
        ModelLoadError: A rank's file is missing, the files hold something other than tensors, or they were cut up in a
            way that is not known.
    """
    if kind_of(folder) == "dcp":
        return _read_distributed(folder)
    return _read_ranks(folder)


def _read_ranks(folder: Path) -> dict[str, Tensor]:

    found = {}
    for path in folder.iterdir():
        if match := RANK_FILE.fullmatch(path.name):
            found[int(match[1]), int(match[2])] = path
    sizes = {size for size, _ in found}
    if len(sizes) != 1:
        raise ModelLoadError(f"{folder} holds files of runs with {sorted(sizes)} ranks: keep those of one")
    size = sizes.pop()
    missing = [rank for rank in range(size) if (size, rank) not in found]
    if missing:
        raise ModelLoadError(f"{folder} lacks the files of ranks {missing} of {size}: copy all of them")
    parts = [_load(found[size, rank]) for rank in range(size)]
    return {name: _join(name, [part[name] for part in parts], folder) for name in parts[0]}


def _load(path: Path) -> dict[str, Any]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise ModelLoadError(f"{path} holds something other than tensors, which is not loaded: {error}") from error
    return cast(dict[str, Any], state)


def _join(name: str, shards: list[Any], folder: Path) -> Tensor:
    """One tensor of its shards, in the order of ranks."""
    first = shards[0]
    if not hasattr(first, "placements"):
        return cast(Tensor, first)
    placements = list(first.placements)
    mesh = first.device_mesh.mesh
    while len(placements) > 1 and placements[0].is_replicate():  # copies of shards: the first copy has all
        placements, mesh = placements[1:], mesh[0]
    if len(placements) > 1:
        raise ModelLoadError(f"{folder}: {name} is cut up along {len(placements)} axes of the processes; known is one")
    locals_ = [shards[int(rank)]._local_tensor for rank in mesh.flatten()]
    if placements[0].is_replicate():
        return cast(Tensor, locals_[0])
    if not placements[0].is_shard():
        raise ModelLoadError(f"{folder}: {name} is laid out as {placements[0]}, which cannot be put together")
    whole = torch.cat(locals_, dim=placements[0].dim)
    if whole.shape != first.shape:
        raise ModelLoadError(f"{folder}: the shards of {name} make {tuple(whole.shape)}, not {tuple(first.shape)}")
    return whole


class _IndexUnpickler(pickle.Unpickler):
    """Knows the classes of an index and no others."""

    def find_class(self, module: str, name: str) -> Any:
        """The class, if it is known.

        Raises:
            UnpicklingError: It is not.
        """
        module, name = _MEGATRON.get((module, name), (module, name))
        if (module, name) in _INDEX_CLASSES or (module == "torch" and name in _TYPES):
            return OrderedDict if name == "OrderedDict" else super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of an index of tensors")


def _read_distributed(folder: Path) -> dict[str, Tensor]:
    from torch.distributed.checkpoint.filesystem import FileSystemReader
    from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata
    from torch.distributed.checkpoint.state_dict_loader import load

    try:
        with (folder / INDEX).open("rb") as file:
            index = _IndexUnpickler(file).load()
    except pickle.UnpicklingError as error:
        raise ModelLoadError(f"{folder / INDEX} is not loaded: {error}") from error
    if not isinstance(index, Metadata):
        raise ModelLoadError(f"{folder / INDEX} is no index of a distributed checkpoint")
    found: Metadata = index

    class Reader(FileSystemReader):
        """Hands out the index that was read above."""

        def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
            return found

    entries = {k: v for k, v in found.state_dict_metadata.items() if isinstance(v, TensorStorageMetadata)}
    wanted = [k for k in entries if not k.startswith(("optim", "optimizer"))]
    state = {k: torch.empty(entries[k].size, dtype=entries[k].properties.dtype) for k in wanted}
    load(state, storage_reader=Reader(folder), no_dist=True)
    prefixes = {name.partition(".")[0] for name in state}
    shell = prefixes.pop() + "." if len(prefixes) == 1 and prefixes < {"model", "app", "state_dict"} else ""
    if shell and all(name.startswith((f"{shell}model.", f"{shell}lm_head.")) for name in state):
        return {name.removeprefix(shell): tensor for name, tensor in state.items()}
    return state


def current_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors under the names of today's models; older versions named vision tower and language model otherwise.

    >>> list(current_names(dict.fromkeys(["visual.x", "model.layers.0", "lm_head.weight"], torch.zeros(1))))
    ['model.visual.x', 'model.language_model.layers.0', 'lm_head.weight']
    """
    if not any(name.startswith("visual.") for name in tensors):
        return tensors
    renamed = {}
    for name, tensor in tensors.items():
        if name.startswith("visual."):
            name = f"model.{name}"
        elif name.startswith("model.") and not name.startswith("model.language_model."):
            name = name.replace("model.", "model.language_model.", 1)
        renamed[name] = tensor
    return renamed
