"""Items in, verdicts out, inside one event loop: cache, modes, repairs, retries, circuit, budget."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from wherewise.judge.budget import JudgeBudget
from wherewise.judge.cache import CachedReply, ReplyCache
from wherewise.judge.config import JudgeConfig
from wherewise.judge.delivery import Delivery
from wherewise.judge.endpoint import Delivered, Failed
from wherewise.judge.request import Prompt, harmless, request_key
from wherewise.judge.schema import ReplyMode, portable_schema, read_reply, response_format
from wherewise.judge.tasks.task import JudgeTask, Reading, ReplyForm
from wherewise.judge.verdict import Outcome, Verdict

I = TypeVar("I")  # noqa: E741
R = TypeVar("R", bound=ReplyForm)

_REFUSES_MODE = (400, 422, 501)
"""Statuses with which servers say that they don't know a ``response_format``."""

_REPEATED = 4000
"""Characters of a misfit reply that are sent back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeCounts:
    """What a judge has done so far.

    Attributes:
        outcomes: Items by outcome; items that needed no judge are in none.
        cached: Items whose reply was known: from the cache, or asked for by an equal item of the same batch.
        requests: Requests sent, retries and repairs included.
        prompt_tokens: Tokens sent for replies that were read.
        completion_tokens: Tokens received in them.
    """

    outcomes: Mapping[Outcome, int]
    cached: int
    requests: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def unjudged(self) -> int:
        """Items without verdict."""
        return sum(count for outcome, count in self.outcomes.items() if not outcome.judged)


class Session:
    """The judge's state. All its coroutines belong to one event loop.

    Args:
        config: Which judge, and how.

    Raises:
        InputError: The key's variable is missing, or the cache file cannot be used.
    """

    def __init__(self, config: JudgeConfig) -> None:
        self._config = config
        self._delivery = Delivery(config)
        self._cache = ReplyCache(config.cache) if config.cache else None
        self._budget = JudgeBudget(config.budget, f"{config.base_url} (model {config.model})", config._section)
        self._free = asyncio.Semaphore(config.concurrency)
        self._modes = [*ReplyMode] if config.reply_mode == "auto" else [ReplyMode(config.reply_mode)]
        self._proven = False
        self._params: dict[str, Any] = dict(config.extra_body)
        self._params[config.max_tokens_field] = config.max_tokens
        for name, value in (("temperature", config.temperature), ("seed", config.seed)):
            if value is not None:
                self._params[name] = value
        self._tally: Counter[str] = Counter()

    def counts(self) -> JudgeCounts:
        """What was done so far."""
        tally = self._tally
        return JudgeCounts(
            outcomes=dict(self._budget.counts),
            cached=tally["cached"],
            requests=self._delivery.requests,
            prompt_tokens=tally["prompt"],
            completion_tokens=tally["completion"],
        )

    async def ask(self, task: JudgeTask[I, R], items: Sequence[I], *, swapped: bool = False) -> list[Verdict]:
        """A verdict an item, in order; equal items are asked about once.

        Raises:
            JudgeStopped: Too many items could not be judged.
        """
        schema = portable_schema(task.form)
        verdicts: list[Verdict | None] = [_settled(task.settled(item)) for item in items]
        prompts: dict[str, Prompt] = {}
        places: dict[str, list[int]] = {}
        for place, item in enumerate(items):
            if verdicts[place] is None:
                prompt = task.prompt(item, swapped=swapped)
                key = request_key(
                    prompt,
                    model=self._config.model,
                    params=self._params,
                    schema={"task": task.name, **schema},
                    salt=self._config.cache_salt,
                )
                prompts[key] = prompt
                places.setdefault(key, []).append(place)

        async def judge(key: str) -> None:
            verdict = await self._judge(task, prompts[key], key, schema)
            for place in places[key]:
                verdicts[place] = verdict
                self._tally["cached"] += verdict.cached
                self._budget.record(verdict.outcome, verdict.note)
                verdict = replace(verdict, cached=True, seconds=0.0) if verdict.outcome.judged else verdict

        jobs = [asyncio.create_task(judge(key)) for key in prompts]
        try:
            await asyncio.gather(*jobs)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
        return [verdict for verdict in verdicts if verdict is not None]

    async def close(self) -> None:
        """Close connections and cache."""
        await self._delivery.close()
        if self._cache is not None:
            self._cache.close()

    async def _judge(self, task: JudgeTask[Any, R], prompt: Prompt, key: str, schema: Mapping[str, Any]) -> Verdict:
        """One request's verdict, from the cache or from the server."""
        known = None if self._cache is None else self._cache.get(key)
        if known is not None:
            reply = task.form.model_validate_json(known.reply, strict=True)
            return replace(task.verdict(reply), path=known.path, cached=True)
        async with self._free:
            start = time.monotonic()
            deadline = start + self._config.total_seconds
            messages, problem, prompt_tokens, completion_tokens = prompt.messages(), "", 0, 0
            misfits: tuple[tuple[str, str], ...] = ()
            for repair in range(self._config.repairs + 1):
                got, mode = await self._in_some_mode(task.name, messages, schema, key, deadline)
                if isinstance(got, Failed):
                    seconds = time.monotonic() - start
                    return Verdict(
                        value=None,
                        note=got.note,
                        outcome=got.outcome,
                        path=mode.value,
                        seconds=seconds,
                        misfits=misfits,
                    )
                prompt_tokens += got.prompt_tokens
                completion_tokens += got.completion_tokens
                self._tally.update({"prompt": got.prompt_tokens, "completion": got.completion_tokens})
                read = read_reply(task.form, got.text)
                if not isinstance(read, str):
                    path = mode.value + ("+repair" if repair else "")
                    if self._cache is not None:
                        row = CachedReply(
                            reply=read.model_dump_json(),
                            path=path,
                            prompt_tokens=prompt_tokens,
                            completion_tokens=completion_tokens,
                        )
                        self._cache.put(key, task.name, row)
                    return replace(
                        task.verdict(read),
                        path=path,
                        seconds=time.monotonic() - start,
                        prompt_tokens=prompt_tokens,
                        completion_tokens=completion_tokens,
                        misfits=misfits,
                    )
                problem = read + (" (it was cut off at max_tokens)" if got.finish == "length" else "")
                misfits = (*misfits, (got.text, problem))
                messages = [*messages, *_repair(got.text, problem)]
            return Verdict(
                value=None,
                note=f"the reply does not fit the schema: {problem}",
                outcome=Outcome.UNPARSABLE,
                path=mode.value,
                seconds=time.monotonic() - start,
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
                misfits=misfits,
            )

    async def _in_some_mode(
        self, name: str, messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any], key: str, deadline: float
    ) -> tuple[Delivered | Failed, ReplyMode]:
        """Deliver with the strictest mode that the server takes; a lower one is kept once it has worked."""
        first: Failed | None = None
        modes = self._modes
        for mode in modes:
            proven = self._proven and self._modes[0] is mode
            body = {"model": self._config.model, "messages": list(messages), **self._params}
            form = response_format(mode, name, schema)
            if form is not None:
                body["response_format"] = form
            got = await self._delivery.send(body, key, deadline)
            if isinstance(got, Delivered):
                if len(self._modes) >= len(modes):  # unless another call has gone further down meanwhile
                    self._modes, self._proven = modes[modes.index(mode) :], True
                return got, mode
            first = first or got
            if proven or got.status not in _REFUSES_MODE:
                break
        assert first is not None
        return first, modes[0]


def _settled(reading: Reading | None) -> Verdict | None:
    return None if reading is None else Verdict(value=reading.value, note=reading.note)


def _repair(text: str, problem: str) -> list[dict[str, str]]:
    """What is added to the conversation after a reply that does not fit."""
    shown = harmless(text[:_REPEATED]).strip() or "(nothing)"
    return [
        {"role": "assistant", "content": shown},
        {
            "role": "user",
            "content": f"That reply does not have the asked form: {problem}. The rules are unchanged. "
            "Reply again with the one JSON object in that form and nothing else.",
        },
    ]
