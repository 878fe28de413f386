"""The ways a job can end badly without being a bug: wrong input, nothing produced, or stopped before it wastes more."""

from __future__ import annotations

from typing import Any


def describe(
    message: str,
    *,
    fix: str = "",
    field: str | None = None,
    sample: str | None = None,
    file: str | None = None,
    row: int | None = None,
) -> str:
    """One line that names the place, the problem and the fix.

    >>> describe("no such file", fix="copy it", field="media[0]", sample="s1", file="train.jsonl", row=3)
    "train.jsonl:3: sample 's1': media[0]: no such file. Fix: copy it"
    """
    place = file or ""
    if row is not None:
        place += f":{row}" if place.endswith(".jsonl") else f" row {row}"
    parts = [place, f"sample {sample!r}" if sample is not None else "", field or "", message]
    text = ": ".join(part for part in parts if part)
    return f"{text}. Fix: {fix}" if fix else text


class InputError(ValueError):
    """The config or the data is wrong: the message names the file, the row or field, and the fix. Exit code 2."""


class NothingProduced(RuntimeError):
    """The job ran, yet no sample, rollout or score came out; the message says why. Exit code 3."""


class RunStopped(RuntimeError):
    """The run ended itself because going on would waste it; the message says why and what to mend. Exit code 1."""


class Terminated(RunStopped):
    """SIGTERM ended the run after a checkpoint: starting it again goes on from there. Exit code 143."""


class DatasetError(InputError):
    """A dataset, shard or record cannot be used.

    Attributes:
        message: What is wrong.
        fix: What to do about it.
        field: Field of the record (``answer.letter``, ``media[0].path``), if one is to blame.
        sample: Id of the sample, if known.
        file: File, if known.
        row: Line of a ``.jsonl`` file (from 1) or row of a Parquet shard (from 0), if known.
    """

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        field: str | None = None,
        sample: str | None = None,
        file: str | None = None,
        row: int | None = None,
    ) -> None:
        super().__init__(describe(message, fix=fix, field=field, sample=sample, file=file, row=row))
        self.message = message
        self.fix = fix
        self.field = field
        self.sample = sample
        self.file = file
        self.row = row

    def at(self, *, sample: str | None = None, file: str | None = None, row: int | None = None) -> DatasetError:
        """The same error with the place filled in where it was unknown."""
        return DatasetError(
            self.message,
            fix=self.fix,
            field=self.field,
            sample=self.sample if self.sample is not None else sample,
            file=self.file if self.file is not None else file,
            row=self.row if self.row is not None else row,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.message, self.fix, self.field, self.sample, self.file, self.row)


def _rebuild(
    message: str, fix: str, field: str | None, sample: str | None, file: str | None, row: int | None
) -> DatasetError:
    return DatasetError(message, fix=fix, field=field, sample=sample, file=file, row=row)
