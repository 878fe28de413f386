"""GRPO on a real vLLM server, on a CPU: log-probabilities, adapters, whole models, a kill. Takes minutes."""

from __future__ import annotations

import dataclasses
import json
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_servers import MISSING, PYTHON, ServerProcess, free_port, post
from training_toy import grpo_config, save_tiny, toy_samples

from wherewise.media.video import encode_video
from wherewise.models.inputs import end_token_ids, padding_id
from wherewise.models.load import load_model
from wherewise.samples import Sample, Video
from wherewise.training import train_grpo
from wherewise.training.config import FramesConfig
from wherewise.training.grpo.config import GRPOConfig
from wherewise.training.rollout.command import check_server, start_command
from wherewise.training.rollout.requests import Sampling, message

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.skipif(not PYTHON, reason=MISSING)]

GAP = 1e-4
"""Largest mean difference of log-probabilities between vLLM and the learner, both in float32."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen3-VL that vLLM's CPU kernels take (heads of 32), its head not tied."""
    sizes = {"hidden_size": 64, "heads": 2, "kv_heads": 1, "vision_hidden_size": 64, "vision_heads": 2}
    folder = tmp_path_factory.mktemp("served") / "model"
    return save_tiny(folder, tie_embeddings=False, initializer_range=0.1, **sizes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """vLLM, started by the very command that a run prints."""
    url = f"http://127.0.0.1:{free_port()}"
    folder = tmp_path_factory.mktemp("server")
    line = start_command(grpo_config(model, folder, lora=True, rollout={"engine": "vllm", "url": url}))
    with ServerProcess.of_line(line, url, folder / "log.txt") as running:
        yield running


def config_of(model: Path, out: Path, server: ServerProcess | None, *, lora: bool = True, **changes: Any) -> GRPOConfig:
    if server is not None:
        changes["rollout"] = {"engine": "vllm", "url": server.url, **changes.get("rollout", {})}
    values = {
        "optim": {"name": "adamw", "lr": 0.01},
        "prompts_per_step": 4,
        "generations": 8,
        "micro_prompts": 4,
        "max_new_tokens": 12,
        "steps": 3,
        "save_every": None,
        "rollouts": {"every": 1},
        **changes,
    }
    return grpo_config(model, out, lora=lora, **values)


def train(config: GRPOConfig, samples: list[Sample] | None = None) -> list[dict[str, Any]]:
    result = train_grpo(config, samples=samples or toy_samples(), on_progress=lambda progress: None)
    return [json.loads(line) for line in (result.folder / "metrics.jsonl").read_text().splitlines()]


def noise_clips() -> list[Sample]:
    rng = np.random.default_rng(0)
    samples = []
    for sample in toy_samples():
        frames = rng.integers(0, 255, (13, 64, 96, 3), dtype=np.uint8)
        clip = Video(data=encode_video(frames, fps=4.0), fps=4.0, duration=3.25, width=96, height=64)
        samples.append(dataclasses.replace(sample, media=(clip,)))
    return samples


def test_the_printed_command_starts_a_server_that_is_accepted(
    model: Path, tmp_path: Path, server: ServerProcess
) -> None:
    assert check_server(config_of(model, tmp_path, server))[0] == f"rollouts by {server.url}: {model}"


def test_only_the_trainers_end_tokens_end_a_completion(model: Path, server: ServerProcess) -> None:
    processor = load_model(model, dtype="float32", device="cpu").processor
    (end,), other = end_token_ids(processor), padding_id(processor)
    settings = {"temperature": 1.0, "top_p": 1.0, "max_tokens": 3, "banned_ids": (), "pad_id": other}
    for ends, forced, expected in (((end,), end, [end]), ((end,), other, [other] * 3), ((other,), end, [end] * 3)):
        body = Sampling(end_ids=ends, **settings).body() | {"logit_bias": {str(forced): 100}, "n": 1, "seed": 0}
        asked = {"model": "policy", "messages": [message("Red?", [])], **body}
        reply = json.loads(post(f"{server.url}/v1/chat/completions", asked))
        assert [choice["token_ids"] for choice in reply["choices"]] == [expected]


@pytest.mark.parametrize("kind", ["image", "video"])
def test_both_sides_agree_on_log_probabilities(
    model: Path, tmp_path: Path, server: ServerProcess, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With fresh adapters, and with trained ones loaded at run time, on vision and language."""
    samples = toy_samples() if kind == "image" else noise_clips()
    records = train(config_of(model, tmp_path / "run", server, frames=FramesConfig(max_frames=6)), samples)
    gaps = [record["sampler_gap"] for record in records]
    with capsys.disabled():
        print(f"\nmean |delta log-probability|, {kind}, adapters: {', '.join(f'{gap:.1e}' for gap in gaps)}")
    assert max(gaps) < GAP
    assert len({record["rollout/version"] for record in records}) == 3
    assert records[0]["grad_norm"] > 0


def test_a_whole_model_is_reloaded(
    model: Path, tmp_path: Path, server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    config = config_of(model, tmp_path / "run", server, lora=False, optim={"name": "adamw", "lr": 1e-3})
    records = train(config)
    gaps = [record["sampler_gap"] for record in records]
    back = {"method": "reload_weights", "kwargs": {"weights_path": str(model)}}
    post(f"{server.url}/collective_rpc", back)
    for cache in ("prefix", "mm", "encoder"):
        post(f"{server.url}/reset_{cache}_cache", {})
    with capsys.disabled():
        print(f"\nmean |delta log-probability|, whole model: {', '.join(f'{gap:.1e}' for gap in gaps)}")
    assert max(gaps) < GAP
    assert [r["rollout/version"][:14] for r in records] == ["weights-000000", "weights-000001", "weights-000002"]


SEEDS = 4
T_975 = 3.182
"""97.5% quantile of Student's t with `SEEDS` - 1 degrees of freedom."""


def test_reward_rises_as_with_the_policy_itself(
    model: Path, tmp_path: Path, server: ServerProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    """The end of a run on the server lies where one more run of the policy itself would be expected."""

    def run(name: str, where: ServerProcess | None, **changes: Any) -> tuple[float, float]:
        records = train(config_of(model, tmp_path / name, where, steps=30, **changes))
        rewards = [record["reward/total"] for record in records]
        return sum(rewards[:6]) / 6, sum(rewards[-6:]) / 6

    own = [run(f"hf-{seed}", None, seed=seed) for seed in range(SEEDS)]
    ends = [end for _, end in own]
    middle, reach = float(np.mean(ends)), T_975 * float(np.std(ends, ddof=1)) * math.sqrt(1 + 1 / SEEDS)
    served = run("vllm", server)
    overlapped = run("overlap", server, rollout={"overlap": True}, sampler_correction="token_truncate")
    with capsys.disabled():
        print(f"\nreward, hf, {SEEDS} seeds: {', '.join(f'{a:.3f} -> {b:.3f}' for a, b in own)}")
        print(f"one more run ends at {middle:.3f} ± {reach:.3f} (95%)")
        for name, (begin, end) in (("vllm", served), ("vllm, overlapped", overlapped)):
            print(f"reward, {name}: {begin:.3f} -> {end:.3f}")
    for begin, end in (*own, served, overlapped):
        assert end > begin + 0.02
    assert abs(served[1] - middle) < reach


def test_a_killed_server_is_reported_and_waited_for(
    model: Path, tmp_path: Path, server: ServerProcess, capfd: pytest.CaptureFixture[str]
) -> None:
    calm = train(config_of(model, tmp_path / "calm", server, steps=4))

    def kill_after_2(progress: Any) -> None:
        if progress.step == 2:
            server.kill()
            threading.Timer(2.0, server.start).start()

    train_grpo(config_of(model, tmp_path / "rough", server, steps=4), samples=toy_samples(), on_progress=kill_after_2)
    server.wait()
    rough = [json.loads(line) for line in (tmp_path / "rough/metrics.jsonl").read_text().splitlines()]
    said = capfd.readouterr().err
    with capfd.disabled():
        print("\n" + "\n".join(line[:200] for line in said.splitlines() if "rollout server" in line))
    assert "the rollout server is away" in said
    assert "is back after" in said
    assert rough[2]["rollout/waited_seconds"] > 1
    weights = [[r["rollout/version"].split("-")[:3] for r in records] for records in (rough, calm)]
    assert weights[0] == weights[1]
    assert [r["reward/total"] for r in rough] == pytest.approx([r["reward/total"] for r in calm], abs=1e-9)
