"""Timed claims by rules."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherewise.judge import parse_seconds, timeline_claims
from wherewise.judge.rules import MAX_CLAIMS, MAX_LABEL


def claims(text: str) -> list[tuple[float, float, str]]:
    return [(claim.start, claim.end, claim.label) for claim in timeline_claims(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("At 00:05 a man waves.", [(5, 5, "a man waves")]),
        ("A man waves at 00:05.", [(5, 5, "A man waves")]),
        ("[00:05–00:09] A man waves.", [(5, 9, "A man waves")]),
        ("(00:05 - 00:09) A man waves.", [(5, 9, "A man waves")]),
        ("from 00:05 to 01:09, a man waves", [(5, 69, "a man waves")]),
        ("A man waves until 00:09, then he sits at 00:12.", [(9, 9, "A man waves"), (12, 12, "he sits")]),
        ("Between 0:05 and 0:09 she cooks.", [(5, 9, "she cooks")]),
        ("between 3 and 7 s he runs", [(3, 7, "he runs")]),
        ("1:02:03 - end credits", [(3723, 3723, "end credits")]),
        ("at 12 s a dog barks", [(12, 12, "a dog barks")]),
        ("at about 12.5 seconds, a dog barks", [(12.5, 12.5, "a dog barks")]),
        ("From 3 to 7 seconds the ball rolls", [(3, 7, "the ball rolls")]),
        ("3-7s: running", [(3, 7, "running")]),
        ("**00:10 - 00:15**: The chef cuts onions", [(10, 15, "The chef cuts onions")]),
        ("- 12s: dog barks\n- 15s: cat runs", [(12, 12, "dog barks"), (15, 15, "cat runs")]),
        ("00:03: a cat\n00:08: a cup", [(3, 3, "a cat"), (8, 8, "a cup")]),
        ("At the 12-second mark, a dog barks", [(12, 12, "a dog barks")]),
        ("In second 12 she jumps", [(12, 12, "she jumps")]),
        ("seconds 3 to 7: run", [(3, 7, "run")]),
        ("the 12th second shows a cat", [(12, 12, "shows a cat")]),
        ("t=3.5s the car stops", [(3.5, 3.5, "the car stops")]),
        ("1 min 20 s in, he falls", [(80, 80, "he falls")]),
        ("At 1m20s he falls", [(80, 80, "he falls")]),
        ("At 2 minutes the game ends", [(120, 120, "the game ends")]),
        ("from 1 to 2 minutes he sleeps", [(60, 120, "he sleeps")]),
        ("(12 s) a bird flies", [(12, 12, "a bird flies")]),
        ("At 00:05, 00:09 and 00:12 a bell rings", [(t, t, "a bell rings") for t in (5, 9, 12)]),
        ("At 3 s, 5 s and 7 s a bell rings", [(t, t, "a bell rings") for t in (3, 5, 7)]),
        ("At 0:03, she sits, and the cat leaves at 0:08.", [(3, 3, "she sits"), (8, 8, "the cat leaves")]),
        ("AT 5 S, X RUNS", [(5, 5, "X RUNS")]),
        ("00:09 a\n00:05 b", [(5, 5, "b"), (9, 9, "a")]),
        ("0:09-0:05 she turns", [(5, 9, "she turns")]),
        ("At 0:05 he runs. At 0:05 he runs.", [(5, 5, "he runs")]),
        # no times in the video
        ("The clip is 30 seconds long.", []),
        ("He waits for 3 seconds.", []),
        ("He waits for 3-5 seconds, 5 seconds later he leaves.", []),
        ("It lasts about 10 s.", []),
        ("The 30-second clip shows a dog.", []),
        ("At 10:30 am the shop opens.", []),
        ("At 10:30 p.m. the shop closes.", []),
        ("a 16:9 picture, 1920:1080", []),
        ("a score of 3-1 after 2 of 5 sets", []),
        ("version 1.2:30x and 12:345", []),
        ("option B at the left, 3 chairs, 4 m away", []),
        ("At 00:05.", []),
        ("", []),
    ],
)
def test_claims(text: str, expected: list[tuple[float, float, str]]) -> None:
    assert claims(text) == expected


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *[
            ("00:05", 5),
            ("1:02:03", 3723),
            ("75:30", 4530),
            ("12", 12),
            ("12.5", 12.5),
            ("12 s", 12),
            ("12 Seconds", 12),
        ],
        *[
            ("1 min 20 s", 80),
            ("2 minutes", 120),
            (" 0:05 ", 5),
            ("0:05.25", 5.25),
            ("0", 0),
            ("", None),
            ("noon", None),
        ],
        *[("-5", None), ("0:75", None), ("1:99:00", None), ("5 miles", None), ("inf", None)],
    ],
)
def test_parse_seconds(text: str, seconds: float | None) -> None:
    assert parse_seconds(text) == seconds


def clock(seconds: int) -> str:
    return f"{seconds // 60:02d}:{seconds % 60:02d}"


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 500)), min_size=1, max_size=12, unique_by=lambda s: s[0])
)
def test_what_is_written_is_read(spans: list[tuple[int, int]]) -> None:
    lines = [f"[{clock(start)} - {clock(start + length)}] person {i} walks" for i, (start, length) in enumerate(spans)]
    expected = sorted((float(s), float(s + length), f"person {i} walks") for i, (s, length) in enumerate(spans))
    assert claims("\n".join(lines)) == expected


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("0123456789:.-–[]() \nstmAatfrom,&\u0130\ud800ſ"), max_size=120))
def test_any_text_is_read_without_raising(text: str) -> None:
    for claim in timeline_claims(text):
        assert 0 <= claim.start <= claim.end
        assert 0 < len(claim.label) <= MAX_LABEL


def test_a_megabyte_takes_linear_time() -> None:
    for part in (
        "at 3 s ",
        "1:",
        "3 ",
        "[",
        "12:34 ",
        "3 to ",
        " " * 50 + "3",
        "1 min and ",
        "between 3 and ",
        "0:05 x\n",
    ):
        start = time.process_time()
        found = timeline_claims(part * (1_000_000 // len(part)))
        assert time.process_time() - start < 10
        assert len(found) <= MAX_CLAIMS
