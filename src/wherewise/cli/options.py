"""The arguments that config-driven verbs share, declared once so that every verb spells and explains them alike.

def sft(
    config: ConfigFile,
    overrides: Overrides = None,
    dry_run: DryRun = False,
    print_config: PrintConfig = False,
    limit: Limit = None,
    resume: Resume = "auto",
    quiet: Quiet = False,
) -> None:
    loaded = load_or_print(SftConfig, config, overrides, print_config=print_config)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from wherewise.cli.config import Loaded

    M = TypeVar("M", bound=BaseModel)

ConfigFile = Annotated[
    Path,
    typer.Argument(metavar="CONFIG", help="YAML file; it may build on others with 'extends:'.", show_default=False),
]
"""The config file, required."""

Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="KEY=VALUE",
        help="Settings that win over the file: train.lr=1e-5 rewards.0.weight=2",
        show_default=False,
    ),
]
"""``key.sub=value`` after the config file."""

DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, say what would happen, and stop.")]
"""Check without doing."""

PrintConfig = Annotated[
    bool, typer.Option("--print-config", help="Print the whole config, defaults included, as YAML, and stop.")
]
"""Show the resolved config."""

Limit = Annotated[
    int | None, typer.Option("--limit", min=1, metavar="N", help="Use the first N items only.", show_default=False)
]
"""At most this many items."""

Resume = Annotated[
    str,
    typer.Option(
        "--resume",
        metavar="auto|none",
        help="auto: go on from the run folder's last whole checkpoint; none: refuse a folder that holds a run.",
    ),
]
"""Whether to go on; `resume_from` reads it."""

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars or lines.")]
"""Only results and errors."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of text.")]
"""Machine-readable output on stdout."""


def resume_from(resume: str) -> bool:
    """What ``--resume`` asks for: True is auto, False is none.

    Raises:
        InputError: it is neither.
    """
    if resume not in ("auto", "none"):
        from wherewise.samples.errors import InputError

        raise InputError(f"--resume {resume}: give 'auto' or 'none'")
    return resume == "auto"


def load_or_print(model: type[M], config: Path | None, overrides: list[str] | None, *, print_config: bool) -> Loaded[M]:
    """Load a verb's config; with ``--print-config`` print it resolved and end the command with exit code 0.

    Raises:
        ConfigError: something in the config is wrong.
    """
    from wherewise.cli.config import load_config, resolved_yaml

    loaded = load_config(model, config, overrides or ())
    if print_config:
        typer.echo(resolved_yaml(loaded.value), nl=False)
        raise typer.Exit
    return loaded
