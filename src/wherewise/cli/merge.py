"""``wherewise merge``: adapters or shards into a plain Hugging Face folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer


def merge(
    base: Annotated[str, typer.Argument(help="Model that was trained: folder, hub name or 'starter'.")],
    source: Annotated[
        Path,
        typer.Argument(
            help="Folder of a LoRA adapter, of verl's shards (model_world_size_N_rank_R.pt), of a distributed "
            "checkpoint (.metadata), or a run's checkpoints/step-N."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the merged model.")],
    dtype: Annotated[str, typer.Option(help="auto (the base's), float32 or bfloat16.")] = "auto",
) -> None:
    """Merge a LoRA adapter or put shards together; the result is read back and compared: every tensor, and one reply.

    The ``final`` folder of a run is merged already: this is for what comes from elsewhere, and for a run's checkpoints.
    """
    from wherewise.models.load import Precision
    from wherewise.models.merging import merge_folder
    from wherewise.samples.errors import InputError

    if dtype not in ("auto", "float32", "bfloat16"):
        raise InputError(f"--dtype {dtype}: give auto, float32 or bfloat16")
    precision = cast(Precision, dtype)
    if (source / "COMPLETE").is_file():
        from wherewise.training.parallel.whole import merge_checkpoint

        merged = merge_checkpoint(base, source, out, dtype=precision)
    else:
        merged = merge_folder(base, source, out, dtype=precision)
    typer.echo(
        f"merged model ({merged.kind}): {merged.folder}; read back: {merged.tensors} tensors and a reply of "
        f"{len(merged.reply)} tokens are the same"
    )
