"""Adapters and shards become plain folders, which are read back; what is no tensor is never loaded."""

from __future__ import annotations

import os
import pickle
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from wherewise.models.load import ModelLoadError, load_model, save_model
from wherewise.models.lora import apply_lora, save_adapter
from wherewise.models.merging import merge_folder
from wherewise.models.tiny import build_tiny

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "src"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two models of one architecture; the second also in two kinds of shards, written by two processes."""
    root = tmp_path_factory.mktemp("shards")
    made = {name: root / name for name in ("base", "trained", "verl", "dcp")}
    for seed, name in enumerate(("base", "trained")):
        model, processor = build_tiny("qwen2_5_vl", seed=seed, hidden_size=32, layers=2, vision_hidden_size=32)
        save_model(model, processor, made[name])
    made["verl"].mkdir()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(port)]
    arguments = [str(HERE / "sharded_target.py"), *(str(made[name]) for name in ("trained", "verl", "dcp"))]
    paths = os.pathsep.join(p for p in (str(SOURCE), os.environ.get("PYTHONPATH", "")) if p)
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([*launcher, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return made


@pytest.mark.parametrize("kind", ["verl", "dcp"])
def test_shards_become_the_model_that_was_sharded(kind: str, folders: dict[str, Path], tmp_path: Path) -> None:
    merged = merge_folder(folders["base"], folders[kind], tmp_path / "merged")
    assert merged.kind == kind
    assert len(merged.reply) == 8
    again = load_model(merged.folder, dtype="float32", device="cpu").model.state_dict()
    trained = load_model(folders["trained"], dtype="float32", device="cpu").model.state_dict()
    assert again.keys() == trained.keys()
    for name, tensor in trained.items():
        assert torch.equal(again[name], tensor), name


def test_missing_ranks_and_other_bases_are_named(folders: dict[str, Path], tmp_path: Path) -> None:
    partial = shutil.copytree(folders["verl"], tmp_path / "partial")
    (partial / "model_world_size_2_rank_1.pt").unlink()
    with pytest.raises(ModelLoadError, match=r"lacks the files of ranks \[1\] of 2"):
        merge_folder(folders["base"], partial, tmp_path / "out")
    model, processor = build_tiny("qwen2_5_vl", hidden_size=32, layers=3, vision_hidden_size=32)
    other = save_model(model, processor, tmp_path / "other")
    with pytest.raises(ModelLoadError, match="in the shards or the base only"):
        merge_folder(other, folders["verl"], tmp_path / "out")
    with pytest.raises(ModelLoadError, match="holds neither"):
        merge_folder(folders["base"], folders["base"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


class Command:
    """Unpickled by an ordinary unpickler, it would run a command."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("touch run-by-a-pickle",)


def test_a_pickle_that_runs_a_command_is_not_loaded(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    verl = shutil.copytree(folders["verl"], tmp_path / "verl")
    torch.save({"weight": Command()}, verl / "model_world_size_2_rank_0.pt")
    with pytest.raises(ModelLoadError, match="other than tensors"):
        merge_folder(folders["base"], verl, tmp_path / "out")
    dcp = shutil.copytree(folders["dcp"], tmp_path / "dcp")
    (dcp / ".metadata").write_bytes(pickle.dumps(Command()))
    with pytest.raises(ModelLoadError, match="no part of an index"):
        merge_folder(folders["base"], dcp, tmp_path / "out")
    assert not (tmp_path / "run-by-a-pickle").exists()


def test_an_adapter_is_merged_read_back_and_answers_alike(folders: dict[str, Path], tmp_path: Path) -> None:
    adapted = apply_lora(load_model(folders["base"], dtype="float32", device="cpu").model, r=4)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.5, generator=torch.Generator().manual_seed(0))
    adapter = save_adapter(adapted, tmp_path / "adapter")
    merged = merge_folder(folders["base"], adapter, tmp_path / "merged")
    assert merged.kind == "lora"
    base = load_model(folders["base"], dtype="float32", device="cpu").model.state_dict()
    again = load_model(merged.folder, dtype="float32", device="cpu").model.state_dict()
    assert any(not torch.equal(again[name], tensor) for name, tensor in base.items())
