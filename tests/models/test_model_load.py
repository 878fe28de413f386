"""Tiny models are real ones; saving, loading, adapters and merging lose nothing."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from safetensors.torch import load_file, save_file

from wherewise.models.batch import collate
from wherewise.models.inputs import encode_prompt, padding_id
from wherewise.models.load import (
    Family,
    LinearPatches,
    ModelLoadError,
    check_saved,
    fast_patch_embedding,
    load_model,
    replace_folder,
    save_model,
    starter_folder,
    stored_dtype,
)
from wherewise.models.lora import apply_lora, freeze, load_adapter, merge, merge_lora, save_adapter, trainable_table
from wherewise.models.tiny import TAG_TOKENS, build_tiny, build_tokenizer

FAMILIES = ("qwen2_5_vl", "qwen3_vl")


@pytest.fixture(scope="module", params=FAMILIES)
def tiny(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    return build_tiny(request.param, initializer_range=0.1)


@pytest.fixture
def saved(tiny: Any, tmp_path: Path) -> Path:
    return save_model(*tiny, tmp_path / "model")


def logits(model: Any, processor: Any) -> torch.Tensor:
    picture = PIL.Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8))
    batch = collate([encode_prompt(processor, "Where?", [picture], sample_id="a")], pad_id=padding_id(processor))
    with torch.no_grad():
        return model(**batch.model_inputs()).logits


def test_a_saved_model_loads_as_it_was(tiny: Any, saved: Path) -> None:
    model, processor = tiny
    loaded = load_model(saved)
    assert loaded.family is Family(model.config.model_type)
    assert type(loaded.model) is type(model)
    assert type(loaded.processor) is type(processor)
    assert loaded.processor.tokenizer.padding_side == "left"
    assert loaded.processor.tokenizer.get_vocab() == processor.tokenizer.get_vocab()
    assert not loaded.model.training
    torch.testing.assert_close(logits(loaded.model, loaded.processor), logits(model, processor), atol=1e-5, rtol=1e-5)
    check_saved(model, saved)
    assert not list(saved.parent.glob(".*"))


def test_saving_half_precision_and_loading_it(tiny: Any, tmp_path: Path) -> None:
    model, processor = tiny
    folder = save_model(copy.deepcopy(model).bfloat16(), processor, tmp_path / "half")
    assert stored_dtype(folder) is torch.bfloat16
    assert load_model(folder, device="cpu").model.dtype is torch.float32
    half = load_model(folder, dtype="bfloat16", device="cpu")
    assert half.model.dtype is torch.bfloat16
    check_saved(half.model, folder)
    assert torch.isfinite(logits(half.model, half.processor)).all()


def test_a_changed_file_is_noticed(tiny: Any, saved: Path) -> None:
    model, _ = tiny
    weights = load_file(saved / "model.safetensors")
    name = sorted(weights)[0]
    weights[name] = weights[name] + 1e-3
    save_file(weights, saved / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelLoadError, match="differs from the model that was saved"):
        check_saved(model, saved)


@pytest.mark.parametrize("fault", ["missing", "unexpected", "mismatched"])
def test_tensors_that_do_not_fit_are_errors(saved: Path, fault: str) -> None:
    weights = load_file(saved / "model.safetensors")
    name = next(key for key in sorted(weights) if "o_proj" in key)
    if fault == "missing":
        del weights[name]
    elif fault == "unexpected":
        weights[name.replace("o_proj", "x_proj")] = weights[name].clone()
    else:
        weights[name] = weights[name][:-1].clone()
    save_file(weights, saved / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelLoadError, match=rf"{fault} keys: .*_proj"):
        load_model(saved)


def test_a_failed_save_leaves_the_old_model(tiny: Any, saved: Path) -> None:
    model, processor = tiny

    def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replace_folder(saved, fail)
    check_saved(model, saved)
    assert not list(saved.parent.glob(".*"))
    save_model(model, processor, saved)
    check_saved(model, saved)


def test_wrong_paths_name_the_fix(tiny: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="no model folder at"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(ModelLoadError, match=r"no model folder at '\./nowhere'"):
        load_model("./nowhere")
    with pytest.raises(ModelLoadError, match=r"no config\.json"):
        load_model(tmp_path)
    adapter = save_adapter(apply_lora(copy.deepcopy(tiny[0]), r=2), tmp_path / "adapter")
    with pytest.raises(ModelLoadError, match="wherewise merge"):
        load_model(adapter)
    with pytest.raises(ModelLoadError, match="merge_lora"):
        save_model(apply_lora(copy.deepcopy(tiny[0]), r=2), tiny[1], tmp_path / "x")


def test_the_fast_patch_embedding_is_the_convolution(tiny: Any) -> None:
    model, processor = tiny
    fast = copy.deepcopy(model)
    assert fast_patch_embedding(fast) == 1
    assert fast_patch_embedding(fast) == 0
    assert isinstance(fast.model.visual.patch_embed.proj, LinearPatches)
    assert type(model.model.visual.patch_embed.proj) is torch.nn.Conv3d
    assert fast.state_dict().keys() == model.state_dict().keys()
    torch.testing.assert_close(logits(fast, processor), logits(model, processor), atol=1e-5, rtol=1e-5)
    patches = torch.randn(10, 3 * 2 * 16 * 16)
    found = []
    for candidate in (model, fast):
        embed = candidate.model.visual.patch_embed
        found.append(torch.autograd.grad(embed(patches).pow(2).sum(), embed.proj.weight)[0])
    torch.testing.assert_close(found[0], found[1], atol=1e-3, rtol=1e-4)


def test_lora_touches_the_language_model_alone(tiny: Any) -> None:
    model, _ = tiny
    adapted = apply_lora(copy.deepcopy(model), r=2)
    trained = [name for name, parameter in adapted.named_parameters() if parameter.requires_grad]
    assert trained
    assert all("language_model" in name and "lora_" in name and "visual" not in name for name in trained)
    layers = model.config.text_config.num_hidden_layers
    assert len(trained) == layers * 7 * 2
    table = trainable_table(adapted)
    assert table["vision"][0] == table["merger"][0] == 0 < table["language"][0]
    assert sum(total for _, total in trainable_table(model).values()) == sum(p.numel() for p in model.parameters())


def test_lora_on_chosen_parts(tiny: Any) -> None:
    model, _ = tiny
    table = trainable_table(apply_lora(copy.deepcopy(model), r=2, language=False, vision=True))
    assert table["language"][0] == table["merger"][0] == 0 < table["vision"][0]
    table = trainable_table(apply_lora(copy.deepcopy(model), r=2, language=False, merger=True))
    assert table["language"][0] == table["vision"][0] == 0 < table["merger"][0]
    with pytest.raises(ValueError, match="at least one of"):
        apply_lora(copy.deepcopy(model), language=False)
    with pytest.raises(ModelLoadError, match="already"):
        apply_lora(apply_lora(copy.deepcopy(model)))
    with pytest.raises(ModelLoadError, match="no layer of Linear"):
        apply_lora(torch.nn.Linear(2, 2))


def test_freezing_by_part(tiny: Any) -> None:
    model = copy.deepcopy(tiny[0])
    freeze(model, vision=True)
    table = trainable_table(model)
    assert table["vision"][0] == 0 < table["vision"][1]
    assert table["merger"][0] == table["merger"][1] > 0
    freeze(model, embeddings=True)
    assert not model.get_input_embeddings().weight.requires_grad
    assert trainable_table(model)["vision"][0] > 0
    with pytest.raises(ValueError, match="nothing would train"):
        freeze(model, vision=True, merger=True, language=True)


def test_adapters_are_saved_loaded_and_merged(tiny: Any, saved: Path, tmp_path: Path) -> None:
    model, processor = tiny
    adapted = apply_lora(load_model(saved).model, r=2)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    wanted = logits(adapted, processor)
    assert (wanted - logits(model, processor)).abs().max() > 1e-3
    adapter = save_adapter(adapted, tmp_path / "adapter")
    again = load_adapter(load_model(saved).model, adapter)
    torch.testing.assert_close(logits(again, processor), wanted)
    merged = load_model(merge_lora(saved, adapter, tmp_path / "merged"))
    torch.testing.assert_close(logits(merged.model, merged.processor), wanted, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(logits(merge(adapted), processor), wanted, atol=1e-4, rtol=1e-4)
    with pytest.raises(ModelLoadError, match="no LoRA adapters to merge"):
        merge(model)
    with pytest.raises(ModelLoadError, match="holds no LoRA adapter"):
        load_adapter(model, tmp_path)


def test_an_adapter_of_another_model_is_refused(tiny: Any, saved: Path, tmp_path: Path) -> None:
    adapter = save_adapter(apply_lora(load_model(saved).model, r=2), tmp_path / "adapter")
    weights = load_file(adapter / "adapter_model.safetensors")
    weights.pop(sorted(weights)[0])
    save_file(weights, adapter / "adapter_model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelLoadError, match="does not fit the model"):
        load_adapter(load_model(saved).model, adapter)


def test_tiny_models_are_the_same_for_the_same_seed() -> None:
    state = torch.get_rng_state()
    first, second, other = (build_tiny("qwen3_vl", seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))
    with pytest.raises(ValueError, match="unknown family"):
        build_tiny("llava")  # type: ignore[arg-type]


def test_sizes_reach_the_model() -> None:
    model, processor = build_tiny(
        "qwen3_vl",
        hidden_size=96,
        layers=2,
        heads=6,
        kv_heads=3,
        vision_hidden_size=32,
        vision_depth=2,
        patch_size=8,
        position_embeddings=256,
        deepstack_layers=(1,),
        max_pixels=128 * 128,
        tie_embeddings=False,
    )
    assert model.model.visual.pos_embed.weight.shape == (256, 32)
    assert model.lm_head.weight.shape[1] == 96
    assert model.lm_head.weight is not model.get_input_embeddings().weight
    assert logits(model, processor).shape[1] > (64 // 16) * (96 // 16)


def test_the_tokenizer_writes_any_text_and_keeps_tags_whole(tmp_path: Path) -> None:
    tokenizer = build_tokenizer()
    for text in ("Is the red chair left of the blue table?", "<think>größer 東 🙂</think>\n<answer>3.5</answer>"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert all(len(tokenizer(tag)["input_ids"]) == 1 for tag in TAG_TOKENS)
    ids = tokenizer("<answer>yes</answer><|im_end|>")["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "<answer>yes</answer>"
    assert build_tokenizer().get_vocab() == tokenizer.get_vocab()
    tokenizer.save_pretrained(tmp_path)
    again = type(tokenizer).from_pretrained(tmp_path)
    assert again.get_vocab() == tokenizer.get_vocab()
    assert again.padding_side == "left"


def test_the_shipped_starter_loads_or_says_that_it_is_not_there() -> None:
    folder = Path(__file__).parents[2] / "src" / "wherewise" / "models" / "starter"
    if not (folder / "config.json").is_file():
        with pytest.raises(ModelLoadError, match="no starter model"):
            starter_folder()
        return
    loaded = load_model("starter", device="cpu")
    assert loaded.family is Family.QWEN3_VL
    assert json.loads((folder / "config.json").read_text())["model_type"] == "qwen3_vl"
    assert torch.isfinite(logits(loaded.model, loaded.processor)).all()


def test_torchvision_imports_in_a_fresh_interpreter() -> None:
    code = (
        "from wherewise.models.torchvision_shim import ensure_torchvision as e; e(); e()\n"
        "from torchvision.transforms.v2 import functional as f; import torch\n"
        "print(f.resize(torch.zeros(3, 8, 8), [4, 4]).shape[-1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "4"), done.stderr


def test_missing_torchvision_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    from wherewise.models import torchvision_shim

    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.setattr(torchvision_shim.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install --no-deps torchvision"):
        torchvision_shim.ensure_torchvision()
