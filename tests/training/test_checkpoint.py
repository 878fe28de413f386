from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from wherewise.training.recovery import rng
from wherewise.training.recovery.checkpoint import (
    clear_leftovers,
    last_complete,
    list_checkpoints,
    load_model,
    load_state,
    save_checkpoint,
)


def net(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def test_state_survives_exactly(tmp_path: Path) -> None:
    shared = torch.arange(6).reshape(2, 3)
    state = {
        "numbers": {0: 0.1 + 0.2, 1: float("-inf"), "k": None},
        "tuple": (1, [2, (3.5, "x")], True),
        "tensors": [shared, shared[0], torch.tensor(1.5, dtype=torch.bfloat16), torch.zeros(0, 4), shared.bool()],
    }
    ref = save_checkpoint(tmp_path, 3, net(), state, keep=1)
    loaded = load_state(ref)
    assert loaded["numbers"] == state["numbers"]
    assert loaded["tuple"] == state["tuple"]
    for a, b in zip(loaded["tensors"], state["tensors"], strict=True):
        assert a.dtype == b.dtype
        assert torch.equal(a, b)


def test_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="Path"):
        save_checkpoint(tmp_path, 1, net(), {"path": tmp_path}, keep=1)
    assert list_checkpoints(tmp_path) == []


def test_model_round_trip_with_buffers(tmp_path: Path) -> None:
    one = net()
    one(torch.randn(8, 3))
    ref = save_checkpoint(tmp_path, 1, one, {}, keep=1)
    two = net(1)
    load_model(ref, two, load_state(ref)["base"])
    for (name, a), b in zip(one.state_dict().items(), two.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def test_only_trainable_weights_are_stored_and_the_base_must_be_the_same(tmp_path: Path) -> None:
    one = net()
    one[0].requires_grad_(False)
    ref = save_checkpoint(tmp_path, 1, one, {}, keep=1)
    other = net(1)
    other[0].requires_grad_(False)
    with pytest.raises(ValueError, match="frozen weights"):
        load_model(ref, other, load_state(ref)["base"])
    other[0].load_state_dict(one[0].state_dict())
    load_model(ref, other, load_state(ref)["base"])
    assert torch.equal(one[2].weight, other[2].weight)


def test_shapes_must_fit(tmp_path: Path) -> None:
    ref = save_checkpoint(tmp_path, 1, nn.Linear(3, 4), {}, keep=1)
    with pytest.raises(ValueError, match=r"weight is \(4, 3\)"):
        load_model(ref, nn.Linear(5, 4), load_state(ref)["base"])
    with pytest.raises(ValueError, match="only"):
        load_model(ref, nn.Linear(3, 4, bias=False), load_state(ref)["base"])


@pytest.mark.parametrize("harm", ["marker", "truncate", "flip", "missing"])
def test_damaged_checkpoints_are_passed_over(tmp_path: Path, harm: str) -> None:
    save_checkpoint(tmp_path, 1, net(), {}, keep=5)
    bad = save_checkpoint(tmp_path, 2, net(), {}, keep=5).folder
    file = bad / "model.safetensors"
    match harm:
        case "marker":
            (bad / "COMPLETE").unlink()
        case "truncate":
            file.write_bytes(file.read_bytes()[:-1])
        case "flip":
            data = bytearray(file.read_bytes())
            data[-1] ^= 1
            file.write_bytes(data)
        case "missing":
            file.unlink()
    ref, problems = last_complete(tmp_path)
    assert ref is not None
    assert ref.step == 1
    assert len(problems) == 1
    assert "step-000002" in problems[0]


def test_old_ones_are_deleted_and_leftovers_cleared(tmp_path: Path) -> None:
    for step in (1, 2, 10):
        save_checkpoint(tmp_path, step, net(), {}, keep=2)
    (tmp_path / ".tmp-step-000011-1").mkdir()
    assert [ref.step for ref in list_checkpoints(tmp_path)] == [2, 10]
    clear_leftovers(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000002", "step-000010"]


def test_all_random_state_comes_back() -> None:
    generators = {"sampling": torch.Generator().manual_seed(3)}

    def draw() -> tuple[float, float, float, float, float]:
        return (
            random.random(),
            random.gauss(0, 1),
            float(np.random.standard_normal()),
            float(torch.rand(())),
            float(torch.rand((), generator=generators["sampling"])),
        )

    rng.seed_everything(1)
    draw()
    state = rng.capture(generators)
    first = draw()
    rng.seed_everything(2)
    rng.restore(state, generators)
    assert draw() == first
    with pytest.raises(ValueError, match="generators"):
        rng.restore(state, {})
