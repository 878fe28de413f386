from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from wherewise.evaluation.statistics import (
    clustered_mean,
    mcnemar_exact,
    minimum_detectable_difference,
    paired_bootstrap,
    wilson,
)


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (1, 10), (15, 50), (81, 263), (10, 10), (999, 1000)])
def test_wilson_equals_scipys(successes: int, n: int) -> None:
    theirs = stats.binomtest(successes, n).proportion_ci(0.95, "wilson")
    ours = wilson(successes, n)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_of_newcombes_example() -> None:
    # R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I: 81 of 263.
    interval = wilson(81, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)


@pytest.mark.parametrize(("successes", "n"), [(-1, 3), (4, 3), (0, 0)])
def test_wilson_refuses_what_is_no_share(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes"):
        wilson(successes, n)


def test_groups_of_one_give_wilson_up_to_the_t_correction() -> None:
    values = [1.0] * 300 + [0.0] * 200
    estimate = clustered_mean(values, [str(i) for i in range(500)])
    plain = wilson(300, 500)
    assert estimate.score == pytest.approx(0.6)
    assert (estimate.low, estimate.high) == pytest.approx((plain.low, plain.high), abs=3e-4)
    assert estimate.effective_n == pytest.approx(499)


def test_copies_in_a_group_add_no_information() -> None:
    values = [float(i % 3 > 0) for i in range(90)]
    once = clustered_mean(values, [str(i) for i in range(90)])
    five_times = clustered_mean([v for v in values for _ in range(5)], [str(i) for i in range(90) for _ in range(5)])
    assert (five_times.low, five_times.high) == pytest.approx((once.low, once.high), abs=1e-9)
    assert (five_times.n, five_times.groups) == (450, 90)


def test_macro_is_the_mean_over_strata_and_ignores_order() -> None:
    values, tasks = [1, 1, 1, 0, 0, 1], ["a", "a", "a", "a", "b", "b"]
    groups = list("uvwxyz")
    macro = clustered_mean(values, groups, strata=tasks)
    assert macro.score == pytest.approx((0.75 + 0.5) / 2)
    back = clustered_mean(values[::-1], groups[::-1], strata=tasks[::-1])
    assert (back.low, back.high) == pytest.approx((macro.low, macro.high))


def test_all_right_does_not_collapse() -> None:
    estimate = clustered_mean([1.0] * 20, [str(i // 2) for i in range(20)])
    assert estimate.high == 1.0
    assert estimate.low == pytest.approx(wilson(10, 10 * 1.0).low, abs=0.08)


def test_scores_outside_the_unit_interval_are_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        clustered_mean([0.5, 1.5], ["a", "b"])


def test_mcnemar_exact_by_hand() -> None:
    # 8 fixed, 1 broken: 2 * (C(9,0) + C(9,1)) / 2**9
    a = [True] * 1 + [False] * 8 + [True] * 30
    b = [False] * 1 + [True] * 8 + [True] * 30
    assert mcnemar_exact(a, b) == pytest.approx(2 * 10 / 512)
    assert mcnemar_exact([True, False], [True, False]) == 1.0


def test_paired_difference_by_hand() -> None:
    a, b = [0, 0, 1, 1, 0, 1, 0, 1], [1, 1, 1, 0, 1, 1, 1, 1]
    test = paired_bootstrap(a, b, [str(i) for i in range(8)])
    assert test.difference == pytest.approx(3 / 8)
    assert test.standard_error == pytest.approx(np.std(np.subtract(b, a), ddof=1) / math.sqrt(8))
    assert test.low < 3 / 8 < test.high
    assert paired_bootstrap(b, a, [str(i) for i in range(8)]).difference == pytest.approx(-3 / 8)


def test_paired_p_value_is_near_the_t_test_for_independent_data() -> None:
    rng = np.random.default_rng(5)
    a = (rng.random(400) < 0.5).astype(float)
    b = np.where(rng.random(400) < 0.25, (rng.random(400) < 0.62).astype(float), a)
    theirs = stats.ttest_rel(b, a).pvalue
    assert paired_bootstrap(a, b, [str(i) for i in range(400)]).p_value == pytest.approx(theirs, abs=0.015)


def test_equal_runs_do_not_differ_and_identical_seeds_agree() -> None:
    same = paired_bootstrap([1, 0, 1], [1, 0, 1], ["a", "b", "c"])
    assert (same.difference, same.p_value) == (0.0, 1.0)
    assert same.low < 0 < same.high
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 2, 60), rng.integers(0, 2, 60)
    groups = [str(i // 3) for i in range(60)]
    assert paired_bootstrap(a, b, groups, seed=4) == paired_bootstrap(a, b, groups, seed=4)


def test_detectable_difference_is_found_as_often_as_promised() -> None:
    error = 0.02
    found = minimum_detectable_difference(error, power=0.8)
    power = stats.norm.sf(1.959964 - found / error) + stats.norm.cdf(-1.959964 - found / error)
    assert power == pytest.approx(0.8, abs=1e-3)


def _clustered(
    rng: np.random.Generator, *, groups: int, size: int, share: float, correlation: float
) -> tuple[np.ndarray, list[str]]:
    """Right and wrong answers whose group's own rate is beta-distributed; sizes 1 .. 2 size - 1."""
    rates = np.full(groups, share)
    if correlation > 0:
        rates = rng.beta(share * (1 - correlation) / correlation, (1 - share) * (1 - correlation) / correlation, groups)
    index = np.repeat(np.arange(groups), rng.integers(1, 2 * size, groups))
    return (rng.random(len(index)) < rates[index]).astype(float), [str(i) for i in index]


def _coverage(runs: int, *, groups: int, size: int, share: float, correlation: float) -> float:
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(runs):
        values, labels = _clustered(rng, groups=groups, size=size, share=share, correlation=correlation)
        estimate = clustered_mean(values.tolist(), labels)
        hits += estimate.low <= share <= estimate.high
    return hits / runs


def _null_rejections(runs: int, *, groups: int, size: int, tilt: float, discordant: float) -> float:
    """Share of p <= .05 when groups lean to either run at random, so that neither is better."""
    rng = np.random.default_rng(12)
    rejected = 0
    for run in range(runs):
        index = np.repeat(np.arange(groups), rng.integers(1, 2 * size, groups))
        lean = 0.5 * (1 + rng.choice([-1, 1], groups) * tilt)
        signs = np.where(rng.random(len(index)) < lean[index], 1.0, -1.0)
        difference = np.where(rng.random(len(index)) < discordant, signs, 0.0)
        a = np.where(difference == 0, rng.integers(0, 2, len(index)), difference < 0).astype(float)
        test = paired_bootstrap(a, a + difference, [str(i) for i in index], resamples=399, seed=run)
        rejected += test.p_value <= 0.05
    return rejected / runs


def test_coverage_quick() -> None:
    assert 0.92 <= _coverage(400, groups=150, size=1, share=0.6, correlation=0.0) <= 0.98
    assert 0.92 <= _coverage(400, groups=150, size=4, share=0.6, correlation=0.4) <= 0.98


def test_ignoring_groups_would_fail_the_same_check() -> None:
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(300):
        values, _ = _clustered(rng, groups=150, size=4, share=0.6, correlation=0.4)
        interval = wilson(float(values.sum()), len(values))
        hits += interval.low <= 0.6 <= interval.high
    assert hits / 300 < 0.88


def test_false_positives_quick() -> None:
    assert 0.02 <= _null_rejections(400, groups=120, size=3, tilt=0.6, discordant=0.3) <= 0.08


@pytest.mark.slow
@pytest.mark.parametrize(
    ("groups", "size", "share", "correlation"),
    [(600, 1, 0.5, 0.0), (150, 4, 0.6, 0.0), (200, 4, 0.6, 0.3), (60, 5, 0.4, 0.4), (300, 2, 0.8, 0.6)],
)
def test_coverage(groups: int, size: int, share: float, correlation: float) -> None:
    covered = _coverage(3000, groups=groups, size=size, share=share, correlation=correlation)
    print(f"covered: {covered:.4f}")
    assert 0.93 <= covered <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize(
    ("groups", "size", "tilt", "discordant"),
    [(267, 1, 0.0, 0.3), (200, 3, 0.5, 0.3), (150, 4, 0.8, 0.4), (100, 5, 0.5, 0.3)],
)
def test_false_positives(groups: int, size: int, tilt: float, discordant: float) -> None:
    rejected = _null_rejections(3000, groups=groups, size=size, tilt=tilt, discordant=discordant)
    print(f"rejected: {rejected:.4f}")
    assert 0.04 <= rejected <= 0.06
