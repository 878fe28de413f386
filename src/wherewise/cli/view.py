"""``wherewise view``: one HTML page of a dataset, or of runs and evaluations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wherewise.cli.options import Quiet


def view(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="DATASET | RUN...",
            help="A dataset (manifest.json, or a .jsonl file) for its gallery; "
            "or run folders (metrics.jsonl) and evaluation folders (summary.json) for a report.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The HTML file; gallery.html or report.html in the first folder by default."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Heading of the page.")] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Report: dataset of the evaluations, for their pictures.")
    ] = None,
    split: Annotated[
        list[str] | None, typer.Option("--split", help="Gallery: only this split. Report: split of --data (test).")
    ] = None,
    root: Annotated[
        Path | None, typer.Option("--root", help="Gallery: data root of media paths; the dataset's folder.")
    ] = None,
    sample: Annotated[int, typer.Option("--sample", min=1, help="Gallery: most samples, spread evenly.")] = 10_000,
    media_limit: Annotated[
        int, typer.Option("--media-limit", min=0, help="Gallery: most samples of a task that bring their pictures.")
    ] = 40,
    media_budget: Annotated[
        float, typer.Option("--media-budget", min=0, help="Gallery: megabytes of pictures at most.")
    ] = 40.0,
    picture_size: Annotated[int, typer.Option("--picture-size", min=16, help="Gallery: longest side, pixels.")] = 512,
    frames: Annotated[int, typer.Option("--frames", min=1, help="Gallery: most frames of a clip.")] = 8,
    sidecars: Annotated[bool, typer.Option(help="Gallery: show depth and ids where the dataset has them.")] = True,
    quiet: Quiet = False,
) -> None:
    """Write a page that works from a file.

    Of a dataset: a gallery with pictures, truth, evidence, facts and margins, filters, and flags to download. Of runs
    and evaluations: accuracy, curves, rollout groups with pictures, answers side by side.
    """
    from wherewise.samples.errors import InputError

    datasets = [path for path in folders if _is_dataset(path)]
    if datasets and len(folders) > 1:
        raise InputError(f"{datasets[0]} is a dataset; give it alone for its gallery, or with --data for a report")
    if not datasets:
        _report(folders, out, data, split, title)
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


def _report(
    folders: list[Path], out: Path | None, data: Path | None, split: list[str] | None, title: str | None
) -> None:
    from wherewise.reports import ReportInputs, build_report
    from wherewise.samples.errors import InputError
    from wherewise.samples.store import read_dataset

    runs = [(folder.name, folder) for folder in folders if (folder / "metrics.jsonl").exists()]
    evaluations = [(folder.name, folder) for folder in folders if (folder / "summary.json").exists()]
    unknown = [str(folder) for folder in folders if folder not in [path for _, path in runs + evaluations]]
    if unknown:
        raise InputError(
            f"{', '.join(unknown)}: neither a dataset (manifest.json), a run (metrics.jsonl) nor an evaluation "
            "(summary.json); give the folder that `wherewise data`, `sft`, `grpo` or `eval run` wrote"
        )
    samples = None if data is None else {s.id: s for s in read_dataset(data, splits=split or ["test"])}
    page = build_report(
        ReportInputs(
            title=title or "wherewise report", runs=runs, evaluations=evaluations, samples=samples, media_root=data
        ),
        out or folders[0] / "report.html",
    )
    typer.echo(f"report: {page}")
