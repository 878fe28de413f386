"""All random state of a process, as plain values and tensors."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import numpy as np
import torch

from wherewise.samples.errors import InputError


def seed_everything(seed: int) -> None:
    """Seed python's, numpy's and torch's global generators."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def stable_seed(*parts: int | str) -> int:
    """A seed below 2**63 that depends on the parts alone.

    >>> stable_seed(0, 7) == stable_seed(0, 7) != stable_seed(7, 0)
    True
    """
    digest = hashlib.sha256(":".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def capture(generators: dict[str, torch.Generator], *, own_gpu: bool = False) -> dict[str, Any]:
    """State of python's, numpy's and torch's global generators, of the GPUs', and of the named `generators`.

    Args:
        generators: By name.
        own_gpu: Take the current GPU alone: where each has a process of its own, the others are none of ours.
    """
    version, internal, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": (version, tuple(internal), gauss),
        "numpy": (name, [int(k) for k in keys], int(position), int(has_gauss), float(cached)),
        "torch": torch.get_rng_state(),
        "cuda": _gpu_states(own_gpu),
        "generators": {key: generator.get_state() for key, generator in generators.items()},
    }


def _gpu_states(own_gpu: bool) -> list[torch.Tensor]:
    if not torch.cuda.is_available():
        return []
    return [torch.cuda.get_rng_state()] if own_gpu else list(torch.cuda.get_rng_state_all())


def restore(state: dict[str, Any], generators: dict[str, torch.Generator], *, own_gpu: bool = False) -> None:
    """Put back what `capture` took.

    Raises:
        InputError: The checkpoint was made with another number of GPUs or other generators.
    """
    if state["generators"].keys() != generators.keys():
        raise InputError(f"the checkpoint has generators {sorted(state['generators'])}, the run {sorted(generators)}")
    devices = (1 if own_gpu else torch.cuda.device_count()) if torch.cuda.is_available() else 0
    if len(state["cuda"]) != devices:
        raise InputError(
            f"the checkpoint was made with {len(state['cuda'])} visible GPUs, this machine shows {devices}: "
            "random state cannot be restored; set CUDA_VISIBLE_DEVICES as it was"
        )
    random.setstate(state["python"])
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, np.array(keys, dtype=np.uint32), position, has_gauss, cached))
    torch.set_rng_state(state["torch"])
    if devices and own_gpu:
        torch.cuda.set_rng_state(state["cuda"][0])
    elif devices:
        torch.cuda.set_rng_state_all(state["cuda"])
    for key, generator in generators.items():
        generator.set_state(state["generators"][key])
