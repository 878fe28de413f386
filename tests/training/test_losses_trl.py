"""Our loss and gradients beside TRL's on the same batch of pictures.

TRL 1.16 lives in an environment or folder of its own (it brings `datasets` and `pandas`); where it cannot be imported
these tests are skipped. What differs by design is taken out before comparing:

- our log-probabilities leave out the tokens that are never sampled (vision tokens, rows of the head without a token),
  TRL's do not: here none are left out;
- TRL's means run over all completions of the batch, ours over those with a counted token: here all have some;
- TRL divides by the tokens of all processes and accumulation steps: here there is one of each.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from training_toy import COLORS, PROMPT, grpo_config, png, save_tiny, toy_samples

from wherewise.models.inputs import collate, padding_id
from wherewise.models.load import load_model
from wherewise.models.torchvision_shim import ensure_torchvision
from wherewise.rewards import build_rewards
from wherewise.samples import Image
from wherewise.training import loop
from wherewise.training.data import Encoder
from wherewise.training.grpo.groups import Group
from wherewise.training.grpo.losses import token_weights
from wherewise.training.grpo.phase import GRPOPhase, make_phase
from wherewise.training.run_folder import RunFolder

pytestmark = [
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("trl") is None,
        reason="trl is not importable: docs/grpo.md has the command that installs it in a folder of its own",
    ),
]

GENERATIONS, WIDTH, LIMIT = 4, 7, 9
TOLERANCE = 1e-5
LENGTHS = (7, 3, 5, 1, 2, 7, 6, 4, 7, 7, 1, 5)
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "grpo": ({"loss_type": "grpo"}, {"loss_type": "grpo"}),
    "grpo, k3": ({"loss_type": "grpo", "beta": 0.1}, {"loss_type": "grpo", "beta": 0.1}),
    "grpo, k3 corrected": (
        {"loss_type": "grpo", "beta": 0.1, "kl_correction": True},
        {"loss_type": "grpo", "beta": 0.1, "use_bias_correction_kl": True},
    ),
    "bnpo": ({"loss_type": "bnpo", "clip_high": 0.28}, {"loss_type": "bnpo", "epsilon_high": 0.28}),
    "dr_grpo": ({"loss_type": "dr_grpo"}, {"loss_type": "dr_grpo"}),
    "dapo": ({"loss_type": "dapo", "clip_high": 0.28}, {"loss_type": "dapo", "epsilon_high": 0.28}),
    "dapo, dual clip": ({"loss_type": "dapo", "clip_dual": 1.3}, {"loss_type": "dapo", "delta": 1.3}),
    "dapo, entropy bonus": ({"loss_type": "dapo", "entropy_bonus": 0.05}, {"loss_type": "dapo", "entropy_coef": 0.05}),
    "dapo, high entropy": (
        {"loss_type": "dapo", "top_entropy": 0.4},
        {"loss_type": "dapo", "top_entropy_quantile": 0.4},
    ),
    "dapo, temperature": ({"loss_type": "dapo", "temperature": 0.7}, {"loss_type": "dapo", "temperature": 0.7}),
    "cispo": ({"loss_type": "cispo", "clip_high": 0.2}, {"loss_type": "cispo", "epsilon_high": 1.2}),
    "gspo": (
        {"loss_type": "gspo", "clip_low": 0.03, "clip_high": 0.04, "beta": 0.1, "kl_correction": True},
        {
            "loss_type": "grpo",
            "importance_sampling_level": "sequence",
            "epsilon": 0.03,
            "epsilon_high": 0.04,
            "beta": 0.1,
            "use_bias_correction_kl": True,
        },
    ),
}


@pytest.fixture(scope="module", params=["qwen2_5_vl", "qwen3_vl"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("tiny") / "model", request.param)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pictures() -> list[Any]:
    """Three prompts with pictures of different sizes and questions of different lengths."""
    sizes = (32, 64, 96)
    return [
        replace(sample, media=(Image(data=png(color, size), width=size, height=size),))
        for sample, size, color in zip(toy_samples(3), sizes, (*COLORS.values(), (10, 200, 90)), strict=True)
    ]


def batch_of(phase: GRPOPhase) -> list[Group]:
    """Completions of every length, with log-probabilities off the policy's so that ratios are clipped."""
    config, session = phase.config, phase.session
    random = torch.Generator().manual_seed(7)
    rows = len(LENGTHS)
    ids = torch.randint(20, 200, (rows, WIDTH), generator=random)
    mask = torch.arange(WIDTH)[None] < torch.tensor(LENGTHS)[:, None]
    ids = ids.masked_fill(~mask, padding_id(session.loaded.processor))
    advantages = torch.randn(rows, generator=random)
    weights = token_weights(mask, config.loss_type, max_new_tokens=LIMIT)
    groups = [
        Group(
            sample=i,
            ids=ids[part],
            mask=mask[part],
            finished=torch.ones(GENERATIONS, dtype=torch.bool),
            advantages=advantages[part],
            weights=weights[part],
            active=True,
        )
        for i in range(3)
        for part in [slice(i * GENERATIONS, (i + 1) * GENERATIONS)]
    ]
    logp = phase.learner.reference_logps(range(3), [completions_of(g) for g in groups])
    for group, own in zip(groups, logp, strict=True):
        group.old_logp = own + 0.4 * torch.randn(own.shape, generator=random) * group.mask
        group.ref_logp = own + 0.3 * torch.randn(own.shape, generator=random) * group.mask
    return groups


def completions_of(group: Group) -> Any:
    from wherewise.training.grpo.prefix import Completions

    return Completions(ids=group.ids, mask=group.mask, logprobs=torch.zeros(group.ids.shape), finished=group.finished)


def phase_of(folder: Path, out: Path, **changes: Any) -> GRPOPhase:
    options = {"generations": GENERATIONS, "prompts_per_step": 3, "micro_prompts": 3, "max_new_tokens": LIMIT}
    config = grpo_config(folder, out, **{**options, **changes})
    loaded = loop.load_for_training(config)
    session = loop.Session(
        config=config,
        samples=pictures(),
        root=None,
        folder=RunFolder(path=out),
        loaded=loaded,
        encoder=Encoder(processor=loaded.processor, prompt=PROMPT, root=None, frames=config.frames, budget=1 << 20),
        total=1,
        device=torch.device("cpu"),
    )
    phase = make_phase(session, build_rewards(config.rewards))
    phase.learner = replace(phase.learner, scorer=replace(phase.learner.scorer, banned=()))
    return phase


def trainer_of(folder: Path, out: Path, **changes: Any) -> Any:
    """TRL's trainer, as it would be in the middle of its first step."""
    ensure_torchvision()
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    loaded = load_model(str(folder), dtype="float32", device="cpu", attn="sdpa")
    args = GRPOConfig(
        output_dir=str(out),
        per_device_train_batch_size=len(LENGTHS),
        num_generations=GENERATIONS,
        max_completion_length=LIMIT,
        report_to="none",
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        **{"use_bias_correction_kl": False, **changes},
    )
    trainer = GRPOTrainer(
        model=loaded.model,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=args,
        train_dataset=Dataset.from_list([{"prompt": [{"role": "user", "content": "x"}]}] * 12),
        processing_class=loaded.processor,
    )
    trainer.current_gradient_accumulation_steps = 1
    trainer.model.train()
    return trainer


def theirs(phase: GRPOPhase, groups: list[Group], trainer: Any) -> tuple[float, dict[str, torch.Tensor]]:
    """TRL's loss and gradients of our batch."""
    session = phase.session
    prompts = [session.encoder.encode(sample) for sample in session.samples]
    batch = collate(prompts, pad_id=padding_id(session.loaded.processor), device="cpu").repeat(GENERATIONS)
    ids, mask = torch.cat([g.ids for g in groups]), torch.cat([g.mask for g in groups])
    inputs = {
        "prompt_ids": batch.input_ids,
        "prompt_mask": batch.attention_mask,
        "completion_ids": ids,
        "completion_mask": mask.long(),
        "advantages": torch.cat([g.advantages for g in groups]),
        "old_per_token_logps": torch.cat([g.old_logp for g in groups if g.old_logp is not None]),
        "ref_per_token_logps": torch.cat([g.ref_logp for g in groups if g.ref_logp is not None]),
        "num_items_in_batch": mask.sum(),
        "pixel_values": batch.pixel_values,
        "image_grid_thw": batch.image_grid_thw,
        "num_images": [1] * len(mask),
        "mm_token_type_ids": torch.cat([batch.mm_token_type_ids, torch.zeros_like(ids)], dim=1),
    }
    loss = trainer._compute_loss(trainer.model, inputs)
    loss.backward()
    return float(loss.detach()), {n: p.grad for n, p in trainer.model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradients_are_those_of_trl(folder: Path, tmp_path: Path, case: str) -> None:
    own, other = CASES[case]
    phase = phase_of(folder, tmp_path / "ours", **{"beta": 0.0, **own})
    groups = batch_of(phase_of(folder, tmp_path / "any", beta=0.1, temperature=own.get("temperature", 1.0)))
    for group in groups:
        group.ref_logp = group.ref_logp if phase.config.beta else None
    weights = token_weights(
        torch.cat([g.mask for g in groups]), phase.config.loss_type, max_new_tokens=LIMIT
    ).unflatten(0, (3, GENERATIONS))
    for group, weight in zip(groups, weights, strict=True):
        group.weights = weight
    metrics = phase.learner.gradient(groups)
    ours = {n: p.grad for n, p in phase.session.loaded.model.named_parameters() if p.grad is not None}
    for group in groups:
        group.ref_logp = torch.zeros(group.ids.shape) if group.ref_logp is None else group.ref_logp
    loss, gradients = theirs(phase, groups, trainer_of(folder, tmp_path / "trl", **other))
    assert ours.keys() == gradients.keys()
    scale = max(float(g.abs().max()) for g in gradients.values())
    worst = max(float((ours[name] - gradients[name]).abs().max()) for name in ours) / scale
    print(
        f"\n{case}: loss {loss:.4f}, difference {abs(metrics['loss'] - loss):.1e}; {len(ours)} gradients, worst "
        f"difference {worst:.1e} of the largest; clipped {metrics['clip_fraction']:.2f}"
    )
    assert scale > 1e-4
    assert metrics["loss"] == pytest.approx(loss, abs=TOLERANCE)
    assert worst < TOLERANCE


def test_log_probabilities_are_those_of_trl(folder: Path, tmp_path: Path) -> None:
    phase = phase_of(folder, tmp_path / "ours", beta=0.1)
    groups = batch_of(phase)
    own = torch.cat(phase.learner.reference_logps(range(3), [completions_of(g) for g in groups]))
    trainer = trainer_of(folder, tmp_path / "trl")
    prompts = [phase.session.encoder.encode(sample) for sample in phase.session.samples]
    batch = collate(prompts, pad_id=padding_id(phase.session.loaded.processor), device="cpu").repeat(GENERATIONS)
    ids, mask = torch.cat([g.ids for g in groups]), torch.cat([g.mask for g in groups])
    with torch.no_grad():
        other, _, _ = trainer._get_per_token_logps_and_entropies(
            trainer.model,
            torch.cat([batch.input_ids, ids], dim=1),
            torch.cat([batch.attention_mask, mask.long()], dim=1),
            ids.shape[1],
            pixel_values=batch.pixel_values,
            image_grid_thw=batch.image_grid_thw,
            num_images=[1] * len(mask),
            mm_token_type_ids=torch.cat([batch.mm_token_type_ids, torch.zeros_like(ids)], dim=1),
        )
    worst = float((own - other)[mask].abs().max())
    print(f"\n{int(mask.sum())} tokens, largest difference of log-probabilities {worst:.1e}")
    assert worst < TOLERANCE
