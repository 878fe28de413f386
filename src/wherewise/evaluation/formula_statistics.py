"""Intervals and paired tests for official formulas: the clustered bootstrap over their own units."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wherewise.evaluation.metrics_terms import Term
from wherewise.evaluation.statistics import Floats, PairedTest, bootstrap_t, mcnemar_exact, wilson

_RESAMPLES = 1999


@dataclass(frozen=True, kw_only=True, slots=True)
class FormulaEstimate:
    """A formula's value with its interval.

    Attributes:
        value: Its value.
        low: Lower end of the interval.
        high: Upper end.
        standard_error: Cluster-robust standard error.
        units: Units that it is a mean of.
        clusters: Independent clusters among them.
    """

    value: float
    low: float
    high: float
    standard_error: float
    units: int
    clusters: int


def formula_value(terms: Sequence[Term]) -> float:
    """The formula's value from its terms.

    >>> terms = [Term(unit=str(i), value=v, cluster=str(i), stratum=s, share=0.5) for i, (v, s) in
    ...          enumerate([(1, "a"), (0, "a"), (1, "b")])]
    >>> formula_value(terms)
    0.75
    """
    return _influence(terms, lambda term: term.value)[0]


def formula_estimate(terms: Sequence[Term], *, level: float = 0.95, seed: int = 0) -> FormulaEstimate:
    """The value with an interval from the clustered bootstrap-t; Wilson's where nothing varies between clusters.

    Args:
        terms: At least one.
        level: Confidence level.
        seed: Seed of the resampling.

    Raises:
        ValueError: No terms.
    """
    value, by_cluster = _influence(terms, lambda term: term.value)
    clusters = len(by_cluster)
    error = _error(by_cluster)
    lowest = min(0.0, *(term.value for term in terms))
    if clusters < 2 or error < 1e-12:
        sure = wilson(clusters, clusters, level=level).low
        low, high = max(lowest, value - (1 - sure)), min(1.0, value + (1 - sure))
    else:
        half = _quantile(by_cluster, level=level, resamples=_RESAMPLES, seed=seed) * error
        low, high = max(lowest, value - half), min(1.0, value + half)
    return FormulaEstimate(value=value, low=low, high=high, standard_error=error, units=len(terms), clusters=clusters)


def formula_paired(
    a: Sequence[Term], b: Sequence[Term], *, level: float = 0.95, resamples: int = 9999, seed: int = 0
) -> PairedTest:
    """The difference B - A of a formula, unit by unit, by the clustered bootstrap-t.

    Args:
        a: Terms of run A.
        b: Terms of run B: the same units.
        level: Confidence level of the interval.
        resamples: Bootstrap resamples.
        seed: Seed of the resampling.

    Raises:
        ValueError: The runs' units differ, or there are none.
    """
    other = {term.unit: term.value for term in b}
    if len(other) != len(a) or any(term.unit not in other for term in a):
        raise ValueError("paired runs must hold the same units; keep the questions that both hold")
    difference, by_cluster = _influence(a, lambda term: other[term.unit] - term.value)
    clusters, error = len(by_cluster), _error(by_cluster)
    if clusters < 2 or error < 1e-12:
        half = 1 - wilson(clusters, clusters, level=level).low
        p_value = 1.0 if difference == 0 or clusters < 2 else min(1.0, 2.0**-clusters * 2)
    else:
        magnitude = np.abs(bootstrap_t(by_cluster, resamples=resamples, rng=np.random.default_rng(seed)))
        p_value = (1 + int((magnitude >= abs(difference) / error * (1 - 1e-9)).sum())) / (resamples + 1)
        quantile = float(np.quantile(magnitude, level, method="higher"))
        half = quantile * error if math.isfinite(quantile) else math.inf
    return PairedTest(
        difference=difference,
        low=max(difference - half, -1.0),
        high=min(difference + half, 1.0),
        p_value=p_value,
        standard_error=error,
        n=len(a),
        groups=clusters,
    )


def formula_mcnemar(a: Sequence[Term], b: Sequence[Term]) -> float | None:
    """Exact McNemar test over the formula's units; None unless they are right or wrong and all weigh the same.

    It takes units as independent.
    """
    plain = {(term.stratum, term.share, term.weight) for term in a}
    if len(plain) != 1 or any(term.value not in (0.0, 1.0) for term in (*a, *b)):
        return None
    other = {term.unit: term.value for term in b}
    return mcnemar_exact([bool(term.value) for term in a], [bool(other[term.unit]) for term in a])


def _influence(terms: Sequence[Term], score: Callable[[Term], float]) -> tuple[float, Floats]:
    """The formula over `score`, and each cluster's residual (shape [G]): the linearisation of a sum of ratios."""
    if not terms:
        raise ValueError("no units: the formula cannot be formed")
    weights: dict[str, float] = {}
    sums: dict[str, float] = {}
    shares: dict[str, float] = {}
    for term in terms:
        weights[term.stratum] = weights.get(term.stratum, 0.0) + term.weight
        sums[term.stratum] = sums.get(term.stratum, 0.0) + term.weight * score(term)
        shares[term.stratum] = term.share
    means: Mapping[str, float] = {stratum: sums[stratum] / weights[stratum] for stratum in weights}
    residuals: dict[str, float] = {}
    for term in sorted(terms, key=lambda term: term.unit):
        pull = term.share * term.weight / weights[term.stratum] * (score(term) - means[term.stratum])
        residuals[term.cluster] = residuals.get(term.cluster, 0.0) + pull
    value = sum(shares[stratum] * mean for stratum, mean in sorted(means.items()))
    return value, np.asarray([residuals[cluster] for cluster in sorted(residuals)], dtype=np.float64)


def _error(by_cluster: Floats) -> float:
    clusters = len(by_cluster)
    return math.sqrt(float((by_cluster**2).sum()) * clusters / max(clusters - 1, 1))


def _quantile(by_cluster: Floats, *, level: float, resamples: int, seed: int) -> float:
    magnitude = np.abs(bootstrap_t(by_cluster, resamples=resamples, rng=np.random.default_rng(seed)))
    return float(np.quantile(magnitude, level, method="higher"))
