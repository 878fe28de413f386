"""One request until it is answered: retries, Retry-After, deadline and circuit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from wherewise.judge.backoff import backoff_seconds
from wherewise.judge.breaker import Breaker
from wherewise.judge.config import EndpointConfig
from wherewise.judge.endpoint import Delivered, Endpoint, Failed
from wherewise.judge.pace import Pace
from wherewise.judge.verdict import Outcome


class Delivery:
    """An endpoint with patience. Use it inside one event loop.

    Attributes:
        requests: Requests sent, retries included.

    Args:
        config: Which endpoint, and how patiently.
        on_attempt: Called with what came of each single attempt.

    Raises:
        InputError: The key's environment variable is not set.
    """

    def __init__(self, config: EndpointConfig, on_attempt: Callable[[Delivered | Failed], None] | None = None) -> None:
        self.requests = 0
        self._config = config
        self._endpoint = Endpoint(config)
        self._breaker = Breaker(config.breaker, time.monotonic)
        self._on_attempt = on_attempt
        self._pace = Pace(config.requests_per_minute)

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()

    async def send(self, body: Mapping[str, Any], key: str, deadline: float) -> Delivered | Failed:
        """One request with its retries, as circuit and deadline allow.

        Args:
            body: The request as JSON.
            key: The request's hash, for the jitter.
            deadline: Moment on the monotonic clock after which nothing is tried any more.
        """
        config, attempts = self._config, 0
        last: Failed | None = None
        for attempt in range(config.retries + 1):
            if not await self._pace.turn(deadline):
                break
            left = deadline - time.monotonic()
            if left <= 0:
                break
            if not self._breaker.admit():
                note = f"not sent: {self._breaker.failures} calls in a row failed before it"
                return Failed(outcome=Outcome.CIRCUIT_OPEN, note=note if last is None else f"{note}; last: {last.note}")
            self.requests += 1
            attempts += 1
            try:
                got = await self._endpoint.send(body, min(config.request_seconds, left))
            except BaseException:
                self._breaker.abandoned()
                raise
            if self._on_attempt is not None:
                self._on_attempt(got)
            if isinstance(got, Delivered) or not got.passing:
                self._breaker.succeeded()
                return got
            last, wait = got, got.retry_after
            if wait is None:
                wait = backoff_seconds(
                    attempt,
                    base=config.backoff_seconds,
                    longest=config.backoff_max_seconds,
                    seed=config.seed or 0,
                    key=key,
                )
            if self._breaker.is_open or attempt == config.retries or time.monotonic() + wait >= deadline:
                break
            await asyncio.sleep(wait)
        if last is None:
            return Failed(outcome=Outcome.TIMEOUT, note=f"{config.total_seconds:.3g} s passed")
        if last.outcome is Outcome.RATE_LIMITED:
            self._breaker.succeeded()
        else:
            self._breaker.failed()
        asked = "" if last.retry_after is None else f", Retry-After {last.retry_after:.3g} s"
        return replace(last, note=f"{last.note} ({attempts} attempt{'s' * (attempts > 1)}{asked})")
