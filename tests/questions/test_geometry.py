from __future__ import annotations

import math

import pytest
from handmade import CAMERA, thing
from hypothesis import given, settings
from hypothesis import strategies as st

from wherewise.questions.geometry import area, depth_range, gap, overlap_share
from wherewise.questions.verify.measure import distance

place = st.tuples(st.floats(-3, 3), st.floats(-3, 3), st.floats(0, 2))
extent = st.tuples(st.floats(0.05, 2), st.floats(0.05, 2), st.floats(0.05, 2))


@settings(max_examples=60, deadline=None)
@given(place, extent, st.floats(-180, 180), place, extent, st.floats(-180, 180))
def test_polygon_distance_agrees_with_least_squares(c1, s1, y1, c2, s2, y2) -> None:  # type: ignore[no-untyped-def]
    one, two = thing(1, "a", center=c1, size=s1, yaw=y1), thing(2, "b", center=c2, size=s2, yaw=y2)
    assert gap(one, two) == pytest.approx(distance(one, two), abs=1e-6)
    assert gap(one, two) == pytest.approx(gap(two, one), abs=1e-9)


def test_gap_of_known_boxes() -> None:
    one = thing(1, "a", center=(0, 0, 0.5), size=(1, 1, 1))
    assert gap(one, thing(2, "b", center=(3, 0, 0.5), size=(1, 1, 1))) == pytest.approx(2)
    assert gap(one, thing(2, "b", center=(3, 0, 0.5), size=(1, 1, 1), yaw=45)) == pytest.approx(2.5 - math.sqrt(0.5))
    assert gap(one, thing(2, "b", center=(0, 0, 2.5), size=(1, 1, 1))) == pytest.approx(1)
    assert gap(one, thing(2, "b", center=(0.2, 0, 0.6), size=(0.1, 0.1, 0.1))) == 0


def test_depth_is_along_the_viewing_direction() -> None:
    beside = thing(1, "a", center=(5, 2, 1), size=(0.4, 0.4, 0.4))
    assert depth_range(CAMERA, beside) == pytest.approx((1.8, 2.2))


def test_overlap_and_area() -> None:
    assert overlap_share((0, 10), (20, 30)) == 0
    assert overlap_share((0, 10), (2, 4)) == 1
    assert area(((0, 0), (4, 0), (4, 3), (0, 3))) == 12
    assert area(()) == 0
