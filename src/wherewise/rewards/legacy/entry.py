"""What a legacy reward consists of: a row of the published inputs, a formula, and the way from a sample to that row."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from wherewise.answers.styles import PromptConfig
from wherewise.rewards.base import Completion, Reward
from wherewise.rewards.score import Score
from wherewise.samples import Sample
from wherewise.samples.errors import DatasetError, InputError
from wherewise.samples.plain import short


class Row(BaseModel):
    """One line of input of a legacy reward; unknown keys are refused, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Params(BaseModel):
    """Parameters of a legacy reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)


R = TypeVar("R", bound=Row)
P = TypeVar("P", bound=Params)


@dataclass(frozen=True, kw_only=True, slots=True)
class LegacyReward(Generic[R, P]):
    """A published reward, computed as its code computes it.

    Attributes:
        name: ``legacy.`` and the published name.
        source: Repository and file that it comes from.
        summary: One line for ``wherewise reward list``.
        row: Model of a line of input.
        params: Model of its parameters.
        score: The formula. A row is scored on its own; what depends on a group is in the row.
        row_of: A reply to one of our samples as a row; a text says why this sample cannot be one. None: the reward
            needs a whole group, so that it cannot be part of a mixture.
        write: A reply to a sample in the layout that the published prompt asks for, from the sample and the reasoning.
    """

    name: str
    source: str
    summary: str
    row: type[R]
    params: type[P]
    score: Callable[[R, P], Score]
    row_of: Callable[[Completion, Sample], R | str] | None = None
    write: Callable[[Sample, str], str] | None = None

    def make(self, params: P | None = None) -> Reward:
        """The reward for use in a mixture: it judges replies to samples.

        Raises:
            InputError: It judges groups, not replies.
        """
        given, row_of = params or self.params(), self.row_of
        if row_of is None:
            raise InputError(
                f"reward {self.name!r} needs the rewards of a whole group and scores rows only "
                f"(wherewise reward score {self.name}); take it out of the mixture"
            )

        def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
            row = row_of(completion, sample)
            if isinstance(row, str):
                return Score(value=None, note=f"sample {sample.id!r}: {row}")
            return self.score(row, given)

        return reward

    def score_row(self, row: Mapping[str, Any], params: P | None = None) -> Score:
        """Score one line of input.

        Raises:
            DatasetError: The line is not of the reward's schema; names the key and the fix.
        """
        return self.score(self.read(row), params or self.params())

    def read(self, row: Mapping[str, Any]) -> R:
        """Check one line of input.

        Raises:
            DatasetError: A key is unknown, missing or of the wrong kind.
        """
        fields = self.row.model_fields
        for key in row:
            if key not in fields:
                close = difflib.get_close_matches(key, list(fields), n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"{self.name} takes {', '.join(fields)}"
                raise DatasetError("unknown field", field=key, fix=hint)
        try:
            return self.row.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            if first["type"] == "missing":
                raise DatasetError("the field is missing", field=where, fix=f"add {where!r} to the line") from error
            info = fields.get(str(first["loc"][0])) if first["loc"] else None
            fix = (info.description if info is not None else None) or f"see the row of {self.name}"
            raise DatasetError(f"{first['msg']}, got {short(first['input'])}", field=where or None, fix=fix) from error
