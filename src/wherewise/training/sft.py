"""Supervised fine-tuning: cross-entropy of the reply's tokens, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch

from wherewise.models.forward import label_logprobs
from wherewise.models.inputs import (
    IGNORED_LABEL,
    EncodedPrompt,
    collate_with_targets,
    encode_target,
    padding_id,
    vision_token_ids,
)
from wherewise.samples import Sample
from wherewise.training.config import total_steps
from wherewise.training.loop import OnProgress, RunResult, Session, print_progress, run
from wherewise.training.run_folder import Resume
from wherewise.training.sampler import ShuffledSampler
from wherewise.training.sft_config import SFTConfig


@dataclass(kw_only=True, slots=True)
class SFTPhase:
    """Draws shuffled samples and adds the gradient of their mean cross-entropy per reply token.

    Attributes:
        session: Model, samples and configuration.
        sampler: Which samples come next.
    """

    session: Session
    sampler: ShuffledSampler
    name: str = "sft"
    generators: dict[str, torch.Generator] = field(default_factory=dict)
    _ids: list[str] = field(default_factory=list)

    @property
    def config(self) -> SFTConfig:
        """The run's configuration."""
        return cast(SFTConfig, self.session.config)

    def backward(self, step: int) -> dict[str, Any]:
        """Gradients of one step, in micro-batches; each token counts alike whatever micro-batch it is in."""
        session, config = self.session, self.config
        samples = [session.samples[i] for i in self.sampler.take(config.batch_size)]
        self._ids = [s.id for s in samples]
        encoded = [self._encode(s) for s in samples]
        total = sum(len(target) for _, target in encoded)
        processor, model = session.loaded.processor, session.loaded.model
        banned, pad = vision_token_ids(processor), padding_id(processor)
        model.train()
        loss_sum, entropy_sum = 0.0, 0.0
        for start in range(0, len(encoded), config.micro_batch):
            part = encoded[start : start + config.micro_batch]
            batch, labels = collate_with_targets(
                [p for p, _ in part], [t for _, t in part], pad_id=pad, device=session.device, banned_ids=banned
            )
            with session.autocast():
                logs = label_logprobs(model, batch, labels)
            learnt = labels != IGNORED_LABEL
            loss = -logs.values[learnt].sum() / total
            loss.backward()  # type: ignore[no-untyped-call]
            loss_sum += float(loss.detach())
            entropy_sum += float(logs.entropy.detach()[learnt].sum())
        return {"loss": loss_sum, "tokens": total, "entropy": entropy_sum / total, "length": total / len(samples)}

    def _encode(self, sample: Sample) -> tuple[EncodedPrompt, list[int]]:
        encoder = self.session.encoder
        encoded = encoder.encode(sample)
        return encoded, encode_target(encoder.processor, encoder.target(sample, encoded), sample_id=sample.id)

    def batch_ids(self) -> list[str]:
        """Sample ids of the latest step."""
        return self._ids

    def state(self) -> dict[str, Any]:
        """The data cursor."""
        return {"cursor": self.sampler.cursor}

    def load_state(self, state: dict[str, Any]) -> None:
        """Put the data cursor back."""
        self.sampler.cursor = state["cursor"]


def batch_equation(config: SFTConfig, samples: int, steps: int) -> str:
    """What a step is made of, in words.

    >>> batch_equation(SFTConfig(out="run", model={"path": "m"}, steps=30), 96, 30)
    'SFT: 16 samples a step = 2 backward passes of up to 8; 30 steps = 480 samples = 5 passes over 96'
    """
    passes = -(-config.batch_size // config.micro_batch)
    seen = steps * config.batch_size
    return (
        f"SFT: {config.batch_size} samples a step = {passes} backward passes of up to {config.micro_batch}; "
        f"{steps} steps = {seen} samples = {seen / samples:.3g} passes over {samples}"
    )


def train_sft(
    config: SFTConfig,
    *,
    samples: Sequence[Sample] | None = None,
    on_progress: OnProgress = print_progress,
    resume: Resume = "auto",
) -> RunResult:
    """Fine-tune a model on the target replies of samples.

    Args:
        config: The run.
        samples: Instead of ``config.data``; their media paths are relative to ``config.data.root`` if that is set.
        on_progress: Called after every step.
        resume: ``auto`` goes on from the last whole checkpoint in ``config.out``; ``never`` refuses an old run.

    Returns:
        Where everything is.

    Raises:
        DataError: Samples cannot be read, decoded or rendered; nothing was trained.
        RunFolderError: ``config.out`` holds another run (`ConfigDriftError` if it is this one with other settings).
        TrainingError: Losses stopped being finite.
    """

    def phase(session: Session) -> SFTPhase:
        return SFTPhase(session=session, sampler=ShuffledSampler(size=len(session.samples), seed=config.seed))

    def length(count: int) -> int:
        return total_steps(config.steps, config.epochs, count, config.batch_size)

    return run(
        config,
        samples,
        length=length,
        equation=lambda count, steps: batch_equation(config, count, steps),
        make_phase=phase,
        on_progress=on_progress,
        resume=resume,
    )
