"""Does the answer follow from the reasoning? By rule, without a judge."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from wherewise.answers.styles import PromptConfig
from wherewise.rewards.base import Completion, Reward
from wherewise.rewards.conclusion import agrees
from wherewise.rewards.score import Score
from wherewise.samples import Sample


class ConsistencyParams(BaseModel):
    """Parameters of the ``consistency`` reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unread: float | None = Field(default=1.0, ge=0, le=1)
    """Value of a reply whose reasoning concludes nothing that a rule can read; None: it cannot be judged."""


def consistency(params: ConsistencyParams | None = None) -> Reward:
    """0 if the reasoning concludes another answer than the one given, 1 if the same.

    The conclusion is the last sentence with a concluding word ("so", "therefore", "the answer is"), else the last
    sentence, read as an answer of the sample's kind. It is meant as a gate (``gate: true``, ``weight: 0``) beside
    `accuracy`: a right answer behind reasoning for another one then earns nothing. Video-R2 (arXiv 2511.23478) gates
    its temporal reward by a judge's verdict on the same question.
    """
    params = params or ConsistencyParams()

    def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        same = agrees(completion, sample, prompt)
        if same is None:
            return Score(value=params.unread, note="no conclusion could be read")
        return Score(value=float(same), note="" if same else "the reasoning concludes another answer")

    return reward
