"""From the options of ``wherewise eval run`` to the provider that ``--model`` names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherewise.samples.errors import InputError

if TYPE_CHECKING:
    from wherewise.evaluation.load import Benchmark
    from wherewise.evaluation.protocol import EvalConfig
    from wherewise.evaluation.providers import Provider
    from wherewise.evaluation.specs import BenchmarkSpec

_CACHE = Path("evaluations") / "replies.sqlite"
_OWN_FIELDS = ("model", "messages", "stream", "n", "max_tokens", "max_completion_tokens", "temperature", "api_key")
"""Fields of a request that other options set, or that must stay as they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalOptions:
    """Options of a model in this process."""

    batch_size: int
    dtype: str
    device: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerOptions:
    """Options of a model behind a server, as given."""

    base_url: str | None
    api_key_env: str | None
    concurrency: int
    timeout: float
    deadline: float
    retries: int
    temperature: str
    fields: tuple[str, ...]
    cache: Path | None
    no_cache: bool
    price: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplayOptions:
    """Options of a file of replies, as given."""

    form: str
    id_field: str | None
    reply_field: str | None
    where: tuple[str, ...]
    by_position: bool


def named_benchmark(name: str, data: Path | None) -> tuple[BenchmarkSpec, Path | None, str]:
    """The benchmark of a name, or the questions of a file; with the folder to read, and a name for the output.

    Raises:
        InputError: There is no such benchmark, no such file, or a file and ``--data``.
    """
    from dataclasses import replace

    from wherewise.evaluation.specs import get_benchmark
    from wherewise.evaluation.specs.files import RECORD_SUFFIXES

    file = Path(name)
    if file.suffix not in RECORD_SUFFIXES:
        return get_benchmark(name), data, name
    if not file.is_file():
        raise InputError(f"no file {file}; give a file of questions or a name from 'wherewise eval list'")
    if data is not None:
        raise InputError(f"--data: the folder of {file} is read; drop it, pictures' paths are relative to it")
    own = replace(get_benchmark("records"), title=f"Own records ({file.name})", files=(file.name,))
    return own, file.parent, file.stem


def make_provider(
    model: str,
    benchmark: Benchmark,
    config: EvalConfig,
    *,
    local: LocalOptions,
    server: ServerOptions,
    replay: ReplayOptions,
) -> Provider:
    """The provider that ``--model`` names.

    Raises:
        InputError: An option is wrong; the message names it and the fix.
    """
    from wherewise.answers.styles import PromptConfig
    from wherewise.evaluation.providers import FrequentProvider, RandomProvider

    kind, colon, name = model.partition(":")
    if colon and kind in ("openai", "anthropic", "google"):
        return _server(kind, name, config, server)
    if server.base_url is not None:
        raise InputError(f"--base-url is for models behind a server; write --model openai:{model}")
    if config.media.clips == "file":
        raise InputError("--clips file is for models behind a server; drop it")
    if random_seed := re.fullmatch(r"random(?::(\d+))?", model):
        return RandomProvider(benchmark.samples, seed=int(random_seed.group(1) or 0))
    if model == "frequent":
        return FrequentProvider(benchmark.samples, config.prompt or PromptConfig())
    if colon and kind == "replay":
        return _replay(Path(name), benchmark, replay)
    if local.dtype not in ("auto", "float32", "bfloat16"):
        raise InputError(f"--dtype {local.dtype!r}: choose auto, float32 or bfloat16")

    from wherewise.evaluation.providers.hf import HfProvider

    return HfProvider.load(
        model,
        media=config.media,
        decoding=config.decoding,
        batch_size=local.batch_size,
        dtype=local.dtype,  # type: ignore[arg-type]  # checked above
        device=local.device,
    )


def usage_line(usage: Mapping[str, Any]) -> str:
    """What asking a server took, in one line."""
    parts = [
        f"{usage['requests']} requests for {usage['samples']} samples ({usage['cached']} from the cache)",
        f"{usage['requests_per_second']} requests/s, at most {usage['most_at_once']} at once",
        f"{usage['prompt_tokens']} tokens in, {usage['completion_tokens']} out",
    ]
    if "cost" in usage:
        parts.append(f"cost {usage['cost']:.4f}")
    return "; ".join(parts)


def _server(kind: str, name: str, config: EvalConfig, options: ServerOptions) -> Provider:
    import pydantic

    from wherewise.evaluation.providers.endpoint import SERVICES, EndpointProvider
    from wherewise.judge.config import EndpointConfig

    if not name:
        raise InputError(f"--model {kind}: names no model; write {kind}:MODEL")
    if options.no_cache and options.cache is not None:
        raise InputError("--cache and --no-cache: choose one")
    if config.decoding.strategy != "greedy":
        raise InputError(f"--decoding {config.decoding.strategy} needs a local model; drop it for {kind}:{name}")
    service = SERVICES[kind]
    settings: dict[str, Any] = {
        "base_url": options.base_url or service.base_url,
        "model": name,
        "api_key_env": options.api_key_env or (None if options.base_url else service.api_key_env),
        "max_tokens_field": "max_tokens" if options.base_url else service.max_tokens_field,
        "max_tokens": max(16, config.decoding.max_new_tokens),
        "temperature": _temperature(options.temperature),
        "seed": None,
        "extra_body": _fields(options.fields),
        "concurrency": options.concurrency,
        "request_seconds": options.timeout,
        "total_seconds": options.deadline,
        "retries": options.retries,
        "cache": None if options.no_cache else options.cache or _CACHE,
        "price": _prices(options.price),
    }
    try:
        endpoint = EndpointConfig.model_validate(settings)
    except pydantic.ValidationError as error:
        problems = "; ".join(" ".join([*map(str, entry["loc"]), entry["msg"]]) for entry in error.errors())
        raise InputError(f"--model {kind}: {problems} (options --base-url and --api-key-env)") from error
    return EndpointProvider(kind, endpoint, media=config.media, decoding=config.decoding)


def _replay(path: Path, benchmark: Benchmark, options: ReplayOptions) -> Provider:
    from wherewise.evaluation.providers import ReplayProvider

    where = dict(_split(condition, "--replay-where", "FIELD=VALUE") for condition in options.where)
    return ReplayProvider(
        path,
        id_field=options.id_field,
        reply_field=options.reply_field,
        where=where,
        form=options.form,
        samples=benchmark.samples,
        by_position=options.by_position,
    )


def _temperature(text: str) -> float | None:
    if text == "none":
        return None
    if not re.fullmatch(r"0(\.0+)?", text):
        raise InputError(f"--temperature {text!r}: replies are greedy; write 0, or none to leave it out")
    return 0.0


def _fields(given: tuple[str, ...]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for text in given:
        name, value = _split(text, "--request-field", "NAME=JSON")
        if name in _OWN_FIELDS:
            raise InputError(f"--request-field {name}: it is set by other options, or must stay as it is; drop it")
        try:
            fields[name] = json.loads(value)
        except json.JSONDecodeError as error:
            raise InputError(f"--request-field {text!r}: not JSON ({error}); put texts in double quotes") from error
    return fields


def _prices(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    if not re.fullmatch(r"\d+(\.\d+)?,\d+(\.\d+)?", text):
        raise InputError(f"--price {text!r}: write IN,OUT, the prices of a million tokens: 0.15,0.60")
    sent, received = text.split(",")
    return {"input_per_million": sent, "output_per_million": received}


def _split(text: str, option: str, form: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(f"{option} {text!r}: write {form}")
    return name, value
