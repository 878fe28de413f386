"""Codecs there and back, and the compact list of claims."""

from __future__ import annotations

import time

import pytest
from answers_samples import GRAPH
from hypothesis import given
from hypothesis import strategies as st

from wherewise.answers import CODECS, Claim, Frame, claims_of, parse_claims, write_claims
from wherewise.answers.coordinates import decode_box, encode_box

SIZES = st.integers(28, 4000)
SHARE = st.floats(0, 1)


@given(name=st.sampled_from(sorted(CODECS)), sizes=st.tuples(SIZES, SIZES, SIZES, SIZES), at=st.tuples(SHARE, SHARE))
def test_points_come_back(name: str, sizes: tuple[int, int, int, int], at: tuple[float, float]) -> None:
    codec = CODECS[name]
    frame = Frame(width=sizes[0], height=sizes[1], seen_width=sizes[2], seen_height=sizes[3])
    point = (at[0] * frame.width, at[1] * frame.height)
    written = codec.encode_point(point, frame)
    back = codec.decode_point(written, frame)
    units = codec.tenth(frame)
    for axis, side in enumerate((frame.width, frame.height)):
        # half a written unit, in original pixels
        assert abs(back[axis] - point[axis]) <= side / (10 * units[axis]) / 2 + 1e-6
    assert codec.encode_point(back, frame) == written


@given(name=st.sampled_from(sorted(CODECS)), metres=st.floats(0, 4.9))
def test_distances_come_back(name: str, metres: float) -> None:
    codec = CODECS[name]
    assert abs(codec.decode_distance(codec.encode_distance(metres)) - metres) <= codec.distance_step / 2 + 1e-9


def test_known_values() -> None:
    frame = Frame(width=320, height=160, seen_width=640, seen_height=320)
    box = (32.0, 16.0, 160.0, 80.0)
    assert encode_box(CODECS["norm1000"], box, frame) == (100, 100, 500, 500)
    assert encode_box(CODECS["pixels"], box, frame) == (64, 32, 320, 160)
    assert decode_box(CODECS["pixels"], (64, 32, 320, 160), frame) == box
    assert CODECS["tenths"].encode_point((320, 160), frame) == (9, 9)
    assert CODECS["tenths"].encode_distance(99) == 9
    with pytest.raises(ValueError, match="at least 0 m"):
        CODECS["tenths"].encode_distance(-1)
    with pytest.raises(ValueError, match="at least one pixel"):
        Frame(width=0, height=3)


@pytest.mark.parametrize("name", sorted(CODECS))
def test_claims_come_back(name: str) -> None:
    codec = CODECS[name]
    claims = claims_of(GRAPH, codec)
    found = parse_claims(write_claims(claims), codec)
    assert found.items == claims
    assert found.malformed == 0


def test_claims_are_read_tolerantly_and_strictly() -> None:
    codec = CODECS["tenths"]
    found = parse_claims(" red  chair ( 3 , 5 ) ;; lamp (1,2,3,4); (1,2); x (a,b)\nsofa(7,2,1).", codec)
    assert found.items == (
        Claim(label="red chair", place=(3, 5)),
        Claim(label="sofa", place=(7, 2), distance=1),
    )
    assert found.malformed == 3
    assert parse_claims("None.", codec) == parse_claims("", codec)


@pytest.mark.parametrize("unit", ["(", ";", "a (1,2);", "1,", "a (", ")", " "])
def test_claims_take_linear_time(unit: str) -> None:
    times = []
    for size in (20_000, 160_000):
        start = time.process_time()
        parse_claims(unit * (size // len(unit)), CODECS["tenths"])
        times.append(time.process_time() - start)
    assert times[1] < 24 * times[0] + 0.1
