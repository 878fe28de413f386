"""Progress: a bar on a terminal, a line now and then in a pipe or a log, nothing with ``--quiet``.

    with progress("rendering", total=1200) as advance:
        for scene in scenes:
            render(scene)
            advance(1)

Rooms know nothing of this: they take ``on_progress: Callable[[int], None]`` and call it with the number of items that
became ready, so a verb passes ``advance`` itself. A room that reports totals, ``on_progress(done, total)``, gets
``advance.at``.

Everything goes to stderr: stdout is for results.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

LINE_EVERY_S = 30.0
"""In a pipe, a line comes at the latest after so many seconds ..."""

LINE_EVERY_SHARE = 0.1
"""... and each time this share of the total is done."""


class Advance:
    """Counts items and shows the count; call it with the number of items that became ready."""

    def __init__(self, *, total: int | None, show: Callable[[Advance], None]) -> None:
        self.done = 0
        self.total = total
        self.note = ""
        self._show = show

    def __call__(self, n: int = 1, note: str | None = None) -> None:
        """``n`` more items are ready; ``note`` stands behind the count until the next note."""
        self.at(self.done + n, note=note)

    def at(self, done: int, total: int | None = None, note: str | None = None) -> None:
        """``done`` items are ready in all, of ``total`` where that is given."""
        self.done = done
        self.total = self.total if total is None else total
        self.note = self.note if note is None else note
        self._show(self)


@contextmanager
def progress(
    label: str,
    total: int | None = None,
    *,
    quiet: bool = False,
    stream: TextIO | None = None,
    line_every_s: float = LINE_EVERY_S,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Advance]:
    """Show how far a loop is.

    Args:
        label: what is being done: "rendering".
        total: how many items there are; None where that isn't known.
        quiet: show nothing.
        stream: where to; stderr unless given.
        line_every_s: longest time without a line in a pipe, in seconds.
        clock: seconds, from any start.
    """
    out = sys.stderr if stream is None else stream
    if quiet:
        yield Advance(total=total, show=lambda advance: None)
    elif out.isatty() and os.environ.get("TERM") != "dumb":
        with _bar(label, total, out) as advance:
            yield advance
    else:
        with _lines(label, total, out, line_every_s, clock) as advance:
            yield advance


@contextmanager
def _bar(label: str, total: int | None, out: TextIO) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=Console(file=out, markup=False, highlight=False)) as bars:
        task = bars.add_task(label, total=total, note="", rate="")
        started = time.monotonic()

        def show(advance: Advance) -> None:
            rate = _rate(advance.done, time.monotonic() - started)
            bars.update(task, completed=advance.done, total=advance.total, note=advance.note, rate=rate)

        yield Advance(total=total, show=show)


@contextmanager
def _lines(
    label: str, total: int | None, out: TextIO, line_every_s: float, clock: Callable[[], float]
) -> Iterator[Advance]:
    started = clock()
    last_time, last_tenth = started, 0

    def line(text: str) -> None:
        print(f"{label}: {text}", file=out, flush=True)

    def show(advance: Advance) -> None:
        nonlocal last_time, last_tenth
        now = clock()
        tenth = int(advance.done / advance.total / LINE_EVERY_SHARE + 1e-9) if advance.total else 0
        if tenth <= last_tenth and now - last_time < line_every_s:
            return
        last_time, last_tenth = now, max(tenth, last_tenth)
        if advance.total is None or advance.done < advance.total:  # the line of the end comes from below
            line(_status(advance, now - started))

    advance = Advance(total=total, show=show)
    try:
        yield advance
    except BaseException:
        line(f"stopped at {_count(advance)} after {_clock(clock() - started)}")
        raise
    spent = clock() - started
    line(
        f"{_count(advance)} in {_clock(spent)}"
        + "".join(f", {x}" for x in (_rate(advance.done, spent), advance.note) if x)
    )


def _count(advance: Advance) -> str:
    return str(advance.done) if advance.total is None else f"{advance.done}/{advance.total}"


def _status(advance: Advance, spent: float) -> str:
    parts = [_count(advance)]
    if advance.total:
        parts[0] += f" ({100 * advance.done / advance.total:.0f} %)"
    parts.append(_rate(advance.done, spent))
    if advance.total and advance.done:
        parts.append(f"{_clock(spent * (advance.total - advance.done) / advance.done)} left")
    return ", ".join(part for part in (*parts, advance.note) if part)


def _rate(done: int, spent: float) -> str:
    """Items a second, or seconds an item where that is slow; empty before the first item."""
    if not done or spent <= 0:
        return ""
    return f"{done / spent:.3g}/s" if done >= spent else f"{spent / done:.3g} s each"


def _clock(seconds: float) -> str:
    """``0:07``, ``12:30`` or ``3:05:00``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
