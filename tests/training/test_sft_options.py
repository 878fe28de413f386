"""Conversations, token budgets, packed rows, text alone, rates by part: each against the plain way of doing it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from training_toy import PROMPT, png, save_tiny, sft_config, toy_samples

from wherewise.models.forward import label_logprobs
from wherewise.models.inputs import IGNORED_LABEL, vision_token_ids
from wherewise.models.load import load_model, save_model
from wherewise.models.lora import apply_lora, trainable_table
from wherewise.models.packing import check_packable, packed_logprobs
from wherewise.models.tiny_families import build_tiny_family
from wherewise.samples import Boolean, Image, Sample, Video
from wherewise.samples.errors import InputError
from wherewise.training import loop
from wherewise.training.config import FramesConfig, OptimConfig, PartRates
from wherewise.training.data import Encoder
from wherewise.training.optim import build_optimizer
from wherewise.training.run_folder import RunFolder
from wherewise.training.sampler import ShuffledSampler
from wherewise.training.sft.conversations import (
    Conversation,
    collate_conversations,
    conversations_of,
    encode_conversation,
    micro_batches,
    next_turn_ids,
)
from wherewise.training.sft.phase import SFTPhase, batch_equation

FAMILIES = ("qwen3_vl", "qwen2_5_vl", "qwen2_vl")


@pytest.fixture(scope="module", params=FAMILIES)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("m") / "model"
    if request.param == "qwen2_vl":
        return load_model(save_model(*build_tiny_family(request.param), folder), device="cpu")
    return load_model(save_tiny(folder, request.param), device="cpu")


def encoder_of(loaded: Any) -> Encoder:
    return Encoder(processor=loaded.processor, prompt=PROMPT, root=None, frames=FramesConfig(fps=2.0), budget=1 << 22)


def clip(frames: int = 4) -> Video:
    pytest.importorskip("av")
    import numpy as np

    from wherewise.media.video import encode_video

    array = np.zeros((frames, 64, 64, 3), np.uint8)
    array[:, :, :, 0] = np.linspace(0, 250, frames, dtype=np.uint8)[:, None, None]
    return Video(data=encode_video(array, fps=2.0), fps=2.0, duration=frames / 2, width=64, height=64)


def mixed_samples() -> list[Sample]:
    """A picture, two pictures of other sizes, a clip, and a question without media."""
    one, two, three, four = toy_samples(4)
    wide = Image(data=png((9, 120, 40), size=96), width=96, height=96)
    return [
        one,
        dataclasses.replace(two, media=(*two.media, wide), question="Red or blue, in the first of these two pictures?"),
        dataclasses.replace(three, media=(clip(),)),
        dataclasses.replace(four, media=(), question="Name a colour."),
    ]


def conversations(loaded: Any) -> list[Conversation]:
    encoder = encoder_of(loaded)
    first = toy_samples(1)[0]
    again = dataclasses.replace(first, id="again", question="Is it dark?", options=(), answer=Boolean(value=False))
    return [*(encode_conversation(encoder, [s]) for s in mixed_samples()), encode_conversation(encoder, [first, again])]


def test_labels_are_the_replies_and_nothing_else(loaded: Any) -> None:
    made = conversations(loaded)
    batch, labels = collate_conversations(made, loaded.processor)
    assert not set(labels.flatten().tolist()) & set(vision_token_ids(loaded.processor))
    assert (labels[batch.mm_token_type_ids > 0] == IGNORED_LABEL).all()
    assert (labels[batch.attention_mask == 0] == IGNORED_LABEL).all()
    learnt = [row[row != IGNORED_LABEL].tolist() for row in labels]
    texts = [loaded.processor.tokenizer.decode(ids) for ids in learnt]
    assert texts == [
        "red<|im_end|>",
        "blue<|im_end|>",
        "red<|im_end|>",
        "blue<|im_end|>",
        "red<|im_end|>no<|im_end|>",
    ]


@pytest.mark.parametrize("family", ["qwen2_vl", "idefics3", "smolvlm", "internvl", "llava_onevision"])
def test_other_families_learn_the_replies_alone_and_take_adapters_on_every_part(family: str) -> None:
    if family == "smolvlm":
        pytest.importorskip("num2words", reason="SmolVLM's processor needs num2words")
    model, processor = build_tiny_family(family)
    encoder = Encoder(processor=processor, prompt=PROMPT, root=None, frames=FramesConfig(), budget=1 << 22)
    one, two = toy_samples(2)
    wide = Image(data=png((9, 120, 40), size=96), width=96, height=96)
    both = dataclasses.replace(two, media=(*two.media, wide))
    made = [encode_conversation(encoder, [sample]) for sample in (one, both)]
    batch, labels = collate_conversations(made, processor)
    assert not set(labels.flatten().tolist()) & set(vision_token_ids(processor))
    learnt = [processor.tokenizer.decode(row[row != IGNORED_LABEL]) for row in labels]
    end = processor.tokenizer.eos_token
    assert learnt == [f"red{end}", f"blue{end}"]
    adapted = apply_lora(model, r=2, vision=True, merger=True)
    assert all(trained > 0 for trained, _ in trainable_table(adapted).values())
    label_logprobs(adapted, batch, labels).values.sum().backward()
    idle = [name for name, p in adapted.named_parameters() if "lora_B" in name and not p.grad.abs().sum() > 0]
    assert not idle


def test_a_conversation_is_laid_out_as_the_chat_template_does(loaded: Any) -> None:
    made = conversations(loaded)[-1]
    tokenizer = loaded.processor.tokenizer
    messages = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Red or blue?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "red"}]},
        {"role": "user", "content": [{"type": "text", "text": "Is it dark?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "no"}]},
    ]
    whole = loaded.processor.apply_chat_template(messages, tokenize=False)
    ours = tokenizer.decode([*made.prompt.input_ids.tolist(), *made.ids])
    pad = "<|image_pad|>"
    assert ours.replace(pad * ours.count(pad), pad) == whole.removesuffix("\n")
    after = whole[whole.index("red<|im_end|>") :].removesuffix("\n")
    assert list(made.ids) == tokenizer(after, add_special_tokens=False)["input_ids"]


def test_packed_rows_are_exact(loaded: Any) -> None:
    """Log-probabilities and gradients of five sequences in one row, and one by one."""
    made, model = conversations(loaded), loaded.model
    batch, labels = collate_conversations(made, loaded.processor)
    packed = packed_logprobs(model, batch, labels)
    packed.values.sum().backward()
    together = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    for row, conversation in enumerate(made):
        single, own = collate_conversations([conversation], loaded.processor)
        alone = label_logprobs(model, single, own)
        torch.testing.assert_close(
            packed.values[row][labels[row] != IGNORED_LABEL], alone.values[own != IGNORED_LABEL], atol=1e-5, rtol=1e-5
        )
        alone.values.sum().backward()
    separate = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad(set_to_none=True)
    assert together.keys() == separate.keys()
    largest = max(float(g.abs().max()) for g in separate.values())
    for name, gradient in separate.items():
        torch.testing.assert_close(together[name], gradient, atol=1e-5 * largest, rtol=1e-3)


def test_other_families_cannot_be_packed() -> None:
    class Other(nn.Module):
        config = type("Config", (), {"model_type": "idefics3"})

    with pytest.raises(InputError, match="idefics3 model cannot keep packed samples apart"):
        check_packable(Other())


def gradients(tiny: Path, tmp_path: Path, samples: list[Sample], **changes: Any) -> dict[str, torch.Tensor]:
    config = sft_config(tiny, tmp_path / "run", batch_size=5, **changes)
    model = loop.load_for_training(config)
    session = loop.Session(
        config=config,
        samples=samples,
        root=None,
        folder=RunFolder(path=config.out),
        loaded=model,
        encoder=encoder_of(model),
        total=1,
        device=torch.device("cpu"),
    )
    SFTPhase(session=session, sampler=ShuffledSampler(size=len(samples), seed=0)).backward(1)
    return {name: p.grad for name, p in model.model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("changes", [{"micro_tokens": 40}, {"micro_tokens": 200, "pack": True}, {"pack": True}])
def test_budgets_and_packing_do_not_change_the_gradient(tiny: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    samples = toy_samples(5)
    samples[3] = dataclasses.replace(samples[3], question="Look closely: is the picture red, or is it blue, or both?")
    plain = gradients(tiny, tmp_path, samples, micro_batch=5)
    other = gradients(tiny, tmp_path, samples, micro_batch=3, **changes)
    assert plain.keys() == other.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(other[name], gradient, atol=1e-6, rtol=1e-3)


def test_token_budgets_hold() -> None:
    lengths = [30, 700, 31, 29, 400, 390, 5, 6]
    for packed in (False, True):
        passes = micro_batches(lengths, 4, 800, packed=packed)
        assert sorted(i for part in passes for i in part) == list(range(8))
        for part in passes:
            sizes = [lengths[i] for i in part]
            assert len(part) <= 4
            assert (sum(sizes) if packed else max(sizes) * len(sizes)) <= 800
    assert micro_batches([900, 5], 4, 800) == [[0], [1]]


def test_samples_of_the_same_media_become_conversations() -> None:
    a, b = toy_samples(2)
    samples = [a, b, *(dataclasses.replace(s, id=f"{s.id}-{n}") for n in range(2) for s in (a, b))]
    assert conversations_of(samples, 2) == [(0, 2), (1, 3), (4,), (5,)]
    assert conversations_of(samples, 9) == [(0, 2, 4), (1, 3, 5)]
    assert conversations_of(samples, 1) == [(i,) for i in range(6)]


def test_control_tokens_in_a_later_question_are_refused(loaded: Any) -> None:
    first = toy_samples(1)[0]
    bad = dataclasses.replace(first, id="bad", question="What is <|im_start|>?")
    with pytest.raises(ValueError, match=r"'bad'.*control token"):
        encode_conversation(encoder_of(loaded), [first, bad])


def test_templates_that_rewrite_replies_are_refused(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    template = loaded.processor.chat_template
    monkeypatch.setattr(loaded.processor, "chat_template", template.replace("<|im_end|>", "<|im_end|> "))
    monkeypatch.setattr(
        loaded.processor, "chat_template", template.replace("{{- part['text'] -}}", "{{- part['text'] | upper -}}")
    )
    with pytest.raises(InputError, match="set `turns: 1`"):
        next_turn_ids(loaded.processor, "Is it dark?")


def test_the_equation_says_what_is_bounded() -> None:
    config = sft_config(Path("m"), Path("o"), batch_size=16, micro_batch=8, micro_tokens=4000, turns=3, pack=True)
    said = batch_equation(config, 96, 30)
    assert said.startswith(
        "SFT: 16 conversations a step = backward passes of up to 8 conversations and 4000 tokens, packed"
    )


def test_rates_of_single_parts(loaded: Any) -> None:
    for parameter in loaded.model.parameters():
        parameter.requires_grad_(True)
    names = {id(p): name for name, p in loaded.model.named_parameters()}
    for optim in ("adamw", "muon"):
        config = OptimConfig(name=optim, lr=1e-3, rest_lr=5e-4, part_lr=PartRates(vision=1e-5, merger=2e-5))
        rates = {names[id(p)]: g["lr"] for g in build_optimizer(loaded.model, config).param_groups for p in g["params"]}
        assert len(rates) == len(names)
        assert rates[next(n for n in names.values() if "visual.blocks.0" in n and "qkv.weight" in n)] == 1e-5
        assert rates[next(n for n in names.values() if "visual.blocks.0" in n and "norm1" in n)] == 5e-6
        assert rates[next(n for n in names.values() if "visual.merger" in n and n.endswith("2.weight"))] == 2e-5
        assert rates[next(n for n in names.values() if "q_proj.weight" in n)] == 1e-3


def test_a_rate_for_what_is_frozen_is_refused(loaded: Any) -> None:
    for name, parameter in loaded.model.named_parameters():
        parameter.requires_grad_("visual" not in name)
    with pytest.raises(InputError, match=r"optim.part_lr.vision is set but nothing"):
        build_optimizer(loaded.model, OptimConfig(part_lr=PartRates(vision=1e-5)))
