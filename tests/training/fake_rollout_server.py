"""A real HTTP server on loopback that answers as vLLM does, and misbehaves as told.

It renders prompts with a real processor, so that its ``prompt_token_ids`` are right; its completions are random tokens
that depend on the request's seed and on the weights it was given. ``faults`` are used up one by one by requests for
completions. ``stop`` cuts everything; ``start`` listens on the same port again, and has forgotten its weights, as a
restarted server has.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import PIL.Image

from wherewise.models.inputs import encode_prompt

Reply = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """An HTTP status instead of completions."""

    status: int
    body: str = '{"error": {"message": "scripted fault"}}'


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer for so long."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends without an answer."""


@dataclass(frozen=True, slots=True)
class Spoil:
    """A proper reply, changed."""

    change: Callable[[Reply], None]


@dataclass(frozen=True, slots=True)
class Restart:
    """The server goes down, is away for so long, and comes back without its weights."""

    seconds: float = 0.0


Misbehaviour = Fault | Hang | Cut | Spoil | Restart


def picture(url: str) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")


def clip(url: str, arguments: dict[str, Any]) -> Any:
    frames = [picture(f"data:,{part}") for part in url.partition(",")[2].split(",")]
    times = [index / arguments["fps"] for index in arguments["frames_indices"]]
    return SimpleNamespace(array=np.stack([np.asarray(frame) for frame in frames]), times=times)


@dataclass(kw_only=True, slots=True)
class FakeRolloutServer:
    """The server; a context manager.

    Attributes:
        processor: Renders prompts.
        faults: What the next requests for completions meet, in order.
        adapters: Names and folders of loaded adapters.
        version: The weights that were reloaded last.
        chats: Bodies of all requests for completions.
        orders: Paths of all other POSTs.
        most_at_once: The most requests for completions at one time.
        dynamic: Whether weights are taken at run time.
    """

    processor: Any
    faults: deque[Misbehaviour] = field(default_factory=deque)
    adapters: dict[str, str] = field(default_factory=dict)
    version: str = "default"
    chats: list[Reply] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    most_at_once: int = 0
    dynamic: bool = True
    logprobs_mode: str = "processed_logprobs"
    vocabulary: int = 0
    port: int = 0
    _at_once: int = 0
    _server: Any = None
    _connections: set[Any] = field(default_factory=set)
    _lock: Any = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> FakeRolloutServer:
        self.vocabulary = len(self.processor.tokenizer)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; all weights are forgotten."""
        self.adapters.clear()
        self.version = "default"
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def do_GET(self) -> None:
                fake.get(self)

            def do_POST(self) -> None:
                with fake.connected(self):
                    body = self.rfile.read(int(self.headers.get("content-length", "0")))
                    fake.post(self, json.loads(body or b"{}"))

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_: object) -> None: ...

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Cut all connections and listen no longer."""
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._connections):
            connection.close_connection = True
            connection.connection.close()

    @contextmanager
    def connected(self, handler: Any) -> Iterator[None]:
        self._connections.add(handler)
        try:
            yield
        finally:
            self._connections.discard(handler)

    # ------------------------------------------------------------------ routes

    def get(self, handler: Any) -> None:
        if handler.path == "/health":
            send(handler, 200, "")
        elif handler.path == "/v1/models":
            roots = {"policy": "policy", **self.adapters}
            send(handler, 200, {"data": [{"id": n, "root": r, "max_model_len": 2048} for n, r in roots.items()]})
        elif handler.path == "/weight_info" and self.dynamic:
            send(handler, 200, {"weight_version": self.version})
        else:
            send(handler, 404, {"detail": "Not Found"})

    def post(self, handler: Any, body: Reply) -> None:
        if handler.path == "/v1/chat/completions":
            self.chat(handler, body)
            return
        self.orders.append(handler.path)
        name = str(body.get("lora_name", ""))
        match handler.path:
            case _ if not self.dynamic:
                send(handler, 404, {"detail": "Not Found"})
            case "/v1/load_lora_adapter" if not name:
                send(handler, 400, {"error": {"message": "Both 'lora_name' and 'lora_path' must be provided."}})
            case "/v1/load_lora_adapter" if name in self.adapters:
                send(handler, 400, {"error": {"message": f"The lora adapter '{name}' has already been loaded."}})
            case "/v1/load_lora_adapter" if not (Path(body["lora_path"]) / "adapter_model.safetensors").is_file():
                send(handler, 404, {"error": {"message": f"Loading lora {name} failed: No adapter found"}})
            case "/v1/load_lora_adapter":
                self.adapters[name] = body["lora_path"]
                send(handler, 200, f"Success: LoRA adapter '{name}' added successfully.")
            case "/v1/unload_lora_adapter":
                self.adapters.pop(name, None)
                send(handler, 200, f"Success: LoRA adapter '{name}' removed successfully.")
            case "/collective_rpc":
                assert body["method"] == "reload_weights"
                assert list(Path(body["kwargs"]["weights_path"]).glob("*.safetensors"))
                send(handler, 200, {"results": [None]})
            case "/reset_prefix_cache":
                send(handler, 200, {"success": True})
            case "/reset_mm_cache" | "/reset_encoder_cache":
                send(handler, 200, "")
            case "/update_weight_version":
                self.version = body["new_version"]
                send(handler, 200, {"success": True})
            case _:
                send(handler, 404, {"detail": "Not Found"})

    def chat(self, handler: Any, body: Reply) -> None:
        if "n" not in body:  # the trainer asks what kind of server this is
            send(handler, 200, self.reply(body))
            return
        with self._lock:
            self.chats.append(body)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            fault = self.faults.popleft() if self.faults else None
        try:
            self._answer(handler, body, fault)
        finally:
            with self._lock:
                self._at_once -= 1

    def _answer(self, handler: Any, body: Reply, fault: Misbehaviour | None) -> None:
        match fault:
            case Fault(status, text):
                send(handler, status, text)
                return
            case Cut():
                handler.connection.close()
                return
            case Restart(seconds):
                threading.Thread(target=self.restart, args=(seconds,), daemon=True).start()
                time.sleep(0.2)
                return
            case Hang(seconds):
                time.sleep(seconds)
        if body["model"] != "policy" and body["model"] not in self.adapters:
            send(handler, 404, {"error": {"message": f"The model `{body['model']}` does not exist."}})
            return
        reply = self.reply(body)
        if isinstance(fault, Spoil):
            fault.change(reply)
        send(handler, 200, reply)

    def restart(self, seconds: float) -> None:
        """Go down, stay away, come back without any weights."""
        self.stop()
        time.sleep(seconds)
        self.start()

    # ------------------------------------------------------------------ completions

    def reply(self, body: Reply) -> Reply:
        return {
            "prompt_token_ids": self.prompt_ids(body),
            "choices": [self.choice(body, index) for index in range(body.get("n", 1))],
        }

    def prompt_ids(self, body: Reply) -> list[int]:
        content = body["messages"][0]["content"]
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        arguments = body.get("media_io_kwargs", {}).get("video", {})
        media = []
        for part in content:
            if part["type"] == "image_url":
                media.append(picture(part["image_url"]["url"]))
            elif part["type"] == "video_url":
                media.append(clip(part["video_url"]["url"], arguments))
        with self._lock:
            prompt = encode_prompt(self.processor, content[-1]["text"], media, sample_id="asked")
        return list(prompt.input_ids.tolist())

    def choice(self, body: Reply, index: int) -> Reply:
        bias = {int(token): value for token, value in body.get("logit_bias", {}).items()}
        if forced := [token for token, value in bias.items() if value == 100]:
            tokens = forced
            logprobs = [0.0 if self.logprobs_mode == "processed_logprobs" else -6.0]
        else:
            allowed = [token for token in range(self.vocabulary) if token not in bias]
            weights = body["model"].split("-")[:3]  # without the digest of the adapter's folder
            key = f"{body['seed']}:{index}:{weights}:{self.version}"
            rng = np.random.default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big"))
            tokens = [int(t) for t in rng.choice(allowed, int(rng.integers(1, body["max_tokens"] + 1)))]
            ends = body["stop_token_ids"]
            cut = next((i + 1 for i, token in enumerate(tokens) if token in ends), len(tokens))
            tokens = tokens[:cut]
            if len(tokens) < body["max_tokens"] and tokens[-1] not in ends:
                tokens.append(ends[0])
            logprobs = [-1.0 - 0.01 * i for i in range(len(tokens))]
        return {
            "index": index,
            "token_ids": tokens,
            "logprobs": {"content": [{"token": "", "logprob": value} for value in logprobs]},
            "finish_reason": "stop",
        }


def send(handler: Any, status: int, body: Reply | str) -> None:
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)
