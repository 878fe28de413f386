"""How many requests are under way at once: more while the server keeps up, half as many when it doesn't."""

from __future__ import annotations

import asyncio
from collections import deque


class AdaptiveLimit:
    """Slots whose number follows the server: additive increase, multiplicative decrease (Chiu and Jain 1989).

    It begins with few slots and adds one with each success until the first overload; from then on it halves them at
    each overload and adds one per round of successes. Overloads of requests that were under way at the last halving
    are the same event and don't halve again. Use it inside one event loop.

    Attributes:
        lowest: Fewest slots so far.
        highest: Most slots so far.

    Args:
        most: Most slots.
        start: Slots at the beginning.
    """

    def __init__(self, most: int, start: int = 4) -> None:
        self._most = float(most)
        self._slots = float(min(start, most))
        self._busy = 0
        self._deaf = 0
        self._seen_overload = False
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.lowest = self.highest = int(self._slots)

    @property
    def slots(self) -> int:
        """Slots now; at least 1."""
        return int(self._slots)

    async def __aenter__(self) -> None:
        while self._busy >= self.slots:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._wake()
                raise
        self._busy += 1

    async def __aexit__(self, *_: object) -> None:
        self._busy -= 1
        self._wake()

    def succeeded(self) -> None:
        """A reply came."""
        self._deaf = max(0, self._deaf - 1)
        step = 1 / self._slots if self._seen_overload else 1.0
        self._slots = min(self._most, self._slots + step)
        self.highest = max(self.highest, self.slots)
        self._wake()

    def overloaded(self) -> None:
        """The server was too busy: status 429 or 503, or no reply in time."""
        if self._deaf:
            self._deaf -= 1
            return
        self._seen_overload = True
        self._slots = max(1.0, self._slots / 2)
        self._deaf = max(0, self._busy - 1)
        self.lowest = min(self.lowest, self.slots)

    def _wake(self) -> None:
        free = self.slots - self._busy
        while free > 0 and self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                free -= 1
