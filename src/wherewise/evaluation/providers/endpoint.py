"""Replies of a model behind an OpenAI-compatible server: vLLM, ``transformers serve``, OpenAI, Anthropic, Google."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from queue import SimpleQueue
from typing import Any

from wherewise.evaluation.protocol import Decoding, MediaLimits
from wherewise.evaluation.providers.base import Reply, Request
from wherewise.evaluation.providers.limit import AdaptiveLimit
from wherewise.evaluation.providers.messages import user_message
from wherewise.judge.cache import CachedReply, ReplyCache
from wherewise.judge.config import EndpointConfig
from wherewise.judge.delivery import Delivery
from wherewise.judge.endpoint import Delivered, Failed
from wherewise.judge.verdict import Outcome
from wherewise.media.errors import MediaError
from wherewise.samples.errors import InputError, RunStopped

FAILURES_IN_A_ROW = 25
"""Samples that failed one after the other, the retries of each spent, after which a run stops."""

_FATAL = (401, 403, 404)
"""Statuses that every further request would get: a wrong key, a forbidden or unknown model or path."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """Where a kind of model is served.

    Attributes:
        base_url: Its OpenAI-compatible API.
        api_key_env: Environment variable of its key.
        max_tokens_field: What it calls the longest reply.
    """

    base_url: str
    api_key_env: str
    max_tokens_field: str


SERVICES: Mapping[str, Service] = {
    "openai": Service(
        base_url="https://api.openai.com/v1",
        api_key_env="OPENAI_API_KEY",
        max_tokens_field="max_completion_tokens",
    ),
    "anthropic": Service(
        base_url="https://api.anthropic.com/v1",
        api_key_env="ANTHROPIC_API_KEY",
        max_tokens_field="max_tokens",
    ),
    "google": Service(
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        api_key_env="GEMINI_API_KEY",
        max_tokens_field="max_tokens",
    ),
}
"""By the word before the colon of ``--model``; another ``--base-url`` makes ``openai`` any compatible server."""


class ProviderStopped(RunStopped):
    """The server does not answer, or refuses every request; what was answered is kept and the run can go on."""


class EndpointProvider:
    """Asks a server, many samples at once.

    The number of requests under way adapts to the server (`AdaptiveLimit`, up to `config.concurrency`). Each reply is
    handed over as it comes. What is in the cache (`config.cache`) is not asked again: its key is the hash of the whole
    request, the bytes of pictures and clips included. A sample whose medium cannot be read, or whose retries are
    spent, fails with the reason, and the others go on; a run whose server is down or refuses the key stops.

    Args:
        service: Word for tables: ``openai``, ``anthropic``, ``google``.
        config: Server, model, patience, cache, prices.
        media: What the model sees.
        decoding: The longest reply; only greedy.

    Raises:
        InputError: The key's variable is not set, the openai package is missing, or the decoding needs a local model.
    """

    batch_size = 256

    def __init__(self, service: str, config: EndpointConfig, *, media: MediaLimits, decoding: Decoding) -> None:
        if find_spec("openai") is None:
            raise InputError("models behind a server need the extra 'judge': pip install 'wherewise[judge]'")
        if decoding.strategy != "greedy":
            raise InputError(f"decoding {decoding.strategy!r} needs a local model; {service} replies are greedy")
        config.api_key()
        self.name = f"{service}:{config.model}"
        self._config = config
        self._media = media
        self._params: dict[str, Any] = {**config.extra_body, config.max_tokens_field: decoding.max_new_tokens}
        for name, value in (("temperature", config.temperature), ("seed", config.seed)):
            if value is not None:
                self._params[name] = value
        identity = {"base_url": config.base_url, "model": config.model, "salt": config.cache_salt, **self._params}
        self.fingerprint = _sha256(identity)
        self._tally: Counter[str] = Counter()
        self._seconds = 0.0
        self._row = 0
        self._limit: AdaptiveLimit | None = None

    def order(self, requests: Sequence[Request]) -> list[Request]:
        """As given."""
        return list(requests)

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """One reply a request, in order."""
        replies = {request.sample_id: reply for batch in self.stream(requests) for request, reply in batch}
        return [replies[request.sample_id] for request in requests]

    def stream(self, requests: Sequence[Request]) -> Generator[list[tuple[Request, Reply]], None, None]:
        """Replies in the order in which they come, each time all that are there.

        Raises:
            ProviderStopped: The server is down, refuses every request, or failed `FAILURES_IN_A_ROW` times.
        """
        answers: SimpleQueue[tuple[Request, Reply] | BaseException | None] = SimpleQueue()
        loop = asyncio.new_event_loop()
        work = loop.create_task(self._answer_all(requests, answers))

        def ask() -> None:
            try:
                loop.run_until_complete(work)
                answers.put(None)
            except BaseException as error:  # handed to the thread that reads the answers, which raises it
                answers.put(error)
            finally:
                loop.run_until_complete(loop.shutdown_default_executor())

        thread = threading.Thread(target=ask, name="endpoint", daemon=True)
        start = time.monotonic()
        thread.start()
        try:
            over = False
            while not over:
                ready: list[tuple[Request, Reply]] = []
                item = answers.get()
                while isinstance(item, tuple):
                    ready.append(item)
                    if answers.empty():
                        break
                    item = answers.get()
                if ready:
                    yield ready
                if isinstance(item, BaseException):
                    raise item
                over = item is None
        finally:
            loop.call_soon_threadsafe(work.cancel)  # nothing happens if it has ended
            thread.join()
            loop.close()
            self._seconds += time.monotonic() - start

    def usage(self) -> dict[str, Any]:
        """What asking took so far: samples, requests, tokens, seconds, and the cost if prices are known."""
        tally = self._tally
        usage: dict[str, Any] = {
            "samples": tally["samples"],
            "cached": tally["cached"],
            "failed": tally["failed"],
            "requests": tally["requests"],
            "requests_per_second": round(tally["requests"] / self._seconds, 1) if self._seconds else 0.0,
            "seconds": round(self._seconds, 3),
            "prompt_tokens": tally["prompt"],
            "completion_tokens": tally["completion"],
            "most_at_once": self._limit.highest if self._limit else 0,
        }
        if self._config.price is not None:
            usage["cost"] = self._config.price.cost(tally["prompt"], tally["completion"])
        return usage

    async def _answer_all(self, requests: Sequence[Request], answers: SimpleQueue[Any]) -> None:
        self._limit = limit = AdaptiveLimit(self._config.concurrency)
        delivery = Delivery(self._config, self._saw)
        cache = ReplyCache(self._config.cache) if self._config.cache else None
        todo = iter(requests)

        async def work() -> None:
            for request in todo:
                async with limit:
                    reply = await self._answer(request, delivery, cache)
                self._tally["samples"] += 1
                self._tally["failed"] += reply.error is not None
                answers.put((request, reply))

        workers = [asyncio.create_task(work()) for _ in range(min(self._config.concurrency, len(requests)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            await delivery.close()
            if cache is not None:
                cache.close()

    def _saw(self, attempt: Delivered | Failed) -> None:
        assert self._limit is not None
        self._tally["requests"] += 1
        if isinstance(attempt, Delivered):
            self._limit.succeeded()
        elif attempt.outcome in (Outcome.RATE_LIMITED, Outcome.TIMEOUT) or attempt.status == 503:
            self._limit.overloaded()

    async def _answer(self, request: Request, delivery: Delivery, cache: ReplyCache | None) -> Reply:
        try:
            message = await asyncio.to_thread(user_message, request, self._media)
        except MediaError as error:
            return Reply(text="", error=str(error))
        body = {"model": self._config.model, "messages": [message], **self._params}
        key = await asyncio.to_thread(self._key, body)
        if cache is not None and (known := cache.get(key)) is not None:
            self._tally["cached"] += 1
            return _reply(known.reply, known.completion_tokens)
        got = await delivery.send(body, key, time.monotonic() + self._config.total_seconds)
        if isinstance(got, Failed):
            return self._failed(got)
        self._row = 0
        self._tally.update({"prompt": got.prompt_tokens, "completion": got.completion_tokens})
        reply = json.dumps({"text": got.text, "truncated": got.finish == "length"}, ensure_ascii=False)
        if cache is not None:
            row = CachedReply(
                reply=reply, path="chat", prompt_tokens=got.prompt_tokens, completion_tokens=got.completion_tokens
            )
            cache.put(key, "evaluation", row)
        return _reply(reply, got.completion_tokens)

    def _key(self, body: Mapping[str, Any]) -> str:
        return _sha256({"base_url": self._config.base_url, "salt": self._config.cache_salt, **body})

    def _failed(self, failure: Failed) -> Reply:
        """The sample's failure.

        Raises:
            ProviderStopped: It would be everybody's.
        """
        self._row += 1
        if failure.outcome is Outcome.CIRCUIT_OPEN or failure.status in _FATAL or self._row >= FAILURES_IN_A_ROW:
            why = "the server is down" if failure.outcome is Outcome.CIRCUIT_OPEN else failure.outcome.value
            raise ProviderStopped(
                f"{self._config.base_url}, model {self._config.model}: {why}: {failure.note}. "
                "What was answered is kept. Fix: see that the server is up, and that --base-url, the model's name and "
                "the key are right; then run the same command again, with --retry-failed if samples failed before"
            )
        return Reply(text="", error=f"{failure.outcome.value}: {failure.note}")


def _reply(stored: str, tokens: int) -> Reply:
    data = json.loads(stored)
    return Reply(text=data["text"], truncated=data["truncated"], tokens=tokens)


def _sha256(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
