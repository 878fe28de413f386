"""Groups as they are drawn and judged, and their advantages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wherewise.rewards import Score
from wherewise.training.grpo.advantages import (
    Advantage,
    GroupRewards,
    decoupled_advantages,
    rewards_equal,
    step_advantages,
)
from wherewise.training.grpo.config import GRPOConfig, RewardOrder
from wherewise.training.grpo.prefix import Completions
from wherewise.training.grpo.rollouts import Reply


@dataclass(frozen=True, kw_only=True, slots=True)
class Draw:
    """The judged completions of one prompt.

    Attributes:
        sample: Index of the sample.
        completions: G rows, on the CPU.
        replies: The same, decoded and judged.
        greedy: Reward of the prompt's greedy completion; None if it could not be judged, or was not drawn.
    """

    sample: int
    completions: Completions
    replies: tuple[Reply, ...]
    greedy: float | None = None


def group_rewards(draw: Draw, config: GRPOConfig, penalties: Sequence[float] | None = None) -> GroupRewards:
    """What the advantages of a group are made of.

    Args:
        draw: The group.
        config: The run.
        penalties: One a completion, subtracted from its total.
    """
    totals = [reply.reward for reply in draw.replies]
    if penalties is not None:
        totals = [None if r is None else r - p for r, p in zip(totals, penalties, strict=True)]
    successes: tuple[bool | None, ...] = ()
    if config.advantage is Advantage.MAPO:
        marks = [reply.scores[config.mapo_by].value for reply in draw.replies]
        successes = tuple(None if mark is None else mark >= config.mapo_at for mark in marks)
    columns: tuple[tuple[float | None, ...], ...] = ()
    if config.reward_order is RewardOrder.NORMALISE_FIRST:
        names = [reward.name for reward in config.mixture if reward.weight]
        columns = tuple(tuple(reply.scores[name].value for reply in draw.replies) for name in names)
    return GroupRewards(totals=tuple(totals), greedy=draw.greedy, successes=successes, columns=columns)


def has_signal(draw: Draw, config: GRPOConfig) -> bool:
    """Whether some completion of the group was judged better than another one (or, for ``remax``, than the greedy)."""
    rewards = group_rewards(draw, config)
    judged = [i for i, total in enumerate(rewards.totals) if total is not None]
    columns = [[column[i] for i in judged] for column in (rewards.columns or (rewards.totals,))]
    if config.advantage is Advantage.REMAX:
        if draw.greedy is None:
            return False
        columns = [[*columns[0], draw.greedy]]
    return not all(rewards_equal([value for value in column if value is not None]) for column in columns)


def with_advantages(
    draws: Sequence[Draw], config: GRPOConfig, penalties: Sequence[Sequence[float]] | None = None
) -> list[Draw]:
    """The same groups, every reply with its advantage.

    Args:
        draws: All groups of a step: some estimators look at all of them.
        config: The run.
        penalties: By group and completion, subtracted from the totals first; written down as the score ``kl``.
    """
    groups = [group_rewards(draw, config, None if penalties is None else penalties[i]) for i, draw in enumerate(draws)]
    if config.reward_order is RewardOrder.NORMALISE_FIRST:
        found = decoupled_advantages(groups, [reward.weight for reward in config.mixture if reward.weight])
    else:
        found = step_advantages(groups, config.advantage, config.scaling)
    judged = []
    for i, (draw, advantages) in enumerate(zip(draws, found, strict=True)):
        replies = [replace(r, advantage=a) for r, a in zip(draw.replies, advantages.values, strict=True)]
        if penalties is not None:
            replies = [
                replace(r, scores={**r.scores, "kl": Score(value=-p)})
                for r, p in zip(replies, penalties[i], strict=True)
            ]
        judged.append(replace(draw, replies=tuple(replies)))
    return judged
