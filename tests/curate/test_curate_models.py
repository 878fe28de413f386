"""The part of the client that written questions added: requests a minute, and replies that did not fit."""

from __future__ import annotations

import asyncio
import time

import pytest
from fake_server import FakeServer, Fault, Say
from pydantic import ValidationError

from wherewise.curate.config import WriterConfig
from wherewise.curate.tasks import WRITE, WriteItem
from wherewise.judge import Judge, Outcome
from wherewise.judge.pace import Pace

GOOD = '{"question": "Where?", "options": ["a", "b"], "answer": "A", "category": "size", "level": "easy", "rating": 5}'


def test_requests_keep_their_distance() -> None:
    async def three() -> float:
        pace = Pace(1200)
        start = time.monotonic()
        for _ in range(3):
            assert await pace.turn(start + 3600)
        return time.monotonic() - start

    assert asyncio.run(three()) >= 0.095  # the third one's moment is 0.1 s after the first one's


def test_a_turn_behind_the_deadline_is_none() -> None:
    async def late() -> tuple[bool, bool]:
        pace = Pace(1)
        return await pace.turn(time.monotonic() + 5), await pace.turn(time.monotonic() + 5)

    assert asyncio.run(late()) == (True, False)


def test_each_attempt_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[float] = []
    turn = Pace.turn

    async def counted(self: Pace, deadline: float) -> bool:
        turns.append(deadline)
        return await turn(self, deadline)

    monkeypatch.setattr(Pace, "turn", counted)
    with FakeServer([Fault(503), Say(GOOD)]) as server:
        config = WriterConfig(base_url=server.url, model="m", requests_per_minute=6000, backoff_seconds=0.0)
        with Judge(config) as judge:
            judge.run(WRITE, [WriteItem(graph=str(n), wanted="") for n in range(4)])
        assert len(server.requests) == len(turns) == 5


def test_more_calls_than_the_pace_allows() -> None:
    with pytest.raises(ValidationError, match="lower concurrency to 6"):
        WriterConfig(base_url="http://127.0.0.1:1/v1", model="m", requests_per_minute=2)


def test_no_cache_beside_the_journal() -> None:
    with pytest.raises(ValidationError, match="every reply is kept"):
        WriterConfig.model_validate({"base_url": "http://127.0.0.1:1/v1", "model": "m", "cache": "x.sqlite"})


def test_replies_that_do_not_fit_are_handed_over() -> None:
    script = [Say("no"), Say(GOOD), Say("{}")]
    with FakeServer(script) as server, Judge(WriterConfig(base_url=server.url, model="m")) as judge:
        [mended] = judge.run(WRITE, [WriteItem(graph="1", wanted="")])
        [never] = judge.run(WRITE, [WriteItem(graph="2", wanted="")])
    assert mended.outcome is Outcome.OK
    assert mended.misfits == (("no", "no JSON object in it"),)
    assert never.outcome is Outcome.UNPARSABLE
    assert [text for text, _ in never.misfits] == ["{}", "{}"]
