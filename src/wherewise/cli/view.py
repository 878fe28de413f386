"""``wherewise view``: one HTML page of a run, an evaluation or several of both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def view(
    folders: Annotated[
        list[Path], typer.Argument(help="Run folders (metrics.jsonl) and evaluation folders (summary.json).")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The HTML file; report.html in the first folder by default.")
    ] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Dataset of the evaluations, for their pictures.")] = None,
    split: Annotated[str, typer.Option("--split", help="Split of that dataset.")] = "test",
    title: Annotated[str, typer.Option("--title", help="Heading of the page.")] = "wherewise report",
) -> None:
    """Write a page that works from a file: accuracy, curves, rollout groups with pictures, answers side by side."""
    from wherewise.reports import ReportInputs, build_report
    from wherewise.samples.errors import InputError
    from wherewise.samples.store import read_dataset

    runs = [(folder.name, folder) for folder in folders if (folder / "metrics.jsonl").exists()]
    evaluations = [(folder.name, folder) for folder in folders if (folder / "summary.json").exists()]
    unknown = [str(folder) for folder in folders if folder not in [path for _, path in runs + evaluations]]
    if unknown:
        raise InputError(
            f"{', '.join(unknown)}: neither a run (metrics.jsonl) nor an evaluation (summary.json); "
            "give the folder that `wherewise sft`, `grpo` or `eval run` wrote"
        )
    samples = None if data is None else {s.id: s for s in read_dataset(data, splits=[split])}
    page = build_report(
        ReportInputs(title=title, runs=runs, evaluations=evaluations, samples=samples, media_root=data),
        out or folders[0] / "report.html",
    )
    typer.echo(f"report: {page}")
