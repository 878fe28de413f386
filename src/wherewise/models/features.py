"""What a frozen vision tower says of a picture, kept: it says the same in every pass and every epoch.

While a `FeatureCache` is installed, a tower that is not trained sees each medium by itself, and once: for sampling, for
the old, the new and the reference log-probabilities, and again an epoch later. A medium's key is a digest of its
processed pixels (so that the processor's settings count), of its grid, of the tower's weights and of the precision.
Features are kept in RAM up to a budget, the longest unused go first, and on disk where a folder is given.
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from wherewise.models.batch import PromptBatch, row_pieces
from wherewise.models.families import Vision, facts_of
from wherewise.models.forward import unwrap, vision_tower

_POOLED = "pooled"


def digest(*tensors: Tensor, words: str = "") -> str:
    """A hexadecimal digest of tensors' bytes, shapes and types, and of some words."""
    found = hashlib.blake2b(words.encode(), digest_size=20)
    for tensor in tensors:
        found.update(f"{tensor.dtype}{list(tensor.shape)}".encode())
        found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return found.hexdigest()


def row_digests(batch: PromptBatch) -> list[str]:
    """What tells the prompts of a batch apart, one digest a row: tokens and media, without padding."""
    images = row_pieces(batch.pixel_values, batch.image_grid_thw, batch.image_counts)
    videos = row_pieces(batch.pixel_values_videos, batch.video_grid_thw, batch.video_counts)
    found = []
    for row in range(len(batch)):
        tokens = batch.input_ids[row][batch.attention_mask[row].bool()]
        tiles = [torch.split(value, list(batch.tile_counts[name]))[row] for name, value in batch.tiles.items()]
        found.append(digest(tokens, *(images[row] if images else ()), *(videos[row] if videos else ()), *tiles))
    return found


def tower_is_frozen(model: nn.Module) -> bool:
    """Whether nothing of the vision tower (mergers included) is trained."""
    return not any(parameter.requires_grad for parameter in vision_tower(model).parameters())


def can_keep_features(model: nn.Module) -> bool:
    """Whether `FeatureCache` knows the tower of this family: one that takes patches and their grids (Qwen-VL)."""
    return facts_of(unwrap(model)).vision is Vision.GRID


@dataclass(kw_only=True, slots=True)
class FeatureCache:
    """Features of media by key.

    Attributes:
        budget: Bytes kept in RAM.
        folder: Where features are kept for other runs too, or None.
        encoded: Media that went through a tower so far.
        reused: Media that did not have to.
    """

    budget: int
    folder: Path | None = None
    encoded: int = 0
    reused: int = 0
    _kept: OrderedDict[str, dict[str, Tensor]] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _towers: WeakKeyDictionary[nn.Module, str] = field(default_factory=WeakKeyDictionary)

    @contextmanager
    def installed(self, model: nn.Module) -> Iterator[None]:
        """Forwards inside take features from here.

        Args:
            model: A Qwen-VL model, with or without adapters on its language model.

        Raises:
            ValueError: The tower is trained, so that its features change, or the family is not known here.
        """
        if not can_keep_features(model):
            raise ValueError(f"features of {type(unwrap(model)).__name__} cannot be kept: its tower takes no grids")
        if not tower_is_frozen(model):
            raise ValueError("the vision tower is trained: its features change with every step and cannot be kept")
        tower = vision_tower(model)
        if tower not in self._towers:
            self._towers[tower] = digest(*tower.state_dict().values())
        tower.__dict__["forward"] = partial(self._features, tower.forward, self._towers[tower], tower)
        try:
            yield
        finally:
            del tower.__dict__["forward"]

    @torch.no_grad()
    def _features(
        self,
        forward: Callable[..., Any],
        weights: str,
        tower: Any,
        hidden_states: Tensor,
        grid_thw: Tensor,
        **keywords: Any,
    ) -> Any:
        """What the tower would return, medium by medium."""
        device = hidden_states.device
        precision = str(torch.get_autocast_dtype(device.type)) if torch.is_autocast_enabled(device.type) else "as is"
        found: list[dict[str, Tensor]] = []
        made: Any = None
        for patches, grid in zip(
            hidden_states.split(grid_thw.prod(-1).tolist()),  # type: ignore[no-untyped-call]
            grid_thw,
            strict=True,
        ):
            key = digest(patches, grid, words=f"{weights}{precision}")
            features = self._look_up(key)
            if features is None:
                made = forward(patches, grid_thw=grid[None], **keywords)
                features = {_POOLED: made.pooler_output.cpu()}
                for i, level in enumerate(getattr(made, "deepstack_features", None) or ()):
                    features[f"level-{i}"] = level.cpu()
                self.encoded += 1
                self._keep(key, features)
                self._write(key, features)
            else:
                self.reused += 1
            found.append(features)
        joined = {name: torch.cat([features[name] for features in found]).to(device) for name in found[0]}
        levels = [joined[name] for name in sorted(joined, key=_level) if name != _POOLED]
        return _output(levels, joined[_POOLED])

    def _look_up(self, key: str) -> dict[str, Tensor] | None:
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if self.folder is not None and (path := self._path(key)).is_file():
            from safetensors.torch import load_file

            features: dict[str, Tensor] = load_file(path)
            self._keep(key, features)
            return features
        return None

    def _keep(self, key: str, features: dict[str, Tensor]) -> None:
        self._kept[key] = features
        self._bytes += _size(features)
        while self._bytes > self.budget and self._kept:
            self._bytes -= _size(self._kept.popitem(last=False)[1])

    def _write(self, key: str, features: dict[str, Tensor]) -> None:
        if self.folder is None:
            return
        from safetensors.torch import save_file

        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        save_file({name: tensor.contiguous() for name, tensor in features.items()}, temporary)
        temporary.rename(path)

    def _path(self, key: str) -> Path:
        assert self.folder is not None
        return self.folder / key[:2] / f"{key}.safetensors"


def _level(name: str) -> int:
    return -1 if name == _POOLED else int(name.removeprefix("level-"))


def _size(features: dict[str, Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in features.values())


def _output(levels: list[Tensor], pooled: Tensor) -> Any:
    """The tower's output in the classes of transformers."""
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    if not levels:
        return BaseModelOutputWithPooling(pooler_output=pooled)
    from transformers.models.qwen3_vl.modeling_qwen3_vl import BaseModelOutputWithDeepstackFeatures

    return BaseModelOutputWithDeepstackFeatures(pooler_output=pooled, deepstack_features=levels)
