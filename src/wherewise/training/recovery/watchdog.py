"""What a process is doing, and a thread that says so when it has been doing it for too long."""

from __future__ import annotations

import faulthandler
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

SHOWN = 8
"""Sample ids that a message names."""


@dataclass(kw_only=True, slots=True)
class Activity:
    """The latest thing that a process began to do.

    Attributes:
        rank: Which process it is.
        step: Optimiser step that it works on; 0 before the first.
        phase: What it does: ``set-up``, ``rollout``, ``reward``, ``backward``, ``optimizer``, ``checkpoint``.
        samples: Ids of the samples that it does it to.
        since: When it began, on the clock of `time.monotonic`.
    """

    rank: int = 0
    step: int = 0
    phase: str = "set-up"
    samples: tuple[str, ...] = ()
    since: float = field(default_factory=time.monotonic)

    def now(self, phase: str, samples: Sequence[str] = (), *, step: int | None = None) -> None:
        """Begin something; the watchdog counts from here."""
        if step is not None:
            self.step = step
        self.phase, self.samples, self.since = phase, tuple(samples), time.monotonic()

    def text(self) -> str:
        """What is being done, for a message.

        >>> Activity(rank=1, step=3, phase="reward", samples=("a", "b")).text()
        "rank 1, step 3, phase 'reward', samples a, b"
        """
        names = ", ".join(self.samples[:SHOWN])
        more = f" and {len(self.samples) - SHOWN} more" if len(self.samples) > SHOWN else ""
        return f"rank {self.rank}, step {self.step}, phase {self.phase!r}" + (
            f", samples {names}{more}" if names else ""
        )


def to_stderr(message: str) -> None:
    """Print a message where logs of errors go."""
    print(f"wherewise: {message}", file=sys.stderr, flush=True)


@dataclass(kw_only=True, slots=True)
class Watchdog(AbstractContextManager["Watchdog"]):
    """Speaks up once about each activity that lasts longer than `seconds`, and writes down where every thread is.

    It ends nothing: slow is not wrong. What waits for a process that is gone ends by itself (``parallel.timeout``).

    Attributes:
        activity: What is watched.
        seconds: How long is too long; None watches nothing.
        folder: Run folder; stacks go to ``stalls/`` in it.
        say: Where messages go.
    """

    activity: Activity
    seconds: float | None
    folder: Path
    say: Callable[[str], None] = to_stderr
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Watchdog:
        """Begin to watch."""
        if self.seconds is not None:
            self.activity.since = time.monotonic()
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching."""
        self._end.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        assert self.seconds is not None
        told: float | None = None
        while not self._end.wait(min(1.0, self.seconds / 4)):
            began = self.activity.since
            waited = time.monotonic() - began
            if waited > self.seconds and told != began:
                told = began
                self.say(self.report(waited))

    def report(self, waited: float) -> str:
        """Write the stacks down; returns the message."""
        activity = self.activity
        stalls = self.folder / "stalls"
        stalls.mkdir(parents=True, exist_ok=True)
        file = stalls / f"rank-{activity.rank}-step-{activity.step:06d}-{activity.phase}.txt"
        with file.open("w", encoding="utf-8") as stacks:
            stacks.write(f"{activity.text()}: {waited:.0f} s\n")
            stacks.flush()
            faulthandler.dump_traceback(stacks)
        return f"no progress for {waited:.0f} s: {activity.text()}; where each thread is: {file}"
