"""How a run or an evaluation was made: the command that repeats it, the machine and versions, and every setting."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from wherewise.reports.rollouts import run_config

_PROMPT = {
    "style": "--prompt-style",
    "options": "--prompt-options",
    "coordinates": "--prompt-coordinates",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Provenance:
    """What stands under "How it was made".

    Attributes:
        name: The run or evaluation.
        command: A command that does it again; empty where what is known does not suffice.
        facts: Versions, hardware, model and the like, as rows of a table.
        settings: All settings as YAML; empty where there are none.
    """

    name: str
    command: str
    facts: tuple[tuple[str, str], ...]
    settings: str


def run_provenance(name: str, folder: Path) -> Provenance:
    """Of a training run: ``config.resolved.yaml`` and ``env.json``.

    Raises:
        ValueError: One of them is damaged; the message names it.
    """
    settings = run_config(folder)
    verb = "grpo" if "rewards" in settings else "sft"
    config = shlex.quote((folder / "config.resolved.yaml").as_posix())
    path = folder / "env.json"
    return Provenance(
        name=name,
        command=f"wherewise {verb} {config} out=NEW_FOLDER" if settings else "",
        facts=_environment(_json(path)) if path.exists() else (),
        settings=yaml.safe_dump(settings, sort_keys=False, allow_unicode=True) if settings else "",
    )


def evaluation_provenance(name: str, folder: Path) -> Provenance:
    """Of an evaluation: its ``manifest.json``.

    Raises:
        ValueError: The file is damaged; the message names it.
    """
    path = folder / "manifest.json"
    manifest = _json(path) if path.exists() else {}
    protocol = manifest.get("protocol") or {}
    facts = {
        "benchmark": manifest.get("title"),
        "model": (manifest.get("model") or {}).get("name"),
        "model fingerprint": (manifest.get("model") or {}).get("fingerprint"),
        "questions": manifest.get("samples"),
        "protocol": manifest.get("protocol_id"),
        "wherewise": manifest.get("wherewise"),
        "notes": "; ".join(manifest.get("notes") or ()),
    }
    return Provenance(
        name=name,
        command=_evaluation_command(manifest, protocol) if protocol else "",
        facts=tuple((key, str(value)) for key, value in facts.items() if value),
        settings=yaml.safe_dump(protocol, sort_keys=False, allow_unicode=True) if protocol else "",
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not JSON ({error.msg}); copy the file from a backup or delete it") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}: not a JSON object; copy the file from a backup or delete it")
    return found


def _environment(env: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Rows of a table, packages one a row."""
    rows: list[tuple[str, str]] = []
    for key, value in env.items():
        if key == "command" or value in (None, [], {}):
            continue
        if isinstance(value, dict):
            rows += [(str(name), str(version)) for name, version in value.items()]
        else:
            rows.append((key.replace("_", " "), ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return tuple(rows)


def _evaluation_command(manifest: Mapping[str, Any], protocol: Mapping[str, Any]) -> str:
    """``wherewise eval run ...`` with the options that the protocol differs by from the defaults."""
    model = str((manifest.get("model") or {}).get("name", ""))
    words = ["wherewise", "eval", "run", str(protocol["benchmark"]), "--model", model.removeprefix("hf:")]
    if protocol["benchmark"] == "dataset":
        words += ["--data", "DATASET"]
    prompt = protocol.get("prompt")
    if isinstance(prompt, dict):
        words += [part for key, flag in _PROMPT.items() if prompt.get(key) for part in (flag, str(prompt[key]))]
        if prompt.get("instruction") is not True:
            words += ["--prompt-instruction", str(prompt.get("instruction") or "")]
        words += ["--prompt-think"] if prompt.get("think") else []
    media = protocol.get("media") or {}
    for key, flag in (("frames", "--frames"), ("fps", "--fps"), ("max_pixels", "--max-pixels")):
        words += [flag, str(media[key])] if media.get(key) else []
    words += ["--blind"] if media.get("blind") else []
    decoding = protocol.get("decoding") or {}
    words += ["--max-new-tokens", str(decoding["max_new_tokens"])] if decoding.get("max_new_tokens") else []
    words += ["--decoding", "letter"] if decoding.get("strategy") == "letter" else []
    return shlex.join(words)
