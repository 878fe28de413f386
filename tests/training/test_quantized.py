"""QLoRA on the CPU: training on weights in 4 and 8 bits, and what is left of it as a plain model."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from training_toy import PROMPT, grpo_config, save_tiny, sft_config, toy_samples

from wherewise.models.forward import label_logprobs
from wherewise.models.inputs import collate_with_targets, encode_target, padding_id
from wherewise.models.load import load_model
from wherewise.models.lora import apply_lora, merge, trainable_table
from wherewise.models.quantize import Quantization, is_quantized
from wherewise.samples.errors import InputError
from wherewise.training import train_grpo, train_sft
from wherewise.training.config import FramesConfig, LoraConfig, ModelConfig, QuantizeConfig
from wherewise.training.data import Encoder

needs_bitsandbytes = pytest.mark.skipif(
    importlib.util.find_spec("bitsandbytes") is None, reason="bitsandbytes is not installed (wherewise[quant])"
)


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model whose layers are as wide as a block of weights."""
    return save_tiny(tmp_path_factory.mktemp("wide") / "model", hidden_size=64)


def model_config(path: Path, bits: int, **lora: Any) -> ModelConfig:
    return ModelConfig(
        path=str(path), device="cpu", lora=LoraConfig(**{"r": 8, **lora}), quantize=QuantizeConfig(bits=bits)
    )


def curve(folder: Path, key: str) -> list[float]:
    return [json.loads(line)[key] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def reply_logprobs(model: Any, processor: Any) -> torch.Tensor:
    encoder = Encoder(processor=processor, prompt=PROMPT, root=None, frames=FramesConfig(), budget=0)
    samples = toy_samples(4)
    prompts = [encoder.encode(s) for s in samples]
    targets = [
        encode_target(processor, encoder.target(s, p), sample_id=s.id) for s, p in zip(samples, prompts, strict=True)
    ]
    batch, labels = collate_with_targets(prompts, targets, pad_id=padding_id(processor))
    with torch.no_grad():
        return label_logprobs(model.eval(), batch, labels).values


@pytest.mark.slow
@needs_bitsandbytes
@pytest.mark.parametrize("bits", [4, 8])
def test_sft_learns_and_leaves_the_trained_model_plain(wide: Path, tmp_path: Path, bits: int) -> None:
    config = sft_config(wide, tmp_path / "run", steps=12, batch_size=6, micro_batch=6, save_every=None)
    config = config.model_copy(
        update={
            "model": model_config(wide, bits, vision=True),
            "optim": config.optim.model_copy(update={"lr": 0.03}),
        }
    )
    result = train_sft(config, samples=toy_samples())
    losses = curve(result.folder, "loss")
    assert losses[0] > 5.5
    assert losses[-1] < losses[0] - 0.4
    final = load_model(result.final, device="cpu")
    assert not is_quantized(final.model)
    assert getattr(final.model.config, "quantization_config", None) is None


@pytest.mark.slow
@needs_bitsandbytes
@pytest.mark.parametrize("bits", [4, 8])
def test_grpo_learns_and_resumes_to_the_bit(wide: Path, tmp_path: Path, bits: int) -> None:
    def config(out: str, **changes: Any) -> Any:
        made = grpo_config(wide, tmp_path / out, optim={"name": "adamw", "lr": 0.02}, steps=6, **changes)
        return made.model_copy(update={"model": model_config(wide, bits)})

    whole = train_grpo(config("whole"), samples=toy_samples())
    rewards = curve(whole.folder, "reward/total")
    assert sum(rewards[-3:]) > sum(rewards[:3])
    # from the checkpoint after step 4 to the same end
    train_grpo(config("parts"), samples=toy_samples())
    for path in (tmp_path / "parts/checkpoints/step-000006", tmp_path / "parts/final"):
        path.rename(tmp_path / f"gone-{path.name}")
    resumed = train_grpo(config("parts"), samples=toy_samples())
    assert resumed.resumed_from == 4
    one, two = (load_model(run.final, device="cpu").model.state_dict() for run in (whole, resumed))
    assert all(torch.equal(tensor, two[name]) for name, tensor in one.items())


@needs_bitsandbytes
@pytest.mark.parametrize("dora", [False, True])
def test_the_merged_model_is_the_trained_one(wide: Path, dora: bool) -> None:
    loaded = load_model(wide, dtype="float32", device="cpu", quantization=Quantization(bits=4))
    model = apply_lora(loaded.model, r=4, alpha=64.0, dora=dora)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    before = reply_logprobs(model, loaded.processor)
    merged = merge(model)
    assert not is_quantized(merged)
    torch.testing.assert_close(reply_logprobs(merged, loaded.processor), before, atol=1e-4, rtol=1e-4)


@needs_bitsandbytes
def test_only_the_language_model_is_quantized_and_all_weights_are_counted(wide: Path) -> None:
    plain = load_model(wide, dtype="float32", device="cpu").model
    few = load_model(wide, dtype="float32", device="cpu", quantization=Quantization(bits=4)).model
    names = [name for name, p in few.named_parameters() if type(p).__name__ == "Params4bit"]
    assert len(names) == 2 * 7
    assert all("language_model.layers" in name for name in names)
    assert {k: n for k, (_, n) in trainable_table(few).items()} == {
        k: n for k, (_, n) in trainable_table(plain).items()
    }


@needs_bitsandbytes
def test_sampling_does_not_change_the_stored_weights(wide: Path) -> None:
    """On some CPUs bitsandbytes packs the weights anew in the first forward without gradient."""
    loaded = load_model(wide, dtype="float32", device="cpu", quantization=Quantization(bits=4))
    stored = {n: p.detach().clone() for n, p in loaded.model.named_parameters()}
    reply_logprobs(loaded.model, loaded.processor)
    assert all(torch.equal(stored[n], p) for n, p in loaded.model.named_parameters())


def test_quantized_weights_need_adapters() -> None:
    with pytest.raises(ValueError, match=r"set `model.lora`"):
        ModelConfig(path="starter", quantize=QuantizeConfig())


def test_without_bitsandbytes_the_extra_is_named(wide: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "bitsandbytes" else honest(name, *a)
    )
    with pytest.raises(InputError, match=r"wherewise\[quant\]"):
        load_model(wide, device="cpu", quantization=Quantization())
