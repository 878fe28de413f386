"""Real servers for tests: started, watched, killed and started again, each in the environment that it needs.

``WHEREWISE_VLLM_PYTHON`` names the python of an environment with vLLM and ``transformers serve`` (docs/rollouts.md says
how to make one that runs on a CPU).
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PYTHON = os.environ.get("WHEREWISE_VLLM_PYTHON", "")
MISSING = "set WHEREWISE_VLLM_PYTHON to the python of an environment with vLLM (docs/rollouts.md)"
START_SECONDS = float(os.environ.get("WHEREWISE_SERVER_SECONDS", "900"))
"""How long a server may take to start."""
CPU = {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TORCHDYNAMO_DISABLE": "1",  # nothing is compiled: the first request would wait for it
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_SERVER_DEV_MODE": "1",
}
SMALL = ("--enforce-eager", "--max-model-len", "2048")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(kw_only=True, slots=True)
class ServerProcess:
    """A server in a process group of its own; a context manager.

    Attributes:
        command: Its words.
        url: Where it will listen.
        log: Its output.
        environment: Variables on top of this process's.
    """

    command: Sequence[str]
    url: str
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @classmethod
    def of_line(cls, line: str, url: str, log: Path) -> ServerProcess:
        """A server started by a line for a shell (``NAME=value python -m ...``), on a CPU and small."""
        words = shlex.split(line)
        variables = dict(word.split("=", 1) for word in words[: words.index("python")])
        command = [PYTHON, *words[words.index("python") + 1 :], *SMALL]
        return cls(command=command, url=url, log=log, environment={**CPU, **variables})

    def __enter__(self) -> ServerProcess:
        self.start()
        try:
            self.wait()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.log.parent,
                env={**os.environ, **self.environment, "PYTHONPATH": ""},
                start_new_session=True,
            )

    def wait(self) -> None:
        """Until it answers."""
        deadline = time.monotonic() + START_SECONDS
        while not self.healthy():
            assert self._process is not None
            assert self._process.poll() is None, f"the server ended: {self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"the server did not start: {self.log.read_text()[-3000:]}"
            time.sleep(0.5)

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        """As ``kill -9`` of all its processes."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None


def post(url: str, body: Any, timeout: float = 300.0) -> bytes:
    import json

    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout) as reply:
        return bytes(reply.read())
