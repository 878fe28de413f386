"""The same work on Ray Data.

The items travel to the cluster as a dataset, the results come back as a stream of bytes in the items' order. Ray does
an item again when its worker or node is lost. Finished results are kept by this process, so that a run that was cut
off sends only the rest.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import ray
import ray.data

from wherewise.workers.kept import from_bytes, open_folder, place_of, read_kept, to_bytes, write_kept

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST_BLOCKS = 20_000
"""Blocks that a dataset is cut into at most: one item each, unless there are more items than this."""


def in_order(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int,
    keep: Path | None,
    gpus: float = 0.0,
) -> Iterator[Result]:
    """See `wherewise.workers.engine.in_order`."""
    open_folder(keep)
    left = [number for number in range(len(items)) if (place := place_of(keep, number)) is None or not place.exists()]
    stream = _stream(function, items, left, workers, gpus) if left else iter(())
    for number in range(len(items)):
        place = place_of(keep, number)
        if place is not None and place.exists():
            yield read_kept(place)
            continue
        row = next(stream)
        if row["number"] != number:
            raise RuntimeError(f"Ray gave result {row['number']} where {number} was due")
        if place is not None:
            write_kept(place, row["result"])
        yield from_bytes(row["result"])


def _stream(
    function: Callable[[Any], Any], items: Sequence[Any], numbers: Sequence[int], workers: int, gpus: float
) -> Iterator[dict[str, Any]]:
    _connect(workers)
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    rows = [{"number": number, "item": pickle.dumps(items[number], protocol=5)} for number in numbers]
    dataset = ray.data.from_items(rows, override_num_blocks=min(len(rows), MOST_BLOCKS))
    if gpus:  # Ray ends the process of a task that held a card; an actor keeps its model
        kept = {"function": function}
        done = dataset.map(_Actor, fn_constructor_kwargs=kept, concurrency=workers, num_gpus=gpus)
    else:
        done = dataset.map(_apply, fn_kwargs={"function": function}, concurrency=workers)
    yield from done.iter_rows()


def _connect(workers: int) -> None:
    """Join the cluster that there is, or start one on this machine that listens on loopback alone."""
    if ray.is_initialized():
        return
    try:
        ray.init(address="auto", log_to_driver=False, logging_level="warning")
    except ConnectionError:
        ray.init(
            address="local",
            num_cpus=workers,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="warning",
            _node_ip_address="127.0.0.1",
        )


def _apply(row: dict[str, Any], *, function: Callable[[Any], Any]) -> dict[str, Any]:
    return {"number": row["number"], "result": to_bytes(function(pickle.loads(row["item"])))}


class _Actor:
    """Calls the function on rows, in one process for as long as there are rows."""

    def __init__(self, *, function: Callable[[Any], Any]) -> None:
        self._function = function

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return _apply(row, function=self._function)
