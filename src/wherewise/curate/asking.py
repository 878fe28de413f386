"""Many requests at once until each has a reply, or there is nothing more to hope for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

from wherewise.judge.judge import Judge
from wherewise.judge.tasks.task import JudgeTask, ReplyForm
from wherewise.judge.verdict import Outcome, Verdict
from wherewise.samples.errors import RunStopped

I = TypeVar("I")  # noqa: E741
R = TypeVar("R", bound=ReplyForm)

PASSING = {
    *(Outcome.MALFORMED, Outcome.TIMEOUT, Outcome.CONNECTION, Outcome.SERVER_ERROR, Outcome.RATE_LIMITED),
    Outcome.CIRCUIT_OPEN,
}
"""Failures of the server, not of the request."""

PASSES = 4
"""Times that a request is made, each time with all its retries, before it is given up."""


def ask_all(
    judge: Judge, task: JudgeTask[I, R], items: Mapping[str, I], on_reply: Callable[[str, Verdict], None]
) -> None:
    """Ask about items, several at once, and hand over each reply as it comes.

    A failure of the server is no reply: its items are asked about again when the others are done. One that fails
    `PASSES` times while the others are answered is handed over as the failure that it is.

    Args:
        judge: The model.
        task: What to ask.
        items: What about, by key.
        on_reply: Called with each key and what came of it; once a key.

    Raises:
        RunStopped: The server is down or refuses every request; what was handed over is safe.
        JudgeStopped: Too few replies can be used.
    """
    if items:
        asyncio.run(_ask_all(judge, task, dict(items), on_reply))


async def _ask_all(
    judge: Judge, task: JudgeTask[I, R], waiting: dict[str, I], on_reply: Callable[[str, Verdict], None]
) -> None:
    answered = 0
    for turn in range(PASSES):
        failed: dict[str, Verdict] = {}

        async def one(key: str, item: I, failed: dict[str, Verdict]) -> None:
            nonlocal answered
            [verdict] = await judge.ask(task, [item])
            if verdict.outcome in PASSING or verdict.outcome is Outcome.REJECTED:
                failed[key] = verdict
            else:
                answered += 1
                on_reply(key, verdict)

        jobs = [asyncio.create_task(one(key, item, failed)) for key, item in waiting.items()]
        try:
            await asyncio.gather(*jobs)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
        if failed and not answered:
            raise _stopped(judge, failed)
        last = turn == PASSES - 1
        for key, verdict in failed.items():
            if last or verdict.outcome is Outcome.REJECTED:
                on_reply(key, verdict)
        waiting = {key: waiting[key] for key, verdict in failed.items() if verdict.outcome in PASSING}
        if last or not waiting:
            return
        if any(verdict.outcome is Outcome.CIRCUIT_OPEN for verdict in failed.values()):
            await asyncio.sleep(judge.config.breaker.cooldown_seconds)


def _stopped(judge: Judge, failed: Mapping[str, Verdict]) -> RunStopped:
    key, verdict = next(iter(failed.items()))
    return RunStopped(
        f"{judge.config.base_url}, model {judge.config.model}: none of {len(failed)} requests was answered; {key}: "
        f"{verdict.outcome}: {verdict.note}. All replies until now are kept. Fix: see that the server is up and that "
        "URL, model and key are right, then give the same command again; a single picture that fails again and again "
        "can be named in skip"
    )
