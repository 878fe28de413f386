"""The contract of the whole toolkit: one question about some media, with its known answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wherewise.samples.answer import Answer, Choice
from wherewise.samples.evidence import Evidence
from wherewise.samples.media import Media


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One question, its media and its known answer.

    Attributes:
        id: Unique within a dataset.
        media: Images and videos, in the order in which the model sees them.
        question: The question without options or instructions; those are added by a prompt style.
        options: Option texts of a multiple-choice question, in order; empty otherwise.
        answer: The gold answer; its class declares the kind.
        task: Question family (``left_right``), the unit of balance and of macro averages.
        evidence: What dense rewards compare a reply with, or None.
        rationale: A correct short chain of thought for SFT, or None.
        group: Scene, video or image that the sample belongs to: unit of splitting and of clustered errors.
        split: ``train``, ``val`` or ``test``.
        source: Where the sample comes from (``simulate``, a dataset's name).
        license: SPDX id or name of the media's and text's licence.
        seed: Seed that made it, or None.
        facts: What the answer was derived from; plain JSON values.

    Raises:
        ValueError: An option letter is out of range or its text is not the option's.
    """

    id: str
    media: tuple[Media, ...]
    question: str
    answer: Answer
    task: str
    group: str
    options: tuple[str, ...] = ()
    evidence: Evidence | None = None
    rationale: str | None = None
    split: str = "train"
    source: str = ""
    license: str = ""
    seed: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.answer, Choice):
            if self.answer.index >= len(self.options):
                raise ValueError(
                    f"sample {self.id!r}: answer letter {self.answer.letter!r} is out of range "
                    f"for {len(self.options)} options; add the option or correct the letter"
                )
            if self.options[self.answer.index] != self.answer.text:
                raise ValueError(
                    f"sample {self.id!r}: option {self.answer.letter} is {self.options[self.answer.index]!r} "
                    f"but the answer says {self.answer.text!r}; make them equal"
                )
            if len(set(self.options)) != len(self.options):
                raise ValueError(f"sample {self.id!r}: options repeat: {list(self.options)}")
