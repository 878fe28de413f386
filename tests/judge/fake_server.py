"""A real HTTP server on loopback that speaks chat completions and misbehaves as told.

    with FakeServer([Fault(503), Fault(429, headers={"Retry-After": "1"}), Say('{"score": 7}')]) as server:
        AsyncOpenAI(base_url=server.url, api_key="none")

The script is a sequence (one behaviour a request, the last one for all further ones) or a function of the request. It
runs in a thread of its own on plain asyncio streams, so that connections can be cut, dribbled and flooded. `stop` cuts
everything and frees the port; `start` listens on the same port again.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What a client sent.

    Attributes:
        number: 0 for the first request of the server's life.
        path: Path of the URL.
        headers: Lower-case names.
        body: The JSON body; {} without one.
        time: Seconds on the monotonic clock at which it had been read.
    """

    number: int
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    time: float

    @property
    def text(self) -> str:
        """All texts of all messages, joined."""
        parts: list[str] = []
        for message in self.body.get("messages", ()):
            content = message["content"]
            if isinstance(content, str):
                parts.append(content)
            else:
                parts += [part["text"] for part in content if part["type"] == "text"]
        return "\n".join(parts)

    @property
    def images(self) -> list[str]:
        """The URLs of all pictures."""
        contents = [message["content"] for message in self.body.get("messages", ())]
        parts = [part for content in contents if not isinstance(content, str) for part in content]
        return [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]

    @property
    def format(self) -> str:
        """Type of the asked response format; "" without one."""
        return str((self.body.get("response_format") or {}).get("type", ""))


@dataclass(frozen=True, slots=True)
class Say:
    """A proper chat completion.

    Attributes:
        content: What the model says.
        delay: Seconds before it is sent.
        finish: ``finish_reason``.
        tokens: Prompt and completion tokens of ``usage``; None leaves usage out.
    """

    content: str | None
    delay: float = 0.0
    finish: str = "stop"
    tokens: tuple[int, int] | None = (100, 10)


@dataclass(frozen=True, slots=True)
class Fault:
    """An HTTP status with a body; any status, 200 included."""

    status: int
    body: str = '{"error": {"message": "scripted fault"}}'
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends after so many bytes of a proper reply; 0 cuts before the status line."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Flood:
    """A reply of so many bytes, in the completion's content or (status not 200) in the body."""

    size: int
    status: int = 200


@dataclass(frozen=True, slots=True)
class Dribble:
    """A proper reply sent byte by byte, ``pause`` seconds apart: no single read times out, all of them together do."""

    content: str
    pause: float


Behaviour = Say | Fault | Cut | Flood | Dribble
Script = Sequence[Behaviour] | Callable[[Request], Behaviour]


def completion(say: Say, model: str = "fake") -> bytes:
    """A chat completion as JSON."""
    reply: dict[str, Any] = {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [
            {"index": 0, "finish_reason": say.finish, "message": {"role": "assistant", "content": say.content}}
        ],
    }
    if say.tokens:
        sent, received = say.tokens
        reply["usage"] = {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received}
    return json.dumps(reply).encode()


class FakeServer:
    """The server; a context manager.

    Attributes:
        requests: All requests so far, in order.
        most_at_once: The most requests that were under way at one time.
        sent: Bytes written to clients.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request] = []
        self.most_at_once = 0
        self.sent = 0
        self.port = 0
        self._at_once = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Base URL for clients."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> FakeServer:
        self._thread.start()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def start(self) -> None:
        """Listen, on the same port as before."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def stop(self) -> None:
        """Cut all connections and listen no longer."""
        asyncio.run_coroutine_threadsafe(self._die(), self._loop).result()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _die(self) -> None:
        if self._server:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while (request := await self._read(reader)) is not None:
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
                try:
                    alive = await self._answer(request, writer)
                finally:
                    self._at_once -= 1
                if not alive:
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Request | None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            pairs = (line.partition(":") for line in head[1:])
            headers = {name.lower(): value.strip() for name, _, value in pairs if name}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
        except asyncio.IncompleteReadError:  # the client is gone
            return None
        request = Request(
            number=len(self.requests),
            path=head[0].split(" ")[1],
            headers=headers,
            body=json.loads(body) if body else {},
            time=time.monotonic(),
        )
        self.requests.append(request)
        return request

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Behave as scripted; False ends the connection."""
        script = self.script
        behaviour = script(request) if callable(script) else script[min(request.number, len(script) - 1)]
        match behaviour:
            case Say(delay=delay):
                await asyncio.sleep(delay)
                await self._write(writer, _http(200, completion(behaviour)))
            case Fault(status, body, headers, delay):
                await asyncio.sleep(delay)
                await self._write(writer, _http(status, body.encode(), headers))
            case Cut(after):
                await self._write(writer, _http(200, completion(Say("x" * 4000)))[:after])
                writer.transport.abort() if after == 0 else writer.close()
                return False
            case Flood(size, status):
                body = completion(Say("x" * size)) if status == 200 else b"x" * size
                data = _http(status, body)
                for start in range(0, len(data), 65536):
                    await self._write(writer, data[start : start + 65536])
            case Dribble(content, pause):
                for byte in _http(200, completion(Say(content))):
                    await self._write(writer, bytes([byte]))
                    await asyncio.sleep(pause)
        return True

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        await writer.drain()
        self.sent += len(data)


def _http(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", "Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
