"""Talking to a vLLM server: requests that are asked again, and a server that may be away for a while.

Plain HTTP from the standard library, straight to the address (no proxy). A server that does not answer is waited for;
what was asked is asked again with the same seed, so that nothing is lost.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wherewise.samples.errors import InputError, RunStopped
from wherewise.training.rollout.config import RolloutConfig

PROBE_SECONDS = 10.0
"""Longest wait for an answer to a question about health."""
REMIND_SECONDS = 30.0
"""Between two lines about a server that is still away."""
_BUSY = (408, 425, 429, 500, 502, 503, 504)
"""Statuses after which the same request may succeed."""


class ServerMissingError(InputError):
    """There is no such server, or it was not started as this run needs it; the message has the command."""


class ServerGoneError(RunStopped):
    """The server went away and did not come back in time; the last checkpoint is whole."""


class ServerReplyError(RunStopped):
    """The server answers, but not what this run can use."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP reply.

    Attributes:
        status: 0 when there was none: no connection, cut off, or no answer in time.
        body: The reply's text, or the reason why there is none.
    """

    status: int
    body: str

    def json(self) -> Any:
        """The body, parsed.

        Raises:
            ServerReplyError: It is no JSON.
        """
        try:
            return json.loads(self.body)
        except json.JSONDecodeError as error:
            raise ServerReplyError(f"the rollout server's reply is no JSON: {self.body[:200]!r}") from error

    @property
    def short(self) -> str:
        """Status and the beginning of the body, for messages."""
        return f"HTTP {self.status}: {self.body[:500]}" if self.status else self.body


def print_line(line: str) -> None:
    """Print a remark to standard error."""
    print(line, file=sys.stderr, flush=True)


@dataclass(kw_only=True, slots=True)
class VllmClient:
    """One server. May be used by several threads at a time.

    Attributes:
        config: Address and patience.
        start_command: The command that starts the server as this run needs it.
        restore: Called once a server that was away is back, before anything is asked again: a restarted server has
            lost the weights that it was given.
        say: Told when the server goes away, and when it is back.
        tally: Number of requests ``asked``, ``retried``, and how often the server was ``away``.
        waited: Seconds that this run had to wait for the server.
        pause: Seconds before a request is repeated while the server is up; doubled each time, at most 30.
    """

    config: RolloutConfig
    start_command: str
    restore: Callable[[], None] = lambda: None
    say: Callable[[str], None] = print_line
    tally: Counter[str] = field(default_factory=Counter)
    waited: float = 0.0
    pause: float = 0.5
    _opener: urllib.request.OpenerDirector = field(
        default_factory=lambda: urllib.request.build_opener(urllib.request.ProxyHandler({}))
    )
    _abandoned: threading.Event = field(default_factory=threading.Event)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _outage: int = 0

    # ------------------------------------------------------------------ one exchange

    def exchange(self, path: str, body: Mapping[str, Any] | None = None, *, timeout: float | None = None) -> Answer:
        """One request, once: GET without a body, POST with one. Never raises for what the server does."""
        headers = {"Content-Type": "application/json"}
        if self.config.api_key_env is not None:
            headers["Authorization"] = f"Bearer {api_key(self.config.api_key_env)}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.config.url + path, data, headers)
        try:
            with self._opener.open(request, timeout=timeout or self.config.timeout) as reply:
                return Answer(reply.status, reply.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read().decode("utf-8", "replace"))
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            return Answer(0, f"no answer from {self.config.url}{path}: {reason or type(error).__name__}")

    def healthy(self) -> bool:
        """Whether the server is up and its engine alive."""
        return self.exchange("/health", timeout=PROBE_SECONDS).status == 200

    # ------------------------------------------------------------------ at the beginning

    def connect(self) -> None:
        """Wait up to ``startup`` seconds for the server.

        Raises:
            ServerMissingError: It is not there; the message has the command that starts it.
        """
        deadline = time.monotonic() + self.config.startup
        began = time.monotonic()
        while not self.healthy():
            if time.monotonic() >= deadline:
                raise ServerMissingError(
                    f"there is no rollout server at {self.config.url}. Start it with\n\n  {self.start_command}\n\n"
                    "or set `rollout.url`; `rollout.startup: 600` waits for one that is starting"
                )
            self._nap(min(1.0, max(0.0, deadline - time.monotonic())))
        self.waited += time.monotonic() - began

    # ------------------------------------------------------------------ requests that must succeed

    def ask(
        self, path: str, body: Mapping[str, Any], *, lost: Callable[[Answer], bool] = lambda answer: False
    ) -> Answer:
        """POST until there is an answer: a success, or a refusal that would come again.

        Args:
            path: Path of the URL.
            body: The request.
            lost: Whether a refusal means that the server was restarted and has lost its weights.

        Returns:
            Status 200, or a status from 400 to 499 with the server's reason.

        Raises:
            ServerGoneError: The server was away for longer than ``patience`` seconds.
            ServerReplyError: It is up, and failed ``attempts`` times at this request.
        """
        failures = 0
        self.tally["asked"] += 1
        while True:
            with self._lock:  # held while another thread waits for the server and gives it back its weights
                outage = self._outage
            answer = self.exchange(path, body)
            missing = lost(answer)
            if answer.status == 200 or (answer.status not in _BUSY and 400 <= answer.status < 500 and not missing):
                return answer
            failures += 1
            self.tally["retried"] += 1
            if failures >= self.config.attempts:
                raise ServerReplyError(
                    f"the rollout server failed {failures} times at the same request ({path}): {answer.short}. Its log "
                    f"has the reason; a request that takes longer than rollout.timeout ({self.config.timeout:g} s) "
                    "counts as failed"
                )
            if not self._recover(outage, answer, restart=missing):
                self._nap(min(30.0, self.pause * 2**failures))

    def _recover(self, outage: int, why: Answer, *, restart: bool) -> bool:
        """Wait for a server that is away, and give it back its weights; False if it is not away.

        Of many threads that see the same outage, one does so and the others wait for it.
        """
        with self._lock:
            if self._outage != outage:
                return True
            if self.healthy():
                if restart:
                    self.restore()
                    self._outage += 1
                return restart
            self._wait(why)
            self.restore()
            self._outage += 1
            return True

    def _wait(self, why: Answer) -> None:
        self.tally["away"] += 1
        began = reminded = time.monotonic()
        self.say(
            f"the rollout server is away ({why.short}); waiting up to {self.config.patience:.0f} s for it. "
            f"If it does not restart by itself, start it with\n\n  {self.start_command}\n"
        )
        while not self.healthy():
            now = time.monotonic()
            if now - began > self.config.patience:
                raise ServerGoneError(
                    f"the rollout server at {self.config.url} was away for {now - began:.0f} s (rollout.patience). "
                    "The last checkpoint is whole: start the server and run the same command again. Start it with\n\n"
                    f"  {self.start_command}\n"
                )
            if now - reminded > REMIND_SECONDS:
                reminded = now
                self.say(f"still waiting for the rollout server ({now - began:.0f} s)")
            self._nap(1.0)
        seconds = time.monotonic() - began
        self.waited += seconds
        self.say(f"the rollout server is back after {seconds:.0f} s; what it was asked is asked again")

    def abandon(self) -> None:
        """The run ends with an error: whoever waits for the server in another thread stops waiting."""
        self._abandoned.set()

    def _nap(self, seconds: float) -> None:
        if self._abandoned.wait(seconds):
            raise ServerGoneError("the run has ended")


def api_key(variable: str) -> str:
    """The key in an environment variable.

    Raises:
        ServerMissingError: It is not set.
    """
    if not (key := os.environ.get(variable)):
        raise ServerMissingError(f"the environment variable {variable} (rollout.api_key_env) is not set")
    return key
