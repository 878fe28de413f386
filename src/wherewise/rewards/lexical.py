"""DORA's reward: how much of the true answer's words a free answer shares, and in which order."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from wherewise.answers.overlap import set_f1, word_edit_similarity, words
from wherewise.answers.parse import parse
from wherewise.answers.styles import PromptConfig
from wherewise.rewards.base import Completion, Reward
from wherewise.rewards.score import Score
from wherewise.samples import Sample, answer_text


class LexicalParams(BaseModel):
    """Parameters of the ``lexical`` reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    set_weight: float = Field(default=0.3, ge=0, le=1)
    """Share of the word sets' F1; the rest is the word edit similarity."""


def lexical(params: LexicalParams | None = None) -> Reward:
    """``.3 F1 + .7 E`` of the answer and the true answer's text, in [0, 1].

    F1 is that of the two sets of words; ``E = 1 - edits / longer`` with the word-level Levenshtein distance. 0 where
    either has no words.

    It is the reward of DORA ("Structure Over Scale", arXiv 2601.23251). There the answer is what follows "Final
    answer:", or else the *last* line, although the prompt asks for the answer in the *first* sentence; here it is what
    the parser reads, as in evaluation. Shared words are no proof of a right answer ("not on the bed" earns most of "on
    the bed"): prefer ``accuracy`` where the answer has a kind of its own.
    """
    params = params or LexicalParams()

    def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        parsed = parse("text", completion.text, style=prompt.style)
        gold = answer_text(sample.answer)
        if parsed.abstained or not words(str(parsed.value)):
            return Score(value=0.0, note=f"no answer: {parsed.rule}")
        if not words(gold):
            return Score(value=None, note=f"the true answer {gold!r} has no words in ASCII letters or digits")
        parts = {"set_f1": set_f1(str(parsed.value), gold), "edit": word_edit_similarity(str(parsed.value), gold)}
        value = params.set_weight * parts["set_f1"] + (1 - params.set_weight) * parts["edit"]
        return Score(value=value, parts=parts, note=parsed.rule)

    return reward
