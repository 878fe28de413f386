"""Intervals and tests for benchmark scores whose questions share pictures, videos or scenes.

Questions about one scene succeed and fail together, so the scene, not the question, is the unit of uncertainty. Every
function here takes the group of each question; groups of one question give the ordinary independent case.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A confidence interval, both ends included.

    Attributes:
        low: Lower end.
        high: Upper end.
    """

    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """A mean with its interval.

    Attributes:
        score: The mean.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: Questions.
        groups: Distinct groups (scenes, videos, pictures).
        effective_n: Independent questions that would be as informative.
    """

    score: float
    low: float
    high: float
    n: int
    groups: int
    effective_n: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedTest:
    """The difference B - A of two runs on the same questions.

    Attributes:
        difference: Mean difference, B - A.
        low: Lower end of its interval.
        high: Upper end of its interval.
        p_value: Two-sided, for "no difference", from the clustered bootstrap.
        standard_error: Cluster-robust standard error of the difference.
        n: Questions that both runs hold.
        groups: Distinct groups among them.
    """

    difference: float
    low: float
    high: float
    p_value: float
    standard_error: float
    n: int
    groups: int


def wilson(successes: float, n: float, *, level: float = 0.95) -> Interval:
    """Wilson's score interval for a share of successes.

    Args:
        successes: Number of successes, 0..n; need not be whole (an effective count).
        n: Number of trials, > 0.
        level: Confidence level.

    Source: E. B. Wilson, JASA 22 (1927) 209-212.

    >>> interval = wilson(15, 50)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.191, 0.4375)
    """
    if not n > 0 or not 0 <= successes <= n:
        raise ValueError(f"needs 0 <= successes <= n and n > 0, got {successes} of {n}")
    z = float(stats.norm.ppf((1 + level) / 2))
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Interval(low=low, high=high)


def _codes(labels: Sequence[str]) -> Ints:
    """Labels as integers 0.. in sorted order of the labels."""
    _, codes = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    return codes.astype(np.int64)


def _weights(n: int, strata: Sequence[str] | None) -> tuple[Floats, Ints]:
    """Weight of each question in the mean, summing to 1, and its stratum's code."""
    if strata is None:
        return np.full(n, 1.0 / n), np.zeros(n, dtype=np.int64)
    if len(strata) != n:
        raise ValueError(f"{n} values but {len(strata)} strata")
    codes = _codes(strata)
    sizes = np.bincount(codes)
    weights: Floats = 1.0 / (len(sizes) * sizes[codes])
    return weights, codes


def _influence(
    values: Floats, groups: Sequence[str], strata: Sequence[str] | None
) -> tuple[float, Floats, Floats, int]:
    """Weighted mean, residual of each question (shape [n]), residual of each group (shape [G]), number of strata.

    A question's residual is ``weight * (value - mean of its stratum)``; a group's is the sum of its questions'. The
    variance of the mean is that of the sum of the group residuals (linearisation of a ratio estimator).
    """
    if len(values) == 0 or len(groups) != len(values):
        raise ValueError(f"needs as many groups as values, and at least one; got {len(values)} and {len(groups)}")
    weights, codes = _weights(len(values), strata)
    sizes = np.bincount(codes)
    means = np.bincount(codes, weights=values) / sizes
    residuals = weights * (values - means[codes])
    by_group: Floats = np.bincount(_codes(groups), weights=residuals).astype(np.float64)
    return float(means.mean()), residuals, by_group, len(sizes)


def clustered_mean(
    values: Sequence[float],
    groups: Sequence[str],
    *,
    strata: Sequence[str] | None = None,
    level: float = 0.95,
) -> Estimate:
    """Mean of scores in 0..1 with an interval that respects groups.

    The interval is Wilson's at the effective sample size ``p (1 - p) / V``, where V is the cluster-robust variance,
    corrected for the degrees of freedom of V with Student's t. It stays inside 0..1, never collapses when every
    question is right, and equals Wilson's (but for the t correction) when each question is its own group. V is never
    taken below the variance of independent questions, so chance agreement within groups cannot shrink the interval.

    Args:
        values: Scores in 0..1.
        groups: Group of each value.
        strata: If given, the mean is the macro average: the mean over strata (tasks) of their means.
        level: Confidence level.

    Raises:
        ValueError: No values, unequal lengths, or a value outside 0..1.

    Source: N. Dean and M. Pagano, Journal of Survey Statistics and Methodology 3 (2015) 484-503 (modified Wilson with
    the degrees-of-freedom correction of E. Korn and B. Graubard, Survey Methodology 24 (1998) 193-201).
    """
    scores = np.asarray(values, dtype=np.float64)
    if len(scores) and (scores.min() < 0 or scores.max() > 1):
        raise ValueError(f"scores must lie in 0..1, got {scores.min():g} .. {scores.max():g}")
    mean, residuals, by_group, n_strata = _influence(scores, groups, strata)
    n, n_groups = len(scores), len(by_group)
    independent = float((residuals**2).sum()) * n / max(n - 1, 1)
    clustered = float((by_group**2).sum()) * n_groups / max(n_groups - 1, 1)
    variance = max(independent, clustered)
    effective = mean * (1 - mean) / variance if variance > 0 else float(n_groups)
    freedom = max(n_groups - n_strata, 1)
    t_ratio = float(stats.norm.ppf((1 + level) / 2) / stats.t.ppf((1 + level) / 2, freedom))
    corrected = max(effective * t_ratio**2, 1e-9)
    interval = wilson(min(mean * corrected, corrected), corrected, level=level)
    return Estimate(
        score=mean, low=interval.low, high=interval.high, n=n, groups=n_groups, effective_n=min(effective, 1e12)
    )


def paired_bootstrap(
    a: Sequence[float],
    b: Sequence[float],
    groups: Sequence[str],
    *,
    strata: Sequence[str] | None = None,
    level: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> PairedTest:
    """Is the mean of `b` different from that of `a`, given that both answered the same questions?

    Groups are resampled with replacement and the difference is studentised (bootstrap-t) with its cluster-robust
    standard error, which keeps the stated level with tens of groups, where the percentile bootstrap does not. With
    `strata` the difference of macro averages is tested. Macro averages and groups of unequal size are linearised.

    Args:
        a: Scores of run A.
        b: Scores of run B, question by question.
        groups: Group of each question.
        strata: Task of each question for a macro average; None for the plain mean.
        level: Confidence level of the interval.
        resamples: Bootstrap resamples.
        seed: Seed of the resampling.

    Raises:
        ValueError: Unequal lengths or no questions.

    Source: B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), ch. 12 and 16.
    """
    if len(a) != len(b):
        raise ValueError(f"paired runs must be equally long, got {len(a)} and {len(b)}")
    differences = np.asarray(b, dtype=np.float64) - np.asarray(a, dtype=np.float64)
    mean, _, by_group, _ = _influence(differences, groups, strata)
    n, n_groups = len(differences), len(by_group)
    error = math.sqrt(float((by_group**2).sum()) * n_groups / max(n_groups - 1, 1))
    if n_groups < 2 or error < 1e-12:
        # Nothing varies between groups: all that is known is that a differing group is rarer than about 4 / groups.
        half = 1 - wilson(n_groups, n_groups, level=level).low
        p_value = 1.0 if mean == 0 or n_groups < 2 else 2.0**-n_groups * 2
        return PairedTest(
            difference=mean,
            low=max(mean - half, -1.0),
            high=min(mean + half, 1.0),
            p_value=min(p_value, 1.0),
            standard_error=error,
            n=n,
            groups=n_groups,
        )
    t_values = bootstrap_t(by_group, resamples=resamples, rng=np.random.default_rng(seed))
    magnitude = np.abs(t_values)
    # Ties come from equal multisets of differences; a hair of tolerance keeps their count independent of rounding.
    p_value = (1 + int((magnitude >= abs(mean) / error * (1 - 1e-9)).sum())) / (resamples + 1)
    quantile = float(np.quantile(magnitude, level, method="higher"))
    half = quantile * error if math.isfinite(quantile) else math.inf
    return PairedTest(
        difference=mean,
        low=max(mean - half, -1.0),
        high=min(mean + half, 1.0),
        p_value=p_value,
        standard_error=error,
        n=n,
        groups=n_groups,
    )


def bootstrap_t(by_group: Floats, *, resamples: int, rng: np.random.Generator) -> Floats:
    """Studentised sums of resampled group residuals (shape [G], sum 0); infinite for a resample without spread."""
    n_groups = len(by_group)
    out = np.empty(resamples)
    chunk = max(1, 2_000_000 // n_groups)
    for start in range(0, resamples, chunk):
        count = min(chunk, resamples - start)
        drawn = by_group[rng.integers(0, n_groups, size=(count, n_groups))]
        total = drawn.sum(axis=1)
        spread = drawn.var(axis=1, ddof=1) * n_groups
        with np.errstate(divide="ignore", invalid="ignore"):
            t = total / np.sqrt(spread)
        out[start : start + count] = np.where(spread <= 1e-24, np.inf, t)
    return out


def mcnemar_exact(a: Sequence[bool], b: Sequence[bool]) -> float:
    """Exact two-sided McNemar test: p-value for "as many questions were fixed as broken".

    It takes questions as independent; with several questions a scene prefer :func:`paired_bootstrap`.

    Source: Q. McNemar, Psychometrika 12 (1947) 153-157; exact binomial form.

    >>> round(mcnemar_exact([True] * 6 + [False] * 16, [False] * 6 + [True] * 16), 4)
    0.0525
    """
    if len(a) != len(b):
        raise ValueError(f"paired runs must be equally long, got {len(a)} and {len(b)}")
    broken = sum(1 for x, y in zip(a, b, strict=True) if x and not y)
    fixed = sum(1 for x, y in zip(a, b, strict=True) if y and not x)
    if broken + fixed == 0:
        return 1.0
    return float(stats.binomtest(fixed, broken + fixed, 0.5).pvalue)


def minimum_detectable_difference(standard_error: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """Smallest true difference that a two-sided test finds with the given power.

    Args:
        standard_error: Of the difference, for example :attr:`PairedTest.standard_error`, or
            ``sqrt(discordant share / effective n)`` when planning.
        alpha: Level of the test.
        power: Chance to find the difference.

    >>> round(minimum_detectable_difference(0.02), 3)
    0.056
    """
    return float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)) * standard_error
