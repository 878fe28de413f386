"""Checks before training, and before the model is loaded: a run that would fail at step 400 fails at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from wherewise.answers.styles import PromptConfig, PromptStyle, render_answer, render_prompt, render_target
from wherewise.models.inputs import encode_target
from wherewise.rewards import Completion, Rewards
from wherewise.samples import Sample, SceneGraph
from wherewise.training.config import FramesConfig
from wherewise.training.data import DataError, Encoder, load_media

ENCODED = 64
"""Prompts that are encoded before the first step."""
MAX_LISTED = 20
"""Problems that are spelled out; the rest is counted."""


def check_samples(
    samples: Sequence[Sample],
    prompt: PromptConfig,
    root: Path | None,
    *,
    first: int | Literal["all"] = "all",
    frames: FramesConfig = FramesConfig(),  # noqa: B008 - frozen
    rewards: Rewards | None = None,
    need_target: bool = False,
) -> int:
    """Decode the media, render the prompts, and have the accuracy reward judge the gold answers.

    Args:
        samples: All samples of the run.
        prompt: How they are put to the model.
        root: Folder of media paths.
        first: How many samples to look into. Ids are always checked in all of them.
        frames: Which frames of videos to decode.
        rewards: The run's rewards; the one called ``accuracy`` must give every gold answer 1.
        need_target: True: the style's target text must render (SFT).

    Returns:
        Number of samples looked into.

    Raises:
        DataError: Something is wrong; lists samples, reasons and fixes.
    """
    if not samples:
        raise DataError("there are no samples: the dataset is empty, or every sample was filtered out")
    problems = [f"sample id {name!r} occurs more than once: make ids unique" for name in repeated_ids(samples)]
    checked = samples if first == "all" else samples[:first]
    for sample in checked:
        try:
            problems += sample_problems(sample, prompt, root, frames, rewards, need_target)
        except ValueError as error:  # a problem of one sample; all of them are reported together
            problems.append(str(error) if sample.id in str(error) else f"sample {sample.id!r}: {error}")
    if problems:
        more = f"\n  and {len(problems) - MAX_LISTED} more" if len(problems) > MAX_LISTED else ""
        listed = "".join(f"\n  {problem}" for problem in problems[:MAX_LISTED])
        raise DataError(f"{len(problems)} problems in {len(checked)} samples, nothing was trained:{listed}{more}")
    return len(checked)


def check_encoding(samples: Sequence[Sample], encoder: Encoder, *, need_target: bool) -> None:
    """Run the processor on some prompts and the tokenizer on their targets; encoded prompts are kept for training.

    Raises:
        DataError: A prompt cannot be encoded; lists samples and reasons.
    """
    problems = []
    for sample in samples:
        try:
            encoded = encoder.encode(sample)
            if need_target:
                encode_target(encoder.processor, encoder.target(sample, encoded), sample_id=sample.id)
        except ValueError as error:  # a problem of one sample; all of them are reported together
            problems.append(str(error))
    if problems:
        listed = "".join(f"\n  {problem}" for problem in problems[:MAX_LISTED])
        raise DataError(f"{len(problems)} prompts of {len(samples)} cannot be encoded, nothing was trained:{listed}")


def repeated_ids(samples: Sequence[Sample]) -> list[str]:
    """Ids that more than one sample has."""
    seen: set[str] = set()
    return sorted({s.id for s in samples if s.id in seen or seen.add(s.id)})  # type: ignore[func-returns-value]


def sample_problems(
    sample: Sample,
    prompt: PromptConfig,
    root: Path | None,
    frames: FramesConfig,
    rewards: Rewards | None,
    need_target: bool,
) -> list[str]:
    """What is wrong with one sample; also raises `ValueError` where a part cannot be read or rendered."""
    load_media(sample, root, frames)
    render_prompt(sample, prompt)
    if need_target:
        render_target(sample, prompt)
    if rewards is None or "accuracy" not in (config.name for config in rewards.configs):
        return []
    reply = gold_reply(sample, prompt)
    score = rewards.score(Completion(text=reply), sample, prompt)["accuracy"]
    if score.value is None or score.value >= 1.0:
        return []
    return [
        f"sample {sample.id!r}: its own gold answer {json.dumps(reply, ensure_ascii=False)} scores {score.value:g} "
        f"instead of 1 ({score.note or 'no note'}): correct the answer, or the reward's parameters"
    ]


def gold_reply(sample: Sample, prompt: PromptConfig) -> str:
    """A right reply in the prompt's style; reasoning that the sample does not have is a placeholder."""
    needs_scene = prompt.style is PromptStyle.SCENE_GRAPH and not isinstance(sample.evidence, SceneGraph)
    needs_thought = "think" in prompt.blocks and not sample.rationale
    if not needs_scene and not needs_thought:
        return render_target(sample, prompt)
    answer = render_answer(sample, prompt)
    filler = {"scene": "none", "think": "...", "answer": answer}
    return "".join(f"<{block}>{filler[block]}</{block}>" for block in prompt.blocks)
