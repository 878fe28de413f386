from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from training_toy import PROMPT, sft_config, toy_samples

from wherewise.models.load import load_model
from wherewise.models.lora import part_of
from wherewise.samples.errors import InputError
from wherewise.training import loop, train_sft
from wherewise.training.config import FreezeConfig
from wherewise.training.data import Encoder
from wherewise.training.loop import Progress, TrainingError
from wherewise.training.run_folder import RunFolder
from wherewise.training.sampler import ShuffledSampler
from wherewise.training.sft.phase import SFTPhase


def losses(folder: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("optim", ["adamw", "muon"])
def test_loss_falls_and_the_model_answers(tiny: Path, tmp_path: Path, optim: str) -> None:
    said: list[str] = []
    config = sft_config(
        tiny,
        tmp_path / "run",
        optim={"name": optim, "lr": 0.03, "schedule": "linear", "warmup": 2},
        steps=30,
        batch_size=6,
        micro_batch=6,
        save_every=None,
    )
    result = train_sft(config, samples=toy_samples(), on_progress=lambda p: said.append(p.line or ""))
    curve = losses(result.folder)
    assert curve[0] > 5
    assert curve[-1] < 1.0
    assert any(line.startswith("SFT: 6 samples a step = 1 backward passes of up to 6") for line in said)
    assert load_model(result.final, device="cpu").model is not None


def session_of(tiny: Path, tmp_path: Path, **changes: object) -> loop.Session:
    config = sft_config(tiny, tmp_path / "run", **changes)  # type: ignore[arg-type]
    loaded = loop.load_for_training(config)
    return loop.Session(
        config=config,
        samples=toy_samples(),
        root=None,
        folder=RunFolder(path=config.out),
        loaded=loaded,
        encoder=Encoder(processor=loaded.processor, prompt=PROMPT, root=None, frames=config.frames, budget=1 << 20),
        total=1,
        device=torch.device("cpu"),
    )


def gradients(session: loop.Session) -> dict[str, torch.Tensor]:
    SFTPhase(session=session, sampler=ShuffledSampler(size=len(session.samples), seed=0)).backward(1)
    return {name: p.grad for name, p in session.loaded.model.named_parameters() if p.grad is not None}


def test_micro_batches_do_not_change_the_gradient(tiny: Path, tmp_path: Path) -> None:
    """Targets of one and of two words: a mean of means would weigh their tokens differently."""
    whole = gradients(session_of(tiny, tmp_path, batch_size=5, micro_batch=5))
    parts = gradients(session_of(tiny, tmp_path, batch_size=5, micro_batch=2))
    assert whole.keys() == parts.keys()
    for name, gradient in whole.items():
        torch.testing.assert_close(parts[name], gradient, atol=1e-6, rtol=1e-4)


def test_only_reply_tokens_are_learnt(tiny: Path, tmp_path: Path) -> None:
    session = session_of(tiny, tmp_path, batch_size=2, micro_batch=2)
    metrics = SFTPhase(session=session, sampler=ShuffledSampler(size=2, seed=0)).backward(1)
    tokenizer = session.loaded.processor.tokenizer
    expected = sum(len(tokenizer(s.answer.text)["input_ids"]) + 1 for s in session.samples[:2])  # type: ignore[union-attr]
    assert metrics["tokens"] == expected


def test_frozen_parts_stay(tiny: Path, tmp_path: Path) -> None:
    config = sft_config(tiny, tmp_path / "run", steps=2)
    model = config.model.model_copy(update={"freeze": FreezeConfig(vision=True, embeddings=True)})
    result = train_sft(config.model_copy(update={"model": model}), samples=toy_samples())
    before, after = (load_model(p, device="cpu").model.state_dict() for p in (tiny, result.final))
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert not any(part_of(name) == "vision" or "embed_tokens" in name for name in changed)


def test_not_finite_steps_change_nothing_and_abort_in_the_end(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = SFTPhase.backward

    def poisoned(self: SFTPhase, step: int) -> dict[str, object]:
        metrics = honest(self, step)
        if step == 2 or step >= 4:
            next(p for p in self.session.loaded.model.parameters() if p.grad is not None).grad[0] = math.nan  # type: ignore[index]
        return metrics

    monkeypatch.setattr(SFTPhase, "backward", poisoned)
    seen: list[Progress] = []
    config = sft_config(tiny, tmp_path / "run", steps=9, max_bad_steps=2, save_every=None)
    with pytest.raises(TrainingError, match=r"2 steps in a row, up to step 5.*bad_steps.jsonl"):
        train_sft(config, samples=toy_samples(), on_progress=seen.append)
    assert [p.metrics["bad"] for p in seen if p.step] == [False, True, False, True]
    bad = [json.loads(line) for line in (tmp_path / "run/bad_steps.jsonl").read_text().splitlines()]
    assert [b["step"] for b in bad] == [2, 4, 5]
    assert bad[0]["grad_norm"] == "nan"
    assert len(bad[0]["sample_ids"]) == 4


def test_processes_that_torchrun_did_not_start_are_refused(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(InputError, match="torchrun"):
        train_sft(sft_config(tiny, tmp_path / "run"), samples=toy_samples())


def test_another_number_of_processes_than_asked_for_is_refused(tiny: Path, tmp_path: Path) -> None:
    config = sft_config(tiny, tmp_path / "run", parallel={"processes": 2})
    with pytest.raises(InputError, match=r"parallel.processes is 2, and 1 process of this run was started"):
        train_sft(config, samples=toy_samples())


def test_what_cannot_be_sharded_is_refused(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="muon orthogonalises whole matrices"):
        train_sft(sft_config(tiny, tmp_path / "run", optim="muon", parallel={"strategy": "fsdp"}))
