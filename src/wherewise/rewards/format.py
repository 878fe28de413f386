"""Does the reply keep the layout of its prompt style?"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from wherewise.answers.styles import PromptConfig, format_problems
from wherewise.rewards.base import Completion, Reward
from wherewise.rewards.score import Score
from wherewise.samples import Sample


class FormatParams(BaseModel):
    """Parameters of the ``format`` reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    truncated_ok: bool = False
    """False: a reply that the token limit ended scores 0 whatever its layout."""


def format_reward(params: FormatParams | None = None) -> Reward:
    """1 if the layout is kept, else 0.

    Formula: ``1[format_problems(text) = {}]``; order, closing and number of the tags count (after the ``<observe>
    <scene><think><answer>`` gate of SpatialThinker, arXiv 2511.07403, which enforces no order).
    """
    params = params or FormatParams()

    def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        if completion.truncated and not params.truncated_ok:
            return Score(value=0.0, note="the token limit ended the reply")
        problems = format_problems(completion.text, prompt)
        return Score(value=0.0 if problems else 1.0, note="; ".join(problems))

    return reward
