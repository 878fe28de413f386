"""``wherewise sft`` and ``wherewise grpo``: a config in, a run folder out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from wherewise.cli.options import ConfigFile, DryRun, Limit, Overrides, PrintConfig, Quiet, Resume, load_or_print

if TYPE_CHECKING:
    from wherewise.training import RunResult
    from wherewise.training.config import RunConfig
    from wherewise.training.grpo.config import GRPOConfig
    from wherewise.training.sft.config import SFTConfig

C = TypeVar("C", bound="RunConfig")

MemoryLimit = Annotated[
    float | None,
    typer.Option(
        "--memory", min=1, metavar="GIB", help="With --dry-run: what to change to fit a GPU of so much memory."
    ),
]
"""Memory of the GPU that a run shall fit."""

TimeSteps = Annotated[
    int,
    typer.Option(
        "--time-steps", min=0, metavar="N", help="With --dry-run: load the model, time N steps, say how long all take."
    ),
]
"""Steps to time."""


def sft(
    config: ConfigFile,
    overrides: Overrides = None,
    dry_run: DryRun = False,
    print_config: PrintConfig = False,
    limit: Limit = None,
    resume: Resume = "auto",
    quiet: Quiet = False,
    memory: MemoryLimit = None,
    time_steps: TimeSteps = 0,
) -> None:
    """Fine-tune a model on the target replies of a dataset."""
    from wherewise.training.sft.config import SFTConfig

    loaded: SFTConfig = load_or_print(SFTConfig, config, overrides, print_config=print_config).value
    loaded = _limited(loaded, limit)
    if dry_run or memory is not None or time_steps:
        _rehearse(loaded, memory, time_steps)
        return
    from wherewise.training.sft.phase import train_sft

    result = train_sft(loaded, on_progress=printer(quiet), resume=_resume(resume))
    _say_done(result)


def grpo(
    config: ConfigFile,
    overrides: Overrides = None,
    dry_run: DryRun = False,
    print_config: PrintConfig = False,
    limit: Limit = None,
    resume: Resume = "auto",
    quiet: Quiet = False,
    memory: MemoryLimit = None,
    time_steps: TimeSteps = 0,
) -> None:
    """Improve a model by sampling replies and rewarding the verified ones (GRPO)."""
    from wherewise.training.grpo.config import GRPOConfig

    loaded: GRPOConfig = load_or_print(GRPOConfig, config, overrides, print_config=print_config).value
    loaded = _limited(loaded, limit)
    if dry_run or memory is not None or time_steps:
        _rehearse(loaded, memory, time_steps)
        return
    from wherewise.training.grpo.phase import train_grpo

    _audit(loaded, quiet)
    result = train_grpo(loaded, on_progress=printer(quiet), resume=_resume(resume))
    _say_done(result)


def _rehearse(config: SFTConfig | GRPOConfig, memory: float | None, time_steps: int) -> None:
    """Check everything that can be checked, and say what would happen."""
    from wherewise.training.checks.rehearsal import rehearse

    rehearse(config, say=typer.echo, memory=memory, time_steps=time_steps)


def _limited(config: C, limit: int | None) -> C:
    """The config with at most `limit` samples."""
    if limit is None or config.data is None:
        return config
    least = limit if config.data.limit is None else min(limit, config.data.limit)
    return config.model_copy(update={"data": config.data.model_copy(update={"limit": least})})


def _resume(resume: str) -> Any:
    from wherewise.cli.options import resume_from

    return "auto" if resume_from(resume) else "never"


def _say_done(result: RunResult) -> None:
    """The last line of a run; of several processes the first one prints it."""
    if os.environ.get("RANK", "0") == "0":
        typer.echo(f"trained {result.steps} steps; model: {result.final}")


def printer(quiet: bool) -> Any:
    """What is told of a run's progress: its health lines, or nothing."""
    from wherewise.training.loop import print_progress

    return (lambda progress: None) if quiet else print_progress


def _audit(config: GRPOConfig, quiet: bool) -> None:
    """Refuse rewards that pay for nothing, before anything is loaded."""
    from wherewise.training.checks.preflight import check_rewards
    from wherewise.training.loop import resolve_samples

    samples, _ = resolve_samples(config, None)
    for line in check_rewards(config, samples):
        if not quiet and os.environ.get("RANK", "0") == "0":
            typer.echo(line)
