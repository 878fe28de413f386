"""The skeleton that SFT and GRPO share: set up, step, log, save, resume, finish.

A phase (`Phase`) computes gradients; the loop does everything around that. The state of a run is: trainable parameters,
optimiser, random generators, and what the phase keeps (data cursor, rollout buffer). All of it is in a checkpoint, so
that N steps and k steps + resume + N - k steps give the same bits.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from wherewise.models.load import LoadedModel, load_model, resolve_device, save_model
from wherewise.models.lora import apply_lora, freeze, merge, trainable_table
from wherewise.rewards import Rewards
from wherewise.samples import Sample
from wherewise.samples.errors import InputError
from wherewise.training import checkpoint, rng
from wherewise.training.config import RunConfig
from wherewise.training.data import Encoder, fingerprint, read_samples
from wherewise.training.health import Health
from wherewise.training.optim import build_optimizer, lr_factor, set_lr
from wherewise.training.preflight import ENCODED, check_encoding, check_samples
from wherewise.training.run_folder import ConfigDriftError, Resume, RunFolder, last_record


class TrainingError(RuntimeError):
    """Training cannot go on; the message names the reason and the fix."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """What `on_progress` is told.

    Attributes:
        step: Optimiser steps done; 0 before the first.
        total: Optimiser steps of the run.
        metrics: The record of this step in ``metrics.jsonl``; empty with step 0.
        line: Something to print, or None.
    """

    step: int
    total: int
    metrics: dict[str, Any]
    line: str | None


METRICS = (
    "step",
    "phase",
    "loss",
    "lr",
    "seconds",
    "tokens",
    "grad_norm",
    "reward/total",
    "accuracy",
    "length",
    "truncated",
    "kl",
    "entropy",
    "no_signal",
    "unjudged",
    "clip_fraction",
    "bad",
)
"""Keys of every line of ``metrics.jsonl``, null where a phase does not have them; ``reward/<name>`` come on top."""

OnProgress = Callable[[Progress], None]
"""Called after every step, and with step 0 for remarks during the set-up."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunResult:
    """A finished run.

    Attributes:
        folder: The run folder.
        final: The trained model, a Hugging Face folder.
        steps: Optimiser steps.
        metrics: The last step's record.
        resumed_from: Step of the checkpoint that this call went on from, or None.
    """

    folder: Path
    final: Path
    steps: int
    metrics: dict[str, Any]
    resumed_from: int | None


class Phase(Protocol):
    """What differs between SFT and GRPO."""

    name: str
    """``sft`` or ``grpo``."""
    generators: dict[str, torch.Generator]
    """Random generators of the phase, saved with it."""

    def backward(self, step: int) -> dict[str, Any]:
        """Add this step's gradients to the parameters; returns metrics with ``loss`` and ``tokens``."""
        ...

    def batch_ids(self) -> list[str]:
        """Sample ids of the latest step."""
        ...

    def state(self) -> dict[str, Any]:
        """What the phase keeps between steps."""
        ...

    def load_state(self, state: dict[str, Any]) -> None:
        """Put back what `state` returned."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """What a phase works with.

    Attributes:
        config: The run's configuration.
        samples: All samples.
        root: Folder of media paths, or None.
        folder: The run folder.
        loaded: Model (with adapters) and processor.
        encoder: Prompts to tensors.
        total: Optimiser steps of the run.
        device: Where the model is.
    """

    config: RunConfig
    samples: Sequence[Sample]
    root: Path | None
    folder: RunFolder
    loaded: LoadedModel
    encoder: Encoder
    total: int
    device: torch.device

    def autocast(self) -> AbstractContextManager[Any]:
        """Mixed precision, if the config asks for it."""
        if self.config.model.autocast is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)


def print_progress(progress: Progress) -> None:
    """The default `on_progress`: print the lines."""
    if progress.line is not None:
        print(progress.line, flush=True)


def single_process() -> None:
    """Refuse to run as one of several processes.

    Raises:
        InputError: ``WORLD_SIZE`` is above 1: each process would train a model of its own.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise InputError(
            "this loop trains in one process, and WORLD_SIZE is above 1: start it without torchrun, "
            "or export the data for a distributed engine (wherewise export)"
        )


def resolve_samples(config: RunConfig, samples: Sequence[Sample] | None) -> tuple[tuple[Sample, ...], Path | None]:
    """The samples and the folder of their media paths.

    Raises:
        InputError: Neither `samples` nor ``data`` is given, or there are no such samples.
    """
    root = None if config.data is None else (config.data.root or config.data.path)
    if samples is not None:
        return tuple(samples), root
    if config.data is None:
        raise InputError("there are no samples: set `data.path`, or pass `samples`")
    return read_samples(config.data), root


def load_for_training(config: RunConfig) -> LoadedModel:
    """The model, frozen in part or given adapters, on its device; random state is seeded just before."""
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    rng.seed_everything(config.seed)
    loaded = load_model(config.model.path, dtype=config.model.dtype, device=config.model.device, attn=config.model.attn)
    if config.model.lora is None:
        freeze(loaded.model, **config.model.freeze.model_dump())
        return loaded
    return replace(loaded, model=apply_lora(loaded.model, **config.model.lora.model_dump()))


def run(
    config: RunConfig,
    samples: Sequence[Sample] | None,
    *,
    length: Callable[[int], int],
    equation: Callable[[int, int], str],
    make_phase: Callable[[Session], Phase],
    on_progress: OnProgress,
    resume: Resume,
    rewards: Rewards | None = None,
) -> RunResult:
    """A whole run: check everything that can be checked without the model, then load it and train.

    Args:
        config: The run.
        samples: Instead of ``config.data``, or None.
        length: Number of samples to number of optimiser steps.
        equation: Number of samples and of steps to what a step is made of, in words.
        make_phase: Builds the phase once the model is loaded.
        on_progress: Called after every step, and with step 0 for remarks.
        resume: See `Resume`.
        rewards: The mixture of GRPO; None for SFT, which needs target texts instead.
    """
    single_process()
    data, root = resolve_samples(config, samples)
    total = length(len(data))

    def say(line: str) -> None:
        on_progress(Progress(step=0, total=total, metrics={}, line=line))

    checked = check_samples(
        data,
        config.prompt,
        root,
        first=config.preflight,
        frames=config.frames,
        rewards=rewards,
        need_target=rewards is None,
    )
    folder = RunFolder(path=config.out)
    last, remarks = folder.open(config, resume)
    for remark in remarks:
        say(f"checkpoint passed over: {remark}")
    if folder.final.is_dir() and last is not None and last.step == total:
        say(f"{config.out} is finished: {total} steps, model in {folder.final}")
        metrics = last_record(folder.metrics_file)
        return RunResult(folder=config.out, final=folder.final, steps=total, metrics=metrics, resumed_from=total)
    say(f"{checked} of {len(data)} samples checked")
    say(equation(len(data), total))
    loaded = load_for_training(config)
    session = Session(
        config=config,
        samples=data,
        root=root,
        folder=folder,
        loaded=loaded,
        encoder=Encoder(
            processor=loaded.processor,
            prompt=config.prompt,
            root=root,
            frames=config.frames,
            budget=config.cache_mb * 1024 * 1024,
        ),
        total=total,
        device=resolve_device(config.model.device),
    )
    check_encoding(data[: min(checked, ENCODED)], session.encoder, need_target=rewards is None)
    parts = (f"{part} {trained:,} of {count:,}" for part, (trained, count) in trainable_table(loaded.model).items())
    say(f"training on {session.device}: {', '.join(parts)} parameters")
    if last is not None:
        say(f"going on from step {last.step}")
    return run_phase(session, make_phase, last, on_progress)


def run_phase(
    session: Session,
    make_phase: Callable[[Session], Phase],
    resume_from: checkpoint.CheckpointRef | None,
    on_progress: OnProgress,
) -> RunResult:
    """Train from the beginning or from a checkpoint, to the end.

    Raises:
        ConfigDriftError: The samples are not those that the run began with.
        TrainingError: Too many steps in a row were not finite.
    """
    config, folder, model = session.config, session.folder, session.loaded.model
    optimizer = build_optimizer(model, config.optim)
    phase = make_phase(session)
    data = fingerprint(session.samples)
    start = 0
    if resume_from is None:
        folder.cut_back({}, 0)
    else:
        state = checkpoint.load_state(resume_from)
        if state["data"] != data:
            raise ConfigDriftError(f"{folder.path} was begun with other samples: restore them, or set another `out`")
        checkpoint.load_model(resume_from, model, state["base"])
        optimizer.load_state_dict(state["optimizer"])
        phase.load_state(state["phase"])
        folder.cut_back(state["offsets"], resume_from.step)
        start = resume_from.step
        rng.restore(state["rng"], phase.generators)

    def save(step: int) -> None:
        state = {
            "data": data,
            "optimizer": optimizer.state_dict(),
            "phase": phase.state(),
            "offsets": folder.offsets(),
            "rng": rng.capture(phase.generators),
        }
        checkpoint.save_checkpoint(folder.checkpoints, step, model, state, keep=config.keep)

    health = Health(total=session.total, every=config.log_every)
    bad_in_a_row = 0
    record: dict[str, Any] = last_record(folder.metrics_file) if start else {}
    for step in range(start + 1, session.total + 1):
        began = time.perf_counter()
        record = take_step(session, phase, optimizer, step)
        record["seconds"] = time.perf_counter() - began
        folder.append("metrics.jsonl", record)
        bad_in_a_row = bad_in_a_row + 1 if record["bad"] else 0
        if bad_in_a_row >= config.max_bad_steps:
            raise TrainingError(
                f"loss or gradient was not finite in {bad_in_a_row} steps in a row, up to step {step}; the samples are "
                f"in {folder.path / 'bad_steps.jsonl'}. Lower optim.lr, or set model.dtype to float32"
            )
        if step == session.total or (config.save_every is not None and step % config.save_every == 0):
            save(step)
        on_progress(Progress(step=step, total=session.total, metrics=record, line=health.observe(record)))
    finish(session)
    return RunResult(
        folder=folder.path,
        final=folder.final,
        steps=session.total,
        metrics=record,
        resumed_from=None if resume_from is None else resume_from.step,
    )


def take_step(session: Session, phase: Phase, optimizer: torch.optim.Optimizer, step: int) -> dict[str, Any]:
    """One optimiser step; a loss or gradient that is not finite changes nothing and is written down."""
    config = session.config
    lr = set_lr(optimizer, lr_factor(config.optim, step - 1, session.total))
    metrics = phase.backward(step)
    parameters = [p for p in session.loaded.model.parameters() if p.grad is not None]
    limit = math.inf if config.optim.grad_clip is None else config.optim.grad_clip
    norm = float(nn.utils.clip_grad_norm_(parameters, limit)) if parameters else 0.0
    bad = not (math.isfinite(metrics["loss"]) and math.isfinite(norm))
    if bad:
        wrong = {"loss": str(metrics["loss"]), "grad_norm": str(norm)}
        session.folder.append("bad_steps.jsonl", {"step": step, **wrong, "sample_ids": phase.batch_ids()})
    else:
        optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    known = dict.fromkeys(METRICS) | {"step": step, "phase": phase.name}
    record = {**known, **metrics, "lr": lr, "grad_norm": norm, "bad": bad}
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}


def finish(session: Session) -> None:
    """Write ``final/``: adapters merged, a plain Hugging Face folder; whole or not at all."""
    model = session.loaded.model
    if session.config.model.lora is not None:
        model = merge(model)
    save_model(model, session.loaded.processor, session.folder.final)
