"""How far two raters agree, where either may have left a question unjudged (None)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from scipy import stats

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """Two raters on the same questions.

    Attributes:
        judged: Questions that both judged.
        left_out: Questions that one or both did not.
        same: Share of the judged questions with the same value; None without any.
        kappa: Cohen's kappa; None where it is not defined (no question, or nothing but one value).
        alpha: Krippendorff's alpha for categories; None where it is not defined.
        interval_alpha: The same for numbers.
        spearman: Rank correlation; None where a rater gave one value only.
        mean_difference: Mean of the second rater's values less the first's; None without any.
    """

    judged: int
    left_out: int
    same: float | None
    kappa: float | None
    alpha: float | None
    interval_alpha: float | None
    spearman: float | None
    mean_difference: float | None


def agreement(a: Sequence[float | None], b: Sequence[float | None]) -> Agreement:
    """Agreement of two raters, question by question; what either left unjudged counts for neither side.

    Raises:
        ValueError: The raters have not the same number of questions.
    """
    if len(a) != len(b):
        raise ValueError(f"raters must be given the same questions, got {len(a)} and {len(b)}")
    pairs = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    count = len(pairs)
    spread = count > 1 and len({x for x, _ in pairs}) > 1 and len({y for _, y in pairs}) > 1
    return Agreement(
        judged=count,
        left_out=len(a) - count,
        same=sum(x == y for x, y in pairs) / count if count else None,
        kappa=cohens_kappa(pairs),
        alpha=krippendorff_alpha(pairs),
        interval_alpha=krippendorff_alpha(pairs, level="interval"),
        spearman=float(stats.spearmanr([x for x, _ in pairs], [y for _, y in pairs]).statistic) if spread else None,
        mean_difference=sum(y - x for x, y in pairs) / count if count else None,
    )


def cohens_kappa(pairs: Sequence[tuple[T, T]]) -> float | None:
    """Agreement of two raters beyond chance; None without pairs, or if both gave nothing but one value.

    Source: J. Cohen, Educational and Psychological Measurement 20 (1960) 37-46.

    >>> pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    >>> round(cohens_kappa(pairs), 3)
    0.4
    """
    count = len(pairs)
    if not count:
        return None
    observed = sum(x == y for x, y in pairs) / count
    first, second = Counter(x for x, _ in pairs), Counter(y for _, y in pairs)
    expected = sum(first[value] * second[value] for value in first) / count**2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def krippendorff_alpha(
    units: Sequence[Sequence[float | None]], *, level: Literal["nominal", "interval"] = "nominal"
) -> float | None:
    """Agreement of any number of raters, with values missing; None where nothing can be compared or nothing varies.

    Args:
        units: For each question the raters' values; None where one gave none.
        level: Distance of two values: 0 or 1, or the squared difference.

    Source: K. Krippendorff, Computing Krippendorff's alpha-reliability (2011).
    """
    distance: Callable[[float, float], float] = (
        (lambda x, y: float(x != y)) if level == "nominal" else (lambda x, y: (x - y) ** 2)
    )
    rated = [[value for value in unit if value is not None] for unit in units]
    rated = [values for values in rated if len(values) > 1]
    pooled = Counter(value for values in rated for value in values)
    total = sum(pooled.values())
    if total < 2:
        return None
    observed = sum(sum(distance(x, y) for x in values for y in values) / (len(values) - 1) for values in rated)
    expected = sum(n * m * distance(x, y) for x, n in pooled.items() for y, m in pooled.items()) / (total - 1)
    return None if expected == 0 else 1 - observed / expected
