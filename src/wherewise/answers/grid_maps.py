"""How well a grid map and how well an order agree with the truth."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from wherewise.answers.normal import normalise
from wherewise.answers.parsed import Cells
from wherewise.samples import GridMap

MAX_MATCHED = 64
"""Written cells of one label that are matched at most; the rest still count as surplus."""


def _by_label(cells: Cells) -> dict[str, list[tuple[float, float]]]:
    places: dict[str, list[tuple[float, float]]] = {}
    for label, items in cells:
        places.setdefault(normalise(label), []).extend(items)
    return places


def grid_map_score(predicted: Cells, truth: GridMap, *, reach: float = 3.0) -> float:
    """Soft F1 of a written grid map, in [0, 1].

    With n true and m written cells over all labels (compared by `normalise`), and one-to-one optimal matchings M within
    each label::

        value = 2 * sum over matched pairs of max(0, 1 - distance / reach) / (n + m)

    so that a cell `reach` or more away earns nothing, a missing and a surplus cell both cost, and so does a label that
    is not in the scene. Two empty maps agree: 1. At most `MAX_MATCHED` written cells of a label are matched.

    It replaces the map score of SpaceR (``extract_map.calculate_prediction_score``), which pairs greedily, gives
    ``1 - distance / (N sqrt 2)`` per pair, so that a blind guess in the middle of the grid earns .73 on average, and
    doesn't punish labels that aren't there.

    Args:
        predicted: Labels and cells as written.
        truth: The gold map.
        reach: Cells of distance at which a place earns nothing.

    >>> gold = GridMap(size=10, cells=(("chair", ((1, 2), (5, 5))), ("lamp", ((9, 9),))))
    >>> grid_map_score(gold.cells, gold), round(grid_map_score((("chair", ((1, 2),)),), gold), 3)
    (1.0, 0.5)
    """
    if not reach > 0:
        raise ValueError(f"reach is a distance above 0, got {reach}")
    ours, gold = _by_label(predicted), _by_label(truth.cells)
    written, true = sum(map(len, ours.values())), sum(map(len, gold.values()))
    if not written and not true:
        return 1.0
    credit = 0.0
    for label, places in gold.items():
        claimed = ours.get(label, [])[:MAX_MATCHED]
        if not claimed or not places:
            continue
        a, b = np.asarray(claimed, dtype=np.float64), np.asarray(places, dtype=np.float64)
        away = np.hypot(*(a[:, None, :] - b[None, :, :]).transpose(2, 0, 1))
        earned = (1 - away / reach).clip(0)
        rows, columns = linear_sum_assignment(-earned)
        credit += float(earned[rows, columns].sum())
    return credit / ((written + true) / 2)


def order_exact(predicted: Sequence[Hashable], truth: Sequence[Hashable]) -> float:
    """1 if both hold the same items in the same order, else 0.

    >>> order_exact("abc", "abc"), order_exact("ab", "abc")
    (1.0, 0.0)
    """
    return float(list(predicted) == list(truth))


def order_positions(predicted: Sequence[Hashable], truth: Sequence[Hashable]) -> float:
    """Share of positions with the right item, over the longer of the two; 1 when both are empty.

    >>> order_positions("acb", "abc"), order_positions("", "")
    (0.3333333333333333, 1.0)
    """
    longer = max(len(predicted), len(truth))
    return sum(a == b for a, b in zip(predicted, truth, strict=False)) / longer if longer else 1.0


def order_pairs(predicted: Sequence[Hashable], truth: Sequence[Hashable]) -> float:
    """Share of the true pairs "a before b" that the predicted order has, in [0, 1]: ``(1 + Kendall's tau) / 2``.

    Items that are missing lose all their pairs; of an item written twice the first place counts; surplus items cost:
    the pairs are counted over the larger of the two lengths. With fewer than two true items it is `order_exact`.
    A reversed order scores 0, a random one .5 on average, so that rewards may want ``2 x - 1`` clipped at 0.

    >>> order_pairs("abc", "abc"), order_pairs("cba", "abc"), round(order_pairs("acb", "abc"), 3), order_pairs("", "ab")
    (1.0, 0.0, 0.667, 0.0)
    """
    if len(truth) != len(set(truth)):
        raise ValueError("an item of a true order occurs once")
    if len(truth) < 2:
        return order_exact(predicted, truth)
    place = {item: i for i, item in enumerate(truth)}
    seen: list[int] = []
    known: set[Hashable] = set()
    for item in predicted:
        if item in place and item not in known:
            known.add(item)
            seen.append(place[item])
    in_order = sum(seen[i] < seen[j] for i in range(len(seen)) for j in range(i + 1, len(seen)))
    return in_order / math.comb(max(len(truth), len(predicted)), 2)
