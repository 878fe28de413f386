"""Where completions come from: the model in this process, or an engine beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

import torch

from wherewise.models.inputs import collate, end_token_ids, padding_id, vision_token_ids
from wherewise.models.load import LoadedModel
from wherewise.samples import Sample
from wherewise.training.grpo_config import GRPOConfig
from wherewise.training.loop import Session
from wherewise.training.prefix import Completions, generate, prefill


def never_sampled(loaded: LoadedModel) -> tuple[int, ...]:
    """Ids that are never drawn: vision tokens, and rows of the head that no token belongs to."""
    rows = loaded.model.get_output_embeddings().weight.shape[0]
    return (*vision_token_ids(loaded.processor), *range(len(loaded.processor.tokenizer), rows))


class RolloutEngine(Protocol):
    """Draws completions of prompts under the policy of this moment."""

    def complete(self, samples: Sequence[Sample], generations: int, *, shuffle: str | None = None) -> Completions:
        """So many completions of each sample's prompt, on the CPU.

        Args:
            samples: B prompts.
            generations: Completions of each, G.
            shuffle: Seed by which the frames of videos are put out of order; None leaves them.

        Returns:
            B*G rows, row ``b * G + g`` being completion g of prompt b.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalEngine:
    """The policy itself, with the shared prefix.

    Attributes:
        session: Model, encoder and configuration.
        generator: Source of randomness.
    """

    session: Session
    generator: torch.Generator

    @torch.no_grad()
    def complete(self, samples: Sequence[Sample], generations: int, *, shuffle: str | None = None) -> Completions:
        """See `RolloutEngine.complete`; prompts go through the model ``micro_prompts`` at a time."""
        session, config = self.session, cast(GRPOConfig, self.session.config)
        processor, model, encoder = session.loaded.processor, session.loaded.model, session.encoder
        model.eval()
        parts = []
        for start in range(0, len(samples), config.micro_prompts):
            chunk = samples[start : start + config.micro_prompts]
            prompts = [encoder.encode(s) if shuffle is None else encoder.encode_shuffled(s, shuffle) for s in chunk]
            with session.autocast():
                drawn = generate(
                    model,
                    prefill(model, collate(prompts, pad_id=padding_id(processor), device=session.device)),
                    group_size=generations,
                    max_new_tokens=config.max_new_tokens,
                    temperature=config.temperature,
                    top_p=config.top_p,
                    eos_ids=end_token_ids(processor),
                    pad_id=padding_id(processor),
                    banned_ids=never_sampled(session.loaded),
                    generator=self.generator,
                )
            parts.append(drawn.to("cpu"))
        return Completions.join(parts, pad_id=padding_id(processor))
