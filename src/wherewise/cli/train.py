"""``wherewise sft`` and ``wherewise grpo``: a config in, a run folder out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import typer

from wherewise.cli.options import ConfigFile, DryRun, Limit, Overrides, PrintConfig, Quiet, Resume, load_or_print

if TYPE_CHECKING:
    from wherewise.training.config import RunConfig
    from wherewise.training.grpo_config import GRPOConfig
    from wherewise.training.sft_config import SFTConfig

C = TypeVar("C", bound="RunConfig")

SHOWN = 3
"""Samples that ``--dry-run`` prints as the model will see them."""


def sft(
    config: ConfigFile,
    overrides: Overrides = None,
    dry_run: DryRun = False,
    print_config: PrintConfig = False,
    limit: Limit = None,
    resume: Resume = "auto",
    quiet: Quiet = False,
) -> None:
    """Fine-tune a model on the target replies of a dataset."""
    from wherewise.training.sft_config import SFTConfig

    loaded: SFTConfig = load_or_print(SFTConfig, config, overrides, print_config=print_config).value
    loaded = _limited(loaded, limit)
    if dry_run:
        _rehearse(loaded)
        return
    from wherewise.training.sft import train_sft

    result = train_sft(loaded, on_progress=printer(quiet), resume=_resume(resume))
    typer.echo(f"trained {result.steps} steps; model: {result.final}")


def grpo(
    config: ConfigFile,
    overrides: Overrides = None,
    dry_run: DryRun = False,
    print_config: PrintConfig = False,
    limit: Limit = None,
    resume: Resume = "auto",
    quiet: Quiet = False,
) -> None:
    """Improve a model by sampling replies and rewarding the verified ones (GRPO)."""
    from wherewise.training.grpo_config import GRPOConfig

    loaded: GRPOConfig = load_or_print(GRPOConfig, config, overrides, print_config=print_config).value
    loaded = _limited(loaded, limit)
    if dry_run:
        _rehearse(loaded)
        return
    from wherewise.training.grpo import train_grpo

    _audit(loaded, quiet)
    result = train_grpo(loaded, on_progress=printer(quiet), resume=_resume(resume))
    typer.echo(f"trained {result.steps} steps; model: {result.final}")


def _limited(config: C, limit: int | None) -> C:
    """The config with at most `limit` samples."""
    if limit is None or config.data is None:
        return config
    least = limit if config.data.limit is None else min(limit, config.data.limit)
    return config.model_copy(update={"data": config.data.model_copy(update={"limit": least})})


def _resume(resume: str) -> Any:
    from wherewise.cli.options import resume_from

    return "auto" if resume_from(resume) else "never"


def printer(quiet: bool) -> Any:
    """What is told of a run's progress: its health lines, or nothing."""
    from wherewise.training.loop import print_progress

    return (lambda progress: None) if quiet else print_progress


def _audit(config: GRPOConfig, quiet: bool) -> None:
    """Refuse rewards that pay for nothing, before anything is loaded."""
    from wherewise.training.loop import resolve_samples
    from wherewise.training.preflight import check_rewards

    samples, _ = resolve_samples(config, None)
    for line in check_rewards(config, samples):
        if not quiet:
            typer.echo(line)


def _rehearse(config: SFTConfig | GRPOConfig) -> None:
    """Everything that can be checked before a model is loaded: data, media, prompts, rewards, the size of a step."""
    from wherewise.answers.styles import render_prompt, render_target
    from wherewise.rewards import build_rewards
    from wherewise.training import grpo as grpo_room
    from wherewise.training import sft as sft_room
    from wherewise.training.config import total_steps
    from wherewise.training.loop import resolve_samples
    from wherewise.training.preflight import check_rewards, check_samples, gold_reply
    from wherewise.training.sft_config import SFTConfig

    samples, root = resolve_samples(config, None)
    supervised = isinstance(config, SFTConfig)
    rewards = None if isinstance(config, SFTConfig) else build_rewards(list(config.rewards))
    checked = check_samples(
        samples, config.prompt, root, first=config.preflight, rewards=rewards, need_target=supervised
    )
    if isinstance(config, SFTConfig):
        steps = total_steps(config.steps, config.epochs, len(samples), config.batch_size)
        typer.echo(sft_room.batch_equation(config, len(samples), steps))
    else:
        steps = total_steps(config.steps, config.epochs, len(samples), config.prompts_per_step, config.num_iterations)
        typer.echo(grpo_room.batch_equation(config, len(samples), steps))
    typer.echo(f"{checked} of {len(samples)} samples checked: media decode, prompts render, gold answers score 1")
    for line in [] if isinstance(config, SFTConfig) else check_rewards(config, samples):
        typer.echo(line)
    for sample in samples[:SHOWN]:
        typer.echo(f"--- {sample.id} ({sample.task})")
        typer.echo(render_prompt(sample, config.prompt))
        typer.echo(f">>> {render_target(sample, config.prompt) if supervised else gold_reply(sample, config.prompt)}")
    typer.echo("dry run: nothing was trained")
