"""Work on many items in several processes, in order, whatever dies on the way.

With a folder to keep results in, each finished chunk is a file there. A run that was cut off, by ``kill -9`` too, finds
these files and does the rest; since a chunk's result depends on nothing but the chunk, the outcome is the same.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from wherewise.workers.kept import open_folder, place_of, read_kept, to_bytes, write_kept

Item = TypeVar("Item")
Result = TypeVar("Result")

PATIENCE = 8
"""How often in a row workers may die before any chunk is finished; then something is wrong with the chunk."""
AHEAD = 3
"""Chunks that wait for each worker: what a run holds in memory at most, but for one chunk that is being read."""


def in_order(
    function: Callable[[Item], Result], items: Sequence[Item], *, workers: int = 1, keep: Path | None = None
) -> Iterator[Result]:
    """``function`` of each item, in the order of the items.

    Args:
        function: A function that can be imported, and depends on its item alone.
        items: What it is called with; plain values.
        workers: Processes; 1 works in this one.
        keep: Folder for results, one file an item; made if need be. Files that are there count as done. The caller
            gives every job a folder of its own and removes it when the results are safe.

    Yields:
        The results. A worker that dies is replaced and its items are done again.

    Raises:
        RuntimeError: Workers died `PATIENCE` times in a row without finishing one item.
    """
    open_folder(keep)
    if workers <= 1:
        for number, item in enumerate(items):
            yield _finished(_do(function, item, place_of(keep, number)), keep, number)
        return
    yield from _with_workers(function, items, workers, keep)


def _with_workers(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int, keep: Path | None
) -> Iterator[Result]:
    crew = _Crew(workers)
    waiting: deque[tuple[int, Future[Any] | None]] = deque()
    deaths = upcoming = ready = 0
    try:
        while waiting or upcoming < len(items):
            while upcoming < len(items) and len(waiting) <= AHEAD * workers:
                waiting.append((upcoming, None))
                upcoming += 1
            try:
                for k, (number, future) in enumerate(waiting):
                    place = place_of(keep, number)
                    if future is None and not (place is not None and place.exists()):
                        waiting[k] = (number, crew.pool.submit(_do, function, items[number], place))
                number, future = waiting[0]
                result = None if future is None else future.result()
            except BrokenProcessPool as death:
                finished = upcoming - sum(future is not None and not _is_done(future) for _, future in waiting)
                deaths = deaths + 1 if finished <= ready else 1
                ready = max(ready, finished)
                if deaths >= PATIENCE:
                    raise RuntimeError(
                        f"worker processes died {deaths} times in a row, at chunk {waiting[0][0]} or one of the next "
                        f"{len(waiting) - 1}; is there enough memory for {workers} workers?"
                    ) from death
                crew.replace()
                waiting = deque((k, future if future and _is_done(future) else None) for k, future in waiting)
                continue
            waiting.popleft()
            yield _finished(result, keep, number)
    finally:
        crew.dismiss()


class _Crew:
    """A pool of processes that can be replaced by a new one."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self.pool = self._new()

    def _new(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._workers, mp_context=context, initializer=_end_with_parent)

    def replace(self) -> None:
        """A new pool for a broken one."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.pool = self._new()

    def dismiss(self) -> None:
        """Let go of all processes."""
        self.pool.shutdown(wait=True, cancel_futures=True)


def _is_done(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _do(function: Callable[[Item], Result], item: Item, place: Path | None) -> Result | None:
    """The result; or None once it is in its file."""
    if place is None:
        return function(item)
    if not place.exists():
        write_kept(place, to_bytes(function(item)))
    return None


def _finished(result: Result | None, keep: Path | None, number: int) -> Result:
    place = place_of(keep, number)
    if place is not None:
        result = read_kept(place)
    return result  # type: ignore[return-value]


def _end_with_parent() -> None:
    """Have this worker end when the process that started it does, however that ended."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
