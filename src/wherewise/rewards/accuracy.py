"""Is the answer right? By the kind that the sample declares."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from wherewise.answers.compare import is_correct, score_number
from wherewise.answers.parse import KINDS, parse
from wherewise.answers.styles import PromptConfig, frame_of
from wherewise.rewards.base import Completion, Reward
from wherewise.rewards.score import Score
from wherewise.samples import Box, Number, Point, Sample


class AccuracyParams(BaseModel):
    """Parameters of the ``accuracy`` reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: Literal["exact", "mra"] = "exact"
    """Numbers: ``exact`` is right or wrong within the declared tolerance; ``mra`` is the mean relative accuracy."""
    min_iou: float = Field(default=0.5, gt=0, le=1)
    """Boxes: least overlap with the true box."""
    reach: float = Field(default=0.1, gt=0, le=1)
    """Points: greatest distance from the true point, as a share of the picture's diagonal."""


def accuracy(params: AccuracyParams | None = None) -> Reward:
    """1 if the answer is right, 0 if it is wrong or missing; between them for ``number: mra``.

    A reply without a readable answer scores 0 and the note says why. A sample whose answer kind cannot be judged by
    rule scores None.
    """
    params = params or AccuracyParams()

    def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        answer = sample.answer
        if answer.kind not in KINDS:
            return Score(value=None, note=f"answers of kind {answer.kind} cannot be judged by this reward")
        unit = answer.unit if isinstance(answer, Number) else None
        parsed = parse(answer.kind, completion.text, options=sample.options, unit=unit, style=prompt.style)
        note = "; ".join((parsed.rule, *parsed.conflicts))
        if parsed.abstained:
            return Score(value=0.0, parts={"abstained": 1.0}, note=f"no answer: {note}")
        if isinstance(answer, Number) and params.number == "mra" and isinstance(parsed.value, (int, float)):
            return Score(value=score_number(float(parsed.value), answer.value), parts={"abstained": 0.0}, note=note)
        spatial = isinstance(answer, (Box, Point))
        right = is_correct(
            parsed,
            answer,
            codec=prompt.codec if spatial else None,
            frame=frame_of(sample, completion.seen) if spatial else None,
            min_iou=params.min_iou,
            reach=params.reach,
        )
        value = None if right is None else float(right)
        return Score(value=value, parts={"abstained": 0.0}, note=note)

    return reward
