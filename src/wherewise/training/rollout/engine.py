"""Where completions come from: the model in this process, or an engine beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import torch

from wherewise.models.completions import Randomness
from wherewise.models.inputs import collate, padding_id
from wherewise.samples import Sample
from wherewise.training.grpo.config import GRPOConfig
from wherewise.training.grpo.prefix import Completions
from wherewise.training.grpo.scoring import Scorer
from wherewise.training.loop import Session


class RolloutEngine(Protocol):
    """Draws completions of prompts under the policy of this moment."""

    def complete(
        self,
        samples: Sequence[Sample],
        generations: int,
        *,
        shuffle: str | None = None,
        greedy: bool = False,
        seeds: Sequence[int] | None = None,
    ) -> Completions:
        """So many completions of each sample's prompt, on the CPU.

        Args:
            samples: B prompts.
            generations: Completions of each, G.
            shuffle: Seed by which the frames of videos are put out of order; None leaves them.
            greedy: Take the likeliest token every time (one completion a prompt is enough then).
            seeds: One a prompt, on which its completions then depend and on nothing else that is random; None takes
                the engine's own randomness.

        Returns:
            B*G rows, row ``b * G + g`` being completion g of prompt b.
        """
        ...

    def begin(self, step: int) -> None:
        """A draw begins: from now on, completions are those of the weights of this moment."""
        ...

    def look_ahead(self, samples: Sequence[Sample], generations: int, seeds: Sequence[int]) -> None:
        """The first prompts of the next draw: an engine that can draw beside the backward pass begins with them."""
        ...

    def version_of(self, sample: Sample) -> str | None:
        """Name of the weights that drew a prompt's completions in this draw; None where weights have no names."""
        ...

    def report(self) -> dict[str, Any]:
        """Metrics of this draw."""
        ...

    def state(self) -> dict[str, Any]:
        """What the engine keeps between steps, besides random generators."""
        ...

    def load_state(self, state: dict[str, Any]) -> None:
        """Put back what `state` returned."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalEngine:
    """The policy itself, with the shared prefix where its family allows it.

    Attributes:
        session: Model, encoder and configuration.
        generator: Source of randomness.
        scorer: Sends prompts through the model.
    """

    session: Session
    generator: torch.Generator
    scorer: Scorer

    def begin(self, step: int) -> None:
        """See `RolloutEngine.begin`: the weights are always those of this moment."""

    def look_ahead(self, samples: Sequence[Sample], generations: int, seeds: Sequence[int]) -> None:
        """See `RolloutEngine.look_ahead`: one model cannot draw and learn at once."""

    def version_of(self, sample: Sample) -> str | None:
        """See `RolloutEngine.version_of`."""
        return None

    def report(self) -> dict[str, Any]:
        """See `RolloutEngine.report`."""
        return {}

    def state(self) -> dict[str, Any]:
        """See `RolloutEngine.state`."""
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        """See `RolloutEngine.load_state`."""

    @torch.no_grad()
    def complete(
        self,
        samples: Sequence[Sample],
        generations: int,
        *,
        shuffle: str | None = None,
        greedy: bool = False,
        seeds: Sequence[int] | None = None,
    ) -> Completions:
        """See `RolloutEngine.complete`; as many prompts go together as in the loss (`Scorer.passes`)."""
        session, config = self.session, cast(GRPOConfig, self.session.config)
        pad, encoder = padding_id(session.loaded.processor), session.encoder
        session.loaded.model.eval()
        parts = []
        for places in self.scorer.passes(samples, [config.max_new_tokens] * len(samples)):
            start, chunk = places.start, samples[places.start : places.stop]
            prompts = [encoder.encode(s) if shuffle is None else encoder.encode_shuffled(s, shuffle) for s in chunk]
            batch = collate(prompts, pad_id=pad, device=session.device)
            source: Randomness = self.generator
            if seeds is not None:
                source = [torch.Generator().manual_seed(seed) for seed in seeds[start : start + len(chunk)]]
            drawn = self.scorer.draw(
                batch, group_size=generations, generator=source, greedy=greedy, learnt=shuffle is None
            )
            parts.append(drawn.to("cpu"))
        return Completions.join(parts, pad_id=pad)
