"""Prompts become tensors; what does not fit is refused with the sample's name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from wherewise.models import forward
from wherewise.models.batch import IGNORED_LABEL, collate, collate_with_targets
from wherewise.models.forward import BlindForwardError, label_logprobs, token_logprobs
from wherewise.models.inputs import (
    encode_prompt,
    encode_target,
    end_token_ids,
    padding_id,
    prompt_messages,
    vision_token_ids,
)
from wherewise.models.tiny import build_tiny


@dataclass(frozen=True)
class Clip:
    array: np.ndarray[Any, Any]
    times: tuple[float, ...]


def picture(height: int = 64, width: int = 64, seed: int = 0) -> PIL.Image.Image:
    return PIL.Image.fromarray(np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8))


def clip(*times: float, height: int = 64, width: int = 96) -> Clip:
    return Clip(np.zeros((len(times), height, width, 3), dtype=np.uint8), times)


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen3_vl"])
def tiny(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    return build_tiny(request.param, initializer_range=0.1)


@pytest.fixture(scope="module")
def qwen3() -> tuple[Any, Any]:
    return build_tiny("qwen3_vl")


def encode(processor: Any, *media: Any, text: str = "Where?", **options: Any) -> Any:
    return encode_prompt(processor, text, media, sample_id="room-7", **options)


def test_the_prompt_is_laid_out_as_qwen_does(tiny: Any) -> None:
    _, processor = tiny
    prompt = encode(processor, picture(64, 96), system="Be brief.")
    text = processor.tokenizer.decode(prompt.input_ids)
    assert text == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n<|vision_start|>"
        + "<|image_pad|>" * 6
        + "<|vision_end|>Where?<|im_end|>\n<|im_start|>assistant\n"
    )
    assert int((prompt.mm_token_type_ids == 1).sum()) == 6
    assert prompt.image_grid_thw.tolist() == [[1, 4, 6]]
    assert prompt.pixel_values.shape == (24, 3 * 2 * 16 * 16)


def test_pictures_come_before_the_question_in_order() -> None:
    parts = prompt_messages("Which?", [picture(), clip(0.0, 1.0), picture()])[0]["content"]
    assert [part["type"] for part in parts] == ["image", "video", "image", "text"]


def test_frame_times_reach_the_prompt_of_qwen3(qwen3: Any) -> None:
    _, processor = qwen3
    text = processor.tokenizer.decode(encode(processor, clip(1.0, 1.4, 2.0, 7.0)).input_ids)
    assert "<1.2 seconds>" in text
    assert "<4.5 seconds>" in text


def test_frame_spacing_reaches_the_positions_of_qwen2_5() -> None:
    _, processor = build_tiny("qwen2_5_vl")
    prompt = encode(processor, clip(0.0, 1.5, 3.0, 4.5))
    assert prompt.second_per_grid_ts.tolist() == pytest.approx([3.0])
    assert collate([prompt], pad_id=0).second_per_grid_ts.tolist() == pytest.approx([3.0])


def test_rows_are_padded_on_the_left_and_pictures_stay_in_row_order(tiny: Any) -> None:
    _, processor = tiny
    prompts = [
        encode(processor, picture(seed=1)),
        encode(processor, text="Where is the red chair, and what is behind it?"),
        encode(processor, picture(64, 96, seed=2), picture(seed=3), clip(0.0, 1.0)),
    ]
    batch = collate(prompts, pad_id=padding_id(processor))
    assert batch.image_counts == (1, 0, 2)
    assert batch.video_counts == (0, 0, 1)
    for row, prompt in enumerate(prompts):
        assert (
            batch.attention_mask[row].tolist() == [0] * (batch.input_ids.shape[1] - prompt.length) + [1] * prompt.length
        )
        assert torch.equal(batch.input_ids[row, -prompt.length :], prompt.input_ids)
    assert torch.equal(batch.pixel_values, torch.cat([prompts[0].pixel_values, prompts[2].pixel_values]))
    assert len(batch) == 3


def test_repeating_a_batch_is_collating_repeated_prompts(tiny: Any) -> None:
    _, processor = tiny
    prompts = [encode(processor, picture(seed=1)), encode(processor, picture(64, 96), clip(0.0, 0.5))]
    pad = padding_id(processor)
    repeated = collate(prompts, pad_id=pad).repeat(2)
    direct = collate([prompts[0], prompts[0], prompts[1], prompts[1]], pad_id=pad)
    assert repeated.sample_ids == direct.sample_ids
    assert repeated.image_counts == direct.image_counts
    for name, tensor in direct.model_inputs().items():
        assert torch.equal(repeated.model_inputs()[name], tensor), name


def test_only_the_assistants_tokens_are_labels(tiny: Any) -> None:
    _, processor = tiny
    prompts = [encode(processor, picture()), encode(processor, picture(64, 96), text="Where is it now, and why?")]
    targets = [encode_target(processor, text, sample_id="x") for text in ("left", "<answer>to the right</answer>")]
    pad, banned = padding_id(processor), vision_token_ids(processor)
    batch, labels = collate_with_targets(prompts, targets, pad_id=pad, banned_ids=banned)
    for row, target in enumerate(targets):
        assert labels[row][labels[row] != IGNORED_LABEL].tolist() == target
        assert labels[row, -len(target) :].tolist() == target
        assert target[-1] == processor.tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert not torch.isin(labels, torch.tensor(banned)).any()
    assert (batch.input_ids[:, -1] == processor.tokenizer.convert_tokens_to_ids("<|im_end|>")).all()


def test_vision_and_end_tokens(qwen3: Any) -> None:
    _, processor = qwen3
    names = {processor.tokenizer.convert_ids_to_tokens(token) for token in vision_token_ids(processor)}
    assert names == {"<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"}
    assert [processor.tokenizer.convert_ids_to_tokens(token) for token in end_token_ids(processor)] == ["<|im_end|>"]


def test_what_does_not_fit_is_refused_by_name(qwen3: Any) -> None:
    _, processor = qwen3
    with pytest.raises(ValueError, match=r"'room-7'.*<\|image_pad\|>.*remove it"):
        encode(processor, text="Is <|image_pad|> a chair?")
    with pytest.raises(ValueError, match=r"'room-7'.*<\|im_end\|>"):
        encode(processor, system="a<|im_end|>b")
    with pytest.raises(ValueError, match=r"'room-7'.*at least 2 frames"):
        encode(processor, clip(0.0))
    with pytest.raises(ValueError, match=r"'room-7'.*3 frames but 2 frame times"):
        encode(processor, Clip(np.zeros((3, 64, 64, 3), dtype=np.uint8), (0.0, 1.0)))
    with pytest.raises(ValueError, match=r"'room-7'.*uint8.*float32"):
        encode(processor, Clip(np.zeros((3, 64, 64, 3), dtype=np.float32), (0.0, 1.0, 2.0)))
    with pytest.raises(ValueError, match=r"'room-7'.*must increase"):
        encode(processor, clip(1.0, 1.0))
    prompt = encode(processor, picture())
    with pytest.raises(ValueError, match=r"'room-7'.*no tokens"):
        collate_with_targets([prompt], [[]], pad_id=0)
    banned = vision_token_ids(processor)
    with pytest.raises(ValueError, match=r"'room-7'.*vision token"):
        collate_with_targets([prompt], [[banned[0]]], pad_id=0, banned_ids=banned)
    with pytest.raises(ValueError, match="at least one prompt"):
        collate([], pad_id=0)


def test_a_cut_prompt_is_refused(qwen3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, processor = qwen3
    whole = type(processor).__call__

    def cut(self: Any, **arguments: Any) -> Any:
        output = whole(self, **arguments)
        for name in ("input_ids", "attention_mask", "mm_token_type_ids"):
            output[name] = output[name][:, :6]
        return output

    monkeypatch.setattr(type(processor), "__call__", cut)
    with pytest.raises(ValueError, match=r"'room-7': 2 image placeholder tokens but 4 image features"):
        encode(processor, picture())


def test_a_template_that_forgets_the_picture_is_refused(qwen3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, processor = qwen3
    monkeypatch.setattr(processor, "chat_template", "{{ messages[0]['content'][-1]['text'] }}")
    with pytest.raises(ValueError, match=r"placeholder|number of"):
        encode(processor, picture())


def test_supervised_logprobs_are_hugging_faces_loss(tiny: Any) -> None:
    model, processor = tiny
    prompts = [encode(processor, picture()), encode(processor, clip(0.0, 1.0), text="Where is it now, and why?")]
    targets = [encode_target(processor, text, sample_id="x") for text in ("left", "to the right of the chair")]
    batch, labels = collate_with_targets(prompts, targets, pad_id=padding_id(processor))
    ours = label_logprobs(model, batch, labels).values
    loss = model(**batch.model_inputs(), labels=labels).loss
    torch.testing.assert_close(-ours.sum() / (labels != IGNORED_LABEL).sum(), loss, atol=1e-5, rtol=1e-5)
    assert (ours[labels == IGNORED_LABEL] == 0).all()


def test_supervised_forward_may_not_be_blind(qwen3: Any) -> None:
    model, processor = qwen3
    batch, labels = collate_with_targets([encode(processor, picture())], [[5, 6]], pad_id=0)
    blind = type(batch)(
        **{name: getattr(batch, name) for name in type(batch).__dataclass_fields__ if not name.startswith("pixel")}
    )
    with pytest.raises(BlindForwardError, match=r"'room-7' has image placeholders"):
        label_logprobs(model, blind, labels)


def test_pixels_without_a_placeholder_are_refused(qwen3: Any) -> None:
    model, processor = qwen3
    batch = collate([encode(processor, picture())], pad_id=0)
    values = {name: getattr(batch, name) for name in type(batch).__dataclass_fields__}
    odd = type(batch)(**{**values, "mm_token_type_ids": torch.zeros_like(batch.input_ids)})
    with pytest.raises(BlindForwardError, match="but no prompt has"):
        label_logprobs(model, odd, torch.full_like(batch.input_ids, IGNORED_LABEL))


def test_the_head_in_chunks_is_the_head_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    head = torch.nn.Linear(8, 50, bias=False)
    hidden = torch.randn(23, 8, requires_grad=True)
    ids = torch.randint(5, 50, (23,))
    results = []
    for limit in (1 << 25, 50 * 7):
        monkeypatch.setattr(forward, "_CHUNK_ELEMENTS", limit)
        out = token_logprobs(head, hidden, ids, temperature=0.7, banned_ids=[1, 2], entropy_gradient=True)
        gradients = torch.autograd.grad((out.values + 0.1 * out.entropy).sum(), [hidden, head.weight])
        results.append((out.values, out.entropy, *gradients))
    for whole, parts in zip(*results, strict=True):
        torch.testing.assert_close(whole, parts)
    assert all(torch.isfinite(tensor).all() for tensor in results[0])
