"""The judge as callers use it: from a coroutine, or from plain code, even inside a running event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from wherewise.judge.config import JudgeConfig
from wherewise.judge.session import JudgeCounts, Session
from wherewise.judge.tasks.task import JudgeTask, ReplyForm
from wherewise.judge.verdict import Verdict

I = TypeVar("I")  # noqa: E741
R = TypeVar("R", bound=ReplyForm)
T = TypeVar("T")


class Judge:
    """A model behind an OpenAI-compatible URL that judges texts.

        with Judge(JudgeConfig(base_url="http://127.0.0.1:8011/v1", model="judge")) as judge:
            verdicts = judge.run(CORRECTNESS, items)

    Its calls run in an event loop of its own, in a thread of its own, so `run` may be called from anywhere, a running
    event loop included (which it blocks), and `ask` be awaited in any loop; both from several threads at once.

    Args:
        config: Which judge, and how.

    Raises:
        InputError: The key's environment variable is not set, or the cache file cannot be used.
        ModuleNotFoundError: The openai package is missing (extra ``judge``).
    """

    def __init__(self, config: JudgeConfig) -> None:
        self.config = config
        self._session = Session(config)
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._process = os.getpid()
        self._closed = False

    def __repr__(self) -> str:
        return f"Judge({self.config.base_url!r}, {self.config.model!r})"

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, task: JudgeTask[I, R], items: Sequence[I], *, swapped: bool = False) -> list[Verdict]:
        """A verdict an item, in order; returns when all are there.

        A verdict without value means that the item could not be judged: mask it, and with it the rest of its group,
        since a group whose members are judged in part compares what was judged with what wasn't.

        Args:
            task: What to judge.
            items: The task's items.
            swapped: Show the material in reverse order (for measuring the bias of position).

        Raises:
            JudgeStopped: Too many items could not be judged; the run should end.
        """
        future = self._submit(self._session.ask(task, items, swapped=swapped))
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def ask(self, task: JudgeTask[I, R], items: Sequence[I], *, swapped: bool = False) -> list[Verdict]:
        """As `run`, for coroutines."""
        return await asyncio.wrap_future(self._submit(self._session.ask(task, items, swapped=swapped)))

    def counts(self) -> JudgeCounts:
        """Outcomes, requests and tokens so far."""
        return self._session.counts()

    def close(self) -> None:
        """Close connections, cache and thread; verdicts that are still awaited are cancelled."""
        if self._closed:
            return
        self._submit(self._shut()).result()
        self._closed = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread:
            self._thread.join()
        self._loop.close()

    async def _shut(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._session.close()
        await self._loop.shutdown_default_executor()

    def _submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        with self._lock:
            if self._closed or self._process != os.getpid():
                work.close()
                why = "is closed" if self._closed else "belongs to the process that made it; make one in each process"
                raise RuntimeError(f"{self!r} {why}")
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop.run_forever, name="judge", daemon=True)
                self._thread.start()
            return asyncio.run_coroutine_threadsafe(work, self._loop)
