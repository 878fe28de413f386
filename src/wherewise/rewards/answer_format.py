"""Answer and layout in one number: ``r1v``, ``r1v_scene`` and ``math`` of SpatialThinker's baselines."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from wherewise.answers.styles import PromptConfig
from wherewise.rewards.accuracy import AccuracyParams, accuracy
from wherewise.rewards.base import Completion, Reward
from wherewise.rewards.blocks import layout_problem
from wherewise.rewards.score import Score
from wherewise.samples import Sample


class _MixedParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    accuracy: AccuracyParams = AccuracyParams()
    """How the answer is judged."""


class R1VParams(_MixedParams):
    """Parameters of the ``r1v`` reward."""

    format_weight: float = Field(default=0.5, ge=0, le=1)
    """Share of the layout; the rest is the answer's."""
    blocks: tuple[str, ...] = ("think", "answer")
    """Blocks of the layout, in order."""


class R1VSceneParams(_MixedParams):
    """Parameters of the ``r1v_scene`` reward."""

    format_weight: float = Field(default=0.5, ge=0, le=1)
    """What the layout alone earns; the rest is the answer's, and nothing without the layout."""
    blocks: tuple[str, ...] = ("observe", "scene", "think", "answer")
    """Blocks of the layout, in order."""


class MathParams(_MixedParams):
    """Parameters of the ``math`` reward."""

    format_weight: float = Field(default=0.1, ge=0, le=1)
    """Share of the layout; the rest is the boxed answer's."""


def _layout(completion: Completion, blocks: tuple[str, ...]) -> str | None:
    return "the token limit ended the reply" if completion.truncated else layout_problem(completion.text, blocks)


def _join(*notes: str | None) -> str:
    return "; ".join(note for note in notes if note)


def r1v(params: R1VParams | None = None) -> Reward:
    """``.5 A + .5 F``, in [0, 1]: the answer by its kind, and whether the reply is ``<think><answer>`` alone.

    SpatialThinker's ``r1v`` (arXiv 2511.07403, ``verl/utils/reward_score/r1v.py``), after R1-V. There an answer of
    several lines isn't found, so that the whole reply is graded; blocks may be empty or repeat.
    """
    params = params or R1VParams()
    judge = accuracy(params.accuracy)

    def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        verdict, problem = judge(completion, sample, prompt), _layout(completion, params.blocks)
        if verdict.value is None:
            return verdict
        parts = {"format": float(problem is None), "accuracy": verdict.value}
        value = params.format_weight * parts["format"] + (1 - params.format_weight) * parts["accuracy"]
        return Score(value=value, parts=parts, note=_join(problem, verdict.note))

    return reward


def r1v_scene(params: R1VSceneParams | None = None) -> Reward:
    """``F (.5 + .5 A)``, in [0, 1]: nothing without ``<observe><scene><think><answer>`` in that order.

    SpatialThinker's ``r1v_scene``. There the answer must repeat the option's letter and text; what stands in
    ``<scene>`` earns nothing, here neither: use ``scene_graph`` for that.
    """
    params = params or R1VSceneParams()
    judge = accuracy(params.accuracy)

    def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        verdict, problem = judge(completion, sample, prompt), _layout(completion, params.blocks)
        if verdict.value is None:
            return verdict
        parts = {"format": float(problem is None), "accuracy": verdict.value}
        value = parts["format"] * (params.format_weight + (1 - params.format_weight) * parts["accuracy"])
        return Score(value=value, parts=parts, note=_join(problem, verdict.note))

    return reward


def math(params: MathParams | None = None) -> Reward:
    r"""``.9 A + .1 F``, in [0, 1]: an answer in ``\boxed{}``, after one ``<think>`` block.

    A is 0 without a box behind the reasoning. F is 1 for one closed, filled ``<think>`` block at the beginning and a
    box behind it. SpatialThinker's ``math``, after EasyR1; there the box may stand inside the reasoning.
    """
    params = params or MathParams()
    judge = accuracy(params.accuracy)

    def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        head, end, tail = completion.text.rpartition("</think>")
        boxed = "\\boxed{" in tail
        verdict = judge(completion, sample, prompt)
        if verdict.value is None:
            return verdict
        problem = None if boxed else "no \\boxed{} behind the reasoning"
        problem = problem or _layout(Completion(text=head + end, truncated=completion.truncated), ("think",))
        parts = {"format": float(problem is None), "accuracy": verdict.value if boxed else 0.0}
        value = params.format_weight * parts["format"] + (1 - params.format_weight) * parts["accuracy"]
        return Score(value=value, parts=parts, note=_join(problem, verdict.note))

    return reward
