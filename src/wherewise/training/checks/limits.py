"""Prompts that are too long: refused or left out by name, never cut.

A prompt that is cut loses pictures or the question: the processor's placeholder tokens then no longer match the
features that the vision tower makes, or the model learns to answer what it was not asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from wherewise.models.load import load_processor
from wherewise.samples import Sample
from wherewise.training.config import RunConfig
from wherewise.training.data import DataError, Encoder
from wherewise.training.parallel.config import processes
from wherewise.training.session import OnProgress, Progress

LISTED = 20
"""Prompts that are named; the rest is counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TooLong:
    """A prompt over the limit.

    Attributes:
        sample: Id of its sample.
        tokens: Its length.
        vision: How many of them stand for pictures and clips.
    """

    sample: str
    tokens: int
    vision: int

    def __str__(self) -> str:
        """``sample 'a': 5120 tokens, 5000 of them for pictures and clips``."""
        return f"sample {self.sample!r}: {self.tokens} tokens, {self.vision} of them for pictures and clips"


def remark(on_progress: OnProgress, line: str) -> None:
    """Say something before a run begins; of several processes the first one does."""
    if processes(os.environ)[0] == 0:
        on_progress(Progress(step=0, total=0, metrics={}, line=line))


def too_long(samples: Sequence[Sample], encoder: Encoder, limit: int) -> list[TooLong]:
    """Prompts of more than `limit` tokens, counted by the processor; every medium is decoded for it."""
    found = []
    for sample in samples:
        prompt = encoder.encode(sample)
        if prompt.length > limit:
            vision = int((prompt.mm_token_type_ids > 0).sum())
            found.append(TooLong(sample=sample.id, tokens=prompt.length, vision=vision))
    return found


def listed(found: Sequence[TooLong]) -> str:
    """Indented lines, the longest first."""
    ordered = sorted(found, key=lambda item: -item.tokens)
    more = f"\n  and {len(found) - LISTED} more" if len(found) > LISTED else ""
    return "".join(f"\n  {item}" for item in ordered[:LISTED]) + more


def within_limit(
    config: RunConfig, samples: Sequence[Sample], root: Path | None, say: Callable[[str], None]
) -> tuple[Sample, ...]:
    """The samples whose prompts are not too long; all of them where the config has no limit.

    Args:
        config: ``max_prompt_tokens`` and ``too_long``.
        samples: All samples.
        root: Folder of media paths.
        say: Told which samples are left out.

    Raises:
        DataError: Some prompts are too long and ``too_long`` is ``refuse``, or all of them are.
    """
    limit = config.max_prompt_tokens
    if limit is None:
        return tuple(samples)
    processor = load_processor(config.model.path)
    encoder = Encoder(processor=processor, prompt=config.prompt, root=root, frames=config.frames, budget=0)
    found = too_long(samples, encoder, limit)
    if not found:
        return tuple(samples)
    which = f"{len(found)} of {len(samples)} prompts have more than {limit} tokens (max_prompt_tokens)"
    if config.too_long == "refuse" or len(found) == len(samples):
        raise DataError(
            f"{which}, nothing was trained:{listed(found)}\n"
            "Fix: raise max_prompt_tokens, lower frames.max_frames or the processor's largest picture, "
            "or set `too_long: drop` to train without them"
        )
    say(f"{which} and are left out:{listed(found)}")
    names = {item.sample for item in found}
    return tuple(sample for sample in samples if sample.id not in names)
