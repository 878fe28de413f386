"""One attempt at one call: the openai SDK, with a deadline, a size limit and typed failures."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wherewise.judge.backoff import retry_after_seconds
from wherewise.judge.config import EndpointConfig
from wherewise.judge.verdict import Outcome

_SHOWN = 300
"""Characters of a server's message that a note repeats."""

_ERROR_BYTES = 4096
"""Bytes of an error's body that are read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivered:
    """A chat completion.

    Attributes:
        text: What the model wrote.
        finish: Why it ended (``stop``, ``length``), as the server says.
        prompt_tokens: Tokens sent; 0 if the server doesn't count.
        completion_tokens: Tokens received.
    """

    text: str
    finish: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """No chat completion.

    Attributes:
        outcome: What kind of failure.
        note: The failure in words, without the key.
        status: HTTP status, 0 if there was none.
        retry_after: Seconds that the server asks to wait, if it does.
        passing: True if trying again may help.
    """

    outcome: Outcome
    note: str
    status: int = 0
    retry_after: float | None = None
    passing: bool = False


class _BadStatus(Exception):
    """A reply whose status isn't 2xx, raised before its body is read."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.headers = headers
        self.body = body


class Endpoint:
    """A server that speaks OpenAI's chat completions.

    Use it inside one event loop. Its key is in no attribute that is shown, logged or put into a failure.

    Raises:
        InputError: The key's environment variable is not set.
    """

    def __init__(self, config: EndpointConfig) -> None:
        import openai

        self._config = config
        self._key = config.api_key()
        self._errors = openai
        # openai 2 speaks through httpx, openai 3 through httpx2: the module of the client that it builds upon.
        self._transport: Any = sys.modules[openai.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0]]
        self._client = openai.AsyncOpenAI(
            base_url=config.base_url,
            api_key=self._key or "none",
            max_retries=0,
            timeout=config.request_seconds,
            default_headers={"Accept-Encoding": "identity"},
            http_client=openai.DefaultAsyncHttpxClient(
                follow_redirects=False,
                event_hooks={"response": [_refuse_bad_status]},
                limits=self._transport.Limits(max_connections=config.concurrency),
            ),
        )
        # These come from the environment, and are nothing to tell another server.
        self._client.organization = self._client.project = None

    def __repr__(self) -> str:
        return f"Endpoint({self._config.base_url!r}, {self._config.model!r})"

    def clean(self, text: str) -> str:
        """The text without the key, wherever a server may have repeated it."""
        return text.replace(self._key, "[key]") if self._key else text

    async def send(self, body: Mapping[str, Any], seconds: float) -> Delivered | Failed:
        """One attempt.

        Args:
            body: The request as JSON.
            seconds: Deadline of all of it, the reading of the reply included.
        """
        try:
            async with asyncio.timeout(seconds):
                data = await self._read(body)
        except TimeoutError:
            return self._timeout(seconds)
        except _BadStatus as error:
            return self._status(error)
        except self._errors.APITimeoutError:
            return self._timeout(seconds)
        except self._errors.APIConnectionError as error:
            if isinstance(error.__cause__, _BadStatus):
                return self._status(error.__cause__)
            return self._connection(error.__cause__ or error)
        except self._transport.HTTPError as error:
            return self._connection(error)
        if data is None:
            return Failed(
                outcome=Outcome.TOO_LARGE, note=f"the reply passed {self._config.max_reply_bytes} bytes and was dropped"
            )
        return self._completion(data)

    async def _read(self, body: Mapping[str, Any]) -> bytes | None:
        """The reply's body; None if it is too long."""
        data = bytearray()
        rest = {key: value for key, value in body.items() if key not in ("model", "messages")}
        create = self._client.chat.completions.with_streaming_response.create
        async with create(model=body["model"], messages=body["messages"], extra_body=rest) as reply:
            async for chunk in reply.iter_bytes(65536):
                data += chunk
                if len(data) > self._config.max_reply_bytes:
                    return None
        return bytes(data)

    def _completion(self, data: bytes) -> Delivered | Failed:
        try:
            reply = json.loads(data)
            choice = reply["choices"][0]
            text = choice["message"].get("content")
            usage = reply.get("usage") or {}
            delivered = Delivered(
                text=self.clean(text.encode("utf-8", "replace").decode("utf-8")) if isinstance(text, str) else "",
                finish=str(choice.get("finish_reason")),
                prompt_tokens=_count(usage.get("prompt_tokens")),
                completion_tokens=_count(usage.get("completion_tokens")),
            )
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            shown = self._shown(data)
            return Failed(outcome=Outcome.MALFORMED, note=f"not a chat completion: {shown}", status=200, passing=True)
        return delivered

    def _status(self, error: _BadStatus) -> Failed:
        match error.status:
            case 429:
                outcome = Outcome.RATE_LIMITED
            case 408:
                outcome = Outcome.TIMEOUT
            case status if status >= 500:
                outcome = Outcome.SERVER_ERROR
            case _:
                outcome = Outcome.REJECTED
        return Failed(
            outcome=outcome,
            note=f"status {error.status}: {self._shown(error.body)}",
            status=error.status,
            retry_after=retry_after_seconds(error.headers),
            passing=outcome is not Outcome.REJECTED and error.status != 501,
        )

    def _timeout(self, seconds: float) -> Failed:
        return Failed(outcome=Outcome.TIMEOUT, note=f"no reply within {seconds:.3g} s", passing=True)

    def _connection(self, error: BaseException) -> Failed:
        what = self.clean(f"{type(error).__name__}: {error}")[:_SHOWN]
        return Failed(outcome=Outcome.CONNECTION, note=f"connection: {what}", passing=True)

    def _shown(self, body: bytes) -> str:
        text = " ".join(self.clean(body.decode("utf-8", "replace")).split())
        return repr(text[:_SHOWN]) if text else "no message"

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


async def _refuse_bad_status(response: Any) -> None:
    """Raise on a bad status, having read no more of its body than a message needs."""
    if 200 <= response.status_code < 300:
        return
    body = bytearray()
    async for chunk in response.aiter_bytes(1024):
        body += chunk
        if len(body) >= _ERROR_BYTES:
            break
    raise _BadStatus(response.status_code, response.headers, bytes(body[:_ERROR_BYTES]))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0
