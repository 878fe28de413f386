"""What is asked twice, what isn't, and what survives a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fake_server import Behaviour, FakeServer, Fault, Request, Say

from wherewise.judge import (
    CORRECTNESS,
    GROUNDING,
    CorrectnessItem,
    GroundingItem,
    Judge,
    JudgeConfig,
    Outcome,
    Picture,
)
from wherewise.judge.calibrate import draw
from wherewise.judge.request import make_prompt, request_key
from wherewise.samples.errors import InputError

ROOT = Path(__file__).parents[2]
RIGHT = Say('{"reason": "same", "verdict": "correct"}')


def items(count: int) -> list[CorrectnessItem]:
    return [CorrectnessItem(question=f"Question {n}?", reference="yes", answer="yes") for n in range(count)]


def config(server: FakeServer, cache: Path, **settings: Any) -> JudgeConfig:
    base = {"base_url": server.url, "model": "fake", "cache": cache, "retries": 0, "repairs": 0}
    return JudgeConfig.model_validate(base | settings)


def test_a_second_run_sends_nothing_and_says_the_same(tmp_path: Path) -> None:
    with FakeServer([RIGHT]) as server:
        for expected in (5, 5):
            with Judge(config(server, tmp_path / "deep" / "cache.sqlite")) as judge:
                verdicts = judge.run(CORRECTNESS, items(5))
                assert [verdict.value for verdict in verdicts] == [1.0] * 5
                assert {verdict.path for verdict in verdicts} == {"json_schema"}
                assert len(server.requests) == expected
        assert judge.counts().cached == 5
        assert judge.counts().requests == 0


@pytest.mark.parametrize(
    "change",
    [
        {"model": "other"},
        {"temperature": 0.5},
        {"temperature": None},
        {"seed": 1},
        {"max_tokens": 99},
        {"max_tokens_field": "max_completion_tokens"},
        {"extra_body": {"top_k": 1}},
        {"cache_salt": "v2"},
    ],
)
def test_everything_that_the_reply_depends_on_is_in_the_key(tmp_path: Path, change: dict[str, Any]) -> None:
    with FakeServer([RIGHT]) as server:
        for settings in ({}, change, change):
            with Judge(config(server, tmp_path / "c", **settings)) as judge:
                judge.run(CORRECTNESS, items(1))
        assert len(server.requests) == 2


def test_how_patiently_a_reply_was_waited_for_is_not_in_the_key(tmp_path: Path) -> None:
    with FakeServer([RIGHT]) as server:
        for settings in ({}, {"retries": 3, "request_seconds": 9.0, "concurrency": 2, "reply_mode": "text"}):
            with Judge(config(server, tmp_path / "c", **settings)) as judge:
                judge.run(CORRECTNESS, items(1))
        assert len(server.requests) == 1


def test_pictures_count_by_their_bytes(tmp_path: Path) -> None:
    red, blue = (draw([{"shape": "circle", "color": color, "at": [60, 60], "size": 20}]) for color in ("red", "blue"))
    with FakeServer([Say('{"reason": "r", "score": 7}')]) as server, Judge(config(server, tmp_path / "c")) as judge:
        for picture in (red, blue, red):
            item = GroundingItem(question="What is there?", think="A circle.", pictures=(Picture(data=picture.data),))
            assert judge.run(GROUNDING, [item])[0].value == 0.7
        assert [len(request.images) for request in server.requests] == [1, 1]
        assert server.requests[0].images != server.requests[1].images
        assert server.requests[0].images[0].startswith("data:image/png;base64,")


def test_a_request_key_is_the_same_in_every_process() -> None:
    prompt = make_prompt("rules", [])
    key = request_key(prompt, model="m", params={"b": 1, "a": 2}, schema={}, salt="")
    assert key == request_key(prompt, model="m", params={"a": 2, "b": 1}, schema={}, salt="")
    code = (
        "from wherewise.judge.request import make_prompt, request_key;"
        "print(request_key(make_prompt('rules', []), model='m', params={'a': 2, 'b': 1}, schema={}, salt=''))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": "7"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.strip() == key


def test_equal_items_of_a_batch_are_asked_about_once(tmp_path: Path) -> None:
    with FakeServer([RIGHT]) as server, Judge(config(server, tmp_path / "c")) as judge:
        verdicts = judge.run(CORRECTNESS, items(2) * 8)
        assert len(server.requests) == 2
        assert [verdict.value for verdict in verdicts] == [1.0] * 16
        assert judge.counts().cached == 14
        assert judge.counts().outcomes == {Outcome.OK: 16}


def test_failures_are_not_stored(tmp_path: Path) -> None:
    with FakeServer([Fault(503), Say("?"), RIGHT]) as server, Judge(config(server, tmp_path / "c")) as judge:
        outcomes = [judge.run(CORRECTNESS, items(1))[0].outcome for _ in range(4)]
    assert outcomes == [Outcome.SERVER_ERROR, Outcome.UNPARSABLE, Outcome.OK, Outcome.OK]
    assert len(server.requests) == 3


def test_a_file_that_is_no_cache_is_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all, but long enough to be taken for one " * 20)
    with FakeServer([RIGHT]) as server, pytest.raises(InputError, match=r"notes\.txt"):
        Judge(config(server, path))


def _start(server: FakeServer, cache: Path, count: int) -> subprocess.Popen[str]:
    script = str(Path(__file__).with_name("cache_target.py"))
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    words = [sys.executable, script, server.url, str(cache), str(count)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def test_replies_survive_kill_9(tmp_path: Path) -> None:
    count, cache = 24, tmp_path / "cache.sqlite"

    def script(request: Request) -> Behaviour:
        """Ten replies, then none: the process is killed while it waits for the next two."""
        return RIGHT if request.number < 10 else Say(RIGHT.content, delay=600)

    with FakeServer(script) as server:
        first = _start(server, cache, count)
        deadline = time.monotonic() + 300
        while len(server.requests) < 12:
            assert time.monotonic() < deadline, "the process never got there"
            assert first.poll() is None, first.stderr.read() if first.stderr else ""
            time.sleep(0.02)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        assert first.returncode == -signal.SIGKILL
        finished = {request.text for request in server.requests[:10]}
        server.script = [RIGHT]
        second = _start(server, cache, count)
        out, err = second.communicate(timeout=300)
        assert second.returncode == 0, err
        assert out.split() == [f"{float(count)}", "10"]
        asked = [request.text for request in server.requests[12:]]
        assert len(asked) == count - 10
        assert not finished & set(asked)
