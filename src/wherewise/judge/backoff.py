"""How long to wait before a retry."""

from __future__ import annotations

import email.utils
import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime


def backoff_seconds(attempt: int, *, base: float, longest: float, seed: int, key: str) -> float:
    """``min(longest, base * 2**attempt)`` times a jitter in [0.5, 1] that depends on seed, request and attempt alone.

    Args:
        attempt: 0 before the first retry.
        base: Seconds before the first retry.
        longest: Upper limit in seconds.
        seed: Of the jitter.
        key: The request's key, so that requests that failed together don't come back together.
    """
    wait = min(longest, base * 2.0 ** min(attempt, 64))
    return wait * (0.5 + 0.5 * random.Random(f"{seed}:{key}:{attempt}").random())


def retry_after_seconds(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """What ``Retry-After`` (seconds or an HTTP date) asks for; None without a readable one.

    >>> retry_after_seconds({"retry-after": "2"})
    2.0
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.replace(".", "", 1).isdigit() and text.isascii():
        seconds = float(text)
        return seconds if math.isfinite(seconds) else None
    when = email.utils.parsedate_tz(text)
    if when is None:
        return None
    at = datetime.fromtimestamp(email.utils.mktime_tz(when), UTC)
    return max(0.0, (at - (now or datetime.now(UTC))).total_seconds())
