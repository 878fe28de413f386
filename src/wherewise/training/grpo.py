"""GRPO: completions of a group are judged against each other; prompt and pictures are encoded once a group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import torch

from wherewise.models.inputs import end_token_ids
from wherewise.rewards import Completion, ReplyGroup, Rewards, build_rewards
from wherewise.samples import Sample, Video
from wherewise.training.advantages import group_advantages
from wherewise.training.config import total_steps
from wherewise.training.data import seen_size
from wherewise.training.groups import Group
from wherewise.training.grpo_config import GRPOConfig
from wherewise.training.learner import Learner
from wherewise.training.loop import OnProgress, RunResult, Session, print_progress, run
from wherewise.training.prefix import Completions
from wherewise.training.reference import Reference
from wherewise.training.rollout_engine import LocalEngine, RolloutEngine
from wherewise.training.rollouts import Reply, RolloutWriter, reward_label
from wherewise.training.run_folder import Resume
from wherewise.training.sampler import ShuffledSampler


@dataclass(kw_only=True, slots=True)
class GRPOPhase:
    """Samples groups, judges them, and adds the gradient of the policy loss.

    Attributes:
        session: Model, samples and configuration.
        sampler: Which prompts come next.
        rewards: The mixture of rewards.
        writer: Writes rollouts.
        engine: Draws completions.
        learner: Turns judged completions into gradients.
        generators: The sampling generator.
        buffer: The groups of the latest draw.
    """

    session: Session
    sampler: ShuffledSampler
    rewards: Rewards
    writer: RolloutWriter
    engine: RolloutEngine
    learner: Learner
    generators: dict[str, torch.Generator]
    name: str = "grpo"
    buffer: list[Group] = field(default_factory=list)
    _passes: int = 0

    @property
    def config(self) -> GRPOConfig:
        """The run's configuration."""
        return cast(GRPOConfig, self.session.config)

    # ------------------------------------------------------------------ the two halves of a step

    def backward(self, step: int) -> dict[str, Any]:
        """Gradients of one optimiser step; new completions every ``num_iterations`` steps."""
        metrics: dict[str, Any] = {}
        if not self.buffer or self._passes == self.config.num_iterations:
            metrics = self.sample(step)
        self._passes += 1
        return metrics | self.learner.gradient(self.buffer)

    @torch.no_grad()
    def sample(self, step: int) -> dict[str, Any]:
        """Draw prompts, complete them, judge the completions; fills the buffer."""
        config = self.config
        indices = self.sampler.take(config.prompts_per_step)
        drawn = self.complete(indices, config.generations)
        shuffled = self.complete_shuffled(step, indices)
        replies = [
            self.judge(self.session.samples[i], group, shuffled.get(i)) for i, group in zip(indices, drawn, strict=True)
        ]
        self.buffer = self.learner.weigh(indices, drawn, replies)
        self._passes = 0
        if self.writes_at(step):
            pairs = [(self.session.samples[i], r) for i, r in zip(indices, replies, strict=True)]
            self.writer.write(step, pairs[: config.rollouts.groups])
        return self.summary(replies)

    def writes_at(self, step: int) -> bool:
        """Whether completions drawn at this step are written down: first and last draw, and every so many steps."""
        every, until = self.config.rollouts.every, step + self.config.num_iterations
        return step == 1 or until > self.session.total or (until - 1) // every > (step - 1) // every

    def complete(self, indices: Sequence[int], generations: int, shuffle: str | None = None) -> list[Completions]:
        """The completions of each prompt."""
        samples = [self.session.samples[i] for i in indices]
        drawn = self.engine.complete(samples, generations, shuffle=shuffle)
        return [drawn.rows(g * generations, (g + 1) * generations) for g in range(len(samples))]

    def complete_shuffled(self, step: int, indices: Sequence[int]) -> dict[int, Completions]:
        """Completions of the same questions on shuffled frames, by index: of videos, where a reward asks for them."""
        size = math.ceil(self.rewards.shuffled_share * self.config.generations)
        moving = [i for i in indices if size and any(isinstance(m, Video) for m in self.session.samples[i].media)]
        if not moving:
            return {}
        return dict(zip(moving, self.complete(moving, size, f"{self.config.seed}:{step}"), strict=True))

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
        return [self.session.samples[g.sample].id for g in self.buffer]

    def state(self) -> dict[str, Any]:
        """Data cursor, and the rollout buffer where it will be used again."""
        again = self._passes < self.config.num_iterations
        return {
            "cursor": self.sampler.cursor,
            "passes": self._passes,
            "buffer": [g.state() for g in self.buffer] if again else [],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Put back what `state` returned."""
        self.sampler.cursor = state["cursor"]
        self._passes = state["passes"]
        self.buffer = [Group(**group) for group in state["buffer"]]


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


def make_phase(session: Session, rewards: Rewards) -> GRPOPhase:
    """The phase of a session whose configuration is a `GRPOConfig`."""
    config = cast(GRPOConfig, session.config)
    generator = torch.Generator(device="cpu").manual_seed(config.seed)
    reference = Reference.of(session.loaded.model, lora=config.model.lora is not None) if config.beta else None
    return GRPOPhase(
        session=session,
        sampler=ShuffledSampler(size=len(session.samples), seed=config.seed),
        rewards=rewards,
        writer=RolloutWriter(
            folder=session.folder.rollouts, prompt=config.prompt, root=session.root, frames=config.frames
        ),
        engine=LocalEngine(session=session, generator=generator),
        learner=Learner(session=session, reference=reference),
        generators={"sampling": generator},
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

    def length(count: int) -> int:
        return total_steps(config.steps, config.epochs, count, config.prompts_per_step, config.num_iterations)

    return run(
        config,
        samples,
        length=length,
        equation=lambda count, steps: batch_equation(config, count, steps),
        make_phase=lambda session: make_phase(session, rewards),
        on_progress=on_progress,
        resume=resume,
        rewards=rewards,
    )
