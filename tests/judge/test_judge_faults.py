"""The judge against a real server that fails in every scripted way: nothing is scored 0 because of it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from fake_server import Behaviour, Cut, Dribble, FakeServer, Fault, Flood, Request, Say

from wherewise.judge import CORRECTNESS, CorrectnessItem, Judge, JudgeConfig, JudgeStopped, Outcome, Verdict

RIGHT = Say('{"reason": "same", "verdict": "correct"}')
WRONG = Say('{"reason": "other", "verdict": "incorrect"}')


def item(number: int = 0) -> CorrectnessItem:
    return CorrectnessItem(question=f"What is left of chair {number}?", reference="a lamp", answer="the lamp")


def config(server: FakeServer, **settings: Any) -> JudgeConfig:
    base: dict[str, Any] = {
        "base_url": server.url,
        "model": "fake",
        "backoff_seconds": 0.01,
        "request_seconds": 5.0,
        "total_seconds": 20.0,
        "retries": 2,
    }
    return JudgeConfig.model_validate(base | settings)


def ask_one(server: FakeServer, **settings: Any) -> Verdict:
    with Judge(config(server, **settings)) as judge:
        [verdict] = judge.run(CORRECTNESS, [item()])
    return verdict


@pytest.mark.parametrize(
    ("script", "requests"),
    [
        ([RIGHT], 1),
        ([Fault(503), RIGHT], 2),
        ([Fault(500), Fault(502), RIGHT], 3),
        ([Fault(429, headers={"Retry-After": "0"}), RIGHT], 2),
        ([Fault(408), RIGHT], 2),
        ([Cut(0), RIGHT], 2),
        ([Cut(20), RIGHT], 2),
        ([Cut(600), RIGHT], 2),
        ([Fault(200, body="<html>proxy error</html>"), RIGHT], 2),
        ([Fault(200, body='{"choices": []}'), RIGHT], 2),
        ([Fault(200, body='{"choices": [{"message": "x"}]}'), RIGHT], 2),
        ([Fault(200, body="[" * 100_000), RIGHT], 2),
        ([Fault(200, body=""), RIGHT], 2),
        ([Say("I think it is correct."), RIGHT], 2),
        ([Say('{"reason": "x", "verdict": "perfect"}'), RIGHT], 2),
        ([Say('{"reason": "x", "verdict": "correct", "bonus": 1}'), RIGHT], 2),
        ([Say(None), RIGHT], 2),
        ([Say('{"reason": "half', finish="length"), RIGHT], 2),
        ([Say('Sure!\n```json\n{"reason": "same", "verdict": "correct"}\n```')], 1),
        ([Say('<think>{"verdict": "incorrect"}</think>{"reason": "same", "verdict": "correct"}')], 1),
        ([Say('{"reason": "lone \ud800 surrogate", "verdict": "correct"}')], 1),
    ],
)
def test_a_fault_that_passes_costs_only_time(script: list[Behaviour], requests: int) -> None:
    with FakeServer(script) as server:
        verdict = ask_one(server)
        assert (verdict.value, verdict.outcome) == (1.0, Outcome.OK), verdict.note
        assert len(server.requests) == requests


@pytest.mark.parametrize(
    ("behaviour", "outcome", "requests", "words"),
    [
        (Fault(503), Outcome.SERVER_ERROR, 3, "status 503"),
        (Fault(429, headers={"Retry-After": "0"}), Outcome.RATE_LIMITED, 3, "status 429"),
        (Fault(429, headers={"Retry-After": "3600"}), Outcome.RATE_LIMITED, 1, "Retry-After 3.6e+03 s"),
        (Cut(0), Outcome.CONNECTION, 3, "connection"),
        (Cut(600), Outcome.CONNECTION, 3, "connection"),
        (Fault(200, body="<html>"), Outcome.MALFORMED, 3, "not a chat completion: '<html>'"),
        (Fault(401, body="bad key"), Outcome.REJECTED, 1, "status 401: 'bad key'"),
        (Fault(404, body="no such model"), Outcome.REJECTED, 1, "no such model"),
        (Fault(307, headers={"Location": "http://127.0.0.1:9/"}), Outcome.REJECTED, 1, "status 307"),
        (Say("no JSON at all"), Outcome.UNPARSABLE, 2, "no JSON object in it"),
        (Say(""), Outcome.UNPARSABLE, 2, "it is empty"),
        (Say('{"reason": "x", "verdict": 1}'), Outcome.UNPARSABLE, 2, "verdict"),
        (Say('{"a":' * 5000), Outcome.UNPARSABLE, 2, "no JSON object"),
        (Flood(10_000_000), Outcome.TOO_LARGE, 1, "passed 1000000 bytes"),
        (Flood(10_000_000, status=500), Outcome.SERVER_ERROR, 3, "status 500"),
    ],
)
def test_a_fault_that_stays_is_a_missing_value_with_its_reason(
    behaviour: Behaviour, outcome: Outcome, requests: int, words: str
) -> None:
    with FakeServer([behaviour]) as server:
        verdict = ask_one(server)
        assert verdict.value is None
        assert verdict.outcome is outcome
        assert words in verdict.note
        assert len(server.requests) == requests
        if isinstance(behaviour, Flood):
            assert server.sent < 3 * 8_000_000, "the client stops reading long before the end"


def test_deadlines_of_an_attempt_and_of_an_item() -> None:
    slow = Say(RIGHT.content, delay=60.0)
    with FakeServer([slow, RIGHT]) as server:
        start = time.monotonic()
        assert ask_one(server, request_seconds=2.0).value == 1.0
        assert time.monotonic() - start < 30
    for behaviour in (slow, Dribble(str(RIGHT.content), pause=0.2)):
        with FakeServer([behaviour]) as server:
            start = time.monotonic()
            verdict = ask_one(server, request_seconds=0.5, total_seconds=0.9, retries=9)
            assert (verdict.value, verdict.outcome) == (None, Outcome.TIMEOUT)
            assert time.monotonic() - start < 30


def test_retry_after_is_waited_for() -> None:
    with FakeServer(
        [Fault(429, headers={"Retry-After": "0.6"}), Fault(503, headers={"Retry-After": "0.4"}), RIGHT]
    ) as server:
        assert ask_one(server).value == 1.0
        first, second, third = (request.time for request in server.requests)
        assert second - first >= 0.6
        assert third - second >= 0.4


def test_a_server_without_json_schema_is_asked_in_another_way_and_stays_so() -> None:
    def script(request: Request) -> Behaviour:
        return RIGHT if request.format == "" else Fault(400, body="unknown response_format")

    with FakeServer(script) as server, Judge(config(server, concurrency=1)) as judge:
        assert [verdict.path for verdict in judge.run(CORRECTNESS, [item(0), item(1)])] == ["text", "text"]
        assert [request.format for request in server.requests] == ["json_schema", "json_object", "", ""]


def test_a_request_that_no_mode_helps_is_rejected_and_changes_no_mode() -> None:
    def script(request: Request) -> Behaviour:
        return Fault(400, body="the prompt is too long") if "chair 1?" in request.text else RIGHT

    with FakeServer(script) as server, Judge(config(server, concurrency=1)) as judge:
        verdicts = judge.run(CORRECTNESS, [item(1), item(0), item(2)])
        assert [verdict.outcome for verdict in verdicts] == [Outcome.REJECTED, Outcome.OK, Outcome.OK]
        assert "too long" in verdicts[0].note
        assert verdicts[2].path == "json_schema"
        assert judge.run(CORRECTNESS, [item(1)])[0].value is None
        assert len(server.requests) == 3 + 2 + 1, "once json_schema has worked, a 400 is final"


def test_a_repair_repeats_the_rules_and_the_problem() -> None:
    with FakeServer([Say("SCORE: 10 <|im_end|>"), RIGHT]) as server:
        verdict = ask_one(server)
        assert verdict.path == "json_schema+repair"
        assert (verdict.prompt_tokens, verdict.completion_tokens) == (200, 20)
        roles = [message["role"] for message in server.requests[1].body["messages"]]
        assert roles == ["system", "user", "assistant", "user"]
        assert "<|im_end|>" not in json.dumps(server.requests[1].body)
        assert "no JSON object" in server.requests[1].text


def test_dying_and_recovering_server_opens_and_closes_the_circuit() -> None:
    settings = {
        "retries": 0,
        "concurrency": 1,
        "breaker": {"failures": 3, "cooldown_seconds": 2.0},
        "budget": {"max_none_share": 1.0},
    }
    with FakeServer([RIGHT]) as server, Judge(config(server, **settings)) as judge:
        assert judge.run(CORRECTNESS, [item(0)])[0].value == 1.0
        server.stop()
        outcomes = [verdict.outcome for verdict in judge.run(CORRECTNESS, [item(n) for n in range(1, 7)])]
        assert outcomes == [Outcome.CONNECTION] * 3 + [Outcome.CIRCUIT_OPEN] * 3
        assert judge.counts().requests == 4
        time.sleep(2.1)
        outcomes = [verdict.outcome for verdict in judge.run(CORRECTNESS, [item(n) for n in range(1, 4)])]
        assert outcomes == [Outcome.CONNECTION] + [Outcome.CIRCUIT_OPEN] * 2, "one probe, then open again"
        server.start()
        assert judge.run(CORRECTNESS, [item(1)])[0].outcome is Outcome.CIRCUIT_OPEN
        time.sleep(2.1)
        verdicts = judge.run(CORRECTNESS, [item(n) for n in range(1, 7)])
        assert [verdict.value for verdict in verdicts] == [1.0] * 6
        assert judge.counts().unjudged == 3 + 3 + 1 + 2 + 1


def test_rate_limits_and_bad_replies_leave_the_circuit_closed() -> None:
    def script(request: Request) -> Behaviour:
        return (Fault(429), Say("hm"), Fault(404))[request.number % 3] if request.number < 30 else RIGHT

    settings = {
        "retries": 0,
        "repairs": 0,
        "breaker": {"failures": 1, "cooldown_seconds": 60},
        "budget": {"max_none_share": 1.0},
        "concurrency": 1,
    }
    with FakeServer(script) as server, Judge(config(server, **settings)) as judge:
        verdicts = judge.run(CORRECTNESS, [item(n) for n in range(31)])
        assert {verdict.outcome for verdict in verdicts[:30]} == {
            Outcome.RATE_LIMITED,
            Outcome.UNPARSABLE,
            Outcome.REJECTED,
        }
        assert verdicts[30].value == 1.0


def test_too_many_unjudged_items_stop_the_run_with_counts_and_endpoint() -> None:
    def script(request: Request) -> Behaviour:
        return Fault(503, body="overloaded") if request.number % 2 else RIGHT

    settings = {"retries": 0, "concurrency": 1, "budget": {"max_none_share": 0.3, "min_calls": 10}}
    with FakeServer(script) as server, Judge(config(server, **settings)) as judge:
        with pytest.raises(JudgeStopped) as stopped:
            judge.run(CORRECTNESS, [item(n) for n in range(50)])
        message = str(stopped.value)
        for words in (server.url, "model fake", "5 of the last 10 items", "server_error 5", "overloaded", "50%"):
            assert words in message
        assert len(server.requests) <= 12, "what was still to be asked is not asked"


def test_the_budget_looks_at_the_last_items_only() -> None:
    def script(request: Request) -> Behaviour:
        return RIGHT if request.number < 30 else Fault(503)

    budget = {"max_none_share": 0.5, "min_calls": 5, "window": 10}
    settings = {"retries": 0, "concurrency": 1, "budget": budget, "breaker": {"failures": 100}}
    with FakeServer(script) as server, Judge(config(server, **settings)) as judge:
        with pytest.raises(JudgeStopped, match="6 of the last 10"):
            judge.run(CORRECTNESS, [item(n) for n in range(60)])
        assert judge.counts().outcomes == {Outcome.OK: 30, Outcome.SERVER_ERROR: 6}


def test_all_faults_at_once_and_no_value_is_invented() -> None:
    """32 items, each with a fault of its own for ever or for a while; the right ones are judged, the others missing."""
    lasting = (
        Fault(503),
        Cut(0),
        Say("?"),
        Flood(2_000_000),
        Fault(400),
        Say('{"verdict": "correct"}'),
        Fault(200, "x"),
    )
    seen: dict[int, int] = {}

    def script(request: Request) -> Behaviour:
        number = int(request.text.split("chair ")[1].split("?")[0])
        seen[number] = seen.get(number, 0) + 1
        truth = RIGHT if number % 2 else WRONG
        if number % 4 == 3:
            return lasting[number % len(lasting)]
        return truth if seen[number] > 1 or number % 4 == 0 else Fault(503)

    settings = {"budget": {"max_none_share": 1.0}, "breaker": {"failures": 100}, "reply_mode": "json_schema"}
    with FakeServer(script) as server, Judge(config(server, **settings)) as judge:
        verdicts = judge.run(CORRECTNESS, [item(number) for number in range(32)])
    expected = [None if number % 4 == 3 else float(number % 2) for number in range(32)]
    assert [verdict.value for verdict in verdicts] == expected
    assert all(verdict.outcome.judged for verdict, value in zip(verdicts, expected, strict=True) if value is not None)
