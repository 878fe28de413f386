"""``wherewise merge``: adapters into their base model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer


def merge(
    base: Annotated[str, typer.Argument(help="Model that the adapter was trained on: folder, hub name or 'starter'.")],
    adapter: Annotated[Path, typer.Argument(help="Folder with adapter_config.json and adapter_model.safetensors.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the merged model.")],
    dtype: Annotated[str, typer.Option(help="auto (the base's), float32 or bfloat16.")] = "auto",
) -> None:
    """Merge a LoRA adapter into its base; the result is loaded again and compared, tensor by tensor.

    The ``final`` folder of a run is merged already: this is for adapters that come from elsewhere.
    """
    from wherewise.models.load import Precision
    from wherewise.models.lora import merge_lora
    from wherewise.samples.errors import InputError

    if dtype not in ("auto", "float32", "bfloat16"):
        raise InputError(f"--dtype {dtype}: give auto, float32 or bfloat16")
    typer.echo(f"merged model: {merge_lora(base, adapter, out, dtype=cast(Precision, dtype))}")
