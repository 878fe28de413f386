"""``wherewise data families``: what can be asked, of what, with which answers and margins."""

from __future__ import annotations

import difflib
from typing import Annotated

import typer


def families(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Families or sets of them (vsi, stvqa, sat, space, ...); all without any."),
    ] = None,
    union: Annotated[
        bool, typer.Option("--union", help="Print question types with the families that answer them instead.")
    ] = False,
) -> None:
    """List the question families: modality, answer kinds, margins, and what a scene must know."""
    from wherewise.questions.catalogue import families_table, union_table
    from wherewise.questions.config import SETS, TASKS, QuestionsConfig

    if union:
        typer.echo(union_table())
        return
    for name in names or ():
        if name not in TASKS and name not in SETS:
            close = difflib.get_close_matches(name, [*SETS, *TASKS], n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"sets are {', '.join(SETS)}"
            raise typer.BadParameter(f"there is no family or set {name!r}; {hint}")
    asked = QuestionsConfig(families=tuple(names) if names else ("all",))
    typer.echo(families_table(asked.margins, asked.families))
