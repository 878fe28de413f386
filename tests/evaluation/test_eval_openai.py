"""Models behind a server: what is sent, what becomes of failures, how many requests are under way."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from evaluation_builders import benchmark_of, choice_sample, png
from fake_server import FakeServer, Fault, Request, Say

from wherewise.evaluation.load import Benchmark
from wherewise.evaluation.protocol import Decoding, EvalConfig, MediaLimits
from wherewise.evaluation.providers.endpoint import EndpointProvider, ProviderStopped
from wherewise.evaluation.providers.limit import AdaptiveLimit
from wherewise.evaluation.records import read_predictions
from wherewise.evaluation.runner import PREDICTIONS, USAGE, run_benchmark
from wherewise.judge.config import BreakerConfig, EndpointConfig, PriceConfig
from wherewise.media.video import encode_video
from wherewise.samples import Image, Sample, Video
from wherewise.samples.errors import InputError

pytest.importorskip("openai")


def provider_at(
    server: FakeServer, *, media: MediaLimits | None = None, tokens: int = 128, **changes: object
) -> EndpointProvider:
    settings: dict[str, object] = {"base_url": server.url, "model": "fake", "backoff_seconds": 0.01, "seed": None}
    config = EndpointConfig.model_validate(settings | changes)
    return EndpointProvider("openai", config, media=media or MediaLimits(), decoding=Decoding(max_new_tokens=tokens))


def sent_bytes(url: str) -> bytes:
    return base64.b64decode(url.partition(",")[2])


def test_pictures_go_as_they_are_and_shrunk_where_asked(tmp_path: Path) -> None:
    data = png(size=(64, 48))
    benchmark = benchmark_of([choice_sample("a", media=(Image(data=data), Image(data=png((0, 9, 0)))))], tmp_path)
    with FakeServer([Say("(A)")]) as server:
        run_benchmark(benchmark, provider_at(server), EvalConfig(), tmp_path / "o")
        small = MediaLimits(max_pixels=300)
        run_benchmark(benchmark, provider_at(server, media=small), EvalConfig(media=small), tmp_path / "p")
        blind = MediaLimits(blind=True)
        run_benchmark(benchmark, provider_at(server, media=blind), EvalConfig(media=blind), tmp_path / "q")
    whole, shrunk, none = server.requests
    assert sent_bytes(whole.images[0]) == data
    assert [part["type"] for part in whole.body["messages"][0]["content"]] == ["image_url", "image_url", "text"]
    assert PIL.Image.open(io.BytesIO(sent_bytes(shrunk.images[0]))).size == (20, 15)
    assert none.images == []
    assert isinstance(none.body["messages"][0]["content"], str)
    assert (whole.body["temperature"], whole.body["max_tokens"], whole.body["model"]) == (0.0, 128, "fake")


def test_a_turned_jpeg_is_sent_upright(tmp_path: Path) -> None:
    stream = io.BytesIO()
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    PIL.Image.new("RGB", (40, 20), "red").save(stream, "JPEG", exif=exif)
    benchmark = benchmark_of([choice_sample("a", media=(Image(data=stream.getvalue()),))], tmp_path)
    with FakeServer([Say("(A)")]) as server:
        run_benchmark(benchmark, provider_at(server), EvalConfig(), tmp_path / "o")
    sent = PIL.Image.open(io.BytesIO(sent_bytes(server.requests[0].images[0])))
    assert (sent.size, sent.format) == ((20, 40), "PNG")


def test_clips_go_as_frames_or_whole(tmp_path: Path) -> None:
    pytest.importorskip("av")
    clip = encode_video(np.stack([np.full((32, 48, 3), level, np.uint8) for level in range(0, 240, 12)]), fps=10.0)
    whole = choice_sample("a", media=(Video(data=clip),))  # type: ignore[arg-type]
    part = choice_sample("b", media=(Video(data=clip, start=0.5),))  # type: ignore[arg-type]
    benchmark = benchmark_of([whole, part], tmp_path)
    with FakeServer([Say("(A)")]) as server:
        frames = MediaLimits(frames=4)
        run_benchmark(benchmark, provider_at(server, media=frames), EvalConfig(media=frames), tmp_path / "o")
        assert [len(request.images) for request in server.requests] == [4, 4]
        levels = [np.asarray(PIL.Image.open(io.BytesIO(sent_bytes(url)))).mean() for url in server.requests[0].images]
        assert levels == sorted(levels)
        file = MediaLimits(clips="file")
        summary = run_benchmark(benchmark, provider_at(server, media=file), EvalConfig(media=file), tmp_path / "p")
    assert len(server.requests) == 3
    video = server.requests[2].body["messages"][0]["content"][0]
    assert video["type"] == "video_url"
    assert sent_bytes(video["video_url"]["url"]) == clip
    assert summary.failed == 0.5
    errors = {p.id: p.error for p in read_predictions(tmp_path / "p" / PREDICTIONS)}
    assert errors["a"] is None
    assert "a file goes whole" in str(errors["b"])


def test_the_cache_knows_prompt_media_and_parameters(tmp_path: Path) -> None:
    cache = tmp_path / "replies.sqlite"
    red = benchmark_of([choice_sample("a", media=(Image(data=png()),))], tmp_path)
    green = benchmark_of([choice_sample("a", media=(Image(data=png((0, 200, 0))),))], tmp_path)
    with FakeServer([Say("(A)", finish="length", tokens=(70, 3))]) as server:

        def asked(out: str, benchmark: object = red, **changes: object) -> int:
            before = len(server.requests)
            run_benchmark(benchmark, provider_at(server, cache=cache, **changes), EvalConfig(), tmp_path / out)  # type: ignore[arg-type]
            return len(server.requests) - before

        assert [asked("1"), asked("2"), asked("3", green), asked("4", tokens=64)] == [1, 0, 1, 1]
        assert [asked("5", model="other"), asked("6", extra_body={"top_k": 1}), asked("7")] == [1, 1, 0]
    first, again = (read_predictions(tmp_path / out / PREDICTIONS) for out in ("1", "7"))
    assert first == again
    assert (first[0].truncated, first[0].tokens) == (True, 3)


def test_failures_are_counted_apart_and_the_cost_is_shown(tmp_path: Path) -> None:
    def script(request: Request) -> Say | Fault:
        return Fault(400, '{"error": {"message": "too many pixels"}}') if "plate" in request.text else Say("(A)")

    samples = [choice_sample(str(i)) for i in range(3)]
    samples.append(dataclasses.replace(choice_sample("bad"), question="Where is the plate?"))
    samples.append(choice_sample("gone", media=(Image(path="nowhere.png"),)))
    price = PriceConfig(input_per_million=2.0, output_per_million=10.0)
    with FakeServer(script) as server:
        provider = provider_at(server, price=price)
        summary = run_benchmark(benchmark_of_missing(samples, tmp_path), provider, EvalConfig(), tmp_path / "o")
    assert (summary.micro.estimate.score, summary.failed) == (0.6, 0.4)
    errors = {p.id: p.error for p in read_predictions(tmp_path / "o" / PREDICTIONS) if p.error}
    assert "too many pixels" in errors["bad"]
    assert "nowhere.png" in errors["gone"]
    usage = json.loads((tmp_path / "o" / USAGE).read_text())
    assert usage["cost"] == pytest.approx((300 * 2 + 30 * 10) / 1e6)
    assert (usage["samples"], usage["failed"], usage["requests"]) == (5, 2, 4)


def benchmark_of_missing(samples: list[Sample], root: Path) -> Benchmark:
    """A benchmark whose last picture is lost after it was loaded."""
    path = root / "nowhere.png"
    path.write_bytes(png())
    benchmark = benchmark_of(samples, root)
    path.unlink()
    return benchmark


def test_a_server_that_refuses_the_key_or_is_down_stops_the_run(tmp_path: Path) -> None:
    benchmark = benchmark_of([choice_sample(str(i)) for i in range(60)], tmp_path)

    def script(request: Request) -> Say | Fault:
        return Say("(A)") if request.number < 20 else Fault(401, '{"error": {"message": "no such key"}}')

    with FakeServer(script) as server:
        with pytest.raises(ProviderStopped, match=r"no such key.*--retry-failed"):
            run_benchmark(benchmark, provider_at(server), EvalConfig(), tmp_path / "o")
        kept = read_predictions(tmp_path / "o" / PREDICTIONS)
        assert 1 <= len(kept) <= 20
        assert not any(p.error for p in kept)
        server.script = [Say("(A)")]
        assert run_benchmark(benchmark, provider_at(server), EvalConfig(), tmp_path / "o").failed == 0.0
        server.stop()
        down = provider_at(server, retries=0, breaker=BreakerConfig(failures=3))
        with pytest.raises(ProviderStopped, match="the server is down"):
            run_benchmark(benchmark, down, EvalConfig(), tmp_path / "p")
        assert len(read_predictions(tmp_path / "p" / PREDICTIONS)) < 60


def test_the_limit_grows_halves_once_an_overload_and_frees_who_waits() -> None:
    async def scenario() -> list[int]:
        limit, seen = AdaptiveLimit(16), []
        for _ in range(20):
            limit.succeeded()
        seen.append(limit.slots)
        async with asyncio.timeout(5):
            entered = [limit.__aenter__() for _ in range(16)]
            await asyncio.gather(*entered)
            for _ in range(16):
                limit.overloaded()  # all of one wave
            seen.append(limit.slots)
            limit.overloaded()
            seen.append(limit.slots)
            waiting = asyncio.create_task(limit.__aenter__())
            await asyncio.sleep(0)
            for _ in range(12):
                await limit.__aexit__()
            await asyncio.sleep(0)
            assert not waiting.done()
            await limit.__aexit__()
            await waiting
        for _ in range(40):
            limit.overloaded()
        return [*seen, limit.slots, limit.lowest, limit.highest]

    assert asyncio.run(scenario()) == [16, 8, 4, 1, 1, 16]


def test_concurrency_follows_the_server(tmp_path: Path) -> None:
    benchmark = benchmark_of([choice_sample(str(i)) for i in range(300)], tmp_path)

    def script(request: Request) -> Say | Fault:
        crowded = server._at_once > 6
        return Fault(429, headers={"Retry-After": "0.01"}) if crowded else Say("(A)", delay=0.005)

    server = FakeServer(script)
    with server:
        provider = provider_at(server, concurrency=64, retries=20)
        assert run_benchmark(benchmark, provider, EvalConfig(), tmp_path / "o").failed == 0.0
    assert server.most_at_once < 30  # 64 workers are there
    assert provider.usage()["requests"] < 600


def test_missing_keys_and_letters_are_refused_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with FakeServer([Say("(A)")]) as server:
        with pytest.raises(InputError, match=r"^api_key_env: the environment variable NO_SUCH_KEY is not set"):
            provider_at(server, api_key_env="NO_SUCH_KEY")
        config = EndpointConfig(base_url=server.url, model="fake")
        with pytest.raises(InputError, match="needs a local model"):
            EndpointProvider("openai", config, media=MediaLimits(), decoding=Decoding(strategy="letter"))
    assert server.requests == []
