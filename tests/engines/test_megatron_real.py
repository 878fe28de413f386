"""Megatron-Core itself writes the checkpoint, mbridge itself fuses the tensors; `wherewise merge` reads both back.

Run in an environment that also holds ``megatron-core`` and ``mbridge`` (both install without a GPU).
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from wherewise.models.load import load_model, save_model
from wherewise.models.merging import merge_folder
from wherewise.models.tiny import build_tiny
from wherewise.models.torchvision_shim import ensure_torchvision

pytestmark = pytest.mark.engine

RANKS = 2
"""Processes that the tensors are cut up for."""


@pytest.fixture
def megatron(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    ensure_torchvision()
    pytest.importorskip("megatron.core", reason="Megatron-Core is not installed: pip install --no-deps megatron-core")
    pytest.importorskip("mbridge", reason="mbridge is not installed: pip install --no-deps mbridge")
    from megatron.core import dist_checkpointing

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(listener.getsockname()[1])}
    if not torch.cuda.is_available():  # it waits for copies from a GPU without asking whether there is one
        monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: "cpu")
    torch.distributed.init_process_group("gloo", rank=0, world_size=1)
    yield dist_checkpointing
    torch.distributed.destroy_process_group()


def bridge(config: Any) -> Any:
    """mbridge's converter for Qwen2.5-VL, without a model."""
    from mbridge.models.qwen2_5_vl import Qwen2_5VLBridge

    text = config.get_text_config()
    made = Qwen2_5VLBridge.__new__(Qwen2_5VLBridge)
    made.hf_config = SimpleNamespace(
        num_attention_heads=text.num_attention_heads,
        num_key_value_heads=text.num_key_value_heads,
        hidden_size=text.hidden_size,
        vision_config=config.vision_config,
    )
    return made


def older_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Names as mbridge's tables have them."""
    return {
        name.replace("model.visual.", "visual.").replace("model.language_model.", "model."): tensor
        for name, tensor in state.items()
    }


def fused(config: Any, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Every tensor under Megatron's name, by mbridge's own tables and code."""
    converter, named = bridge(config), older_names(state)
    counts = {"language_model": config.get_text_config().num_hidden_layers, "vision_model": config.vision_config.depth}
    tables = dict(converter._DIRECT_MAPPING) | converter._ATTENTION_MAPPING | converter._MLP_MAPPING
    made = {}
    for megatron_name, names in tables.items():
        names = [names] if isinstance(names, str) else names
        layers = range(counts[megatron_name.partition(".")[0]]) if "{layer_number}" in megatron_name else [None]
        for layer in layers:
            parts = [name.format(layer_number=layer) for name in names]
            if all(part in named for part in parts):
                key = megatron_name.format(layer_number=layer)
                made[key] = converter._weight_to_mcore_format(key, [named[part] for part in parts])
    return made


CUT = {
    "linear_qkv.weight": 0,
    "linear_qkv.bias": 0,
    "linear_fc1.weight": 0,
    "linear_fc1.bias": 0,
    "linear_proj.weight": 1,
    "linear_fc2.weight": 1,
    "word_embeddings.weight": 0,
    "output_layer.weight": 0,
}
"""Axis along which tensor parallelism cuts a tensor up; others are whole."""


def sharded(name: str, tensor: torch.Tensor, layers: dict[str, int]) -> list[Any]:
    """A tensor as the ranks would hold it, layers along a first axis."""
    from megatron.core.dist_checkpointing import ShardedTensor
    from megatron.core.transformer.mlp import apply_swiglu_sharded_factory

    key, offsets = name, []
    if match := re.fullmatch(r"((\w+)\.decoder\.layers\.)(\d+)\.(.+)", name):
        key, offsets = match[1] + match[4], [(0, int(match[3]), layers[match[2]])]
    axis = CUT.get(".".join(name.split(".")[-2:])) if "projection" not in name else None
    if axis is None:
        return [ShardedTensor.from_rank_offsets(key, tensor, *offsets, prepend_axis_num=len(offsets))]
    gated = "linear_fc1" in name
    made = []
    for rank in range(RANKS):
        halves = tensor.chunk(2) if gated else (tensor,)
        part = torch.cat([half.chunk(RANKS, dim=axis)[rank] for half in halves], dim=axis).contiguous()
        cut = (axis + len(offsets), rank, RANKS)
        one = ShardedTensor.from_rank_offsets(key, part, *offsets, cut, prepend_axis_num=len(offsets))
        made.append(apply_swiglu_sharded_factory(one, offsets) if gated else one)
    return made


def test_a_checkpoint_of_megatron_becomes_the_model_that_was_sharded(megatron: Any, tmp_path: Path) -> None:
    base, processor = build_tiny("qwen2_5_vl", seed=0, hidden_size=32, layers=2, vision_hidden_size=32)
    trained, _ = build_tiny("qwen2_5_vl", seed=1, hidden_size=32, layers=2, vision_hidden_size=32)
    save_model(base, processor, tmp_path / "base")
    config = trained.config
    counts = {"language_model": config.get_text_config().num_hidden_layers, "vision_model": config.vision_config.depth}
    state = fused(config, dict(trained.state_dict()))
    folder = tmp_path / "global_step_1" / "actor" / "model" / "dist_ckpt"
    folder.mkdir(parents=True)
    megatron.save({name: sharded(name, tensor, counts) for name, tensor in state.items()}, str(folder))
    assert (folder / "metadata.json").is_file()
    merged = merge_folder(tmp_path / "base", tmp_path / "global_step_1", tmp_path / "merged")
    assert merged.kind == "megatron"
    again = load_model(merged.folder, dtype="float32", device="cpu").model.state_dict()
    for name, tensor in trained.state_dict().items():
        assert torch.equal(again[name], tensor), name
