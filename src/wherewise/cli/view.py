"""``wherewise view``: one HTML page of a dataset, of runs and evaluations, or of two of them side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wherewise.cli.options import Quiet

if TYPE_CHECKING:
    from wherewise.samples import Sample


def view(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="DATASET | RUN... | A B",
            help="A dataset (manifest.json, or a .jsonl file) for its gallery; run folders (metrics.jsonl) and "
            "evaluation folders (summary.json) for a report; two runs or two evaluations to compare them.",
        ),
    ],
    live: Annotated[
        bool, typer.Option("--live", help="Serve a page of one run to this machine that grows as the run is written.")
    ] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="--live: port on 127.0.0.1; 0 takes a free one.")
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="The HTML file; gallery, report or compare.html in the first (A B: second) folder."
        ),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Heading of the page.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Evaluations: their dataset, for the pictures and what is true.")
    ] = None,
    split: Annotated[
        list[str] | None, typer.Option("--split", help="Gallery: only this split. Evaluations: split of --data (test).")
    ] = None,
    report: Annotated[bool, typer.Option("--report", help="A report also of two folders of one kind.")] = False,
    allow_unequal: Annotated[
        bool, typer.Option("--allow-unequal", help="A B: compare evaluations although their protocols differ.")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="A B of runs: the reward that says what is right.")] = "accuracy",
    rollouts: Annotated[
        int, typer.Option("--rollouts", min=1, help="Report: most groups of completions, spread over the runs.")
    ] = 1250,
    root: Annotated[
        Path | None, typer.Option("--root", help="Gallery: data root of media paths; the dataset's folder.")
    ] = None,
    sample: Annotated[int, typer.Option("--sample", min=1, help="Gallery: most samples, spread evenly.")] = 10_000,
    media_limit: Annotated[
        int, typer.Option("--media-limit", min=0, help="Gallery: most samples of a task that bring their pictures.")
    ] = 40,
    media_budget: Annotated[float, typer.Option("--media-budget", min=0, help="Megabytes of pictures at most.")] = 40.0,
    picture_size: Annotated[int, typer.Option("--picture-size", min=16, help="Gallery: longest side, pixels.")] = 512,
    frames: Annotated[int, typer.Option("--frames", min=1, help="Gallery: most frames of a clip.")] = 8,
    sidecars: Annotated[bool, typer.Option(help="Gallery: show depth and ids where the dataset has them.")] = True,
    quiet: Quiet = False,
) -> None:
    """Write a page that works from a file, or serve one of a run that is under way.

    Of a dataset: a gallery with pictures, truth, evidence, facts and margins, filters, and flags to download. Of runs
    and evaluations: accuracy, curves, rollout groups with pictures, answers side by side. Of two runs or two
    evaluations: what was fixed, what was broken, what both get wrong.
    """
    from wherewise.samples.errors import InputError

    if live:
        _live(folders, port, title)
        return
    datasets = [path for path in folders if _is_dataset(path)]
    if datasets and len(folders) > 1:
        raise InputError(f"{datasets[0]} is a dataset; give it alone for its gallery, or with --data for a report")
    if not datasets:
        kinds = [_kind(folder) for folder in folders]
        common = {"title": title, "media_budget": media_budget}
        if len(folders) == 2 and kinds[0] == kinds[1] and not report:
            _versus(folders, kinds[0], out, data, split, {**common, "allow_unequal": allow_unequal, "by": by}, quiet)
        else:
            _report(folders, kinds, out, data, split, {**common, "max_groups": rollouts}, quiet)
        return
    from wherewise.cli.progress import progress
    from wherewise.reports import GalleryInputs, build_gallery

    inputs = GalleryInputs(
        dataset=datasets[0],
        root=root,
        title=title,
        splits=tuple(split) if split else None,
        sample=sample,
        media_limit=media_limit,
        budget=media_budget,
        side=picture_size,
        frames=frames,
        sidecars=sidecars,
    )
    beside = inputs.folder / ("gallery.html" if datasets[0].is_dir() else f"{datasets[0].stem}.html")
    with progress("reading", total=None, quiet=quiet) as advance:
        gallery = build_gallery(inputs, out or beside, on_progress=advance)
    typer.echo(str(gallery))


OTHERS = ("metrics.jsonl", "summary.json", "predictions.jsonl")
"""Files of runs and evaluations; evaluations have a ``manifest.json``, too."""


def _is_dataset(path: Path) -> bool:
    if path.suffix == ".jsonl":
        return True
    return (path / "manifest.json").exists() and not any((path / name).exists() for name in OTHERS)


def _kind(folder: Path) -> str:
    """``run`` or ``evaluation``.

    Raises:
        InputError: The folder is neither.
    """
    from wherewise.samples.errors import InputError

    for file, kind in (("metrics.jsonl", "run"), ("summary.json", "evaluation")):
        if (folder / file).exists():
            return kind
    raise InputError(
        f"{folder}: neither a dataset (manifest.json), a run (metrics.jsonl) nor an evaluation "
        "(summary.json); give the folder that `wherewise data`, `sft`, `grpo` or `eval run` wrote"
    )


def _live(folders: list[Path], port: int, title: str | None) -> None:
    from wherewise.reports.live import LiveServer
    from wherewise.samples.errors import InputError

    if len(folders) != 1:
        raise InputError("--live shows one run; start one server for each of several")
    with LiveServer(folders[0], port=port, title=title) as server:
        typer.echo(f"{server.url}\nthis address holds a key and works on this machine only; Ctrl-C ends the server")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("ended")


def _samples(data: Path | None, split: list[str] | None) -> dict[str, Sample] | None:
    from wherewise.samples.store import read_dataset

    return None if data is None else {s.id: s for s in read_dataset(data, splits=split or ["test"])}


def _versus(
    folders: list[Path],
    kind: str,
    out: Path | None,
    data: Path | None,
    split: list[str] | None,
    settings: dict[str, Any],
    quiet: bool,
) -> None:
    from wherewise.reports.versus import VersusInputs, build_versus_evaluations, build_versus_runs

    inputs = VersusInputs(a=folders[0], b=folders[1], samples=_samples(data, split), media_root=data, **settings)
    build = build_versus_runs if kind == "run" else build_versus_evaluations
    versus = build(inputs, out or folders[1] / "compare.html")
    if not quiet:
        typer.echo("\n".join(versus.lines))
    typer.echo(f"comparison: {versus.page}")


def _report(
    folders: list[Path],
    kinds: list[str],
    out: Path | None,
    data: Path | None,
    split: list[str] | None,
    settings: dict[str, Any],
    quiet: bool,
) -> None:
    from wherewise.reports import ReportInputs, build_report
    from wherewise.reports.terminal import evaluation_lines, run_lines

    runs = [(folder.name, folder) for folder, kind in zip(folders, kinds, strict=True) if kind == "run"]
    evaluations = [(folder.name, folder) for folder, kind in zip(folders, kinds, strict=True) if kind == "evaluation"]
    settings["title"] = settings["title"] or "wherewise report"
    page = build_report(
        ReportInputs(runs=runs, evaluations=evaluations, samples=_samples(data, split), media_root=data, **settings),
        out or folders[0] / "report.html",
    )
    if not quiet:
        for name, folder in runs:
            typer.echo("\n".join(run_lines(name, folder)))
        if evaluations:
            typer.echo("\n".join(evaluation_lines(evaluations)))
    typer.echo(f"report: {page}")
