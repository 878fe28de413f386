"""``wherewise recipe list|run|copy``: published recipes as lists of this program's own commands.

A recipe is a folder with configs and ``recipe.yaml``: what it is, where it differs from what was published, and its
steps. A step is a command line of ``wherewise`` with ``{recipe}`` and ``{out}`` filled in; ``recipe run`` prints each
before it runs it.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict

from wherewise.cli.options import DryRun

DONE = "recipe-{step}.done"
"""File that stands for a finished step, in the output folder."""


class Step(BaseModel):
    """One command of a recipe."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """Its name on the command line."""
    run: str
    """What follows ``wherewise``."""
    tiny: str = ""
    """What ``--tiny`` adds."""
    bench: str | None = None
    """A benchmark that the step evaluates on; ``--tiny`` makes a stand-in in its published layout."""
    episodes: bool = False
    """Whether the step reads episodes; ``--tiny`` makes some up in ``{out}/episodes``."""


class Recipe(BaseModel):
    """A published experiment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str
    """What it is, in one line."""
    differs: tuple[str, ...] = ()
    """Where it differs from what was published, and why."""
    steps: tuple[Step, ...]
    """Its commands, in order."""


Name = Annotated[str, typer.Argument(help="Name from 'wherewise recipe list'.", show_default=False)]
"""A recipe."""


def recipe_folders() -> dict[str, Path]:
    """Recipes of the installation, or of the checkout that the package runs from."""
    package = Path(__file__).parents[1]
    for folder in (package / "recipes", package.parents[1] / "recipes"):
        if folder.is_dir():
            return {path.parent.name: path.parent for path in sorted(folder.glob("*/recipe.yaml"))}
    return {}


def read_recipe(name: str) -> tuple[Path, Recipe]:
    """A recipe's folder and content.

    Raises:
        InputError: There is no such recipe.
    """
    from wherewise.cli.config import load_config
    from wherewise.samples.errors import InputError
    from wherewise.samples.plain import did_you_mean

    known = recipe_folders()
    if name not in known:
        raise InputError(f"there is no recipe {name!r}{did_you_mean(name, known)}")
    return known[name], load_config(Recipe, known[name] / "recipe.yaml").value


def list_recipes() -> None:
    """List the recipes, their steps and where they differ from what was published."""
    for name in recipe_folders():
        _, recipe = read_recipe(name)
        typer.echo(f"{name}: {recipe.about}")
        typer.echo(f"  steps: {', '.join(step.name for step in recipe.steps)}")
        for difference in recipe.differs:
            typer.echo(f"  differs: {difference}")


def copy(
    name: Name,
    folder: Annotated[Path, typer.Argument(help="New folder for the configs.", show_default=False)],
) -> None:
    """Copy a recipe's configs, to change them."""
    from wherewise.samples.errors import InputError

    source, _ = read_recipe(name)
    if folder.exists():
        raise InputError(f"{folder} exists; name a new folder")
    shutil.copytree(source, folder)
    typer.echo(f"{folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")


def run_recipe(
    name: Name,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for everything; runs/NAME by default.")
    ] = None,
    tiny: Annotated[
        bool, typer.Option("--tiny", help="The same configs in minutes on a CPU: shipped model, little made-up data.")
    ] = False,
    step: Annotated[list[str] | None, typer.Option("--step", help="Only this step; may be repeated.")] = None,
    dry_run: DryRun = False,
) -> int:
    """Run a recipe's commands one after the other; a step that is done is not done again."""
    from wherewise.cli.main import run
    from wherewise.samples.errors import InputError

    folder, recipe = read_recipe(name)
    target = out or Path("runs") / (f"{name}-tiny" if tiny else name)
    names = [entry.name for entry in recipe.steps]
    unknown = [wanted for wanted in step or () if wanted not in names]
    if unknown:
        raise InputError(f"recipe {name} has no step {', '.join(unknown)}; it has {', '.join(names)}")
    typer.echo(recipe.about)
    for entry in recipe.steps:
        if step and entry.name not in step:
            continue
        words = command(entry, folder, target, tiny=tiny)
        mark = target / DONE.format(step=entry.name)
        if mark.exists() and not dry_run and mark.read_text(encoding="utf-8") == shlex.join(words):
            typer.echo(f"[{entry.name}] done before")
            continue
        typer.echo(f"[{entry.name}] wherewise {shlex.join(words)}")
        if dry_run:
            continue
        if tiny:
            stand_in(entry, target)
        code = run(words)
        if code:
            typer.echo(f"[{entry.name}] ended with exit code {code}; the same command goes on from here", err=True)
            return code
        target.mkdir(parents=True, exist_ok=True)
        mark.write_text(shlex.join(words), encoding="utf-8")
    return 0


def stand_in(step: Step, out: Path) -> None:
    """Make what a step of a tiny recipe reads in place of the real files."""
    from wherewise.cli.recipe_stand_ins import make_benchmark, write_episodes

    if step.episodes:
        write_episodes(out / "episodes")
    if step.bench is not None:
        make_benchmark(step.bench, out / "data", out / "stand_in")


def command(step: Step, folder: Path, out: Path, *, tiny: bool) -> list[str]:
    """The words of a step after ``wherewise``."""
    places = {"recipe": str(folder), "out": str(out)}
    words = shlex.split(step.run.format(**places))
    if tiny:
        words += shlex.split(step.tiny.replace("{out}", str(out)))
        if step.bench is not None:
            words += ["--data", str(out / "stand_in")]
    return words
