"""``wherewise data write``: a language model writes questions about annotated pictures.

The dataset folder also holds ``refused.jsonl``, every reply that is not used with its reason, and ``replies/``, what
the models said: a run that was cut off goes on from there, and another choice from the same replies costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from wherewise.cli.options import ConfigFile, DryRun, Limit, Overrides, PrintConfig, Quiet, load_or_print

if TYPE_CHECKING:
    from wherewise.curate.dataset import Result

Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace a dataset that stands in the folder; its replies are used again.")
]


def write(
    config: ConfigFile,
    overrides: Overrides = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    print_config: PrintConfig = False,
    limit: Limit = None,
    quiet: Quiet = False,
) -> None:
    """Have a model write questions about annotated pictures, and another check them.

    --dry-run reads all annotations and says how many requests and tokens it takes and what it costs. A run that was cut
    off, even by kill -9, goes on with the same command: no reply is asked for twice, and the result is the same.
    """
    from wherewise.cli.progress import progress
    from wherewise.curate.config import WriteConfig
    from wherewise.samples.errors import DatasetError
    from wherewise.samples.manifest import MANIFEST

    loaded = load_or_print(WriteConfig, config, overrides, print_config=print_config).value
    if dry_run:
        from wherewise.curate.estimate import estimate

        typer.echo(estimate(loaded, limit).text())
        return
    if (loaded.out / MANIFEST).exists() and not overwrite:
        raise DatasetError(
            "a dataset stands here already", file=str(loaded.out), fix="choose another folder, or pass --overwrite"
        )
    from wherewise.curate.dataset import write_questions

    with (
        progress("writing", quiet=quiet) as written,
        progress("checking", quiet=quiet or not loaded.checker) as checked,
    ):
        result = write_questions(loaded, overwrite=overwrite, limit=limit, on_written=written, on_checked=checked)
    typer.echo("\n".join([f"{loaded.out}: {result.manifest.rows} samples", *_summary(result)]))


def _summary(result: Result) -> list[str]:
    lines = []
    for split, taken in result.taken.items():
        wanted = result.wanted[split]
        told = ", ".join(f"{name} {count}/{wanted[name]}" for name, count in taken.items())
        lines.append(f"  {split} (taken/wanted): {told}")
        if result.short[split]:
            few = ", ".join(f"{name} has {has} of {needs}" for name, (has, needs) in result.short[split].items())
            lines.append(f"    too few: {few}")
    lines.append(
        f"  {result.pictures} pictures asked about, {result.candidates} questions passed the review, "
        f"{result.corrected} counts put right"
    )
    if result.refused:
        told = ", ".join(f"{reason} {count}" for reason, count in result.refused.items())
        lines.append(f"  refused {sum(result.refused.values())} (refused.jsonl): {told}")
    told = "; ".join(f"{name} {sent} sent, {received} received" for name, (sent, received) in result.tokens.items())
    cost = "" if result.cost is None else f"; cost {result.cost:.2f}"
    lines.append(f"  tokens: {told}{cost}; {result.requests} requests in this run")
    return lines
