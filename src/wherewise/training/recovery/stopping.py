"""SIGTERM: save at the next step boundary, then end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(kw_only=True, slots=True)
class StopRequest:
    """Whether the run was asked to end.

    Attributes:
        asked: True once SIGTERM came.
    """

    asked: bool = False


@contextmanager
def on_sigterm() -> Iterator[StopRequest]:
    """Note the first SIGTERM instead of dying of it; the second one is deadly again.

    Outside the main thread, where Python takes no signals, nothing is noted.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = signal.getsignal(signal.SIGTERM)

    def note(_number: int, _frame: Any) -> None:
        request.asked = True
        signal.signal(signal.SIGTERM, before)

    signal.signal(signal.SIGTERM, note)
    try:
        yield request
    finally:
        signal.signal(signal.SIGTERM, before)
