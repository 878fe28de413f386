"""Rewards as data: names, weights, parameters and gates."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wherewise.answers.styles import PromptConfig
from wherewise.rewards.accuracy import AccuracyParams, accuracy
from wherewise.rewards.base import Completion, Reward
from wherewise.rewards.claims import PositionParams, positions
from wherewise.rewards.format import FormatParams, format_reward
from wherewise.rewards.score import Score
from wherewise.samples import Sample
from wherewise.samples.errors import InputError


class RewardConfig(BaseModel):
    """One reward of a mixture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    """A registered name (``wherewise reward list``) or ``path/to/my_file.py:function``."""
    weight: float = Field(default=1.0, allow_inf_nan=False)
    """Factor in the total; 0 means that it is computed and logged only."""
    params: Mapping[str, Any] = Field(default_factory=dict)
    """The reward's own parameters; unknown ones are refused."""
    gate: bool = False
    """True: unless this reward's value is at least `gate_at`, the total is 0."""
    gate_at: float = 1.0
    """Least value that opens the gate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RewardEntry:
    """A registered reward.

    Attributes:
        params: Model of its parameters.
        make: Parameters to reward.
        summary: One line for ``wherewise reward list``.
    """

    params: type[BaseModel]
    make: Callable[[Any], Reward]
    summary: str


REGISTRY: dict[str, RewardEntry] = {
    "accuracy": RewardEntry(params=AccuracyParams, make=accuracy, summary="the answer, by the sample's declared kind"),
    "format": RewardEntry(params=FormatParams, make=format_reward, summary="1 if the reply keeps the style's layout"),
    "positions": RewardEntry(
        params=PositionParams, make=positions, summary="claims in <scene> against the scene graph: labels and places"
    ),
}


def load_function(spec: str) -> Reward:
    """A user's reward from ``my_file.py:function``.

    Raises:
        InputError: No such file, or no such function in it.
    """
    file, _, name = spec.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise InputError(f"reward {spec!r}: there is no file {path}; write it as path/to/file.py:function")
    module_spec = importlib.util.spec_from_file_location(f"wherewise_user_reward_{path.stem}", path)
    if module_spec is None or module_spec.loader is None:
        raise InputError(f"reward {spec!r}: {path} is not a Python file")
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        names = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise InputError(f"reward {spec!r}: {path} has no function {name!r}{_did_you_mean(name, names)}")
    found: Reward = function
    return found


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}"


def build_reward(config: RewardConfig) -> Reward:
    """The reward that a config names.

    Raises:
        InputError: The name is unknown or its parameters are wrong.
    """
    if ":" in config.name:
        if config.params:
            raise InputError(f"reward {config.name!r}: a function from a file takes no params; set them in the file")
        return load_function(config.name)
    if config.name not in REGISTRY:
        raise InputError(f"unknown reward {config.name!r}{_did_you_mean(config.name, list(REGISTRY))}")
    entry = REGISTRY[config.name]
    fields = entry.params.model_fields
    for key in config.params:
        if key not in fields:
            raise InputError(f"reward {config.name!r} has no parameter {key!r}{_did_you_mean(key, list(fields))}")
    try:
        params = entry.params.model_validate(dict(config.params))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"reward {config.name!r}, params.{where}: {first['msg']}") from error
    return entry.make(params)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewards:
    """A weighted mixture of rewards.

    Attributes:
        configs: One a reward, in order.
        functions: The rewards themselves, in the same order.
    """

    configs: tuple[RewardConfig, ...]
    functions: tuple[Reward, ...]

    def score(self, completion: Completion, sample: Sample, prompt: PromptConfig) -> dict[str, Score]:
        """Every reward's score by its name."""
        return {
            config.name: function(completion, sample, prompt)
            for config, function in zip(self.configs, self.functions, strict=True)
        }

    def total(self, scores: Mapping[str, Score]) -> float | None:
        """The weighted sum; 0 if a gate is shut; None if a gate or a weighted reward could not judge."""
        total, shut, unknown = 0.0, False, False
        for config in self.configs:
            value = scores[config.name].value
            if value is None:
                unknown = unknown or config.gate or config.weight != 0
                continue
            shut = shut or (config.gate and value < config.gate_at)
            total += config.weight * value
        if unknown:
            return None
        return 0.0 if shut else total


def build_rewards(configs: Sequence[RewardConfig]) -> Rewards:
    """The mixture that some configs describe.

    Raises:
        InputError: There is none, a name repeats, is unknown, or its parameters are wrong.
    """
    if not configs:
        raise InputError("the list of rewards is empty; name at least one, for example accuracy")
    names = [config.name for config in configs]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"rewards repeat: {', '.join(repeated)}; keep one of each and set its weight")
    return Rewards(configs=tuple(configs), functions=tuple(build_reward(config) for config in configs))
