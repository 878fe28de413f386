"""Reads a run while it is written: new lines of ``metrics.jsonl``, new files of ``rollouts/``.

A run that is resumed cuts its logs back to its checkpoint. What was read before is then no longer so; the `epoch` grows
and everything is read anew. Lines that are still being written are left for the next time.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from threading import Lock
from typing import Any

from wherewise.reports.rollouts import codec_of, group_record, read_jsonl, run_config

NEWEST = 10_000
"""Completions of the newest steps that are kept; earlier ones are on disk."""

REST_S = 0.4
"""Least seconds between two looks at the disk, however many pages ask."""


class RunFollower:
    """What a run has written so far. Safe to ask from several threads.

    Args:
        run: The run folder; its files may not exist yet.
        name: Name of the run on the page.
        newest: Completions kept; whole steps are dropped, the oldest first.
    """

    def __init__(self, run: Path, name: str, *, newest: int = NEWEST) -> None:
        self.run = run
        self.name = name
        self.newest = newest
        self.epoch = 1
        self._lock = Lock()
        self._looked = 0.0
        self._forget()

    def _forget(self) -> None:
        self._metrics: list[dict[str, Any]] = []
        self._offset = 0
        self._last_line = b""
        self._groups: list[dict[str, Any]] = []
        self._first = 0
        self._files: dict[str, tuple[int, int]] = {}
        self._config: dict[str, Any] = {}

    def state(self, epoch: int, metrics: int, groups: int) -> dict[str, Any]:
        """What is new for a page that has seen so much.

        Args:
            epoch: The epoch it knows; of another one it gets everything.
            metrics: Lines of metrics that it has.
            groups: Groups that it has, counted from the run's first.

        Returns:
            ``epoch``; ``metrics`` and ``groups``, the rows that follow; ``next_metrics`` and ``next_groups``, what to
            ask with; ``dropped``, groups that are no longer kept; ``steps`` and ``planned``; ``quiet``, seconds since
            the last step was written; ``finished``.

        Raises:
            ValueError: A file of the run is damaged; the message names file and line.
        """
        with self._lock:
            self._look()
            if epoch != self.epoch:
                metrics = groups = 0
            return {
                "epoch": self.epoch,
                "metrics": self._metrics[max(0, metrics) :],
                "groups": self._groups[max(0, groups - self._first) :],
                "next_metrics": len(self._metrics),
                "next_groups": self._first + len(self._groups),
                "dropped": self._first,
                "steps": self._metrics[-1]["step"] if self._metrics else 0,
                "planned": self._planned(),
                "quiet": self._quiet(),
                "finished": (self.run / "final").is_dir(),
            }

    def _look(self) -> None:
        now = time.monotonic()
        if self._looked and now - self._looked < REST_S:
            return
        self._looked = now
        stats = {path.name: path.stat() for path in sorted((self.run / "rollouts").glob("step-*.jsonl"))}
        seen = {name: (stat.st_mtime_ns, stat.st_size) for name, stat in stats.items()}
        if any(seen.get(name) != known for name, known in self._files.items()) or self._was_cut():
            self.epoch += 1
            self._forget()
        self._read_metrics()
        self._config = self._config or run_config(self.run)
        codec = codec_of(self._config)
        for name in [name for name in seen if name not in self._files]:
            rows = read_jsonl(self.run / "rollouts" / name)
            self._groups += [group_record(self.name, row, codec) for row in rows]
            self._files[name] = seen[name]
        kept = sum(len(group["completions"]) for group in self._groups)
        drop = 0
        while drop < len(self._groups) - 1 and kept > self.newest:
            kept -= len(self._groups[drop]["completions"])
            drop += 1
        self._first += drop
        del self._groups[:drop]

    def _was_cut(self) -> bool:
        """Whether the metrics are no longer what was read: shorter, or other bytes at the end of what was read."""
        path = self.run / "metrics.jsonl"
        if not self._offset:
            return False
        if not path.exists() or path.stat().st_size < self._offset:
            return True
        with path.open("rb") as file:
            file.seek(self._offset - len(self._last_line))
            return file.read(len(self._last_line)) != self._last_line

    def _read_metrics(self) -> None:
        path = self.run / "metrics.jsonl"
        if not path.exists():
            return
        with path.open("rb") as file:
            file.seek(self._offset)
            whole = file.read()
        whole = whole[: whole.rfind(b"\n") + 1]  # a last line without its end is still being written
        for line in whole.splitlines(keepends=True):
            try:
                row = json.loads(line, parse_constant=lambda _: None)
            except json.JSONDecodeError as error:
                number = len(self._metrics) + 1
                raise ValueError(f"{path}:{number}: not JSON ({error.msg}); delete the torn line") from error
            self._metrics.append(row)
            self._offset += len(line)
            self._last_line = line

    def _planned(self) -> int | None:
        """Steps that the run will take, where its settings say."""
        steps = self._config.get("steps")
        return steps if isinstance(steps, int) else None

    def _quiet(self) -> float | None:
        path = self.run / "metrics.jsonl"
        return round(max(0.0, time.time() - path.stat().st_mtime), 1) if path.exists() else None
