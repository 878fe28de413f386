"""What a run is made of: its session, its phase, and what it tells of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from wherewise.models.load import LoadedModel
from wherewise.samples import Sample
from wherewise.samples.errors import RunStopped
from wherewise.training.config import RunConfig
from wherewise.training.data import Encoder
from wherewise.training.parallel.placement import Placement
from wherewise.training.parallel.world import SINGLE, World
from wherewise.training.recovery.quarantine import Quarantine
from wherewise.training.recovery.watchdog import Activity
from wherewise.training.run_folder import RunFolder

T = TypeVar("T")


class TrainingError(RunStopped):
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
    "vision_calls",
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

    def batch_tensors(self) -> dict[str, Tensor]:
        """What the latest step computed with, by name: enough to look into a step that was not finite."""
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
        world: The processes of the run.
        placement: How the model lies on them; None stands for whole on one.
        activity: What is being done, for the watchdog.
        quarantine: Samples that are left out because their media cannot be read.
    """

    config: RunConfig
    samples: Sequence[Sample]
    root: Path | None
    folder: RunFolder
    loaded: LoadedModel
    encoder: Encoder
    total: int
    device: torch.device
    world: World = SINGLE
    placement: Placement | None = None
    activity: Activity = field(default_factory=Activity)
    quarantine: Quarantine = field(default_factory=Quarantine)

    @property
    def sharded(self) -> bool:
        """Whether layers are cut up over the processes."""
        return self.placement is not None and self.placement.sharded

    def forward(self, function: Callable[[], T]) -> T:
        """The result of a function that runs the model with gradients; every process must come here equally often."""
        return function() if self.placement is None else self.placement.forward(function)

    @contextmanager
    def whole(self) -> Iterator[None]:
        """The model with all its weights on this process, for any number of forward passes without gradients."""
        if self.placement is None:
            yield
            return
        with self.placement.whole():
            yield

    def autocast(self) -> AbstractContextManager[Any]:
        """Mixed precision, if the config asks for it."""
        if self.config.model.autocast is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)
