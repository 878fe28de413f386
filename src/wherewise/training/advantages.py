"""Group-relative advantages, with completions that could not be judged left out.

A group is the set of completions of one prompt. Its baseline is the mean reward of the completions that were judged;
a completion without a reward has no advantage and no say in the baseline.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class AdvantageScaling(StrEnum):
    """What a centred reward is divided by."""

    STD = "std"
    """The group's standard deviation (sample, n - 1) plus 1e-4: the published GRPO rule."""
    NONE = "none"
    """Nothing: the Dr. GRPO rule, which does not favour groups that are nearly always right or wrong."""


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
    judged = [r for r in rewards if r is not None]
    if not all(math.isfinite(r) for r in judged):
        raise ValueError(
            f"rewards must be finite or None, got {list(rewards)}; a reward that cannot judge returns None"
        )
    if rewards_equal(judged):
        values = tuple(None if r is None else 0.0 for r in rewards)
        return GroupAdvantages(values=values, judged=len(judged), no_signal=True)
    mean = math.fsum(judged) / len(judged)
    divisor = 1.0
    if scaling is AdvantageScaling.STD:
        divisor = math.sqrt(math.fsum((r - mean) ** 2 for r in judged) / (len(judged) - 1)) + 1e-4
    centred = tuple(None if r is None else (r - mean) / divisor for r in rewards)
    return GroupAdvantages(values=centred, judged=len(judged), no_signal=False)
