"""Box measures on worked examples, against each other, and on degenerate boxes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherewise.answers.boxes import (
    WORST_CIOU,
    WORST_GIOU,
    ciou,
    giou,
    iou,
    pairwise_ciou,
    pairwise_giou,
    pairwise_iou,
    point_in_box,
    point_in_mask,
)

SCALARS = (iou, giou, ciou)
PAIRWISE = (pairwise_iou, pairwise_giou, pairwise_ciou)
REAL = st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(1, 40)] * 2).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
NUMBERS = st.floats(-1e6, 1e6) | st.sampled_from([0.0, math.nan, math.inf, -math.inf, 1e308, -1e308, 1e-320])
ANY = st.one_of(REAL, st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS))


def test_worked_examples() -> None:
    a, b = (0, 0, 2, 2), (1, 1, 3, 3)
    assert iou(a, b) == pytest.approx(1 / 7)
    assert giou(a, b) == pytest.approx(1 / 7 - 2 / 9)
    assert ciou(a, b) == pytest.approx(1 / 7 - 2 / 18)  # the same shape: no aspect term
    # 4 x 1 against 1 x 4, same centre: overlap 1 / 7, no centre term
    wide, tall = (0, 1.5, 4, 2.5), (1.5, 0, 2.5, 4)
    v = 4 / math.pi**2 * (math.atan(4) - math.atan(1 / 4)) ** 2
    assert ciou(wide, tall) == pytest.approx(1 / 7 - v * v / (1 - 1 / 7 + v))
    # values of torchvision.ops.complete_box_iou and generalized_box_iou
    assert ciou((10, 20, 60, 80), (30, 30, 100, 70)) == pytest.approx(0.18057578, abs=1e-6)
    assert giou((10, 20, 60, 80), (30, 30, 100, 70)) == pytest.approx(0.11272142, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(a=st.lists(ANY, max_size=4), b=st.lists(ANY, max_size=4))
def test_pairwise_is_the_scalar_of_every_pair(a: list[tuple[float, ...]], b: list[tuple[float, ...]]) -> None:
    for scalar, pairwise in zip(SCALARS, PAIRWISE, strict=True):
        table = pairwise(a, b)
        assert table.shape == (len(a), len(b))
        assert table.dtype == np.float64
        for i, first in enumerate(a):
            for j, second in enumerate(b):
                assert table[i, j] == pytest.approx(scalar(first, second), abs=1e-9)


@settings(max_examples=200, deadline=None)
@given(a=ANY, b=ANY)
def test_bounds_and_symmetry(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    assert 0 <= iou(a, b) <= 1
    assert WORST_GIOU <= giou(a, b) <= iou(a, b) + 1e-12
    assert WORST_CIOU <= ciou(a, b) <= iou(a, b) + 1e-12
    for measure in SCALARS:
        assert measure(a, b) == pytest.approx(measure(b, a), abs=1e-12)


@given(box=REAL)
def test_a_box_agrees_with_itself(box: tuple[float, ...]) -> None:
    assert [measure(box, box) for measure in SCALARS] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("box", [(5, 5, 5, 9), (5, 5, 4, 9), (0, 0, math.nan, 1), (0, 0, math.inf, 1)])
def test_a_degenerate_box_is_never_better_than_a_far_one(box: tuple[float, ...]) -> None:
    truth, far = (0, 0, 10, 10), (9000, 9000, 9001, 9900)
    assert [measure(box, truth) for measure in SCALARS] == [0.0, -1.0, -1.5]
    assert [measure(box, box) for measure in SCALARS] == [0.0, -1.0, -1.5]
    assert all(measure(box, truth) <= measure(far, truth) for measure in SCALARS)


def test_wrong_shapes_are_errors() -> None:
    with pytest.raises(ValueError, match="got 3 numbers"):
        iou((1, 2, 3), (1, 2, 3, 4))
    with pytest.raises(ValueError, match=r"\(n, 4\) array, got shape \(4,\)"):
        pairwise_iou([1, 2, 3, 4], [[1, 2, 3, 4]])


def test_points() -> None:
    assert point_in_box((0, 0), (0, 0, 1, 1))
    assert not point_in_box((0.5, 1.1), (0, 0, 1, 1))
    assert not point_in_box((0, 0), (0, 0, 0, 0))
    assert not point_in_box((math.nan, 0), (0, 0, 1, 1))
    mask = np.array([[0, 1, 0], [0, 0, 7]])
    assert point_in_mask((2.9, 1.9), mask)
    assert [point_in_mask(p, mask) for p in ((0, 0), (-0.1, 0), (3, 1), (2, 2), (math.nan, 0))] == [False] * 5
    with pytest.raises(ValueError, match="a mask is"):
        point_in_mask((0, 0), np.zeros((1, 2, 3)))
