"""GRPO: completions of a group are judged against each other; prompt and pictures are encoded once a group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, cast

import torch
from torch import Tensor

from wherewise.models.inputs import EncodedPrompt, collate, end_token_ids, padding_id, vision_token_ids
from wherewise.rewards import Completion, ReplyGroup, Rewards, build_rewards
from wherewise.samples import Sample, Video
from wherewise.training.advantages import group_advantages
from wherewise.training.config import GRPOConfig, total_steps
from wherewise.training.data import seen_size
from wherewise.training.loop import OnProgress, RunResult, Session, print_progress, run
from wherewise.training.losses import LossInputs, policy_loss, token_weights
from wherewise.training.prefix import Completions, completion_logprobs, generate, prefill
from wherewise.training.reference import Reference
from wherewise.training.rollouts import Reply, RolloutWriter, reward_label
from wherewise.training.run_folder import Resume
from wherewise.training.sampler import ShuffledSampler


@dataclass(kw_only=True, slots=True)
class Group:
    """The completions of one prompt, on the CPU; G completions of up to C tokens.

    Attributes:
        sample: Index of the sample.
        ids: Long[G, C] tokens.
        mask: Bool[G, C] tokens of the completions.
        finished: Bool[G] ended by an end token.
        advantages: Float[G]; 0 where there is no reward.
        weights: Float[G, C] of each token in the step's loss; 0 where it does not count.
        active: False if the group's gradient is exactly zero.
        old_logp: Float[G, C] under the sampling policy; None until the first pass has computed it.
        ref_logp: Float[G, C] under the reference; None without one.
    """

    sample: int
    ids: Tensor
    mask: Tensor
    finished: Tensor
    advantages: Tensor
    weights: Tensor
    active: bool
    old_logp: Tensor | None = None
    ref_logp: Tensor | None = None

    def state(self) -> dict[str, Any]:
        """All fields."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


def pad_columns(tensors: Sequence[Tensor], value: float = 0) -> Tensor:
    """Stack [G_i, C_i] tensors into [sum G_i, max C_i], filling the right."""
    width = max(t.shape[1] for t in tensors)
    return torch.cat([torch.nn.functional.pad(t, (0, width - t.shape[1]), value=value) for t in tensors])


def by_group(rows: Tensor, generations: int) -> list[Tensor]:
    """Cut [groups * generations, C] into groups."""
    return list(rows.unflatten(0, (-1, generations)).unbind(0))  # type: ignore[no-untyped-call]


@dataclass(kw_only=True, slots=True)
class GRPOPhase:
    """Samples groups, judges them, and adds the gradient of the policy loss.

    Attributes:
        session: Model, samples and configuration.
        sampler: Which prompts come next.
        rewards: The mixture of rewards.
        writer: Writes rollouts.
        reference: The model of the KL penalty, or None.
        generators: The sampling generator.
    """

    session: Session
    sampler: ShuffledSampler
    rewards: Rewards
    writer: RolloutWriter
    reference: Reference | None
    generators: dict[str, torch.Generator]
    name: str = "grpo"
    _buffer: list[Group] = field(default_factory=list)
    _passes: int = 0

    @property
    def config(self) -> GRPOConfig:
        """The run's configuration."""
        return cast(GRPOConfig, self.session.config)

    # ------------------------------------------------------------------ the two halves of a step

    def backward(self, step: int) -> dict[str, Any]:
        """Gradients of one optimiser step; new completions every ``num_iterations`` steps."""
        metrics: dict[str, Any] = {}
        if not self._buffer or self._passes == self.config.num_iterations:
            metrics = self.sample(step)
        self._passes += 1
        return metrics | self.learn()

    @torch.no_grad()
    def sample(self, step: int) -> dict[str, Any]:
        """Draw prompts, complete them, judge the completions; fills the buffer."""
        config = self.config
        indices = self.sampler.take(config.prompts_per_step)
        self.session.loaded.model.eval()
        drawn: list[Completions] = []
        chunks = [indices[i : i + config.micro_prompts] for i in range(0, len(indices), config.micro_prompts)]
        for chunk in chunks:
            completions = self.complete(chunk).to("cpu")
            size = config.generations
            drawn += [completions.rows(g * size, (g + 1) * size) for g in range(len(chunk))]
        shuffled = self.complete_shuffled(step, indices)
        replies = [
            self.judge(self.session.samples[i], group, shuffled.get(i)) for i, group in zip(indices, drawn, strict=True)
        ]
        micro = [number for number, chunk in enumerate(chunks) for _ in chunk]
        self._buffer = self.weigh(indices, drawn, replies, micro)
        self._passes = 0
        if self.writes_at(step):
            pairs = [(self.session.samples[i], r) for i, r in zip(indices, replies, strict=True)]
            self.writer.write(step, pairs[: config.rollouts.groups])
        return self.summary(replies)

    def writes_at(self, step: int) -> bool:
        """Whether completions drawn at this step are written down: first and last draw, and every so many steps."""
        every, until = self.config.rollouts.every, step + self.config.num_iterations
        return step == 1 or until > self.session.total or (until - 1) // every > (step - 1) // every

    def complete(self, indices: Sequence[int]) -> Completions:
        """Completions of some prompts, in order."""
        prompts = [self.session.encoder.encode(self.session.samples[i]) for i in indices]
        return self.complete_prompts(prompts, self.config.generations)

    def complete_shuffled(self, step: int, indices: Sequence[int]) -> dict[int, Completions]:
        """Completions of the same questions on shuffled frames, by index: of videos, where a reward asks for them."""
        config, session = self.config, self.session
        size = math.ceil(self.rewards.shuffled_share * config.generations)
        moving = [i for i in indices if size and any(isinstance(m, Video) for m in session.samples[i].media)]
        found: dict[int, Completions] = {}
        for start in range(0, len(moving), config.micro_prompts):
            chunk = moving[start : start + config.micro_prompts]
            prompts = [session.encoder.encode_shuffled(session.samples[i], f"{config.seed}:{step}") for i in chunk]
            completions = self.complete_prompts(prompts, size).to("cpu")
            found |= {i: completions.rows(g * size, (g + 1) * size) for g, i in enumerate(chunk)}
        return found

    def complete_prompts(self, prompts: Sequence[EncodedPrompt], generations: int) -> Completions:
        """So many completions of each prompt, in order."""
        session, config = self.session, self.config
        processor, model = session.loaded.processor, session.loaded.model
        with session.autocast():
            prefix = prefill(model, collate(prompts, pad_id=padding_id(processor), device=session.device))
            return generate(
                model,
                prefix,
                group_size=generations,
                max_new_tokens=config.max_new_tokens,
                temperature=config.temperature,
                top_p=config.top_p,
                eos_ids=end_token_ids(processor),
                pad_id=padding_id(processor),
                banned_ids=self.banned(),
                generator=self.generators["sampling"],
            )

    def banned(self) -> tuple[int, ...]:
        """Ids that are never sampled: vision tokens, and rows of the head that no token belongs to."""
        loaded = self.session.loaded
        rows = loaded.model.get_output_embeddings().weight.shape[0]
        return (*vision_token_ids(loaded.processor), *range(len(loaded.processor.tokenizer), rows))

    def decode(self, sample: Sample, group: Completions) -> tuple[Completion, ...]:
        """The completions of one group as rewards see them."""
        processor = self.session.loaded.processor
        ends = set(end_token_ids(processor))
        seen = seen_size(self.session.encoder.encode(sample), processor)
        texts = []
        for tokens, finished in zip(group.token_lists(), group.finished.tolist(), strict=True):
            body = tokens[:-1] if tokens[-1] in ends else tokens
            text = processor.tokenizer.decode(body, skip_special_tokens=False)
            texts.append(Completion(text=text, truncated=not finished, tokens=len(tokens), seen=seen))
        return tuple(texts)

    def judge(self, sample: Sample, group: Completions, shuffled: Completions | None = None) -> list[Reply]:
        """Decode and score the completions of one group; advantages are filled in too."""
        texts = self.decode(sample, group)
        others = () if shuffled is None else self.decode(sample, shuffled)
        judged = self.rewards.judge(
            ReplyGroup(completions=texts, sample=sample, prompt=self.config.prompt, shuffled=others)
        )
        advantages = group_advantages([judgement.total for judgement in judged], self.config.scaling)
        return [
            Reply(text=c.text, tokens=c.tokens, truncated=c.truncated, scores=j.scores, reward=j.total, advantage=a)
            for c, j, a in zip(texts, judged, advantages.values, strict=True)
        ]

    def weigh(
        self,
        indices: Sequence[int],
        drawn: Sequence[Completions],
        replies: Sequence[Sequence[Reply]],
        micro: Sequence[int],
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
            micro_batch=torch.tensor(micro).repeat_interleave(config.generations),
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

    def learn(self) -> dict[str, Any]:
        """Gradients of the policy loss over the active groups of the buffer."""
        config, session = self.config, self.session
        active = [g for g in self._buffer if g.active]
        session.loaded.model.train()
        sums = {"loss": 0.0, "entropy": 0.0, "kl_sum": 0.0, "clipped": 0.0, "tokens": 0.0}
        for start in range(0, len(active), config.micro_prompts):
            for key, value in self.learn_part(active[start : start + config.micro_prompts]).items():
                sums[key] += value
        tokens = max(1.0, sums["tokens"])
        measured = bool(active)
        return {
            "loss": sums["loss"],
            "tokens": sum(int(g.mask.sum()) for g in self._buffer),
            "entropy": sums["entropy"] / tokens if measured else None,
            "kl": sums["kl_sum"] / tokens if measured and self.reference is not None else None,
            "clip_fraction": sums["clipped"] / tokens if measured else None,
        }

    def learn_part(self, groups: Sequence[Group]) -> dict[str, float]:
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
                    banned_ids=self.banned(),
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

    # ------------------------------------------------------------------ logs and state

    def summary(self, replies: Sequence[Sequence[Reply]]) -> dict[str, Any]:
        """Metrics of freshly sampled groups."""
        flat = [reply for group in replies for reply in group]
        judged = [r.reward for r in flat if r.reward is not None]
        metrics: dict[str, Any] = {"reward/total": sum(judged) / len(judged) if judged else None}
        for config in self.rewards.configs:
            values = [v for r in flat if (v := r.scores[config.name].value) is not None]
            metrics[f"reward/{reward_label(config.name)}"] = sum(values) / len(values) if values else None
            if config.name == "accuracy":
                metrics["accuracy"] = sum(v >= 1.0 for v in values) / len(values) if values else None
        advantages = [group_advantages([r.reward for r in group], self.config.scaling) for group in replies]
        metrics["length"] = sum(r.tokens for r in flat) / len(flat)
        metrics["truncated"] = sum(r.truncated for r in flat) / len(flat)
        metrics["no_signal"] = sum(a.no_signal for a in advantages) / len(advantages)
        metrics["unjudged"] = 1 - len(judged) / len(flat)
        return metrics

    def batch_ids(self) -> list[str]:
        """Sample ids of the latest step."""
        return [self.session.samples[g.sample].id for g in self._buffer]

    def state(self) -> dict[str, Any]:
        """Data cursor, and the rollout buffer where it will be used again."""
        again = self._passes < self.config.num_iterations
        return {
            "cursor": self.sampler.cursor,
            "passes": self._passes,
            "buffer": [g.state() for g in self._buffer] if again else [],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Put back what `state` returned."""
        self.sampler.cursor = state["cursor"]
        self._passes = state["passes"]
        self._buffer = [Group(**group) for group in state["buffer"]]


def batch_equation(config: GRPOConfig, samples: int, steps: int) -> str:
    """What a step is made of, in words."""
    passes = -(-config.prompts_per_step // config.micro_prompts)
    draws = -(-steps // config.num_iterations)
    seen = draws * config.prompts_per_step
    reuse = "" if config.num_iterations == 1 else f", each used for {config.num_iterations} steps"
    return (
        f"GRPO: {config.prompts_per_step} prompts × {config.generations} completions = "
        f"{config.prompts_per_step * config.generations} completions{reuse}, in up to {passes} backward passes of "
        f"{config.micro_prompts} prompts; {steps} steps = {seen} prompts = {seen / samples:.3g} passes over {samples}"
    )


def train_grpo(
    config: GRPOConfig,
    *,
    samples: Sequence[Sample] | None = None,
    on_progress: OnProgress = print_progress,
    resume: Resume = "auto",
) -> RunResult:
    """Train a model on its own completions, judged by verifiable rewards.

    Args:
        config: The run.
        samples: Instead of ``config.data``; their media paths are relative to ``config.data.root`` if that is set.
        on_progress: Called after every step.
        resume: ``auto`` goes on from the last whole checkpoint in ``config.out``; ``never`` refuses an old run.

    Returns:
        Where everything is.

    Raises:
        DataError: Samples cannot be read, decoded, rendered or judged; nothing was trained.
        RunFolderError: ``config.out`` holds another run (`ConfigDriftError` if it is this one with other settings).
        TrainingError: Losses stopped being finite.
    """
    rewards = build_rewards(config.rewards, config.missing)

    def phase(session: Session) -> GRPOPhase:
        generator = torch.Generator(device="cpu").manual_seed(config.seed)
        return GRPOPhase(
            session=session,
            sampler=ShuffledSampler(size=len(session.samples), seed=config.seed),
            rewards=rewards,
            writer=RolloutWriter(
                folder=session.folder.rollouts, prompt=config.prompt, root=session.root, frames=config.frames
            ),
            reference=Reference.of(session.loaded.model, lora=config.model.lora is not None) if config.beta else None,
            generators={"sampling": generator},
        )

    def length(count: int) -> int:
        return total_steps(config.steps, config.epochs, count, config.prompts_per_step, config.num_iterations)

    return run(
        config,
        samples,
        length=length,
        equation=lambda count, steps: batch_equation(config, count, steps),
        make_phase=phase,
        on_progress=on_progress,
        resume=resume,
        rewards=rewards,
    )
