from __future__ import annotations

import statistics
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherewise.rewards.mixed_advantage import mixed_advantages
from wherewise.training.grpo.advantages import (
    EPSILON,
    Advantage,
    AdvantageScaling,
    GroupRewards,
    decoupled_advantages,
    group_advantages,
    step_advantages,
)

A = (1.0, 0.0, None, 0.5)
B = (0.2, 0.2, 0.2, 0.2)
ALL = [1.0, 0.0, 0.5, 0.2, 0.2, 0.2, 0.2]


def groups(*totals: Sequence[float | None]) -> list[GroupRewards]:
    return [GroupRewards(totals=tuple(values)) for values in totals]


def over(values: Sequence[float | None], divisor: float) -> list[object]:
    return [None if v is None else pytest.approx(v / divisor) for v in values]


def test_grpo_and_dr_grpo_are_the_groups_own() -> None:
    for scaling in (AdvantageScaling.STD, AdvantageScaling.NONE):
        assert step_advantages(groups(A, B), Advantage.GRPO, scaling) == [
            group_advantages(A, scaling),
            group_advantages(B, scaling),
        ]
    assert step_advantages(groups(A), Advantage.GRPO) == [group_advantages(A)]


def test_batch_scaling_divides_by_the_deviation_of_all_rewards() -> None:
    one, two = step_advantages(groups(A, B), Advantage.GRPO, AdvantageScaling.BATCH)
    assert list(one.values) == over([0.5, -0.5, None, 0.0], statistics.stdev(ALL) + EPSILON)
    assert two.values == (0.0, 0.0, 0.0, 0.0)
    assert two.no_signal


def test_rloo_closed_form() -> None:
    one, two = step_advantages(groups(A, B), Advantage.RLOO)
    assert one.values == (0.75, -0.75, None, 0.0)
    assert two.no_signal
    assert step_advantages(groups((None, 1.0)), Advantage.RLOO)[0].values == (None, 0.0)
    scaled = step_advantages(groups(A), Advantage.RLOO, AdvantageScaling.STD)[0]
    assert list(scaled.values) == over(one.values, statistics.stdev([1.0, 0.0, 0.5]) + EPSILON)


def test_reinforce_pp_compares_with_the_whole_step() -> None:
    """A group of equal rewards has a signal here: it is better or worse than the others."""
    one, two = step_advantages(groups(A, B), Advantage.REINFORCE_PP)
    mean, spread = statistics.fmean(ALL), statistics.stdev(ALL) + EPSILON
    assert list(one.values) == over([1 - mean, -mean, None, 0.5 - mean], spread)
    assert list(two.values) == over([0.2 - mean] * 4, spread)
    assert not two.no_signal
    assert all(g.no_signal for g in step_advantages(groups(B, (0.2, None)), Advantage.REINFORCE_PP))


def test_reinforce_pp_with_a_baseline_scales_the_differences() -> None:
    one, two = step_advantages(groups(A, B), Advantage.REINFORCE_PP_BASELINE)
    spread = statistics.stdev([0.5, -0.5, 0.0, 0.0, 0.0, 0.0, 0.0]) + EPSILON
    assert list(one.values) == over([0.5, -0.5, None, 0.0], spread)
    assert two.values == (0.0, 0.0, 0.0, 0.0)


def test_remax_compares_with_the_greedy_completion() -> None:
    found = step_advantages([GroupRewards(totals=A, greedy=0.5), GroupRewards(totals=B, greedy=0.2)], Advantage.REMAX)
    assert found[0].values == (0.5, -0.5, None, 0.0)
    assert found[1].no_signal
    above = step_advantages([GroupRewards(totals=B, greedy=0.0)], Advantage.REMAX)[0]
    assert above.values == (0.2, 0.2, 0.2, 0.2)
    assert not above.no_signal


def test_remax_leaves_out_a_group_without_a_judged_greedy_completion() -> None:
    assert step_advantages(groups(A), Advantage.REMAX)[0].values == (None, None, None, None)


def test_mapo_is_the_reward_of_that_name() -> None:
    given = GroupRewards(totals=(1.1, 0.0, None, 0.5), successes=(True, False, None, True))
    one, nothing, three = mixed_advantages([1.1, 0.0, 0.5], 2 / 3)[:3]
    assert step_advantages([given], Advantage.MAPO)[0].values == (one, nothing, None, three)
    unknown = GroupRewards(totals=(1.1, 0.0), successes=(True, None))
    assert step_advantages([unknown], Advantage.MAPO)[0].values == (None, None)


def test_weights_after_the_normalisation_tell_equal_sums_apart() -> None:
    """Accuracy 1 + format 0 and accuracy 0 + format 1 earn the same sum; alone, the rarer of the two counts more."""
    accuracy, layout = (1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 1.0, 1.0)
    totals = (1.0, 1.0, 1.0, 1.0)
    group = GroupRewards(totals=totals, columns=(accuracy, layout))
    assert step_advantages([group], Advantage.GRPO)[0].no_signal
    found = decoupled_advantages([group], [1.0, 0.5])[0]
    z = [group_advantages(column).values for column in (accuracy, layout)]
    sums = [(z[0][i] or 0) + 0.5 * (z[1][i] or 0) for i in range(4)]
    assert list(found.values) == over(sums, statistics.stdev(sums) + EPSILON)
    assert not found.no_signal


def test_decoupled_advantages_leave_out_what_was_not_judged() -> None:
    """The third completion has no total: its format value has no say either."""
    with_it = GroupRewards(totals=(1.0, 0.0, None), columns=((1.0, 0.0, None), (0.3, 0.1, 9.0)))
    without = GroupRewards(totals=(1.0, 0.0), columns=((1.0, 0.0), (0.3, 0.1)))
    found = decoupled_advantages([with_it], [1.0, 1.0])[0].values
    assert found == (*decoupled_advantages([without], [1.0, 1.0])[0].values, None)


def test_decoupled_advantages_of_equal_rewards_are_exactly_nothing() -> None:
    dead = GroupRewards(totals=(1.2, 1.2), columns=((1.0, 1.0), (0.2, 0.2)))
    alive = GroupRewards(totals=(1.2, 0.2), columns=((1.0, 0.0), (0.2, 0.2)))
    found = decoupled_advantages([dead, alive], [1.0, 1.0])
    assert found[0].values == (0.0, 0.0)
    assert found[0].no_signal
    assert not found[1].no_signal


REWARDS = st.lists(st.none() | st.floats(-10, 10, allow_nan=False, width=32), min_size=1, max_size=6)
PAIRS = [
    (estimator, scaling)
    for estimator in Advantage
    for scaling in (None, *AdvantageScaling)
    if scaling is None or estimator.takes_scaling
]


@settings(deadline=None, max_examples=60)
@given(st.lists(REWARDS, min_size=1, max_size=4), st.sampled_from(PAIRS), st.floats(-10, 10))
def test_order_is_kept_and_nothing_comes_of_nothing(
    totals: list[list[float | None]], pair: tuple[Advantage, AdvantageScaling | None], greedy: float
) -> None:
    """In every estimator, a better reward of a group never has a smaller advantage, and None stays None."""
    given_groups = [
        GroupRewards(totals=tuple(t), greedy=greedy, successes=tuple(None if r is None else r > 0 for r in t))
        for t in totals
    ]
    found = step_advantages(given_groups, *pair)
    for rewards, advantages in zip(totals, found, strict=True):
        assert [v is None for v in advantages.values] == [r is None for r in rewards]
        assert advantages.judged == sum(r is not None for r in rewards)
        assert advantages.no_signal == (not any(advantages.values))
        known = [(r, v) for r, v in zip(rewards, advantages.values, strict=True) if r is not None and v is not None]
        for r1, v1 in known:
            assert all(r1 <= r2 or v1 >= v2 - 1e-9 for r2, v2 in known)
