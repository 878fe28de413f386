"""What ``wherewise reward audit`` reads and prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel, ConfigDict, ValidationError

from wherewise.answers.styles import PromptConfig
from wherewise.cli.config import ConfigError, load_config
from wherewise.cli.errors import ExitCode
from wherewise.cli.located import read_yaml
from wherewise.rewards import MissingPolicy, RewardConfig, build_rewards
from wherewise.rewards.audit import AuditReport, Check, Finding, audit
from wherewise.rewards.audit.offline import without_judges
from wherewise.samples import Sample
from wherewise.samples.errors import InputError
from wherewise.samples.store import read_dataset


class AuditConfig(BaseModel):
    """What an audit needs of a config."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rewards: tuple[RewardConfig, ...]
    """The mixture."""
    prompt: PromptConfig = PromptConfig()
    """How samples are put to the model: the style that replies are written in."""
    missing: MissingPolicy = MissingPolicy.DROP_COMPLETION
    """What a reward without a value does to the total."""


def load_audit(path: Path, overrides: Sequence[str] | None) -> tuple[AuditConfig, list[Sample], str]:
    """A config's rewards, its samples where its data is there, and a remark on them.

    Raises:
        InputError: The file is neither a GRPO config nor a list of rewards, or something in it is wrong.
    """
    text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    document = read_yaml(text, file=str(path))
    if isinstance(document.data, list) and not document.problems:
        if overrides:
            raise InputError(f"{path}: a list of rewards takes no overrides; make it {{rewards: [...]}}")
        return AuditConfig(rewards=_rewards(document.data, path)), [], "no data"
    keys = set(document.data) - {"extends"} if isinstance(document.data, dict) else set()
    if keys and keys <= set(AuditConfig.model_fields):
        return load_config(AuditConfig, path, overrides or ()).value, [], "no data"
    from wherewise.training.grpo.config import GRPOConfig

    config = load_config(GRPOConfig, path, overrides or ()).value
    missing = getattr(config, "missing", MissingPolicy.DROP_COMPLETION)
    found = AuditConfig(rewards=config.rewards, prompt=config.prompt, missing=missing)
    if config.data is None or not config.data.path.exists():
        where = "no data" if config.data is None else f"{config.data.path} is not there"
        return found, [], where
    samples = _samples(config.data)
    return found, samples, f"{len(samples)} samples in {config.data.path}"


def _samples(data: Any) -> list[Sample]:
    found = read_dataset(data.path, splits=data.splits)
    return [sample for sample in found if not data.tasks or sample.task in data.tasks][: data.limit]


def _rewards(items: list[Any], path: Path) -> tuple[RewardConfig, ...]:
    found = []
    for i, item in enumerate(items):
        try:
            found.append(RewardConfig.model_validate({"name": item} if isinstance(item, str) else item))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in (i, *first["loc"]))
            raise ConfigError([f"{path}: {where}: {first['msg']}"]) from None
    return tuple(found)


def report_audit(loaded: tuple[AuditConfig, list[Sample], str], *, as_json: bool, judge: bool) -> ExitCode:
    """Run the audit and print it.

    Returns:
        ``INPUT`` (2) if there are holes, else ``DONE``.
    """
    config, samples, remark = loaded
    configs, notes = (list(config.rewards), []) if judge else without_judges(config.rewards)
    report = audit(build_rewards(configs, config.missing), config.prompt, samples)
    if as_json:
        typer.echo(json.dumps(_as_json(report), ensure_ascii=False, indent=2))
    else:
        _print(report)
        for note in (*notes, f"tried on {len(report.judged)} samples; own data: {remark}"):
            typer.echo(note)
        passed = len(report.passed_over)
        if passed:
            name, why = next(iter(report.passed_over.items()))
            typer.echo(f"{passed} samples cannot be judged by this mixture: {name}: {why}, ...")
        typer.echo(verdict(report))
    return ExitCode.INPUT if report.holes else ExitCode.DONE


def verdict(report: AuditReport) -> str:
    """One line: the holes by name, or that there is none."""
    if not report.holes:
        return f"no hole: {len(report.worst)} attacks earn what they deserve"
    return f"{len(report.holes)} holes: {', '.join(report.holes)}"


def _print(report: AuditReport) -> None:
    from rich.console import Console
    from rich.table import Table

    names = list(report.findings[0].scores)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("attack", no_wrap=True)
    table.add_column("", no_wrap=True)
    for title in ("earns", "limit", "right", *names):
        table.add_column(title, justify="right", overflow="fold")
    table.add_column("what it is", overflow="fold")
    for finding in report.worst:
        table.add_row(*_cells(finding, names))
    Console(markup=False, highlight=False).print(table)
    for finding in report.worst:
        if finding.hole:
            typer.echo(f"HOLE {finding.probe} on {finding.sample}: {finding.reply[-200:]!r}")


def _cells(finding: Finding, names: Sequence[str]) -> list[str]:
    bound = ">=" if finding.check is Check.FAIR else "<="
    values = [finding.scores[name] for name in names]
    shown = ["-" if value is None else f"{value:.2f}" for value in values]
    numbers = [f"{finding.total:.2f}", f"{bound} {finding.limit:.2f}", f"{finding.right:.2f}"]
    return [finding.probe, "HOLE" if finding.hole else "", *numbers, *shown, finding.about]


def _as_json(report: AuditReport) -> dict[str, Any]:
    worst = [
        {
            "attack": finding.probe,
            "about": finding.about,
            "check": finding.check.value,
            "hole": finding.hole,
            "earns": finding.total,
            "limit": finding.limit,
            "right": finding.right,
            "rewards": dict(finding.scores),
            "sample": finding.sample,
            "reply": finding.reply[:2000],
        }
        for finding in report.worst
    ]
    return {
        "holes": list(report.holes),
        "samples": list(report.judged),
        "passed_over": dict(report.passed_over),
        "attacks": worst,
    }
