"""T-GRPO's temporal contrast: do frames in order help more than the same frames shuffled?"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from wherewise.answers.styles import PromptConfig
from wherewise.rewards.accuracy import AccuracyParams, accuracy
from wherewise.rewards.base import Completion, ReplyGroup
from wherewise.rewards.score import Score
from wherewise.samples import Sample, Video


class TemporalContrastParams(BaseModel):
    """Parameters of the ``temporal_contrast`` reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ratio: float = Field(default=1.0, gt=0)
    """The mean accuracy on ordered frames must be more than this times that on shuffled ones."""
    accuracy_above: float = Field(default=0.1, ge=0, lt=1)
    """A reply's own accuracy must be greater than this."""
    shuffled_share: float = Field(default=0.5, gt=0, le=1)
    """Completions on shuffled frames, as a share of the group's size."""
    accuracy: AccuracyParams = AccuracyParams()
    """How answers are judged."""


@dataclass(frozen=True, slots=True)
class TemporalContrast:
    """1 for a right reply of a group that answers better from ordered frames than from shuffled ones, else 0.

    With p the mean accuracy of the group and q that of its completions on shuffled frames::

        value_i = 1 if accuracy_i > .1 and p > ratio * q else 0

    Video-R1's T-GRPO (arXiv 2503.21776) adds .3 for it (give it the weight 0.3); so does SpaceR. There the condition is
    ``p >= .8 q``, which a model meets that doesn't look at the order at all (p = q). Here ``ratio`` is 1 and equality
    isn't enough.

    A sample without a video has nothing to shuffle: 0, for all alike. A video whose shuffled completions are missing
    has no value; neither has a group where an answer cannot be judged.

    Attributes:
        params: Thresholds.
    """

    params: TemporalContrastParams

    @property
    def shuffled_share(self) -> float:
        """Completions on shuffled frames, as a share of the group's size."""
        return self.params.shuffled_share

    def __call__(self, completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        """The score of a group of one."""
        return self.score_group(ReplyGroup(completions=(completion,), sample=sample, prompt=prompt))[0]

    def score_group(self, group: ReplyGroup) -> tuple[Score, ...]:
        """One score a completion."""
        if not any(isinstance(medium, Video) for medium in group.sample.media):
            return tuple(Score(value=0.0, note="no video, nothing to shuffle") for _ in group.completions)
        if not group.shuffled:
            return tuple(Score(value=None, note="no completions on shuffled frames") for _ in group.completions)
        judge = accuracy(self.params.accuracy)
        ordered = [judge(completion, group.sample, group.prompt).value for completion in group.completions]
        shuffled = [judge(completion, group.sample, group.prompt).value for completion in group.shuffled]
        right = [value for value in ordered if value is not None]
        others = [value for value in shuffled if value is not None]
        if len(right) < len(ordered) or len(others) < len(shuffled):
            return tuple(Score(value=None, note="an answer could not be judged") for _ in group.completions)
        p, q = sum(right) / len(right), sum(others) / len(others)
        better = p > self.params.ratio * q
        return tuple(
            Score(
                value=float(better and value > self.params.accuracy_above),
                parts={"accuracy": value, "ordered": p, "shuffled": q},
            )
            for value in right
        )


def temporal_contrast(params: TemporalContrastParams | None = None) -> TemporalContrast:
    """The reward of some parameters."""
    return TemporalContrast(params or TemporalContrastParams())
