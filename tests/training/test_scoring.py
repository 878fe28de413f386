"""Recomputed activations, kept features and prompts, token budgets: they change a run's cost, not its numbers."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from test_prefix import batch_of, draw, gradients, media_of, worst_relative
from training_toy import grpo_config, save_tiny, sft_config, toy_samples

from wherewise.models.checkpointing import recomputing
from wherewise.models.features import FeatureCache, row_digests, tower_is_frozen
from wherewise.models.forward import vision_tower
from wherewise.models.inputs import vision_token_ids
from wherewise.models.lora import apply_lora
from wherewise.models.tiny import build_tiny
from wherewise.samples.errors import InputError
from wherewise.training import train_grpo, train_sft
from wherewise.training.config import FeaturesConfig, LoraConfig, ModelConfig
from wherewise.training.grpo.config import GRPOConfig, LossType
from wherewise.training.grpo.prefix import completion_logprobs, naive_logprobs, prefill
from wherewise.training.grpo.scoring import cut_by_tokens
from wherewise.training.session import Progress

GROUP = 3


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen3_vl"])
def tiny(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    return build_tiny(request.param, initializer_range=0.1, seed=3)


def frozen_tower(model: Any) -> Any:
    adapted = apply_lora(copy.deepcopy(model), r=4)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    assert tower_is_frozen(adapted)
    return adapted


def options_of(processor: Any) -> dict[str, Any]:
    return {"group_size": GROUP, "banned_ids": vision_token_ids(processor)}


@pytest.mark.parametrize("case", ["image", "video"])
def test_recomputed_activations_give_the_same_bits(tiny: Any, case: str) -> None:
    model, processor = copy.deepcopy(tiny[0]).train(), tiny[1]
    batch = batch_of(processor, media_of(case))
    completions = draw(model, processor, batch)
    plain = completion_logprobs(model, prefill(model, batch), completions, **options_of(processor))
    reference = gradients(model, plain.values)
    runs = 0

    def count(*_: Any) -> None:
        nonlocal runs
        runs += 1

    for layer in (vision_tower(model).blocks[0].mlp, model.model.language_model.layers[0].mlp):
        layer.register_forward_pre_hook(count)
    with recomputing(model):
        ours = completion_logprobs(model, prefill(model, batch), completions, **options_of(processor))
    assert runs == 3  # the tower, the prompt, the completions
    found = gradients(model, ours.values)
    assert runs == 6
    assert torch.equal(ours.values, plain.values)
    assert all(torch.equal(found[name], reference[name]) for name in reference)


def test_recomputing_keeps_less_and_leaves_the_model_as_it_was(tiny: Any) -> None:
    model, processor = tiny
    batch = batch_of(processor, media_of("image"))
    completions = draw(model, processor, batch)

    def kept() -> int:
        total = 0

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal total
            total += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            completion_logprobs(model, prefill(model, batch), completions, **options_of(processor))
        return total

    plain = kept()
    with recomputing(model):
        assert kept() < 0.4 * plain
    assert kept() == plain
    with torch.no_grad(), recomputing(model):
        assert all("forward" not in module.__dict__ for module in model.modules())


@pytest.mark.parametrize("case", ["image", "video", "mixed"])
def test_kept_features_are_those_of_the_tower_bit_for_bit(tiny: Any, case: str) -> None:
    model, processor = frozen_tower(tiny[0]), tiny[1]
    batch = batch_of(processor, media_of(case))
    completions = draw(model, processor, batch)
    options = options_of(processor)
    plain = completion_logprobs(model, prefill(model, batch), completions, **options)
    reference = gradients(model, plain.values)
    found = []
    cache, without_room = FeatureCache(budget=1 << 30), FeatureCache(budget=0)
    media = sum(batch.image_counts) + sum(batch.video_counts)
    for source in (cache, cache, without_room, without_room):
        with source.installed(model):
            ours = completion_logprobs(model, prefill(model, batch), completions, **options)
        found.append((ours.values.detach(), gradients(model, ours.values)))
    assert (cache.encoded, cache.reused) == (media, media)
    assert (without_room.encoded, without_room.reused) == (2 * media, 0)
    for values, changes in found:
        assert torch.equal(values, found[0][0])
        assert all(torch.equal(changes[name], found[0][1][name]) for name in changes)
        assert (values - plain.values).abs().max() <= 1e-5
        assert worst_relative(changes, reference) <= 1e-4
    assert "forward" not in vision_tower(model).__dict__


def test_one_medium_alone_is_bit_equal_to_no_cache(tiny: Any) -> None:
    model, processor = frozen_tower(tiny[0]), tiny[1]
    batch = batch_of(processor, media_of("image")[:1])
    completions = draw(model, processor, batch)
    plain = completion_logprobs(model, prefill(model, batch), completions, **options_of(processor))
    with FeatureCache(budget=1 << 30).installed(model):
        ours = completion_logprobs(model, prefill(model, batch), completions, **options_of(processor))
        repeated = naive_logprobs(model, batch, completions, **options_of(processor))
    assert torch.equal(ours.values, plain.values)
    assert (repeated.values - plain.values).abs().max() <= 1e-5


def test_features_on_disk_serve_another_run_and_not_another_tower(tiny: Any, tmp_path: Path) -> None:
    model, processor = frozen_tower(tiny[0]), tiny[1]
    batch = batch_of(processor, media_of("image"))
    with torch.no_grad():
        with FeatureCache(budget=0, folder=tmp_path).installed(model):
            first = prefill(model, batch).last_hidden
        later = FeatureCache(budget=1 << 30, folder=tmp_path)
        with later.installed(model):
            second = prefill(model, batch).last_hidden
    assert (later.encoded, later.reused) == (0, 3)
    assert torch.equal(first, second)
    changed = copy.deepcopy(model)
    with torch.no_grad():
        vision_tower(changed).merger.mlp[0].weight.mul_(2) if hasattr(vision_tower(changed).merger, "mlp") else (
            vision_tower(changed).merger.linear_fc1.weight.mul_(2)
        )
        other = FeatureCache(budget=1 << 30, folder=tmp_path)
        with other.installed(changed):
            third = prefill(changed, batch).last_hidden
    assert other.encoded == 3
    assert not torch.equal(first, third)


def test_a_full_cache_drops_the_longest_unused(tiny: Any) -> None:
    model, processor = frozen_tower(tiny[0]), tiny[1]
    one, two = (batch_of(processor, media_of("image")[i : i + 1]) for i in (0, 1))
    with torch.no_grad():
        probe = FeatureCache(budget=1 << 30)
        with probe.installed(model):
            prefill(model, two)
        cache = FeatureCache(budget=probe._bytes)
        with cache.installed(model):
            for batch in (one, two, two, one):
                prefill(model, batch)
    assert cache._bytes <= cache.budget
    assert (cache.encoded, cache.reused) == (4, 2)


def test_features_of_a_trained_tower_are_refused(tiny: Any) -> None:
    model, _ = tiny
    with pytest.raises(ValueError, match="the vision tower is trained"), FeatureCache(budget=1).installed(model):
        pass


def test_rows_are_told_apart_by_their_pictures(tiny: Any) -> None:
    _, processor = tiny
    first, second = media_of("image")
    alone = row_digests(batch_of(processor, [first]))
    together = row_digests(batch_of(processor, [first, second]))
    assert together[0] == alone[0]
    changed = row_digests(batch_of(processor, [second[1:]]))
    assert len({*together, *changed}) == 3


def run(model: Path, out: Path, lora: bool = True, **changes: Any) -> tuple[list[dict[str, Any]], list[str]]:
    seen: list[dict[str, Any]] = []
    lines: list[str] = []

    def progress(report: Progress) -> None:
        lines.append(report.line or "")
        if report.step:
            seen.append(report.metrics)

    settings: dict[str, Any] = {"steps": 3, "prompts_per_step": 2, "micro_prompts": 2, "save_every": None, **changes}
    checkpointing = settings.pop("checkpointing", False)
    config = grpo_config(model, out, **settings)
    if lora:
        adapted = ModelConfig(path=str(model), device="cpu", lora=LoraConfig(r=4), checkpointing=checkpointing)
        config = config.model_copy(update={"model": adapted})
    train_grpo(config, samples=toy_samples(4), on_progress=progress)
    return seen, lines


def test_a_frozen_tower_sees_each_picture_once_in_a_run(tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model")
    kept, lines = run(model, tmp_path / "kept", beta=0.1, steps=4)
    assert [line["vision_calls"] for line in kept] == [2, 2, 0, 0]  # 4 samples, 2 a step, two epochs
    assert any("features are kept, up to 512 MB" in line for line in lines)
    plain, _ = run(model, tmp_path / "plain", beta=0.1, steps=4, features=FeaturesConfig(mb=0))
    assert [line["vision_calls"] for line in plain] == [6, 6, 6, 6]  # sampling, reference, policy
    for ours, theirs in zip(kept, plain, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-5)
        assert ours["grad_norm"] == pytest.approx(theirs["grad_norm"], rel=1e-3)


def test_kept_prompts_are_read_once_a_step_with_the_same_gradients(tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model")
    plain, _ = run(model, tmp_path / "plain", lora=False, num_iterations=2)
    kept, _ = run(model, tmp_path / "kept", lora=False, num_iterations=2, keep_prompts=True)
    assert [line["vision_calls"] for line in plain] == [4, 2, 4]
    assert [line["vision_calls"] for line in kept] == [2, 2, 2]  # the second step's weights are others
    for ours, theirs in zip(kept, plain, strict=True):
        assert ours["grad_norm"] == pytest.approx(theirs["grad_norm"], rel=1e-6)
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-6)


def test_checkpointing_and_token_budgets_leave_a_run_as_it_is(tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model")
    plain, _ = run(model, tmp_path / "plain")
    again, _ = run(model, tmp_path / "again", checkpointing=True)
    assert [line["grad_norm"] for line in again] == [line["grad_norm"] for line in plain]
    wide, _ = run(model, tmp_path / "wide", micro_tokens=100_000)
    assert [line["grad_norm"] for line in wide] == [line["grad_norm"] for line in plain]
    narrow, _ = run(model, tmp_path / "narrow", micro_tokens=1)
    alone, _ = run(model, tmp_path / "alone", micro_prompts=1)
    assert [line["grad_norm"] for line in narrow] == [line["grad_norm"] for line in alone]


def test_settings_that_cannot_be_had_are_refused(tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model")
    settings = ModelConfig(path=str(model), device="cpu", lora=LoraConfig(r=4, dropout=0.1))
    config = grpo_config(model, tmp_path / "a", keep_prompts=True).model_copy(update={"model": settings})
    with pytest.raises(InputError, match="dropout is on"):
        train_grpo(config, samples=toy_samples(4))
    with pytest.raises(ValueError, match="averages over passes"):
        GRPOConfig(out=tmp_path, model=settings, steps=1, micro_tokens=10, loss_type=LossType.BNPO)


def test_passes_hold_neighbours_within_both_budgets() -> None:
    lengths, ends = [10, 10, 50, 10, 10], [2, 4, 2, 2, 2]
    assert cut_by_tokens(lengths, ends, group_size=4, most_prompts=2, most_tokens=None) == [
        range(2),
        range(2, 4),
        range(4, 5),
    ]
    for most in (1, 60, 90, 1000):
        cut = cut_by_tokens(lengths, ends, group_size=4, most_prompts=9, most_tokens=most)
        assert [i for places in cut for i in places] == list(range(5))
        for places in cut:
            cost = max(lengths[i] for i in places) + 4 * max(ends[i] for i in places)
            assert len(places) == 1 or len(places) * cost <= most
    assert cut_by_tokens([], [], group_size=4, most_prompts=2, most_tokens=5) == []


@pytest.mark.parametrize("pack", [False, True])
def test_sft_recomputes_and_keeps_features_with_the_same_numbers(pack: bool, tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model")
    norms = {}
    for name, checkpointing, mb in (("plain", False, 0), ("again", True, 0), ("kept", False, 64), ("both", True, 64)):
        adapted = ModelConfig(path=str(model), device="cpu", lora=LoraConfig(r=4), checkpointing=checkpointing)
        config = sft_config(model, tmp_path / name, steps=3, save_every=None, pack=pack, features=FeaturesConfig(mb=mb))
        seen: list[float] = []

        def progress(report: Progress, seen: list[float] = seen) -> None:
            if report.step:
                seen.append(report.metrics["grad_norm"])

        train_sft(config.model_copy(update={"model": adapted}), samples=toy_samples(6), on_progress=progress)
        norms[name] = seen
    assert norms["again"] == norms["plain"]
    assert norms["both"] == norms["kept"]
    assert norms["kept"] == pytest.approx(norms["plain"], rel=1e-3)


@pytest.mark.parametrize("case", ["image", "video"])
def test_bfloat16_autocast_agrees_with_the_plain_way_as_far_as_it_agrees_with_float32(tiny: Any, case: str) -> None:
    model, processor = tiny
    batch = batch_of(processor, media_of(case))
    completions = draw(model, processor, batch)
    options = options_of(processor)
    exact = completion_logprobs(model, prefill(model, batch), completions, **options).values
    with torch.autocast("cpu", dtype=torch.bfloat16):
        prefix = prefill(model, batch)
        ours = completion_logprobs(model, prefix, completions, **options).values
        drawn = draw(model, processor, batch)
        again = completion_logprobs(model, prefix, drawn, **options).values
        plain = naive_logprobs(model, batch, completions, **options).values
    assert prefix.cache.layers[0].values.dtype == torch.bfloat16
    assert ours.dtype == torch.float32
    rounding = float((plain - exact).abs().max())
    assert 0 < rounding < 0.2
    assert float((ours - plain).abs().max()) <= 2 * rounding
    assert float((again - drawn.logprobs).abs().max()) <= 2 * rounding
    found = gradients(model, ours)
    assert all(torch.isfinite(value).all() for value in found.values())
    reference = gradients(model, exact)
    whole = torch.stack([value.norm() for value in reference.values()]).norm()
    gap = torch.stack([(found[name] - reference[name]).norm() for name in reference]).norm()
    assert float(gap / whole) < 0.1
