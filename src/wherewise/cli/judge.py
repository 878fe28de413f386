"""``wherewise judge check`` and ``wherewise judge serve-command``: is the judge there, and can it be trusted?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wherewise.cli.options import AsJson, ConfigFile, DryRun, Limit, Overrides, PrintConfig, Quiet

if TYPE_CHECKING:
    from wherewise.judge.calibrate import TaskReport

TaskNames = Annotated[
    list[str] | None,
    typer.Option("--task", metavar="NAME", help="timeline, consistency, grounding or correctness; repeat for more."),
]
"""Tasks to calibrate."""

MinAgreement = Annotated[
    float, typer.Option("--min-agreement", min=0.0, max=1.0, help="Least agreement of each task; below it: exit 1.")
]
"""When the check fails."""


def check(
    config: ConfigFile,
    overrides: Overrides = None,
    task: TaskNames = None,
    min_agreement: MinAgreement = 0.8,
    limit: Limit = None,
    as_json: AsJson = False,
    dry_run: DryRun = False,
    print_config: PrintConfig = False,
    quiet: Quiet = False,
) -> int:
    """Call the judge once, then on items whose verdicts are known.

    The config holds a section 'judge:' (base_url, model, api_key_env, ...). Prints for each task the agreement with the
    known verdicts, the share of verdicts that change when the texts come in reverse order, the share of items that
    could not be judged, times and costs. The cache is not used. Ends with exit code 1 if the judge cannot be reached,
    leaves more than judge.budget.max_none_share unjudged, or agrees less than --min-agreement.
    """
    from wherewise.cli.options import load_or_print
    from wherewise.cli.progress import progress
    from wherewise.judge import TASKS, BudgetConfig, Judge
    from wherewise.judge.calibrate import calibration, measure, rules_agreement
    from wherewise.judge.config import JudgeFile
    from wherewise.samples.errors import InputError

    loaded = load_or_print(JudgeFile, config, overrides, print_config=print_config)
    names = list(dict.fromkeys(task or TASKS))
    for name in names:
        if name not in TASKS:
            raise InputError(f"--task {name}: there is no such task; known: {', '.join(TASKS)}")
    settings = loaded.value.judge
    settings.api_key()
    if dry_run:
        counts = {name: len(calibration(name)[:limit]) for name in names}
        typer.echo(f"{settings.base_url}, model {settings.model}: " + _counted(counts))
        return 0
    unlimited = BudgetConfig(max_none_share=1.0)
    with Judge(settings.model_copy(update={"cache": None, "budget": unlimited})) as judge:
        [first] = judge.run(TASKS["correctness"], [calibration("correctness")[0].item])
        trip = {
            "base_url": settings.base_url,
            "model": settings.model,
            "outcome": first.outcome.value,
            "path": first.path,
            "seconds": round(first.seconds, 3),
            "note": first.note,
        }
        reports = []
        if first.outcome.judged:
            with progress("calibrating", len(names), quiet=quiet) as advance:
                for name in names:
                    reports.append(measure(judge, name, limit=limit, price=settings.price))
                    advance(1)
    rules = rules_agreement(limit) if "timeline" in names else None
    problems = _problems(trip, reports, settings.budget.max_none_share, min_agreement)
    if as_json:
        result: dict[str, Any] = {"round_trip": trip, "tasks": [report.record() for report in reports]}
        result |= {"timeline_by_rules": rules, "problems": problems}
        typer.echo(json.dumps(result, ensure_ascii=False))
    else:
        typer.echo(_shown(trip, reports, rules, problems))
    return 1 if problems else 0


def serve_command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Hub id or folder.", show_default=False)],
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on loopback.")] = 8011,
    gpus: Annotated[int, typer.Option("--gpus", min=1, help="GPUs that share the model.")] = 1,
    max_model_len: Annotated[
        int, typer.Option("--max-model-len", min=1024, help="Prompt and reply, in tokens.")
    ] = 32768,
    images: Annotated[int, typer.Option("--images", min=0, help="Most pictures a request; 0: texts only.")] = 0,
    api_key_env: Annotated[
        str | None,
        typer.Option("--api-key-env", metavar="NAME", help="Variable with the key to ask for.", show_default=False),
    ] = None,
) -> None:
    """Print the vLLM command that serves a judge, and the config that uses it (as comments)."""
    from wherewise.judge.serve import ServePlan

    plan = ServePlan(
        model=model, port=port, gpus=gpus, max_model_len=max_model_len, images=images, api_key_env=api_key_env
    )
    typer.echo(plan.command())
    typer.echo("\n".join(f"# {line}" for line in plan.config().splitlines()))


def _counted(counts: dict[str, int]) -> str:
    total = sum(count * (1 if name == "timeline" else 2) for name, count in counts.items())
    return ", ".join(f"{name} {count} items" for name, count in counts.items()) + f"; {total + 1} requests at least"


def _problems(trip: dict[str, Any], reports: Sequence[TaskReport], most_none: float, least: float) -> list[str]:
    """What keeps the judge from being used, in words."""
    if not reports:
        return [f"no verdict from {trip['base_url']}: {trip['outcome']}: {trip['note']}"]
    problems = []
    for report in reports:
        if report.none_share > most_none:
            reasons = ", ".join(f"{name} {count}" for name, count in report.unjudged.items())
            problems.append(f"{report.task}: {report.none_share:.0%} unjudged ({reasons}), limit {most_none:.0%}")
        if report.agreement is not None and report.agreement < least:
            problems.append(f"{report.task}: agreement {report.agreement:.0%}, wanted {least:.0%}")
    return problems


def _shown(
    trip: dict[str, Any], reports: Sequence[TaskReport], rules: tuple[int, int] | None, problems: Sequence[str]
) -> str:
    lines = [
        f"{trip['base_url']}, model {trip['model']}: {trip['outcome']} by {trip['path']} in {trip['seconds']:.2f} s"
    ]
    if reports:
        head = ("task", "items", "agree", "None", "order changes", "shift", "p50 s", "p95 s", "tokens in/out", "cost")
        rows = [head, *(_row(report) for report in reports)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        lines += [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
    if rules:
        lines.append(f"timeline by rules alone, without a judge: {rules[0]} of {rules[1]} items right")
    lines += [f"PROBLEM {problem}" for problem in problems]
    return "\n".join(lines)


def _row(report: TaskReport) -> tuple[str, ...]:
    return (
        report.task,
        str(report.items),
        _share(report.agreed, report.judged),
        _share(report.items - report.judged, report.items),
        _share(report.changed, report.compared),
        "-" if report.shift is None else f"{report.shift:+.2f}",
        "-" if report.p50 is None else f"{report.p50:.2f}",
        "-" if report.p95 is None else f"{report.p95:.2f}",
        f"{report.prompt_tokens}/{report.completion_tokens}",
        "-" if report.cost is None else f"{report.cost:.4f}",
    )


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} {part / whole:.0%}" if whole else "-"
