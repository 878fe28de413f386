"""Counts of what was judged and what wasn't; too much of the latter stops the run."""

from __future__ import annotations

from collections import Counter, deque

from wherewise.judge.config import BudgetConfig
from wherewise.judge.errors import JudgeStopped
from wherewise.judge.verdict import Outcome


class JudgeBudget:
    """Counts outcomes and stops a run whose judge does not judge.

    Args:
        config: The limits.
        endpoint: URL and model, for the message.
        section: What the message puts before the names of settings.
    """

    def __init__(self, config: BudgetConfig, endpoint: str, section: str = "judge.") -> None:
        self._config = config
        self._section = section
        self._endpoint = endpoint
        self._recent: deque[bool] = deque(maxlen=max(config.window, config.min_calls))
        self.counts: Counter[Outcome] = Counter()
        """Items by outcome, since the start."""

    @property
    def none_share(self) -> float:
        """Share of unjudged items among the last ones; 0 before the first."""
        return self._recent.count(False) / len(self._recent) if self._recent else 0.0

    def record(self, outcome: Outcome, note: str = "") -> None:
        """Count one item.

        Args:
            outcome: How it ended.
            note: What the last failure said.

        Raises:
            JudgeStopped: The share of unjudged items is above the limit.
        """
        self.counts[outcome] += 1
        self._recent.append(outcome.judged)
        if len(self._recent) < self._config.min_calls or self.none_share <= self._config.max_none_share:
            return
        missing = self._recent.count(False)
        reasons = ", ".join(f"{name.value} {count}" for name, count in self.counts.most_common() if not name.judged)
        raise JudgeStopped(
            f"the judge at {self._endpoint} left {missing} of the last {len(self._recent)} items unjudged "
            f"({self.none_share:.0%}, limit {self._config.max_none_share:.0%}; since the start: {reasons})"
            + (f"; last: {note}" if note and not outcome.judged else "")
            + ". Nothing of it was scored 0. Fix: see that the server is up and fast enough "
            f"('wherewise judge check CONFIG'), or raise {self._section}budget.max_none_share"
        )
