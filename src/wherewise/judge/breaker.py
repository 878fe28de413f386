"""The circuit breaker: a server that is down is left alone for a while."""

from __future__ import annotations

from collections.abc import Callable

from wherewise.judge.config import BreakerConfig


class Breaker:
    """Closed (calls pass), open (calls are refused) or half-open (one probe is under way).

    Args:
        config: When to open, and for how long.
        clock: Seconds on any monotonic clock.
    """

    def __init__(self, config: BreakerConfig, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self._failures = 0
        self._opened: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """True while calls are refused or a probe decides."""
        return self._opened is not None

    @property
    def failures(self) -> int:
        """Failed calls since the last success."""
        return self._failures

    def admit(self) -> bool:
        """True if a call may start now; the first one after the cooldown is the probe."""
        if self._opened is None:
            return True
        if self._probing or self._clock() - self._opened < self._config.cooldown_seconds:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """The server answered: the circuit closes."""
        self._failures, self._opened, self._probing = 0, None, False

    def failed(self) -> None:
        """A call failed for good: count it, and open the circuit at the limit or after a failed probe."""
        self._failures += 1
        if self._failures >= self._config.failures:
            self._opened, self._probing = self._clock(), False

    def abandoned(self) -> None:
        """A call was cancelled: if it was the probe, the next call is."""
        self._probing = False
