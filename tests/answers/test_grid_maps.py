"""Grid-map and ordering scores: worked examples, bounds, and what gaming them earns."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherewise.answers.grid_maps import MAX_MATCHED, grid_map_score, order_exact, order_pairs, order_positions
from wherewise.samples import GridMap

GOLD = GridMap(size=10, cells=(("chair", ((1, 2), (5, 5))), ("lamp", ((9, 9),))))
CELLS = st.lists(
    st.tuples(
        st.sampled_from(["chair", "the lamp", "sofa"]),
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=4).map(tuple),
    ),
    max_size=4,
).map(tuple)


def test_grid_map_worked_examples() -> None:
    assert grid_map_score(GOLD.cells, GOLD) == 1.0
    assert grid_map_score((), GOLD) == 0.0
    assert grid_map_score((), GridMap(size=10, cells=())) == 1.0
    # one cell off: credit 2 + (1 - 1/3)
    near = (("The Chair", ((1, 3), (5, 5))), ("lamp", ((9, 9),)))
    assert grid_map_score(near, GOLD) == pytest.approx(2 * (2 + 2 / 3) / 6)
    # a surplus label and a missing cell both cost
    assert grid_map_score((*GOLD.cells, ("sofa", ((0, 0),))), GOLD) == pytest.approx(6 / 7)
    assert grid_map_score((("chair", ((1, 2), (5, 5))),), GOLD) == pytest.approx(4 / 5)
    # the right cell under the wrong label earns nothing
    assert grid_map_score((("sofa", ((1, 2), (5, 5), (9, 9))),), GOLD) == 0.0


def test_matching_is_optimal_where_the_greedy_one_is_not() -> None:
    gold = GridMap(size=10, cells=(("chair", ((0, 0), (2, 0))),))
    # (1, 0) is 1 from both; (-1, 0) is 1 from the first only
    assert grid_map_score((("chair", ((1, 0), (-1, 0))),), gold) == pytest.approx(2 * (4 / 3) / 4)


def test_guessing_earns_little() -> None:
    everywhere = tuple(itertools.product(range(10), range(10)))
    assert grid_map_score((("chair", everywhere), ("lamp", everywhere)), GOLD) < 0.03
    assert grid_map_score((("chair", ((9, 0), (9, 0))), ("lamp", ((0, 0),))), GOLD) == 0.0
    flood = (("chair", ((1, 2),) * 10 * MAX_MATCHED),)
    assert grid_map_score(flood, GOLD) < 0.01


@settings(max_examples=150, deadline=None)
@given(cells=CELLS, gold=CELLS)
def test_grid_map_score_is_a_share(cells: tuple, gold: tuple) -> None:
    truth = GridMap(size=10, cells=gold)
    score = grid_map_score(cells, truth)
    assert 0 <= score <= 1
    assert grid_map_score(truth.cells, truth) == pytest.approx(1.0)
    assert score == pytest.approx(grid_map_score(truth.cells, GridMap(size=10, cells=cells)))


def test_orders() -> None:
    truth = ("a", "b", "c")
    assert [order_exact(p, truth) for p in (("a", "b", "c"), ("a", "c", "b"), ())] == [1.0, 0.0, 0.0]
    assert order_positions(("a", "c", "b"), truth) == pytest.approx(1 / 3)
    assert order_positions((*truth, "d"), truth) == pytest.approx(3 / 4)
    assert order_pairs(("a", "b"), truth) == pytest.approx(1 / 3)  # c's two pairs are lost
    assert order_pairs((*truth, "d"), truth) == pytest.approx(1 / 2)  # a surplus item costs
    assert order_pairs(("a", "a", "b", "c"), truth) == pytest.approx(1 / 2)
    assert order_pairs(("a",), ("a",)) == 1.0
    with pytest.raises(ValueError, match="occurs once"):
        order_pairs(("a",), ("a", "a"))
    with pytest.raises(ValueError, match="reach is a distance above 0"):
        grid_map_score((), GOLD, reach=0)


@given(order=st.permutations(range(5)))
def test_order_pairs_is_kendalls_share(order: list[int]) -> None:
    inversions = sum(a > b for a, b in itertools.combinations(order, 2))
    assert order_pairs(order, range(5)) == pytest.approx(1 - inversions / 10)
