"""Progress in a pipe, on a terminal, and quiet."""

from __future__ import annotations

import io
from itertools import count

import pytest

from wherewise.cli.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_pipe_gets_a_line_each_tenth_and_one_at_the_end() -> None:
    out, clock = io.StringIO(), Clock()
    with progress("rendering", total=200, stream=out, clock=clock) as advance:
        for _ in range(200):
            clock.now += 0.05
            advance(1)
    lines = out.getvalue().splitlines()
    assert lines[0] == "rendering: 20/200 (10 %), 20/s, 0:09 left"
    assert lines[-1] == "rendering: 200/200 in 0:10, 20/s"
    assert len(lines) == 10


def test_pipe_gets_a_line_every_so_many_seconds() -> None:
    out, clock = io.StringIO(), Clock()
    with progress("judging", stream=out, clock=clock, line_every_s=30) as advance:
        for done in count(1):
            clock.now += 10
            advance(1, note=f"{done} asked")
            if done == 7:
                break
    assert out.getvalue().splitlines() == [
        "judging: 3, 10 s each, 3 asked",
        "judging: 6, 10 s each, 6 asked",
        "judging: 7 in 1:10, 10 s each, 7 asked",
    ]


def test_totals_instead_of_steps() -> None:
    out, clock = io.StringIO(), Clock()
    with progress("scoring", stream=out, clock=clock) as advance:
        clock.now = 3725
        advance.at(50, 100)
        advance.at(100, 100)
    assert out.getvalue().splitlines() == [
        "scoring: 50/100 (50 %), 74.5 s each, 1:02:05 left",
        "scoring: 100/100 in 1:02:05, 37.2 s each",
    ]


def test_an_error_leaves_a_last_line_and_goes_on() -> None:
    out = io.StringIO()

    def read() -> None:
        with progress("reading", total=9, stream=out, clock=Clock()) as advance:
            advance(4)
            raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        read()
    assert out.getvalue().splitlines()[-1] == "reading: stopped at 4/9 after 0:00"


def test_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    out = Terminal()
    with progress("[rendering]", total=4, stream=out) as advance:
        advance(4, note="[b]")
    assert "[rendering]" in out.getvalue()
    assert "4/4" in out.getvalue()
    assert "[b]" in out.getvalue()


def test_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()
    with progress("rendering", total=4, stream=out, clock=Clock()) as advance:
        advance(4)
    assert out.getvalue() == "rendering: 4/4 in 0:00\n"


def test_quiet_shows_nothing_yet_counts() -> None:
    out = Terminal()
    with progress("rendering", total=4, quiet=True, stream=out) as advance:
        advance(3)
        assert advance.done == 3
    assert out.getvalue() == ""
