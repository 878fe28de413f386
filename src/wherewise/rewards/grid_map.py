"""A bonus for a right map of the room, which never takes a right answer away."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from wherewise.answers.grid_maps import grid_map_score
from wherewise.answers.parse import parse
from wherewise.answers.styles import PromptConfig
from wherewise.rewards.accuracy import AccuracyParams, accuracy
from wherewise.rewards.base import Completion, Reward
from wherewise.rewards.blocks import body_of
from wherewise.rewards.score import Score
from wherewise.samples import GridMap, Sample


class GridMapParams(BaseModel):
    """Parameters of the ``grid_map`` reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reach: float = Field(default=3.0, gt=0)
    """Distance in cells at which a place earns nothing."""
    accuracy_from: float = Field(default=0.5, ge=0, le=1)
    """Least accuracy of the answer for which a map is paid; 0 pays it always."""
    accuracy: AccuracyParams = AccuracyParams(number="mra")
    """How the answer is judged."""


def grid_map(params: GridMapParams | None = None) -> Reward:
    """The score m of the reply's ``<map>`` where its answer is right enough, else 0; in [0, 1].

    m is `wherewise.answers.grid_maps.grid_map_score`, a soft F1 of cells. Since m is never below 0, a mixture of
    ``accuracy`` and this reward pays a right answer at least what it would earn without any map.

    The map reward of SpaceR (``SG-RLVR.py``) replaces the answer's reward by 0 if the map scores 0, so that trying to
    draw one is a risk and leaving it out is none; and its map score pays .73 on average for cells in the
    middle of the grid.
    """
    params = params or GridMapParams()
    judge = accuracy(params.accuracy)

    def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        if not isinstance(sample.evidence, GridMap):
            return Score(value=None, note=f"sample {sample.id!r} has no grid map to compare with")
        if body_of(completion.text, "map") is None:
            return Score(value=0.0, note="no complete <map>")
        verdict = judge(completion, sample, prompt)
        if verdict.value is None:
            return verdict
        parsed = parse("grid_map", completion.text, style=prompt.style)
        # An unreadable map earns nothing; so does a readable one that is wrong.
        score = 0.0 if parsed.abstained else grid_map_score(parsed.value, sample.evidence, reach=params.reach)  # type: ignore[arg-type]
        parts = {"map": score, "accuracy": verdict.value}
        paid = verdict.value >= params.accuracy_from
        note = "" if paid else "the answer is not right, so that the map isn't paid"
        return Score(value=score if paid else 0.0, parts=parts, note=note if not parsed.abstained else parsed.rule)

    return reward
