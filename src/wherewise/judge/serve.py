"""The command line that serves a judge with vLLM."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass

from wherewise.samples.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class ServePlan:
    """How to serve a judge.

    Attributes:
        model: Hub id or folder.
        port: TCP port on loopback.
        gpus: GPUs that share the model (tensor parallel).
        max_model_len: Longest prompt and reply together, in tokens.
        images: Most pictures a request; 0 for a judge of texts.
        api_key_env: Name of the environment variable that holds the key which the server asks for; None for no key.
    """

    model: str
    port: int = 8011
    gpus: int = 1
    max_model_len: int = 32768
    images: int = 0
    api_key_env: str | None = None

    def command(self) -> str:
        """The shell command. A key stays in its variable.

        Raises:
            InputError: The model's name begins with a dash.
        """
        if self.model.startswith("-"):
            raise InputError(f"{self.model!r} is no model: give a hub id or a folder")
        words = ["vllm", "serve", self.model, "--host", "127.0.0.1", "--port", str(self.port)]
        words += ["--max-model-len", str(self.max_model_len), "--generation-config", "vllm"]
        if self.gpus > 1:
            words += ["--tensor-parallel-size", str(self.gpus)]
        if self.images:
            words += ["--limit-mm-per-prompt", json.dumps({"image": self.images})]
        text = shlex.join(words)
        return f'VLLM_API_KEY="${self.api_key_env}" {text}' if self.api_key_env else text

    def config(self) -> str:
        """The judge's config for that server, as YAML."""
        lines = [
            "judge:",
            f"  base_url: http://127.0.0.1:{self.port}/v1",
            f"  model: {json.dumps(self.model)}",
        ]
        if self.api_key_env:
            lines.append(f"  api_key_env: {self.api_key_env}")
        return "\n".join(lines)
