"""Megatron's checkpoints become plain folders, tensor for tensor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from megatron_target import to_megatron

from wherewise.models.load import ModelLoadError, save_model
from wherewise.models.megatron import is_megatron, to_hugging_face
from wherewise.models.merging import merge_folder
from wherewise.models.tiny import build_tiny


def trained(seed: int, family: str = "qwen2_5_vl") -> tuple[Any, Any]:
    return build_tiny(family, seed=seed, hidden_size=32, layers=2, vision_hidden_size=32)


def write(tensors: dict[str, torch.Tensor], folder: Path) -> None:
    from torch.distributed.checkpoint import FileSystemWriter, save

    save(tensors, storage_writer=FileSystemWriter(folder), no_dist=True)


@pytest.mark.parametrize("stacked", [True, False])
@pytest.mark.parametrize(("family", "rebuilt"), [("qwen2_5_vl", True), ("qwen2_5_vl", False), ("qwen3_vl", False)])
def test_what_was_fused_is_taken_apart(family: str, rebuilt: bool, stacked: bool) -> None:
    model, _ = trained(0, family)
    state = {name: tensor for name, tensor in model.state_dict().items() if "rotary" not in name}
    made = to_megatron(state, model.config, rebuilt_tower=rebuilt, stacked=stacked)
    assert is_megatron(made)
    assert not is_megatron(state)
    back = to_hugging_face(made, model.config, Path("checkpoint"))
    assert back.keys() == state.keys()
    for name, tensor in state.items():
        assert torch.equal(back[name], tensor), name


def test_halves_that_are_kept_apart_are_read_too() -> None:
    model, _ = trained(0)
    made = to_megatron(model.state_dict(), model.config, rebuilt_tower=False, stacked=False)
    for name in [name for name in made if name.endswith("mlp.linear_fc1.weight")]:
        made[f"{name}_w"], made[f"{name}_v"] = made.pop(name).chunk(2)
    back = to_hugging_face(made, model.config, Path("checkpoint"))
    assert all(torch.equal(back[name], tensor) for name, tensor in model.state_dict().items())


def test_a_step_of_verl_is_merged_and_read_back(tmp_path: Path) -> None:
    base, processor = trained(0)
    other, _ = trained(1)
    save_model(base, processor, tmp_path / "base")
    shards = tmp_path / "global_step_5" / "actor" / "model" / "dist_ckpt"
    write(to_megatron(other.state_dict(), other.config, rebuilt_tower=True, stacked=True), shards)
    merged = merge_folder(tmp_path / "base", tmp_path / "global_step_5", tmp_path / "merged")
    assert merged.kind == "megatron"
    from wherewise.models.load import load_model

    again = load_model(merged.folder, dtype="float32", device="cpu").model.state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in other.state_dict().items())


def test_what_is_not_known_is_named(tmp_path: Path) -> None:
    model, processor = trained(0)
    made = to_megatron(model.state_dict(), model.config, rebuilt_tower=False, stacked=True)
    made["language_model.decoder.layers.mlp.experts.linear_fc1.weight"] = torch.zeros(2, 4)
    with pytest.raises(ModelLoadError, match=r"mlp\.experts\.linear_fc1\.weight is no tensor of a dense"):
        to_hugging_face(made, model.config, tmp_path)
    plain = save_model(model, processor, tmp_path / "step" / "model" / "huggingface")
    with pytest.raises(ModelLoadError, match="it is a plain folder already"):
        merge_folder(plain, tmp_path / "step", tmp_path / "out")
