"""Every family goes all the way: prompt, completions, log-probabilities, a GRPO step; nothing of it is blind."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from wherewise.answers.coordinates import CODECS
from wherewise.models.batch import PromptBatch, collate
from wherewise.models.families import FAMILIES, UNKNOWN, facts_of
from wherewise.models.forward import BlindForwardError
from wherewise.models.inputs import encode_prompt, end_token_ids, padding_id, vision_token_ids
from wherewise.models.load import load_model, save_model
from wherewise.models.tiny_families import TINY_FAMILIES, build_tiny_family
from wherewise.training import train_grpo
from wherewise.training.grpo.prefix import completion_logprobs, generate, naive_generate, naive_logprobs, prefill

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from training_toy import grpo_config, toy_samples

GROUP = 2


@pytest.fixture(scope="module", params=TINY_FAMILIES)
def tiny(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    if request.param == "smolvlm" and importlib.util.find_spec("num2words") is None:
        pytest.skip("SmolVLM's processor needs the package num2words")
    model, processor = build_tiny_family(request.param, seed=3)
    return model, processor


def batch_of(processor: Any, seed: int = 0) -> PromptBatch:
    rng = np.random.default_rng(seed)

    def picture(height: int, width: int) -> PIL.Image.Image:
        return PIL.Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8))

    media = [[picture(64, 96)], [picture(96, 64), picture(64, 64)], []]
    prompts = [encode_prompt(processor, "Where is it?" * (i + 1), m, sample_id=f"s{i}") for i, m in enumerate(media)]
    return collate(prompts, pad_id=padding_id(processor))


def settings(processor: Any) -> dict[str, Any]:
    return {
        "group_size": GROUP,
        "max_new_tokens": 6,
        "eos_ids": end_token_ids(processor),
        "pad_id": padding_id(processor),
        "banned_ids": vision_token_ids(processor),
    }


def test_greedy_completions_are_those_of_hugging_face(tiny: Any) -> None:
    model, processor = tiny
    batch = batch_of(processor)
    with torch.no_grad():
        prefix = prefill(model, batch)
    source = torch.Generator().manual_seed(0)
    ours = generate(model, prefix, **settings(processor), temperature=0.0, generator=source)
    plain = naive_generate(model, batch, **settings(processor), temperature=0.0, generator=source)
    assert ours.token_lists() == plain.token_lists()
    torch.testing.assert_close(ours.logprobs, plain.logprobs, atol=1e-5, rtol=1e-5)


def test_both_ways_agree_on_prompts_with_any_number_of_pictures(tiny: Any) -> None:
    model, processor = tiny
    batch = batch_of(processor)
    assert batch.image_counts == (1, 2, 0)
    with torch.no_grad():
        drawn = generate(
            model,
            prefill(model, batch),
            **settings(processor),
            temperature=1.0,
            generator=torch.Generator().manual_seed(0),
        )
        options: dict[str, Any] = {"group_size": GROUP, "banned_ids": vision_token_ids(processor)}
        plain = naive_logprobs(model, batch, drawn, **options)
        ours = completion_logprobs(model, prefill(model, batch), drawn, **options)
        other = completion_logprobs(model, prefill(model, batch_of(processor, 1)), drawn, **options)
    assert (ours.values - plain.values).abs().max() <= 1e-5
    assert (ours.values - drawn.logprobs).abs().max() <= 1e-5
    seen = (ours.values - other.values).abs().amax(-1)
    assert (seen[: 2 * GROUP] > 1e-3).all()
    assert (seen[2 * GROUP :] <= 1e-5).all()


def test_without_pixels_there_is_no_forward(tiny: Any) -> None:
    model, processor = tiny
    batch = batch_of(processor)
    with pytest.raises(BlindForwardError, match="s0"):
        prefill(
            model, replace(batch, pixel_values=None, tiles={k: v for k, v in batch.tiles.items() if "pix" not in k})
        )


def test_tokens_of_pictures_are_banned(tiny: Any) -> None:
    _, processor = tiny
    prompt = batch_of(processor)
    placeholders = prompt.input_ids[prompt.mm_token_type_ids == 1].unique().tolist()
    assert placeholders
    assert set(placeholders) <= set(vision_token_ids(processor))
    assert not set(end_token_ids(processor)) & set(vision_token_ids(processor))


def test_a_saved_model_trains(tiny: Any, tmp_path: Path) -> None:
    model, processor = tiny
    folder = save_model(model, processor, tmp_path / "model")
    again = load_model(folder, device="cpu")
    saved = again.model.state_dict()
    assert saved.keys() == model.state_dict().keys()
    assert all(torch.equal(saved[name], value) for name, value in model.state_dict().items())
    result = train_grpo(
        grpo_config(folder, tmp_path / "run", lora=True, steps=1, prompts_per_step=2, generations=3, save_every=None),
        samples=toy_samples(2),
        on_progress=lambda progress: None,
    )
    assert result.metrics["grad_norm"] > 0
    assert result.metrics["vision_calls"] == 4


def test_a_family_without_sharing_says_so_and_trains(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, processor = tiny
    if model.config.model_type != "internvl":
        pytest.skip("one family is enough")
    monkeypatch.setattr("wherewise.models.families.FAMILIES", ())
    folder = save_model(model, processor, tmp_path / "model")
    lines: list[str] = []
    result = train_grpo(
        grpo_config(folder, tmp_path / "run", steps=1, prompts_per_step=1, generations=3, save_every=None),
        samples=toy_samples(1),
        on_progress=lambda progress: lines.append(progress.line or ""),
    )
    said = [line for line in lines if "no shared prefix" in line]
    assert len(said) == 1
    assert "about G times the work" in said[0]
    assert result.metrics["vision_calls"] == 9  # sampling, its log-probabilities, and the loss, three copies each
    assert result.metrics["grad_norm"] > 0


def test_every_family_has_a_codec_and_an_unknown_one_too() -> None:
    for facts in (*FAMILIES, UNKNOWN):
        assert facts.coordinates in CODECS
        assert facts.coordinates_why
        assert bool(facts.reason) != facts.shares_prefix
    assert {kind for facts in FAMILIES for kind in facts.model_types} == set(TINY_FAMILIES)
    assert facts_of(object()) is UNKNOWN
    assert len({field.name for field in dataclasses.fields(UNKNOWN)}) == 8
