"""The gradient of a GRPO step: weights of tokens, log-probabilities, loss, backward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor

from wherewise.models.inputs import collate, padding_id
from wherewise.training.groups import Group, by_group, pad_columns
from wherewise.training.grpo_config import GRPOConfig
from wherewise.training.loop import Session
from wherewise.training.losses import LossInputs, policy_loss, token_weights
from wherewise.training.prefix import Completions, completion_logprobs, prefill
from wherewise.training.reference import Reference
from wherewise.training.rollout_engine import never_sampled
from wherewise.training.rollouts import Reply


@dataclass(frozen=True, kw_only=True, slots=True)
class Learner:
    """Turns judged completions into gradients.

    Attributes:
        session: Model, samples and configuration.
        reference: The model of the KL penalty, or None.
    """

    session: Session
    reference: Reference | None

    @property
    def config(self) -> GRPOConfig:
        """The run's configuration."""
        return cast(GRPOConfig, self.session.config)

    def weigh(
        self,
        indices: Sequence[int],
        drawn: Sequence[Completions],
        replies: Sequence[Sequence[Reply]],
    ) -> list[Group]:
        """Groups with advantages and token weights.

        A group is inactive when its gradient is exactly zero: nothing of it counts, or all advantages are zero and no
        KL penalty pulls at it. Inactive groups still count in the means.
        """
        config = self.config
        counted = []
        for group, judged in zip(drawn, replies, strict=True):
            keep = torch.tensor([r.reward is not None for r in judged])
            if config.mask_truncated:
                keep &= group.finished
            counted.append(group.mask & keep[:, None])
        weights = token_weights(
            pad_columns(counted),
            config.loss_type,
            max_new_tokens=config.max_new_tokens,
            micro_batch=(torch.arange(len(drawn)) // config.micro_prompts).repeat_interleave(config.generations),
        )
        groups = []
        for index, group, judged, weight in zip(
            indices, drawn, replies, by_group(weights, config.generations), strict=True
        ):
            advantages = torch.tensor([r.advantage or 0.0 for r in judged])
            weight = weight[:, : group.ids.shape[1]].contiguous()
            pulled = weight.sum(-1) * (1.0 if config.beta else advantages.abs())
            groups.append(
                Group(
                    sample=index,
                    ids=group.ids.contiguous(),
                    mask=group.mask.contiguous(),
                    finished=group.finished.contiguous(),
                    advantages=advantages,
                    weights=weight,
                    active=bool((pulled > 0).any()),
                )
            )
        return groups

    def gradient(self, buffer: Sequence[Group]) -> dict[str, Any]:
        """Gradients of the policy loss over the active groups."""
        config, session = self.config, self.session
        active = [g for g in buffer if g.active]
        session.loaded.model.train()
        sums = {"loss": 0.0, "entropy": 0.0, "kl_sum": 0.0, "clipped": 0.0, "tokens": 0.0}
        for start in range(0, len(active), config.micro_prompts):
            for key, value in self.part(active[start : start + config.micro_prompts]).items():
                sums[key] += value
        tokens = max(1.0, sums["tokens"])
        measured = bool(active)
        return {
            "loss": sums["loss"],
            "tokens": sum(int(g.mask.sum()) for g in buffer),
            "entropy": sums["entropy"] / tokens if measured else None,
            "kl": sums["kl_sum"] / tokens if measured and self.reference is not None else None,
            "clip_fraction": sums["clipped"] / tokens if measured else None,
        }

    def part(self, groups: Sequence[Group]) -> dict[str, float]:
        """One forward-backward pass."""
        config, session = self.config, self.session
        device, processor, model = session.device, session.loaded.processor, session.loaded.model
        prompts = [session.encoder.encode(session.samples[g.sample]) for g in groups]
        batch = collate(prompts, pad_id=padding_id(processor), device=device)
        ids = pad_columns([g.ids for g in groups], value=padding_id(processor))
        completions = Completions(
            ids=ids,
            mask=pad_columns([g.mask for g in groups]),
            logprobs=torch.zeros(ids.shape),
            finished=torch.cat([g.finished for g in groups]),
        ).to(device)

        def logprobs(of: Any) -> tuple[Tensor, Tensor]:
            with session.autocast():
                return completion_logprobs(
                    of,
                    prefill(of, batch),
                    completions,
                    group_size=config.generations,
                    temperature=config.temperature,
                    banned_ids=never_sampled(session.loaded),
                )

        if self.reference is not None and groups[0].ref_logp is None:
            with torch.no_grad(), self.reference.model(model) as reference:
                values, _ = logprobs(reference)
            for group, rows in zip(groups, by_group(values.cpu(), config.generations), strict=True):
                group.ref_logp = rows[:, : group.ids.shape[1]].contiguous()
        logp, entropy = logprobs(model)
        if groups[0].old_logp is None:
            for group, rows in zip(groups, by_group(logp.detach().cpu(), config.generations), strict=True):
                group.old_logp = rows[:, : group.ids.shape[1]].contiguous()
        weights = pad_columns([g.weights for g in groups]).to(device)
        inputs = LossInputs(
            logp=logp,
            old_logp=pad_columns([g.old_logp for g in groups if g.old_logp is not None]).to(device),
            ref_logp=None
            if self.reference is None
            else pad_columns([g.ref_logp for g in groups if g.ref_logp is not None]).to(device),
            mask=weights > 0,
            advantages=torch.cat([g.advantages for g in groups]).to(device),
            weights=weights,
        )
        outputs = policy_loss(inputs, clip_low=config.clip_low, clip_high=config.clip_high, beta=config.beta)
        outputs.loss.backward()  # type: ignore[no-untyped-call]
        entropy_sum = float(entropy.detach()[inputs.mask].sum())
        return {"loss": float(outputs.loss.detach()), "entropy": entropy_sum, **outputs.metrics}
