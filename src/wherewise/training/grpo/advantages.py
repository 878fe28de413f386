"""Advantages: what a reward is compared with, and what the difference is divided by.

A group is the set of completions of one prompt. A completion without a reward has no advantage and no say in any
baseline, deviation or share, in its group or in the step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wherewise.rewards.mixed_advantage import mixed_advantages

EPSILON = 1e-4
"""Added to deviations."""


class AdvantageScaling(StrEnum):
    """What a centred reward is divided by."""

    STD = "std"
    """The group's standard deviation (sample, n - 1) plus 1e-4: the published GRPO rule."""
    BATCH = "batch"
    """The deviation of all rewards of the step plus 1e-4 (arXiv 2508.08221)."""
    NONE = "none"
    """Nothing: the Dr. GRPO rule, which does not favour groups that are nearly always right or wrong."""


class Advantage(StrEnum):
    """What a reward is compared with."""

    GRPO = "grpo"
    """The mean of its group (arXiv 2402.03300, section 4.1.2); divided by the group's deviation unless `scaling` says
    otherwise. With ``none``: Dr. GRPO (arXiv 2503.20783)."""
    RLOO = "rloo"
    """The mean of the group's *other* rewards, REINFORCE leave-one-out (arXiv 2402.14740): unbiased."""
    REINFORCE_PP = "reinforce++"
    """The mean of the step's rewards, divided by their deviation: REINFORCE++ (arXiv 2501.03262)."""
    REINFORCE_PP_BASELINE = "reinforce++_baseline"
    """The mean of its group; divided by the deviation of all such differences of the step (the same paper)."""
    REMAX = "remax"
    """The reward of the prompt's greedy completion, which is drawn besides the group: ReMax (arXiv 2310.10505)."""
    MAPO = "mapo"
    """MAPO's mix of z-score and relative deviation, by how certain the group is (arXiv 2509.18849)."""

    @property
    def takes_scaling(self) -> bool:
        """Whether `AdvantageScaling` may be chosen."""
        return self in (Advantage.GRPO, Advantage.RLOO, Advantage.REMAX)

    @property
    def scaling(self) -> AdvantageScaling:
        """The scaling that the paper uses; ``none`` for estimators that scale by themselves."""
        return AdvantageScaling.STD if self is Advantage.GRPO else AdvantageScaling.NONE


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupRewards:
    """What a group's advantages are made of.

    Attributes:
        totals: One reward a completion; None where it could not be judged.
        greedy: ``remax``: the reward of the greedy completion, None if it could not be judged.
        successes: ``mapo``: whether each completion succeeded, None where that could not be judged.
        columns: ``normalise_then_sum``: the completions' values of each reward, in the order of its weights.
    """

    totals: tuple[float | None, ...]
    greedy: float | None = None
    successes: tuple[bool | None, ...] = ()
    columns: tuple[tuple[float | None, ...], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupAdvantages:
    """Advantages of one group.

    Attributes:
        values: One advantage a completion; None where the reward was None.
        judged: Number of completions with a reward.
        no_signal: All judged rewards are equal (or fewer than two were judged), so that every advantage is exactly 0.
    """

    values: tuple[float | None, ...]
    judged: int
    no_signal: bool


def rewards_equal(rewards: Sequence[float]) -> bool:
    """Whether rewards are the same number, up to the rounding of their sums.

    The standard deviation is no test for it: eight rewards of 1.0 + 0.2 in single precision have one of 1e-7.

    >>> rewards_equal([0.1 + 0.2, 0.3]), rewards_equal([1.2] * 8), rewards_equal([1.0, 1.001]), rewards_equal([])
    (True, True, False, True)
    """
    if not rewards:
        return True
    low, high = min(rewards), max(rewards)
    return high - low <= 1e-9 * max(1.0, abs(low), abs(high))


def group_advantages(
    rewards: Sequence[float | None], scaling: AdvantageScaling = AdvantageScaling.STD
) -> GroupAdvantages:
    """Centre (and scale) the rewards of one group; double precision throughout.

    Args:
        rewards: One reward a completion; None where it could not be judged.
        scaling: What the centred reward is divided by.

    Raises:
        ValueError: A reward is not finite.

    >>> group_advantages([1.0, 0.0, None, 0.5], AdvantageScaling.NONE).values
    (0.5, -0.5, None, 0.0)
    >>> group_advantages([1.2, None, 1.2]).values
    (0.0, None, 0.0)
    """
    judged = finite(rewards)
    if rewards_equal(judged):
        return unmoved(rewards)
    mean = math.fsum(judged) / len(judged)
    divisor = 1.0
    if scaling is AdvantageScaling.STD:
        divisor = math.sqrt(math.fsum((r - mean) ** 2 for r in judged) / (len(judged) - 1)) + EPSILON
    centred = tuple(None if r is None else (r - mean) / divisor for r in rewards)
    return GroupAdvantages(values=centred, judged=len(judged), no_signal=False)


def finite(rewards: Sequence[float | None]) -> list[float]:
    """The rewards that are not None.

    Raises:
        ValueError: One of them is not finite.
    """
    judged = [r for r in rewards if r is not None]
    if not all(math.isfinite(r) for r in judged):
        raise ValueError(
            f"rewards must be finite or None, got {list(rewards)}; a reward that cannot judge returns None"
        )
    return judged


def unmoved(rewards: Sequence[float | None]) -> GroupAdvantages:
    """No advantages: 0 where there is a reward."""
    values = tuple(None if r is None else 0.0 for r in rewards)
    return GroupAdvantages(values=values, judged=sum(r is not None for r in rewards), no_signal=True)


def less(rewards: Sequence[float | None], baselines: Sequence[float]) -> GroupAdvantages:
    """Rewards less their baselines; differences at the rounding of the rewards are exactly 0."""
    values = tuple(
        None if r is None else 0.0 if rewards_equal((r, b)) else r - b for r, b in zip(rewards, baselines, strict=True)
    )
    judged = [v for v in values if v is not None]
    return GroupAdvantages(values=values, judged=len(judged), no_signal=not any(judged))


def divided(group: GroupAdvantages, divisor: float) -> GroupAdvantages:
    """Advantages over a positive number."""
    values = tuple(None if v is None else v / divisor for v in group.values)
    return GroupAdvantages(values=values, judged=group.judged, no_signal=group.no_signal)


def deviation(values: Sequence[float]) -> float:
    """Sample standard deviation (n - 1); 0 for fewer than two."""
    if len(values) < 2:
        return 0.0
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def leave_one_out(rewards: Sequence[float | None]) -> GroupAdvantages:
    """``r_i - mean of the others``; 0 where there is no other.

    >>> leave_one_out([1.0, 0.0, None, 0.5]).values
    (0.75, -0.75, None, 0.0)
    """
    judged = finite(rewards)
    if rewards_equal(judged):
        return unmoved(rewards)
    total, others = math.fsum(judged), len(judged) - 1
    return less(rewards, [0.0 if r is None else (total - r) / others for r in rewards])


def mixed(group: GroupRewards) -> GroupAdvantages:
    """MAPO; a group in which a judged completion's success is unknown has no advantages at all."""
    judged = finite(group.totals)
    marks = [mark for mark, r in zip(group.successes, group.totals, strict=True) if r is not None]
    known = [mark for mark in marks if mark is not None]
    if len(known) < len(marks):
        return GroupAdvantages(values=tuple(None for _ in group.totals), judged=0, no_signal=True)
    values = iter(mixed_advantages(judged, sum(known) / len(known) if known else 0.0))
    return GroupAdvantages(
        values=tuple(None if r is None else next(values) for r in group.totals),
        judged=len(judged),
        no_signal=rewards_equal(judged),
    )


def against_greedy(group: GroupRewards) -> GroupAdvantages:
    """ReMax; a group whose greedy completion could not be judged has no advantages at all."""
    finite(group.totals)
    if group.greedy is None:
        return GroupAdvantages(values=tuple(None for _ in group.totals), judged=0, no_signal=True)
    return less(group.totals, [group.greedy] * len(group.totals))


def step_advantages(
    groups: Sequence[GroupRewards], estimator: Advantage, scaling: AdvantageScaling | None = None
) -> list[GroupAdvantages]:
    """The advantages of all groups of a step.

    Args:
        groups: The groups' rewards. Deviations of the step are over these.
        estimator: What rewards are compared with.
        scaling: What differences are divided by; None takes the estimator's own.

    Raises:
        ValueError: A reward is not finite.
    """
    scaling = estimator.scaling if scaling is None else scaling
    judged = [r for group in groups for r in finite(group.totals)]
    match estimator:
        case Advantage.GRPO if scaling is not AdvantageScaling.BATCH:
            return [group_advantages(group.totals, scaling) for group in groups]
        case Advantage.GRPO:
            found = [group_advantages(group.totals, AdvantageScaling.NONE) for group in groups]
        case Advantage.RLOO:
            found = [leave_one_out(group.totals) for group in groups]
        case Advantage.REMAX:
            found = [against_greedy(group) for group in groups]
        case Advantage.MAPO:
            return [mixed(group) for group in groups]
        case Advantage.REINFORCE_PP:
            if rewards_equal(judged):
                return [unmoved(group.totals) for group in groups]
            mean = math.fsum(judged) / len(judged)
            found = [less(group.totals, [mean] * len(group.totals)) for group in groups]
            return [divided(group, deviation(judged) + EPSILON) for group in found]
        case Advantage.REINFORCE_PP_BASELINE:
            found = [group_advantages(group.totals, AdvantageScaling.NONE) for group in groups]
            centred = [v for group in found for v in group.values if v is not None]
            return [divided(group, deviation(centred) + EPSILON) for group in found]
    if scaling is AdvantageScaling.BATCH:
        return [divided(group, deviation(judged) + EPSILON) for group in found]
    if scaling is AdvantageScaling.STD:
        return [
            divided(advantages, deviation(finite(group.totals)) + EPSILON)
            for advantages, group in zip(found, groups, strict=True)
        ]
    return found


def decoupled_advantages(groups: Sequence[GroupRewards], weights: Sequence[float]) -> list[GroupAdvantages]:
    """Every reward normalised in its group, then weighted and summed, then divided by the deviation of the step.

    GDPO (arXiv 2601.05242): a reward of small variance keeps its say, and two replies that earn the same sum by
    different rewards are told apart. A completion whose total is None is left out of every reward's baseline. The
    sums are centred already, group by group, so that no mean of the step is subtracted.

    Args:
        groups: With `GroupRewards.columns`: a value of each reward for every completion that has a total.
        weights: Of the columns.
    """
    found = []
    for group in groups:
        counted = [
            [None if total is None else value for value, total in zip(column, group.totals, strict=True)]
            for column in group.columns
        ]
        scores = [group_advantages(column).values for column in counted]
        sums = tuple(
            None if total is None else math.fsum(w * s[i] for w, s in zip(weights, scores, strict=True))  # type: ignore[operator]
            for i, total in enumerate(group.totals)
        )
        judged = [v for v in sums if v is not None]
        found.append(GroupAdvantages(values=sums, judged=len(judged), no_signal=not any(judged)))
    divisor = deviation([v for group in found for v in group.values if v is not None]) + EPSILON
    return [divided(group, divisor) for group in found]
