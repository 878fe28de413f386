"""Two thousand samples through a server that fails one request in ten; killed on the way; asked again for nothing."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from evaluation_builders import benchmark_of, choice_sample
from fake_server import Cut, FakeServer, Fault, Request, Say

from wherewise.evaluation.load import Benchmark
from wherewise.evaluation.protocol import Decoding, EvalConfig, MediaLimits
from wherewise.evaluation.providers.endpoint import EndpointProvider
from wherewise.evaluation.records import read_predictions
from wherewise.evaluation.runner import PREDICTIONS, run_benchmark
from wherewise.judge.config import EndpointConfig

pytest.importorskip("openai")

COUNT = 2000
FAULTS = (
    Fault(429, headers={"Retry-After": "0.05"}),
    Fault(500),
    Fault(503),
    Fault(200, "<html>busy</html>"),
    Cut(),
    Cut(after=60),
)


def two_thousand(root: Path) -> Benchmark:
    """Each question is another one, so that the server can tell them apart."""
    samples = [
        dataclasses.replace(choice_sample(f"s{i:04d}", gold="AB"[i % 2]), question=f"Where is cup number {i}?")
        for i in range(COUNT)
    ]
    return benchmark_of(samples, root)


def number_of(request: Request) -> int:
    return int(request.text.partition("cup number ")[2].partition("?")[0])


def answer(number: int) -> str:
    """What the server says to a question: right in two of three."""
    return f"({'AB'[number % 2]})" if number % 3 else f"({'BA'[number % 2]})"


def one_in_ten_fails(request: Request) -> Say | Fault | Cut:
    draw = hashlib.sha256(f"{request.number}".encode()).digest()
    return FAULTS[draw[1] % len(FAULTS)] if draw[0] % 10 == 0 else Say(answer(number_of(request)))


def provider_at(url: str, cache: Path | None) -> EndpointProvider:
    config = EndpointConfig(
        base_url=url, model="fake", seed=None, cache=cache, retries=8, backoff_seconds=0.02, concurrency=32
    )
    return EndpointProvider("openai", config, media=MediaLimits(), decoding=Decoding())


CHILD = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from test_eval_openai_faults import EvalConfig, provider_at, run_benchmark, two_thousand
root = Path(sys.argv[3])
run_benchmark(two_thousand(root), provider_at(sys.argv[4], root / "c.sqlite"), EvalConfig(), root / "killed")
"""


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_whatever_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    benchmark = two_thousand(tmp_path)
    right = sum(bool(i % 3) for i in range(COUNT)) / COUNT
    with FakeServer(one_in_ten_fails) as server:
        provider = provider_at(server.url, None)
        whole = run_benchmark(benchmark, provider, EvalConfig(), tmp_path / "whole")
        usage = provider.usage()
        with capsys.disabled():
            print(f"\n{usage['requests_per_second']} requests/s: {usage}")
        assert (whole.micro.estimate.score, whole.failed) == (pytest.approx(right), 0.0)
        predictions = read_predictions(tmp_path / "whole" / PREDICTIONS)
        assert Counter(p.id for p in predictions) == {f"s{i:04d}": 1 for i in range(COUNT)}
        assert all(p.reply == answer(int(p.id[1:])) for p in predictions)
        assert usage["requests"] == len(server.requests)
        assert 1.05 < usage["requests"] / COUNT < 1.2

        tests = Path(__file__).parent
        words = [sys.executable, "-c", CHILD, str(tests), str(tests.parent / "judge"), str(tmp_path), server.url]
        lines = tmp_path / "killed" / PREDICTIONS
        start = len(server.requests)
        for wanted in (300, 1100):
            process = subprocess.Popen(words)
            while process.poll() is None and not (lines.exists() and lines.read_bytes().count(b"\n") >= wanted):
                time.sleep(0.005)
            os.kill(process.pid, signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            assert wanted <= lines.read_bytes().count(b"\n") < COUNT
        cache = tmp_path / "c.sqlite"
        assert run_benchmark(benchmark, provider_at(server.url, cache), EvalConfig(), tmp_path / "killed") == whole
        resumed = read_predictions(lines)
        assert sorted(resumed, key=lambda p: p.id) == sorted(predictions, key=lambda p: p.id)
        # What was under way at a kill is asked again; what was answered isn't.
        assert len(server.requests) - start < 1.2 * COUNT + 2 * 32

        before = len(server.requests)
        rerun = provider_at(server.url, cache)
        assert run_benchmark(benchmark, rerun, EvalConfig(), tmp_path / "again") == whole
        assert len(server.requests) == before
        assert (rerun.usage()["cached"], rerun.usage()["requests"]) == (COUNT, 0)
