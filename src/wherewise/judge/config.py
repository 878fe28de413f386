"""Which judge, how patiently, and when to give up."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wherewise.samples.errors import InputError


class BreakerConfig(BaseModel):
    """When to stop calling a server that is down, and when to try it again."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    failures: int = Field(default=5, ge=1)
    """Failed calls in a row (their retries spent) that open the circuit: later calls are refused without being sent."""
    cooldown_seconds: float = Field(default=15.0, gt=0, allow_inf_nan=False)
    """Time until one call is let through as a probe; its success closes the circuit."""


class BudgetConfig(BaseModel):
    """How much may go unjudged before the run stops."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_none_share: float = Field(default=0.1, ge=0, le=1)
    """Greatest share of unjudged items among the last `window`; above it the run stops."""
    min_calls: int = Field(default=20, ge=1)
    """Items before the share is looked at."""
    window: int = Field(default=200, ge=1)
    """Number of last items that count, so that an outage late in a long run is seen too."""


class PriceConfig(BaseModel):
    """Token prices, for the costs that ``wherewise judge check`` prints."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input_per_million: float = Field(ge=0, allow_inf_nan=False)
    """Price of a million tokens sent, in any currency."""
    output_per_million: float = Field(ge=0, allow_inf_nan=False)
    """Price of a million tokens received."""

    def cost(self, prompt_tokens: int, completion_tokens: int) -> float:
        """The price of so many tokens."""
        return (prompt_tokens * self.input_per_million + completion_tokens * self.output_per_million) / 1e6


class EndpointConfig(BaseModel):
    """A model behind an OpenAI-compatible URL, and how patiently it is called."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    _section: ClassVar[str] = ""
    """What messages put before a field's name."""

    base_url: str
    """Where the API is, with its version: ``http://127.0.0.1:8011/v1``. It must hold no credentials."""
    model: str = Field(min_length=1)
    """The model's name, as the server knows it."""
    api_key_env: str | None = None
    """Name of the environment variable that holds the key; None for a server that wants none. Never the key itself."""
    temperature: float | None = Field(default=0.0, ge=0, le=2)
    """Sampling temperature; None leaves it out, for models that refuse it."""
    seed: int | None = 0
    """Sent to the server, and seed of the jitter between retries; None leaves it out of the request."""
    max_tokens: int = Field(default=1024, ge=16)
    """Longest reply, in tokens."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the server calls `max_tokens`."""
    extra_body: Mapping[str, Any] = Field(default_factory=dict)
    """More fields of the request, such as ``chat_template_kwargs: {enable_thinking: false}``. No keys here."""
    concurrency: int = Field(default=16, ge=1, le=1024)
    """Most calls under way at once."""
    requests_per_minute: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Most requests a minute, evenly spread, where a service has such a limit; a wait for one's turn counts towards
    `total_seconds`."""
    request_seconds: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    """Deadline of one attempt."""
    total_seconds: float = Field(default=180.0, gt=0, allow_inf_nan=False)
    """Deadline of one item: attempts, waiting between them and repairs together."""
    retries: int = Field(default=4, ge=0, le=20)
    """Attempts after the first, for failures that may pass: no connection, deadline, 408, 429, 5xx, broken JSON."""
    backoff_seconds: float = Field(default=0.5, ge=0, allow_inf_nan=False)
    """Wait before the first retry; doubles each time, times a jitter in [0.5, 1]. A Retry-After of the server wins."""
    backoff_max_seconds: float = Field(default=20.0, ge=0, allow_inf_nan=False)
    """Longest such wait."""
    max_reply_bytes: int = Field(default=1_000_000, ge=1024)
    """Longest reply; reading stops there."""
    cache: Path | None = None
    """sqlite file of replies, shared by runs and processes; None keeps none."""
    cache_salt: str = ""
    """Part of every cache key: change it when another model is served under the same name."""
    breaker: BreakerConfig = BreakerConfig()
    """When to stop calling a server that is down."""
    price: PriceConfig | None = None
    """Token prices, if costs are to be shown."""

    @model_validator(mode="before")
    @classmethod
    def _no_secrets(cls, data: Any) -> Any:
        """Checked for the whole section, since a message about a single field would repeat its value: maybe a key."""
        if not isinstance(data, Mapping):
            return data
        for key in data:
            if str(key).lower() in ("api_key", "apikey", "key", "token", "api_token", "password", "secret"):
                raise ValueError(f"{key} is not taken; export the key and give the variable's name in api_key_env")
        url, name = data.get("base_url"), data.get("api_key_env")
        if isinstance(url, str):
            parts = urlsplit(url)
            if "@" in parts.netloc or parts.query or parts.fragment:
                raise ValueError("base_url holds credentials, a query or a fragment; name the key in api_key_env")
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("base_url should be a URL such as http://127.0.0.1:8011/v1")
            data = {**data, "base_url": url.rstrip("/")}
        if isinstance(name, str) and not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", name):
            raise ValueError(
                "api_key_env should be the NAME of an environment variable in capitals, such as OPENAI_API_KEY"
            )
        return data

    @model_validator(mode="after")
    def _turns(self) -> EndpointConfig:
        pace = self.requests_per_minute
        if pace is not None and self.concurrency * 60 / pace > self.total_seconds:
            raise ValueError(
                f"{self.concurrency} calls at {pace:g} requests_per_minute wait longer for their turn than "
                f"total_seconds ({self.total_seconds:g}); lower concurrency to {int(pace * self.total_seconds / 60)} "
                "or raise total_seconds"
            )
        return self

    def api_key(self) -> str | None:
        """The key, read from the environment now; None if the server wants none.

        Raises:
            InputError: The variable isn't set, or holds what cannot be a key.
        """
        if self.api_key_env is None:
            return None
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            raise InputError(
                f"{self._section}api_key_env: the environment variable {self.api_key_env} is not set; "
                f"export it, or drop the field if {self.base_url} wants no key"
            )
        if not key.isascii() or not key.isprintable() or " " in key:
            raise InputError(
                f"{self._section}api_key_env: what the environment variable {self.api_key_env} holds cannot be a key "
                "(blanks or characters outside of ASCII); export it again"
            )
        return key


class JudgeConfig(EndpointConfig):
    """A model behind an OpenAI-compatible URL that judges texts."""

    _section: ClassVar[str] = "judge."

    reply_mode: Literal["auto", "json_schema", "json_object", "text"] = "auto"
    """How the reply's form is asked for; auto begins with json_schema and goes down where the server refuses."""
    repairs: int = Field(default=1, ge=0, le=5)
    """Times that a reply which does not fit the schema is sent back with what is wrong with it."""
    budget: BudgetConfig = BudgetConfig()
    """When to stop the run."""


class JudgeFile(BaseModel):
    """A config file of ``wherewise judge``; other configs hold the same section."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    judge: JudgeConfig
    """The judge."""
