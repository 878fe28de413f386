"""No more requests a minute than a service allows."""

from __future__ import annotations

import asyncio
import time


class Pace:
    """Gives each request its moment, evenly spread. Use it inside one event loop.

    Args:
        per_minute: Most requests a minute; None for no limit.
    """

    def __init__(self, per_minute: float | None) -> None:
        self._gap = 0.0 if per_minute is None else 60.0 / per_minute
        self._next = 0.0

    async def turn(self, deadline: float) -> bool:
        """Wait for the next moment; False, at once, if that lies behind the deadline.

        Args:
            deadline: Moment on the monotonic clock.
        """
        if not self._gap:
            return True
        now = time.monotonic()
        moment = max(now, self._next)
        if moment >= deadline:
            return False
        self._next = moment + self._gap
        await asyncio.sleep(moment - now)
        return True
