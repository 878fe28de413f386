"""A fully trained Qwen2.5-VL goes on from its checkpoint, not from the base weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from test_train_resume import Interrupted, assert_same_run, interrupt_at, train
from training_toy import grpo_config, save_tiny, sft_config

from wherewise.models.load import load_model


@pytest.mark.parametrize("make", [sft_config, grpo_config])
def test_qwen2_5_vl_resumes_its_own_weights(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    model = save_tiny(tmp_path / "model", "qwen2_5_vl")
    straight = train(make(model, tmp_path / "straight", steps=3))
    broken = make(model, tmp_path / "broken", steps=3)
    with pytest.raises(Interrupted):
        train(broken, on_progress=interrupt_at(2))
    saved = load_file(broken.out / "checkpoints" / "step-000002" / "model.safetensors")
    base = load_model(model, dtype="float32", device="cpu").model
    trained = {name for name, parameter in base.named_parameters() if parameter.requires_grad}
    assert trained <= saved.keys()
    assert sum(not torch.equal(saved[name], base.state_dict()[name]) for name in trained) > 0.9 * len(trained)
    resumed = train(broken)
    assert resumed.resumed_from == 2
    assert_same_run(straight.folder, resumed.folder)
