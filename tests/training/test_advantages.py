from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherewise.training.grpo.advantages import AdvantageScaling, group_advantages

REWARDS = st.lists(st.none() | st.floats(-10, 10, allow_nan=False), min_size=1, max_size=12)


def test_std_closed_form() -> None:
    rewards = [1.0, 0.0, 0.0, 1.0]
    spread = statistics.stdev(rewards) + 1e-4
    assert group_advantages(rewards).values == pytest.approx([0.5 / spread, -0.5 / spread, -0.5 / spread, 0.5 / spread])


def test_none_has_no_say() -> None:
    with_none = group_advantages([1.0, None, 0.0, None])
    assert with_none.values[1] is with_none.values[3] is None
    assert (with_none.values[0], with_none.values[2]) == group_advantages([1.0, 0.0]).values
    assert with_none.judged == 2


@pytest.mark.parametrize("rewards", [[1.0 + 0.2] * 8, [0.1 + 0.2, 0.3, 0.3], [None, 1.0, None], [None] * 4, [0.0] * 3])
def test_equal_rewards_are_exactly_no_signal(rewards: list[float | None]) -> None:
    group = group_advantages(rewards)
    assert group.no_signal
    assert set(group.values) <= {0.0, None}
    assert [v is None for v in group.values] == [r is None for r in rewards]


def test_small_differences_are_a_signal() -> None:
    assert not group_advantages([1.0, 1.0, 1.001]).no_signal


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        group_advantages([1.0, bad])


@settings(deadline=None)
@given(REWARDS, st.sampled_from(AdvantageScaling))
def test_advantages_sum_to_zero_and_keep_the_order(rewards: list[float | None], scaling: AdvantageScaling) -> None:
    group = group_advantages(rewards, scaling)
    pairs = [(r, a) for r, a in zip(rewards, group.values, strict=True) if r is not None and a is not None]
    assert len(pairs) == group.judged
    assert math.fsum(a for _, a in pairs) == pytest.approx(0, abs=1e-6)
    for r1, a1 in pairs:
        for r2, a2 in pairs:
            assert r1 <= r2 or a1 >= a2
