"""``wherewise reward list`` and ``wherewise reward score``: rewards outside of training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wherewise.cli.answers import Out, Rows

if TYPE_CHECKING:
    from wherewise.answers.styles import PromptConfig
    from wherewise.rewards import Completion

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A name from 'reward list', or my_file.py:function.", show_default=False),
]
"""The reward."""

PromptJson = Annotated[
    str, typer.Option("--prompt", metavar="JSON", help='Prompt settings of all lines: {"style": "think"}.')
]
"""How the samples were put to the model."""

ParamsJson = Annotated[str, typer.Option("--params", metavar="JSON", help="The reward's parameters.")]
"""Parameters of the reward."""


def list_rewards() -> None:
    """List the rewards, their parameters and defaults."""
    from wherewise.rewards import REGISTRY

    for name, entry in REGISTRY.items():
        typer.echo(f"{name}: {entry.summary}")
        for key, info in entry.params.model_fields.items():
            typer.echo(f"    {key}: {info.get_default(call_default_factory=False)!r}")
    typer.echo("my_file.py:function: your own, (completion, sample, prompt) -> Score")


def score(name: Name, rows: Rows, output: Out, prompt: PromptJson = "{}", params: ParamsJson = "{}") -> None:
    """Score replies: {"sample", "completion", "prompt"?} to {"value", "parts", "note"}, a line for a line.

    "sample" is a record as datasets hold it; "completion" is the reply's text or {"text", "truncated", "tokens",
    "seen"}; "prompt" holds prompt settings that win over --prompt. A value of null means that the reply could not be
    judged. A bad line ends the command with exit code 2.
    """
    from wherewise.answers.rows import map_lines
    from wherewise.rewards import RewardConfig, build_reward
    from wherewise.samples.codec import from_record
    from wherewise.samples.errors import DatasetError

    reward = build_reward(RewardConfig(name=name, params=_object(params, "--params")))
    base = _object(prompt, "--prompt")
    _prompt(base)

    def convert(row: Mapping[str, Any]) -> Mapping[str, Any]:
        for key in ("sample", "completion"):
            if key not in row:
                raise DatasetError("the field is missing", field=key, fix=f"add {key!r} to the line")
        if not isinstance(row["sample"], dict):
            raise DatasetError("expected an object", field="sample", fix="write the sample's record")
        sample = from_record(row["sample"])
        verdict = reward(_completion(row["completion"]), sample, _prompt({**base, **(row.get("prompt") or {})}))
        return {"value": verdict.value, "parts": dict(verdict.parts), "note": verdict.note}

    count = map_lines(rows, output, convert)
    typer.echo(f"{count} replies scored by {name}: {output}")


def _object(text: str, option: str) -> dict[str, Any]:
    from wherewise.samples.errors import DatasetError
    from wherewise.samples.plain import load_json

    value = load_json(text, option)
    if not isinstance(value, dict):
        raise DatasetError("expected a JSON object", field=option, fix='write {"key": value}')
    return value


def _prompt(settings: Mapping[str, Any]) -> PromptConfig:
    from pydantic import ValidationError

    from wherewise.answers.styles import PromptConfig
    from wherewise.samples.errors import DatasetError

    try:
        return PromptConfig.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(["prompt", *map(str, first["loc"])])
        raise DatasetError(first["msg"], field=field, fix="correct the prompt settings") from error


def _completion(value: Any) -> Completion:
    from wherewise.rewards import Completion
    from wherewise.samples.errors import DatasetError
    from wherewise.samples.plain import from_plain

    if isinstance(value, str):
        return Completion(text=value)
    if not isinstance(value, dict):
        raise DatasetError("expected a text or an object", field="completion", fix='write the reply or {"text": ...}')
    found: Completion = from_plain(Completion, value, "completion")
    return found
