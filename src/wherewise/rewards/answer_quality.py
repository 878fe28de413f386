"""ReinforceSight's reward: the answer, the words of the reasoning, and whether the two agree."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from wherewise.answers.styles import PromptConfig
from wherewise.rewards.accuracy import AccuracyParams, accuracy
from wherewise.rewards.base import Completion, Reward
from wherewise.rewards.conclusion import agrees, reasoning_of
from wherewise.rewards.score import Score
from wherewise.samples import Sample

_WORD = re.compile(r"\w+")

MARKERS = ("because", "therefore", "thus", "so", "since", "hence", "compared to", "first", "then")
"""Words of reasoning."""
VISUAL = ("image", "picture", "see", "shows", "shown", "visible", "appears", "looking")
"""Words about what is seen."""
MAX_CHARS = 20_000
"""Only so much of the beginning of a reasoning is read."""


class AnswerQualityParams(BaseModel):
    """Parameters of the ``reinforcesight`` reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    wrong: float = Field(default=-0.5, ge=-1, le=0)
    """Value of a wrong or missing answer."""
    quality: float = Field(default=0.3, ge=0)
    """Weight of the reasoning's words."""
    consistency: float = Field(default=0.2, ge=0)
    """Weight of the agreement of reasoning and answer."""
    quality_when: Literal["right", "always"] = "right"
    """Whether words are paid with a right answer only."""
    contradiction: Literal["wrong", "ignore"] = "wrong"
    """``wrong``: an answer that is not what the reasoning concludes counts as wrong."""
    keywords: tuple[str, ...] = ()
    """Words that the reasoning should hold; empty takes the question's words of four letters or more."""
    markers: tuple[str, ...] = MARKERS
    """Words of reasoning, one of which is enough."""
    visual: tuple[str, ...] = VISUAL
    """Words about what is seen, one of which is enough."""
    least_words: int = Field(default=20, ge=0)
    """Fewest words of a reasoning of good length."""
    most_words: int = Field(default=150, ge=1)
    """Most words of a reasoning of good length."""
    accuracy: AccuracyParams = AccuracyParams()
    """How the answer is judged."""


def _has(text: str, phrase: str) -> bool:
    """Whole words only: "right" is not in "bright"."""
    return re.search(rf"(?<!\w){re.escape(phrase.lower())}(?!\w)", text) is not None


def wording(think: str, question: str, params: AnswerQualityParams) -> float:
    """``.4 min(hits / (keywords / 2), 1) + .3 [a marker] + .2 [a visual word] + .1 [good length]``, in [0, 1]."""
    text = think[:MAX_CHARS].lower()
    keywords = params.keywords or tuple({word for word in _WORD.findall(question.lower()) if len(word) >= 4})
    hits = sum(_has(text, word) for word in keywords)
    count = len(_WORD.findall(text))
    return (
        0.4 * (min(hits / (len(keywords) / 2), 1.0) if keywords else 0.0)
        + 0.3 * any(_has(text, word) for word in params.markers)
        + 0.2 * any(_has(text, word) for word in params.visual)
        + 0.1 * (params.least_words <= count <= params.most_words)
    )


def answer_quality(params: AnswerQualityParams | None = None) -> Reward:
    """``R = A + .3 Q + .2 C``, in [-.5, 1.5].

    A is 1 for a right answer and -.5 for a wrong one (graded measures of `AccuracyParams` lie between); Q is `wording`
    of ``<think>``; C is 1 if the answer is what the reasoning concludes, 0 if not or if it concludes nothing.

    After ReinforceSight's ``src/grpo/reward.py``. There an answer is right if a synonym occurs anywhere in it ("after"
    for "behind"), plain "left of" is not, keywords are paid whatever the answer, and C compares the answer with the
    whole reply that holds it, so that it is 1 nearly always, for an empty answer too.
    """
    params = params or AnswerQualityParams()
    judge = accuracy(params.accuracy)

    def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        verdict = judge(completion, sample, prompt)
        if verdict.value is None:
            return verdict
        agreement = agrees(completion, sample, prompt)
        right = 0.0 if agreement is False and params.contradiction == "wrong" else verdict.value
        quality = wording(reasoning_of(completion, sample, prompt).think, sample.question, params)
        parts = {"accuracy": verdict.value, "wording": quality, "consistent": float(agreement is True)}
        value = params.wrong + (1 - params.wrong) * right
        value += params.quality * quality * (right if params.quality_when == "right" else 1.0)
        value += params.consistency * parts["consistent"]
        note = "reasoning and answer disagree" if agreement is False else verdict.note
        return Score(value=value, parts=parts, note=note)

    return reward
