"""The command that starts a vLLM server as a run needs it, and the checks that one is there; needs no torch."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from urllib.parse import urlsplit

from wherewise.samples.errors import InputError
from wherewise.training.config import LoraConfig
from wherewise.training.grpo.config import GRPOConfig
from wherewise.training.parallel.config import processes
from wherewise.training.rollout.client import ServerMissingError, ServerReplyError, VllmClient
from wherewise.training.rollout.config import RolloutEngineName

LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Values that ``--max-lora-rank`` takes."""
MEDIA = {"image": 16, "video": 4}
"""Pictures and clips a prompt may hold."""


def start_command(config: GRPOConfig) -> str:
    """One line for a shell: environment, module, options."""
    rollout, model = config.rollout, config.model
    place = urlsplit(rollout.url)
    host = place.hostname or "127.0.0.1"
    words = ["python", "-m", "vllm.entrypoints.openai.api_server", "--model", model_path(model.path)]
    words += ["--served-model-name", rollout.model, "--dtype", model.autocast or model.dtype]
    words += ["--logprobs-mode", "processed_logprobs", "--limit-mm-per-prompt", json.dumps(MEDIA)]
    words += ["--trust-request-mm-kwargs"]
    environment = []
    if model.lora is None:
        environment.append("VLLM_SERVER_DEV_MODE=1")
    else:
        environment.append("VLLM_ALLOW_RUNTIME_LORA_UPDATING=True")
        rank = max(model.lora.r, *model.lora.ranks.values(), 1)
        fitting = next((r for r in LORA_RANKS if r >= rank), rank)
        # The adapter that completions are drawn with, and the one before it.
        words += ["--enable-lora", "--max-lora-rank", str(fitting), "--max-loras", "2", "--max-cpu-loras", "4"]
        if touches_vision(model.lora):
            words.append("--enable-tower-connector-lora")
    if model.device == "cpu":
        words.append("--no-enable-chunked-prefill")  # vLLM 0.32 ends on a CPU when it cuts up a prompt with a seed
    words += ["--host", host, "--port", str(place.port or (443 if place.scheme == "https" else 80))]
    if rollout.api_key_env is not None:
        environment.append(f'VLLM_API_KEY="${rollout.api_key_env}"')
    return " ".join([*environment, shlex.join(words)])


def model_path(path: str) -> str:
    """A model as vLLM can load it: the shipped starter is a folder to it."""
    if path != "starter":
        return path
    from wherewise.models.load import starter_folder

    return str(starter_folder())


def touches_vision(lora: LoraConfig) -> bool:
    """Whether adapters may lie outside the language model."""
    return lora.vision or lora.merger or (lora.targets is not None and "language_model" not in lora.targets)


def check_settings(config: GRPOConfig, size: int = 1) -> None:
    """Refuse what a server cannot do.

    Args:
        config: The run.
        size: Its number of processes.

    Raises:
        InputError: Lists the settings and the fixes.
    """
    lora, wrong = config.model.lora, []
    if lora is not None and lora.dora:
        wrong.append("model.lora.dora: vLLM loads no DoRA adapters; set it to false")
    if lora is not None and lora.dropout:
        wrong.append("model.lora.dropout: the learner's log-probabilities would not be the sampler's; set it to 0")
    if size > 1 and lora is None:
        wrong.append("model.lora: with several processes, only adapters can be handed over; set it")
    if size > 1 and config.parallel.strategy != "ddp":
        wrong.append("parallel.strategy: weights are handed over whole; set ddp")
    if wrong:
        listed = "".join(f"\n  {line}" for line in wrong)
        raise InputError(f"these settings do not go with `rollout: vllm`:{listed}\nor set `rollout: hf`")


def check_server(config: GRPOConfig) -> list[str]:
    """Ask the server what it is, before anything is loaded; nothing where completions come from the policy itself.

    Returns:
        Remarks.

    Raises:
        InputError: Settings do not go together.
        ServerMissingError: There is no server, it serves another model, or it was not started for this run.
    """
    if config.rollout.engine is not RolloutEngineName.VLLM:
        return []
    check_settings(config, processes(os.environ)[1])
    client = VllmClient(config=config.rollout, start_command=start_command(config))
    client.connect()
    models = client.exchange("/v1/models")
    if models.status != 200:
        raise ServerMissingError(f"{config.rollout.url} is no OpenAI-compatible server: /v1/models says {models.short}")
    served = {str(card["id"]): card for card in models.json()["data"]}
    if config.rollout.model not in served:
        raise ServerMissingError(
            f"the rollout server serves {', '.join(served) or 'nothing'}, not {config.rollout.model!r}: set "
            f"`rollout.model`, or start it with\n\n  {client.start_command}"
        )
    card = served[config.rollout.model]
    remarks = [f"rollouts by {config.rollout.url}: {card.get('root') or config.rollout.model}"]
    if card.get("root") not in (None, config.rollout.model, model_path(config.model.path)):
        remarks.append(
            f"the server was started on {card['root']!r}, the run trains {config.model.path!r}: they must hold the "
            "same weights"
        )
    if config.model.quantize is not None:
        remarks.append("the frozen weights are quantised here and not on the server: set sampler_correction")
    _check_length(config, card.get("max_model_len"))
    _check_logprobs(client)
    _check_handover(client, lora=config.model.lora is not None)
    if config.model.lora is None:
        _check_head(client, model_path(config.model.path))
    return remarks


def _check_length(config: GRPOConfig, longest: int | None) -> None:
    if longest is not None and longest <= config.max_new_tokens:
        raise ServerMissingError(
            f"the rollout server holds {longest} tokens a sequence, and completions alone may have "
            f"{config.max_new_tokens}: start it with a larger --max-model-len"
        )


def _check_logprobs(client: VllmClient) -> None:
    """The log-probabilities must be those of the distribution that was drawn from, biases included.

    One token is pushed to certainty by a bias: drawn from the processed distribution its log-probability is 0.
    """
    answer = client.ask(
        "/v1/chat/completions",
        {
            "model": client.config.model,
            "messages": [{"role": "user", "content": "?"}],
            "max_tokens": 1,
            "temperature": 1.0,
            "seed": 0,
            "logit_bias": {"0": 100},
            "logprobs": True,
            "return_token_ids": True,
        },
    )
    if answer.status != 200:
        raise ServerMissingError(f"the rollout server refuses a plain prompt: {answer.short}")
    (choice,) = answer.json()["choices"]
    if choice.get("token_ids") != [0]:
        raise ServerMissingError(
            f"the rollout server returned the tokens {choice.get('token_ids')} where 0 was forced: it must know "
            "`logit_bias` and `return_token_ids` (vLLM 0.10.2 or newer)"
        )
    if choice["logprobs"]["content"][0]["logprob"] < -0.01:
        raise ServerMissingError(
            "the rollout server's log-probabilities are those before temperature and banned tokens; start it with "
            f"--logprobs-mode processed_logprobs:\n\n  {client.start_command}"
        )


def _check_handover(client: VllmClient, *, lora: bool) -> None:
    """Whether the call that takes weights is there: an order that cannot be followed tells it from a missing path."""
    path, body = ("/v1/load_lora_adapter", {"lora_name": "", "lora_path": ""}) if lora else ("/weight_info", None)
    answer = client.exchange(path, body)
    if answer.status in (0, 404, 405) and "lora" not in answer.body.lower():
        kind = "adapters" if lora else "whole models"
        raise ServerMissingError(
            f"the rollout server takes no {kind} at run time ({answer.short}). Start it with\n\n  "
            f"{client.start_command}"
        )


def _check_head(client: VllmClient, model: str) -> None:
    """VLLM (0.32) on a CPU computes with its own packed copy of a tied head, and does not pack it anew."""
    file = Path(model) / "config.json"
    answer = client.exchange("/server_info?config_format=json")
    if answer.status != 200 or not file.is_file():
        return
    device = answer.json()["vllm_config"].get("device_config", {}).get("device")
    if device == "cpu" and json.loads(file.read_text(encoding="utf-8")).get("tie_word_embeddings"):
        raise ServerMissingError(
            "vLLM on a CPU does not reload an output head that is tied to the embeddings: completions would be drawn "
            "with the head of the start. Train adapters (`model.lora`), an untied model, or run the server on a GPU"
        )


__all__ = ["ServerReplyError", "check_server", "check_settings", "start_command"]
