"""Which processes do the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from wherewise.workers import pool

Item = TypeVar("Item")
Result = TypeVar("Result")


class Engine(StrEnum):
    """Where worker processes run."""

    LOCAL = "local"
    """Processes of this machine."""
    RAY = "ray"
    """Ray Data, on the cluster that ``RAY_ADDRESS`` names or that runs here; else a cluster of this machine."""


class EngineError(RuntimeError):
    """The engine cannot start; the message says what to do."""


def in_order(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int = 1,
    keep: Path | None = None,
    engine: Engine = Engine.LOCAL,
    gpus: float = 0.0,
) -> Iterator[Result]:
    """``function`` of each item, in the order of the items; the results are the same from every engine.

    Args:
        function: A function that can be imported, and depends on its item alone.
        items: What it is called with; plain values.
        workers: Processes at a time; with the local engine 1 works in this process.
        keep: Folder for results, one file an item; made if need be. Files that are there count as done. The caller
            gives every job a folder of its own and removes it when the results are safe. The folder is this process's:
            the machines of a cluster need not see it.
        engine: Where the processes run.
        gpus: Graphics cards that each process of the Ray engine holds; the local engine does not look at it.

    Yields:
        The results. A worker that dies is replaced and its items are done again.

    Raises:
        EngineError: Ray is not installed.
        RuntimeError: Workers died again and again without finishing one item.
    """
    if engine is Engine.LOCAL:
        return pool.in_order(function, items, workers=workers, keep=keep)
    try:
        import ray  # noqa: F401
    except ModuleNotFoundError as missing:
        raise EngineError("`engine: ray` needs Ray: pip install 'wherewise[ray]', or set `engine: local`") from missing
    from wherewise.workers import ray_data

    return ray_data.in_order(function, items, workers=workers, keep=keep, gpus=gpus)
