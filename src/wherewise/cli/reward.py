"""``wherewise reward list``, ``reward score`` and ``reward audit``: rewards outside of training."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from wherewise.cli.answers import Out, Rows
from wherewise.cli.options import AsJson, ConfigFile, Overrides

if TYPE_CHECKING:
    from wherewise.answers.styles import PromptConfig
    from wherewise.rewards import Completion, Score
    from wherewise.rewards.legacy import LegacyReward

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

Similarity = Annotated[
    Literal["exact", "words", "embedding"] | None,
    typer.Option(
        "--similarity", help="How alike labels are, for rewards that compare labels.", show_default="the reward's own"
    ),
]
"""Short for ``--params '{"similarity": ...}'``."""

WithJudge = Annotated[
    bool, typer.Option("--judge", help="Ask the config's judge too; without it judged rewards go by rules.")
]
"""Whether an audit may call a model."""


def list_rewards(as_json: AsJson = False) -> None:
    """List the rewards, their parameters and defaults; legacy ones are the published formulas, quirks included."""
    from wherewise.rewards import REGISTRY
    from wherewise.rewards.legacy import LEGACY

    rows = [
        {
            "name": name,
            "legacy": name in LEGACY,
            "summary": entry.summary,
            "params": {key: _default(info) for key, info in entry.params.model_fields.items()},
            "source": entry.source,
            "row": list(LEGACY[name].row.model_fields) if name in LEGACY else ["sample", "completion", "prompt"],
        }
        for name, entry in REGISTRY.items()
    ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for title, legacy in (("Rewards", False), ("Legacy rewards: as published, quirks included", True)):
        _print_rewards(title, [row for row in rows if row["legacy"] is legacy])
    typer.echo("my_file.py:function: your own, (completion, sample, prompt) -> Score")


def _default(info: Any) -> Any:
    from pydantic_core import to_jsonable_python

    return "required" if info.is_required() else to_jsonable_python(info.get_default(call_default_factory=True))


def _brief(value: Any) -> str:
    """A default in a few characters: long lists and nested settings are left to ``--json``."""
    text = json.dumps(value, ensure_ascii=False)
    return (
        text
        if len(text) <= 16
        else "{...}"
        if isinstance(value, dict)
        else "[...]"
        if isinstance(value, list)
        else text
    )


def _print_rewards(title: str, rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("name", no_wrap=True)
    table.add_column("what it scores")
    table.add_column("parameters and defaults")
    for row in rows:
        table.add_row(row["name"], row["summary"], ", ".join(f"{k}={_brief(v)}" for k, v in row["params"].items()))
    console = Console(markup=False, highlight=False, soft_wrap=False)
    console.print(table)
    console.print()


def score(
    name: Name,
    rows: Rows,
    output: Out,
    prompt: PromptJson = "{}",
    params: ParamsJson = "{}",
    similarity: Similarity = None,
) -> None:
    """Score replies: {"sample", "completion", "prompt"?} to {"value", "parts", "note"}, a line for a line.

    "sample" is a record as datasets hold it; "completion" is the reply's text or {"text", "truncated", "tokens",
    "seen"}; "prompt" holds prompt settings that win over --prompt. Legacy rewards also take lines of the published
    inputs, 'reward list --json' names their keys. A value of null means that the reply could not be judged. A bad line
    ends the command with exit code 2.
    """
    from wherewise.answers.rows import map_lines
    from wherewise.rewards import RewardConfig, build_reward
    from wherewise.rewards.legacy import LEGACY

    given = _object(params, "--params") | ({} if similarity is None else {"similarity": similarity})
    legacy = LEGACY.get(name)
    published = None if legacy is None else _scorer(legacy, given)
    config = RewardConfig(name=name, params=given)
    reward = build_reward(config) if legacy is None or legacy.row_of is not None else None
    base = _object(prompt, "--prompt")
    _prompt(base)

    def convert(row: Mapping[str, Any]) -> Mapping[str, Any]:
        if published is not None and ("sample" not in row or reward is None):
            return _plain(published(row))
        assert reward is not None
        completion, sample, settings = _reply(row)
        return _plain(reward(completion, sample, _prompt({**base, **settings})))

    count = map_lines(rows, output, convert)
    typer.echo(f"{count} replies scored by {name}: {output}")


def _scorer(legacy: LegacyReward[Any, Any], given: Mapping[str, Any]) -> Any:
    from pydantic import ValidationError

    from wherewise.samples.errors import InputError

    try:
        params = legacy.params.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        known = ", ".join(legacy.params.model_fields) or "none"
        raise InputError(f"reward {legacy.name!r}, params.{where}: {first['msg']}; its parameters: {known}") from error
    return lambda row: legacy.score_row(row, params)


def _plain(verdict: Score) -> Mapping[str, Any]:
    return {"value": verdict.value, "parts": dict(verdict.parts), "note": verdict.note}


def _reply(row: Mapping[str, Any]) -> tuple[Completion, Any, Mapping[str, Any]]:
    from wherewise.samples.codec import from_record
    from wherewise.samples.errors import DatasetError

    for key in ("sample", "completion"):
        if key not in row:
            raise DatasetError("the field is missing", field=key, fix=f"add {key!r} to the line")
    if not isinstance(row["sample"], dict):
        raise DatasetError("expected an object", field="sample", fix="write the sample's record")
    settings = row.get("prompt") or {}
    if not isinstance(settings, dict):
        raise DatasetError("expected an object", field="prompt", fix='write {"style": ...} or leave it out')
    return _completion(row["completion"]), from_record(row["sample"]), settings


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


def audit(config: ConfigFile, overrides: Overrides = None, as_json: AsJson = False, judge: WithJudge = False) -> int:
    """Try a mixture of rewards with replies that deserve nothing; exit code 2 and their names if it pays one.

    CONFIG is that of a GRPO run, or a list of rewards, or {"rewards": [...], "prompt": {...}}. The attacks are tried on
    questions of every kind, and on the run's own samples if they are there.
    """
    from wherewise.cli.audits import load_audit, report_audit

    return report_audit(load_audit(config, overrides), as_json=as_json, judge=judge)
