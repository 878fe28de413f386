"""Supervised fine-tuning: cross-entropy of the reply's tokens, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import torch

from wherewise.models.checkpointing import recomputing
from wherewise.models.features import FeatureCache
from wherewise.models.forward import label_logprobs
from wherewise.models.inputs import IGNORED_LABEL
from wherewise.models.packing import check_packable, packed_logprobs
from wherewise.samples import Sample
from wherewise.training.checks.limits import remark, within_limit
from wherewise.training.config import total_steps
from wherewise.training.grpo.kept_features import feature_cache, from_features
from wherewise.training.loop import (
    OnProgress,
    RunResult,
    Session,
    TrainingError,
    print_progress,
    resolve_samples,
    run,
)
from wherewise.training.recovery.faults import tensors_of
from wherewise.training.recovery.quarantine import Unreadable
from wherewise.training.run_folder import Resume
from wherewise.training.sampler import ShuffledSampler
from wherewise.training.sft.config import SFTConfig
from wherewise.training.sft.conversations import (
    Conversation,
    collate_conversations,
    conversations_of,
    encode_conversation,
    micro_batches,
)


@dataclass(kw_only=True, slots=True)
class SFTPhase:
    """Draws shuffled samples and adds the gradient of their mean cross-entropy per reply token.

    Attributes:
        session: Model, samples and configuration.
        sampler: Which conversations come next.
        conversations: Indices of the samples of each; by default each sample by itself.
        features: Features of a frozen vision tower, or None.
    """

    session: Session
    sampler: ShuffledSampler
    conversations: Sequence[tuple[int, ...]] = ()
    features: FeatureCache | None = None
    name: str = "sft"
    generators: dict[str, torch.Generator] = field(default_factory=dict)
    _ids: list[str] = field(default_factory=list)
    _encoded: list[Conversation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.conversations = self.conversations or conversations_of(self.session.samples, 1)

    @property
    def config(self) -> SFTConfig:
        """The run's configuration."""
        return cast(SFTConfig, self.session.config)

    def backward(self, step: int) -> dict[str, Any]:
        """Gradients of one step, in micro-batches; each token counts alike whatever micro-batch it is in."""
        session, config = self.session, self.config
        drawn = [self.conversations[i] for i in self.sampler.take(config.batch_size)]
        self._expect(drawn)
        encoded, samples = self.encode_own(step, drawn)
        known = session.world.sums({"labels": sum(c.labels for c in encoded), "samples": samples})
        total = int(known["labels"])
        if not total:  # no picture of the step could be read
            return {"loss": 0.0, "tokens": 0}
        model = session.loaded.model
        forward = packed_logprobs if config.pack else label_logprobs
        model.train()
        loss_sum, entropy_sum = 0.0, 0.0
        passes = micro_batches([c.length for c in encoded], config.micro_batch, config.micro_tokens, packed=config.pack)
        session.activity.now("backward", self._ids)
        for part, counts in self.padded(passes):
            batch, labels = collate_conversations([encoded[i] for i in part], session.loaded.processor, session.device)
            with (
                session.autocast(),
                recomputing(model, session.config.model.checkpointing),
                from_features(self.features, model),
            ):
                logs = session.forward(partial(forward, model, batch, labels))
            learnt = labels != IGNORED_LABEL
            loss = -logs.values[learnt].sum() / total
            if not counts:
                loss = loss * 0.0
            loss.backward()  # type: ignore[no-untyped-call]
            if counts:
                loss_sum += float(loss.detach())
                entropy_sum += float(logs.entropy.detach()[learnt].sum())
        sums = session.world.sums({"loss": loss_sum, "entropy": entropy_sum})
        return {
            "loss": sums["loss"],
            "tokens": total,
            "entropy": sums["entropy"] / total,
            "length": total / int(known["samples"]),
        }

    def encode_own(self, step: int, drawn: Sequence[tuple[int, ...]]) -> tuple[list[Conversation], int]:
        """This process's conversations of a step that can be read, and how many samples they hold."""
        session, quarantine = self.session, self.session.quarantine
        own = [[session.samples[i] for i in drawn[place]] for place in session.world.deal(len(drawn))]
        session.activity.now("encode", [s.id for part in own for s in part])
        found = [quarantine.read(part[0], partial(encode_conversation, session.encoder, part)) for part in own]
        bad = session.world.gather([c for c in found if isinstance(c, Unreadable)])
        quarantine.take_in(step, [one for part in bad for one in part])
        good = [(c, part) for c, part in zip(found, own, strict=True) if not isinstance(c, Unreadable)]
        self._ids = [s.id for _, part in good for s in part]
        self._encoded = [c for c, _ in good]
        return self._encoded, len(self._ids)

    def padded(self, passes: Sequence[Sequence[int]]) -> list[tuple[Sequence[int], bool]]:
        """The passes of this process and whether they count: with shards, every process makes equally many.

        Raises:
            TrainingError: There is nothing on this process to fill up with.
        """
        counted: list[tuple[Sequence[int], bool]] = [(part, True) for part in passes]
        missing = self.session.world.most(len(counted)) - len(counted) if self.session.sharded else 0
        if missing and not counted:
            raise TrainingError("this process can read no sample of this step: mend the files in quarantine.jsonl")
        return counted + [(counted[0][0], False)] * missing if missing else counted

    def _expect(self, drawn: Sequence[tuple[int, ...]]) -> None:
        """Let worker processes encode this process's prompts of this step and the next."""
        coming = [self.conversations[i] for i in replace(self.sampler).take(self.config.batch_size)]
        own = [step[place] for step in (drawn, coming) for place in self.session.world.deal(len(step))]
        self.session.encoder.expect([self.session.samples[indices[0]] for indices in own])

    def batch_tensors(self) -> dict[str, torch.Tensor]:
        """Prompts with their targets, one entry a conversation of this process."""
        parts = enumerate(tensors_of(c.prompt) for c in self._encoded)
        return {f"{i:03d}/{name}": tensor for i, part in parts for name, tensor in part.items()}

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
    """What a step is made of, in words; `samples` are conversations where the config asks for those.

    >>> batch_equation(SFTConfig(out="run", model={"path": "m"}, steps=30), 96, 30)
    'SFT: 16 samples a step = 2 backward passes of up to 8; 30 steps = 480 samples = 5 passes over 96'
    """
    passes = -(-config.batch_size // config.micro_batch)
    seen = steps * config.batch_size
    things = "samples" if config.turns == 1 else "conversations"
    bound = "" if config.micro_tokens is None else f" and {config.micro_tokens} tokens"
    made = f"{passes} backward passes of up to {config.micro_batch}" if not bound else "backward passes"
    made += f" of up to {config.micro_batch} {things}{bound}" if bound else ""
    return (
        f"SFT: {config.batch_size} {things} a step = {made}{', packed' if config.pack else ''}; "
        f"{steps} steps = {seen} {things} = {seen / samples:.3g} passes over {samples}"
    )


def make_phase(session: Session) -> SFTPhase:
    """The phase of a session.

    Raises:
        InputError: The samples are to be packed, and the model cannot.
    """
    config = cast(SFTConfig, session.config)
    if config.pack:
        check_packable(session.loaded.model)
    made = conversations_of(session.samples, config.turns)
    return SFTPhase(
        session=session,
        sampler=ShuffledSampler(size=len(made), seed=config.seed),
        conversations=made,
        features=feature_cache(session),
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
    if config.turns > 1 or config.max_prompt_tokens is not None:
        found, root = resolve_samples(config, samples)
        samples = within_limit(config, found, root, partial(remark, on_progress))
    made = conversations_of(samples, config.turns) if samples is not None and config.turns > 1 else ()

    def units(count: int) -> int:
        return len(made) or count

    def length(count: int) -> int:
        return total_steps(config.steps, config.epochs, units(count), config.batch_size)

    return run(
        config,
        samples,
        length=length,
        equation=lambda count, steps: batch_equation(config, units(count), steps),
        make_phase=make_phase,
        on_progress=on_progress,
        resume=resume,
    )
