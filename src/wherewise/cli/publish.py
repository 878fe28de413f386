"""``wherewise data card`` and ``wherewise data push``: a dataset for others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Dataset = Annotated[Path, typer.Argument(help="Dataset folder.", show_default=False)]
Title = Annotated[str | None, typer.Option(help="Heading; else the folder's name.", show_default=False)]
License = Annotated[
    str | None,
    typer.Option(metavar="SPDX", help="Licence of the whole; else what the samples say.", show_default=False),
]
About = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Markdown to put below the heading.", show_default=False)
]


def card(
    dataset: Dataset,
    title: Title = None,
    license: License = None,
    about: About = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the card that stands there.")] = False,
) -> None:
    """Write a dataset's card: README.md with what it holds, its licence and how it was made.

    Works on every dataset of this project, read once for the statistics. Tells no folders of this machine.
    """
    from wherewise.curate.card import write_card
    from wherewise.curate.survey import survey
    from wherewise.samples.errors import InputError

    if about is not None and not about.is_file():
        raise InputError(f"--about {about}: there is no such file")
    words = None if about is None else about.read_text(encoding="utf-8")
    path = write_card(dataset, survey(dataset), title=title, license=license, about=words, overwrite=overwrite)
    typer.echo(str(path))


def push(
    dataset: Dataset,
    repo: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Repository on the hub.", show_default=False)],
    public: Annotated[bool, typer.Option("--public", help="Let everybody see it; without, it is private.")] = False,
    revision: Annotated[str | None, typer.Option(help="Branch; else the main one.", show_default=False)] = None,
    message: Annotated[str, typer.Option(help="Message of the commit.")] = "Upload the dataset",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would be uploaded, and stop.")] = False,
) -> None:
    """Upload a dataset and its card to the Hugging Face hub, private unless --public, in one commit.

    Only shards, manifest, card, scenes and the media that samples name are uploaded. The token is that of 'hf auth
    login' or HF_TOKEN; HF_ENDPOINT names another hub. A repository that is public is not written to without --public.
    """
    from wherewise.curate.push import plan
    from wherewise.curate.push import push as upload
    from wherewise.curate.survey import survey

    planned = plan(dataset, survey(dataset))
    if dry_run:
        typer.echo("\n".join(f"{path.stat().st_size:>12} {name}" for name, path in planned.files.items()))
    typer.echo(f"{len(planned.files)} files, {planned.size / 1e6:.1f} MB")
    if planned.folders:
        typer.echo(f"note: manifest.json names folders of this machine in {', '.join(planned.folders)}")
    if dry_run:
        return
    done = upload(planned, repo, public=public, revision=revision, message=message)
    typer.echo(f"{done.url} ({'private' if done.private else 'public'})")
    if done.removed:
        typer.echo(f"removed {len(done.removed)} shards of an earlier version")
