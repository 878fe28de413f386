"""Configuration of where completions come from; needs no torch."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

from pydantic import Field, field_validator

from wherewise.training.config import PositiveInt, StrictConfig


class RolloutEngineName(StrEnum):
    """What draws completions."""

    HF = "hf"
    """The policy in this process; each prompt is read once for all its completions."""
    VLLM = "vllm"
    """A vLLM server beside this process, which gets the weights before every draw."""


class RolloutConfig(StrictConfig):
    """Where completions come from. ``rollout: vllm`` is short for ``rollout: {engine: vllm}``."""

    engine: RolloutEngineName = RolloutEngineName.HF
    """``hf``: the policy itself. ``vllm``: a server; the settings below are its."""
    url: str = "http://127.0.0.1:8000"
    """Address of the server, without ``/v1``."""
    model: str = "policy"
    """What the server calls the model that it was started with (``--served-model-name``)."""
    api_key_env: str | None = None
    """Environment variable with the server's key; None sends none."""
    weights: Path | None = None
    """Folder through which weights are handed over; the server must see it under the same path. None: ``handover`` in
    the run folder."""
    overlap: bool = False
    """True: the completions of the next draw are drawn while this one's gradients are computed, by the weights of
    this draw: one draw off-policy."""
    concurrency: PositiveInt = 32
    """Most prompts that the server works on at a time; each is one request for all its completions."""
    timeout: float = Field(default=600.0, gt=0)
    """Seconds until an unanswered request is asked again."""
    attempts: PositiveInt = 5
    """How often one request is asked while the server is up, before the run stops."""
    startup: float = Field(default=0.0, ge=0)
    """Seconds to wait at the beginning for a server that is not there yet; 0 refuses the run at once."""
    patience: float = Field(default=1800.0, gt=0)
    """Seconds to wait for a server that was there and is gone, before the run stops."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not re.fullmatch(r"https?://[^/@\s]+(:\d+)?(/[^\s?#]*)?", value):
            raise ValueError(f"{value!r} is no address such as http://127.0.0.1:8000")
        return value.rstrip("/").removesuffix("/v1")
