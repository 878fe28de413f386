"""The state of a run in words."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def mean_of(records: list[Mapping[str, Any]], key: str) -> float | None:
    """Mean of a metric over the records that have it, or None if none does."""
    values = [r[key] for r in records if r.get(key) is not None]
    return sum(values) / len(values) if values else None


def duration_text(seconds: float) -> str:
    """Rounded duration.

    >>> duration_text(42), duration_text(200), duration_text(9000)
    ('42 s', '3 min', '2 h 30 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


@dataclass(kw_only=True, slots=True)
class Health:
    """Speaks up every few steps about the steps since it last did.

    Attributes:
        total: Optimiser steps of the run.
        every: Steps between lines.
    """

    total: int
    every: int
    _recent: list[Mapping[str, Any]] = field(default_factory=list)
    _seconds: deque[float] = field(default_factory=lambda: deque(maxlen=50))
    _last_reward: float | None = None

    def observe(self, record: Mapping[str, Any]) -> str | None:
        """Take in one step's metrics; a line when one is due (every few steps and at the end)."""
        self._recent.append(record)
        self._seconds.append(record["seconds"])
        step = record["step"]
        if step % self.every and step != self.total:
            return None
        line = self._line(step)
        self._recent.clear()
        return line

    def _line(self, step: int) -> str:
        recent = self._recent
        parts = [f"step {step}/{self.total}"]
        loss, reward = mean_of(recent, "loss"), mean_of(recent, "reward/total")
        if reward is not None:
            change = "" if self._last_reward is None else f" ({reward - self._last_reward:+.2f})"
            parts.append(f"reward {reward:.2f}{change}")
            self._last_reward = reward
        elif loss is not None:
            parts.append(f"loss {loss:.3f}")
        if (accuracy := mean_of(recent, "accuracy")) is not None:
            parts.append(f"{accuracy:.0%} right".replace("%", " %"))
        parts += self._signal(recent)
        parts += self._replies(recent)
        if (kl := mean_of(recent, "kl")) is not None:
            parts.append(f"KL {kl:.2g}")
        if bad := sum(1 for r in recent if r.get("bad")):
            parts.append(f"{bad} steps skipped: loss or gradient not finite")
        pace = sum(self._seconds) / len(self._seconds)
        parts.append(f"{pace:.2g} s/step")
        if step < self.total:
            parts.append(f"{duration_text(pace * (self.total - step))} left")
        return " · ".join(parts)

    @staticmethod
    def _signal(recent: list[Mapping[str, Any]]) -> list[str]:
        parts = []
        if (dead := mean_of(recent, "no_signal")) is not None:
            text = f"{100 * dead:.0f} % of groups have equal rewards"
            if dead > 0.5:
                accuracy = mean_of(recent, "accuracy")
                fix = "raise the temperature, or take easier questions or more SFT"
                if accuracy is not None and accuracy > 0.5:
                    fix = "raise the temperature or the difficulty"
                text += f": no gradient from them; {fix}"
            parts.append(text)
        if unjudged := mean_of(recent, "unjudged"):
            parts.append(f"{100 * unjudged:.0f} % of replies could not be judged")
        return parts

    @staticmethod
    def _replies(recent: list[Mapping[str, Any]]) -> list[str]:
        parts = []
        if (length := mean_of(recent, "length")) is not None:
            parts.append(f"length {length:.0f} tokens")
        if (truncated := mean_of(recent, "truncated")) is not None:
            text = f"{100 * truncated:.0f} % truncated"
            parts.append(text + (": raise max_new_tokens" if truncated > 0.3 else ""))
        if (entropy := mean_of(recent, "entropy")) is not None:
            text = f"entropy {entropy:.2g}"
            parts.append(text + (": replies hardly vary" if entropy < 0.01 else ""))
        return parts
