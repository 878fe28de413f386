"""``eval run`` with models behind a server: what the options do, and what wrong ones say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from evaluation_builders import blink_row, write_blink
from fake_server import FakeServer, Fault, Say

from wherewise.cli.main import Verb, run
from wherewise.evaluation.providers.endpoint import SERVICES

pytest.importorskip("openai")

VERBS = {"eval run": Verb("wherewise.cli.evaluate:run", "Run.")}


@pytest.fixture
def blink(tmp_path: Path) -> Path:
    return write_blink(tmp_path / "blink", [blink_row(i) for i in range(6)])


def evaluate(blink: Path, *words: object) -> int:
    return run([str(word) for word in ("eval", "run", "blink", "--data", blink, "-q", *words)], verbs=VERBS)


def test_a_compatible_server(tmp_path: Path, blink: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--model", "openai:fake", "--cache", tmp_path / "c.sqlite", "--price", "2,10"]
    with FakeServer([Say("(B)")]) as server:
        words += ["--base-url", server.url, "--request-field", "top_k=1", "--temperature", "none"]
        assert evaluate(blink, *words, "--out", tmp_path / "o") == 0
        assert "cost 0.0018" in capsys.readouterr().out
        assert evaluate(blink, *words, "--out", tmp_path / "p") == 0
        assert "0 requests for 6 samples (6 from the cache)" in capsys.readouterr().out
        assert len(server.requests) == 6
        assert evaluate(blink, *words[:2], *words[-6:], "--no-cache", "--out", tmp_path / "q") == 0
        assert len(server.requests) == 12
    body = server.requests[0].body
    assert (body["top_k"], body["max_tokens"], "temperature" in body) == (1, 128, False)
    assert "authorization" not in server.requests[0].headers or "none" in server.requests[0].headers["authorization"]
    assert json.loads((tmp_path / "o" / "summary.json").read_text())["micro"]["estimate"]["score"] == 1.0


@pytest.mark.parametrize("kind", sorted(SERVICES))
def test_each_service_sends_its_key_and_fields(
    tmp_path: Path, blink: Path, monkeypatch: pytest.MonkeyPatch, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service = SERVICES[kind]
    words = ["--model", f"{kind}:big", "--no-cache", "--out", tmp_path / kind]
    monkeypatch.delenv(service.api_key_env, raising=False)
    assert evaluate(blink, *words) == 2
    assert f"{service.api_key_env} is not set" in capsys.readouterr().err
    monkeypatch.setenv(service.api_key_env, "sk-test-1234")
    with FakeServer([Say("(B)")]) as server:
        assert evaluate(blink, *words, "--base-url", server.url, "--api-key-env", service.api_key_env) == 0
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer sk-test-1234"}
    assert {request.path for request in server.requests} == {"/v1/chat/completions"}
    assert all(b"sk-test-1234" not in file.read_bytes() for file in (tmp_path / kind).iterdir())


def test_a_refused_key_ends_with_1_and_the_fix(tmp_path: Path, blink: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeServer([Fault(401)]) as server:
        words = ["--model", "openai:m", "--base-url", server.url, "--no-cache", "--out", tmp_path / "o"]
        assert evaluate(blink, *words) == 1
    assert "Fix: see that the server is up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "openai:"], "write openai:MODEL"),
        (["--model", "openai:m", "--base-url", "here"], "should be a URL such as"),
        (["--model", "openai:m", "--base-url", "http://u:p@h/v1"], "holds credentials"),
        (["--model", "openai:m", "--api-key-env", "sk-123"], "should be the NAME of an environment variable"),
        (["--model", "openai:m", "--price", "3"], "write IN,OUT"),
        (["--model", "openai:m", "--temperature", "0.7"], "replies are greedy"),
        (["--model", "openai:m", "--request-field", "x=y"], "put texts in double quotes"),
        (["--model", "openai:m", "--request-field", "model=1"], "set by other options"),
        (["--model", "openai:m", "--cache", "c", "--no-cache"], "choose one"),
        (["--model", "openai:m", "--decoding", "letter"], "needs a local model"),
        (["--model", "openai:m", "--clips", "whole"], "choose frames or file"),
        (["--model", "openai:m", "--clips", "file", "--frames", "8"], "drop --frames and --fps"),
        (["--model", "random", "--clips", "file"], "for models behind a server"),
        (["--model", "my-model", "--base-url", "http://h/v1"], "write --model openai:my-model"),
        (["--model", "replay:x.jsonl", "--replay-format", "csv"], "choose jsonl, lmms-eval, vlmevalkit"),
    ],
)
def test_wrong_options_end_with_2_and_the_fix(
    tmp_path: Path, blink: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert evaluate(blink, *words, "--out", tmp_path / "o") == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "sk-123" not in captured.err
