"""GRPO on a server: what is sent, what is refused, and what survives. The server is a scripted one (see there)."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_rollout_server import Cut, FakeRolloutServer, Fault, Hang, Misbehaviour, Restart, Spoil
from training_toy import grpo_config, toy_samples

from wherewise.media.video import encode_video
from wherewise.models.load import load_model
from wherewise.samples import Sample, Video
from wherewise.samples.errors import InputError
from wherewise.training import train_grpo
from wherewise.training.checks.rehearsal import Rehearsal
from wherewise.training.config import FramesConfig
from wherewise.training.grpo.config import GRPOConfig
from wherewise.training.rollout.client import ServerGoneError, ServerMissingError, ServerReplyError, VllmClient
from wherewise.training.rollout.command import check_server, start_command

Numbers = dict[bool, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def processor(tiny: Path) -> Any:
    return load_model(tiny, dtype="float32", device="cpu").processor


@pytest.fixture(scope="module")
def calm(tiny: Path, processor: Any, tmp_path_factory: pytest.TempPathFactory) -> Numbers:
    """`numbers` of runs on a server that never misbehaved: with adapters (True), and of the whole model."""
    found = {}
    with FakeRolloutServer(processor=processor) as running:
        for lora in (True, False):
            config = config_of(tiny, tmp_path_factory.mktemp("calm") / "run", running, lora=lora)
            found[lora] = numbers(train(config))
    return found


@pytest.fixture
def server(processor: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRolloutServer]:
    patient = VllmClient._nap
    monkeypatch.setattr(VllmClient, "_nap", lambda self, seconds: patient(self, min(seconds, 0.02)))
    with FakeRolloutServer(processor=processor) as running:
        yield running


def config_of(tiny: Path, out: Path, server: FakeRolloutServer, *, lora: bool = True, **changes: Any) -> GRPOConfig:
    rollout = {"engine": "vllm", "url": server.url, "timeout": 5.0, **changes.pop("rollout", {})}
    values = {"steps": 3, "save_every": None, **changes}
    return grpo_config(tiny, out, lora=lora, rollout=rollout, **values)


def train(config: GRPOConfig, samples: list[Sample] | None = None) -> list[dict[str, Any]]:
    """The records of all steps."""
    result = train_grpo(config, samples=samples or toy_samples(), on_progress=lambda progress: None)
    return [json.loads(line) for line in (result.folder / "metrics.jsonl").read_text().splitlines()]


def numbers(records: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What must not depend on what the server went through."""
    kept = ((r["loss"], r["reward/total"], r["grad_norm"], r["rollout/version"].split("-")[:3]) for r in records)
    return list(kept)


def clip_sample(sample: Sample, *counts: int) -> Sample:
    frames = [np.random.default_rng(c).integers(0, 255, (c, 32, 32, 3), dtype=np.uint8) for c in counts]
    media = [Video(data=encode_video(f, fps=4.0), fps=4.0, duration=len(f) / 4, width=32, height=32) for f in frames]
    return dataclasses.replace(sample, media=tuple(media))


# ---------------------------------------------------------------------- what is sent and written down


def test_one_request_a_prompt_and_a_version_a_step(tiny: Path, tmp_path: Path, server: FakeRolloutServer) -> None:
    records = train(config_of(tiny, tmp_path / "run", server, rollouts={"every": 1, "groups": 3}))
    assert len(server.chats) == 3 * 3
    for body in server.chats:
        assert body["n"] == 4
        assert len([part for part in body["messages"][0]["content"] if part["type"] == "image_url"]) == 1
        assert (body["logprobs"], body["return_token_ids"], body["max_tokens"]) == (True, True, 5)
    assert len({body["seed"] for body in server.chats}) == 9
    versions = [record["rollout/version"] for record in records]
    assert [re.fullmatch(r"adapter-00000(\d)-[0-9a-f]{12}-[0-9a-f]{6}", v)[1] for v in versions] == ["0", "1", "2"]  # type: ignore[index]
    assert [body["model"] for body in server.chats] == [v for v in versions for _ in range(3)]
    for step, version in enumerate(versions, 1):
        lines = (tmp_path / "run/rollouts" / f"step-00000{step}.jsonl").read_text().splitlines()
        assert [json.loads(line)["policy"] for line in lines] == [version] * 3
    unloaded = [path for path in server.orders if path == "/v1/unload_lora_adapter"]
    assert (len(unloaded), server.adapters) == (3, {})
    assert not (tmp_path / "run/handover").exists()
    assert all(record["sampler_gap"] > 0 for record in records)
    assert all(record["rollout/tokens"] == record["tokens"] for record in records)


@pytest.mark.parametrize("overlap", [False, True])
def test_a_resumed_run_is_the_uninterrupted_one(
    tiny: Path, tmp_path: Path, server: FakeRolloutServer, overlap: bool
) -> None:
    def config(out: str) -> GRPOConfig:
        block = {"overlap": overlap}
        correction = "token_truncate"
        return config_of(
            tiny, tmp_path / out, server, steps=4, save_every=2, rollout=block, sampler_correction=correction
        )

    class Stop(Exception):
        pass

    def stop_at_3(progress: Any) -> None:
        if progress.step == 3:
            raise Stop

    whole = train(config("whole"))
    with pytest.raises(Stop):
        train_grpo(config("cut"), samples=toy_samples(), on_progress=stop_at_3)
    server.stop()
    server.start()
    assert numbers(train(config("cut"))) == numbers(whole)


def test_overlap_draws_the_next_prompts_by_this_steps_weights(
    tiny: Path, tmp_path: Path, server: FakeRolloutServer
) -> None:
    block = {"overlap": True}
    records = train(
        config_of(
            tiny, tmp_path / "run", server, rollout=block, sampler_correction="token_truncate", rollouts={"every": 1}
        )
    )
    assert [record["rollout/ahead"] for record in records] == [0.0, 1.0, 1.0]
    first, second, _ = [record["rollout/version"] for record in records]
    assert [body["model"] for body in server.chats] == [first] * 3 + [first] * 3 + [second] * 3
    third = json.loads((tmp_path / "run/rollouts/step-000003.jsonl").read_text().splitlines()[0])
    assert third["policy"] == second


def test_a_whole_model_is_handed_over(tiny: Path, tmp_path: Path, server: FakeRolloutServer) -> None:
    records = train(config_of(tiny, tmp_path / "run", server, lora=False))
    reload = ["/collective_rpc", *(f"/reset_{c}_cache" for c in ("prefix", "mm", "encoder")), "/update_weight_version"]
    assert server.orders == reload * 3
    assert server.version == records[-1]["rollout/version"]
    assert not (tmp_path / "run/handover").exists()


def test_clips_go_as_the_frames_that_the_trainer_sees(tiny: Path, tmp_path: Path, server: FakeRolloutServer) -> None:
    samples = [clip_sample(sample, 12) for sample in toy_samples(4)]
    train(config_of(tiny, tmp_path / "run", server, steps=1, frames=FramesConfig(fps=2.0, max_frames=4)), samples)
    body = server.chats[0]
    assert body["media_io_kwargs"]["video"]["frames_indices"] == [0, 1000, 1750, 2750]
    (part, _) = body["messages"][0]["content"]
    assert part["video_url"]["url"].startswith("data:video/jpeg;base64,")
    assert part["video_url"]["url"].count(",") == 4


def test_clips_of_other_times_in_one_prompt_are_refused(tiny: Path, tmp_path: Path, server: FakeRolloutServer) -> None:
    samples = [clip_sample(sample, 12, 8) for sample in toy_samples(3)]
    with pytest.raises(InputError, match="clips have frames at different times"):
        train(config_of(tiny, tmp_path / "run", server, steps=1), samples)


def test_greedy_completions_of_the_baseline_are_asked_alone(
    tiny: Path, tmp_path: Path, server: FakeRolloutServer
) -> None:
    train(config_of(tiny, tmp_path / "run", server, steps=1, advantage="remax"))
    assert sorted((body["temperature"], body["n"]) for body in server.chats) == [(0.0, 1)] * 3 + [(1.0, 4)] * 3


# ---------------------------------------------------------------------- what a run survives


@pytest.mark.parametrize(
    "faults",
    [
        [Fault(503)] * 3 + [Fault(500)],
        [Cut(), Fault(429), Cut()],
        [Hang(1.5)],
    ],
    ids=["busy", "cut", "hang"],
)
def test_what_fails_is_asked_again(
    tiny: Path, tmp_path: Path, server: FakeRolloutServer, calm: Numbers, faults: list[Misbehaviour]
) -> None:
    block = {"timeout": 0.8} if isinstance(faults[0], Hang) else {}
    server.faults = deque(faults)
    rough = train(config_of(tiny, tmp_path / "rough", server, rollout=block))
    assert numbers(rough) == calm[True]
    assert sum(record["rollout/retried"] for record in rough) == len(faults)


@pytest.mark.parametrize("lora", [True, False], ids=["adapter", "whole"])
def test_a_restarted_server_gets_its_weights_back(
    tiny: Path,
    tmp_path: Path,
    server: FakeRolloutServer,
    calm: Numbers,
    capfd: pytest.CaptureFixture[str],
    lora: bool,
) -> None:
    server.faults = deque([*[Spoil(lambda reply: None)] * 4, Restart(0.5)])
    rough = train(config_of(tiny, tmp_path / "rough", server, lora=lora))
    assert numbers(rough) == calm[lora]
    said = capfd.readouterr().err
    assert "the rollout server is away" in said
    assert "vllm.entrypoints.openai.api_server --model" in said
    assert "is back after" in said
    assert rough[1]["rollout/waited_seconds"] > 0.2


def test_a_server_that_restarted_unseen_is_noticed(
    tiny: Path, tmp_path: Path, server: FakeRolloutServer, calm: Numbers
) -> None:
    """Between two requests, with a whole model: every request would succeed, with the weights of the start."""

    def forget(reply: dict[str, Any]) -> None:
        server.version = "default"

    server.faults = deque([Spoil(lambda reply: None), Spoil(forget)])
    rough = train(config_of(tiny, tmp_path / "rough", server, lora=False))
    assert numbers(rough) == calm[False]
    assert len(server.chats) == 12


def test_a_lost_adapter_is_loaded_again(tiny: Path, tmp_path: Path, server: FakeRolloutServer, calm: Numbers) -> None:

    def forget(reply: dict[str, Any]) -> None:
        server.adapters.clear()

    server.faults = deque([Spoil(forget)])
    assert numbers(train(config_of(tiny, tmp_path / "rough", server))) == calm[True]


def test_a_server_that_stays_away_ends_the_run(tiny: Path, tmp_path: Path, server: FakeRolloutServer) -> None:
    server.faults = deque([*[Spoil(lambda reply: None)] * 6, Restart(3.0)])
    config = config_of(tiny, tmp_path / "run", server, steps=4, save_every=1, rollout={"patience": 0.5})
    with pytest.raises(ServerGoneError, match=r"was away for .* s \(rollout.patience\)(.|\n)*--enable-lora"):
        train(config)
    assert (tmp_path / "run/checkpoints/step-000002").is_dir()


def test_a_request_that_always_fails_ends_the_run(tiny: Path, tmp_path: Path, server: FakeRolloutServer) -> None:
    server.faults = deque([Fault(500, "out of blocks")] * 50)
    with pytest.raises(ServerReplyError, match=r"failed 2 times at the same request .*out of blocks"):
        train(config_of(tiny, tmp_path / "run", server, rollout={"attempts": 2}))


# ---------------------------------------------------------------------- what a run refuses


def without(*path: str) -> Callable[[dict[str, Any]], None]:
    def change(reply: dict[str, Any]) -> None:
        for key in path[:-1]:
            reply = reply[int(key)] if isinstance(reply, list) else reply[key]
        reply.pop(path[-1])

    return change


def change_prompt(reply: dict[str, Any]) -> None:
    reply["prompt_token_ids"][3] = 0


def shorten(reply: dict[str, Any]) -> None:
    choice = reply["choices"][0]
    choice["token_ids"], choice["logprobs"]["content"] = [5], choice["logprobs"]["content"][:1]
    choice["finish_reason"] = "abort"


def draw_a_picture(reply: dict[str, Any]) -> None:
    choice = reply["choices"][0]
    choice["token_ids"][0] = next(t for t in reply["prompt_token_ids"] if reply["prompt_token_ids"].count(t) > 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_prompt, "the server's prompt is not the trainer's: .* different from position 3 on"),
        (without("prompt_token_ids"), "returned no prompt_token_ids"),
        (without("choices", "1", "token_ids"), "a completion without token ids"),
        (without("choices", "1", "logprobs"), "0 log-probabilities for"),
        (lambda reply: reply["choices"].pop(), "has 3 completions, 4 were asked for"),
        (shorten, "ends after 1 tokens with 'abort'"),
    ],
)
def test_replies_that_cannot_be_trained_on_are_refused(
    tiny: Path, tmp_path: Path, server: FakeRolloutServer, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    server.faults = deque([Spoil(change)] * 20)
    with pytest.raises(ServerReplyError, match=rf"sample 'toy-\d\d\d': .*{message}"):
        train(config_of(tiny, tmp_path / "run", server))


def test_banned_tokens_are_refused(tiny: Path, tmp_path: Path, server: FakeRolloutServer, processor: Any) -> None:
    pad = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")

    def draw(reply: dict[str, Any]) -> None:
        reply["choices"][0]["token_ids"][0] = pad
        reply["choices"][0]["token_ids"][-1] = processor.tokenizer.eos_token_id

    server.faults = deque([Spoil(draw)] * 20)
    with pytest.raises(ServerReplyError, match="holds banned tokens"):
        train(config_of(tiny, tmp_path / "run", server, max_new_tokens=2))


def test_no_server_is_refused_with_the_command(tiny: Path, tmp_path: Path, server: FakeRolloutServer) -> None:
    config = config_of(tiny, tmp_path / "run", server)
    server.stop()
    with pytest.raises(ServerMissingError) as caught:
        train_grpo(config, samples=toy_samples())
    assert start_command(config) in str(caught.value)
    assert not (tmp_path / "run").exists()
    server.start()


def test_a_rehearsal_asks_the_server(tiny: Path, tmp_path: Path, server: FakeRolloutServer) -> None:
    config = config_of(tiny, tmp_path / "run", server, audit="off")
    lines: list[str] = []
    Rehearsal(config=config, say=lines.append).run(toy_samples())
    assert f"rollouts by {server.url}: policy" in lines
    server.stop()
    with pytest.raises(InputError, match=r"there is no rollout server at http.*(.|\n)*--served-model-name policy"):
        Rehearsal(config=config, say=lines.append).run(toy_samples())
    server.start()


def test_the_command_is_made_for_the_run(tiny: Path, tmp_path: Path, server: FakeRolloutServer) -> None:
    command = start_command(config_of(tiny, tmp_path / "run", server))
    assert command.startswith("VLLM_ALLOW_RUNTIME_LORA_UPDATING=True python -m vllm.entrypoints.openai.api_server")
    needed = ("--enable-lora --max-lora-rank 8 ", "--enable-tower-connector-lora", "--no-enable-chunked-prefill")
    for words in (*needed, f"--port {server.port}"):
        assert words in command
    whole = start_command(config_of(tiny, tmp_path / "run", server, lora=False))
    assert whole.startswith("VLLM_SERVER_DEV_MODE=1 ")
    assert "lora" not in whole.lower()


def test_a_server_of_another_kind_is_refused(tiny: Path, tmp_path: Path, server: FakeRolloutServer) -> None:
    config = config_of(tiny, tmp_path / "run", server)
    assert "rollouts by" in check_server(config)[0]
    other = config_of(tiny, tmp_path / "run", server, rollout={"model": "mine"})
    with pytest.raises(ServerMissingError, match=r"serves policy, not 'mine'"):
        check_server(other)
    with pytest.raises(ServerMissingError, match="completions alone may have 4000"):
        check_server(config_of(tiny, tmp_path / "run", server, max_new_tokens=4000))
    server.logprobs_mode = "raw_logprobs"
    with pytest.raises(ServerMissingError, match="--logprobs-mode processed_logprobs"):
        check_server(config)
    server.logprobs_mode, server.dynamic = "processed_logprobs", False
    with pytest.raises(ServerMissingError, match="takes no adapters at run time"):
        check_server(config)
    with pytest.raises(ServerMissingError, match="takes no whole models at run time"):
        check_server(config_of(tiny, tmp_path / "run", server, lora=False))


@pytest.mark.parametrize(("setting", "value"), [("dora", True), ("dropout", 0.1)])
def test_adapters_that_a_server_cannot_draw_with_are_refused(
    tiny: Path, tmp_path: Path, server: FakeRolloutServer, setting: str, value: Any
) -> None:
    config = config_of(tiny, tmp_path / "run", server)
    assert config.model.lora is not None
    lora = config.model.lora.model_copy(update={setting: value})
    wrong = config.model_copy(update={"model": config.model.model_copy(update={"lora": lora})})
    with pytest.raises(InputError, match=f"model.lora.{setting}"):
        check_server(wrong)


def test_several_processes_hand_over_adapters_alone(
    tiny: Path, tmp_path: Path, server: FakeRolloutServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("WORLD_SIZE", "2"), ("RANK", "0")):
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=r"model.lora: with several processes"):
        check_server(config_of(tiny, tmp_path / "run", server, lora=False))
    with pytest.raises(InputError, match=r"parallel.strategy: weights are handed over whole"):
        check_server(config_of(tiny, tmp_path / "run", server, parallel={"strategy": "fsdp"}))
    assert check_server(config_of(tiny, tmp_path / "run", server))


def test_the_engine_alone_is_enough(tiny: Path, tmp_path: Path) -> None:
    assert grpo_config(tiny, tmp_path, rollout="vllm").rollout.engine == "vllm"
    assert grpo_config(tiny, tmp_path, rollout={"url": "http://h:1/v1/"}).rollout.url == "http://h:1"
    with pytest.raises(ValueError, match="no address"):
        grpo_config(tiny, tmp_path, rollout={"url": "localhost:8000"})
    with pytest.raises(ValueError, match="needs a server beside the trainer"):
        grpo_config(tiny, tmp_path, rollout={"overlap": True}, sampler_correction="token_mask")
    with pytest.raises(ValueError, match="set `sampler_correction: token_truncate`"):
        grpo_config(tiny, tmp_path, rollout={"engine": "vllm", "overlap": True})


def test_the_server_may_move_between_a_run_and_its_resumption(tiny: Path, tmp_path: Path) -> None:
    from wherewise.training.config import drift

    one = grpo_config(tiny, tmp_path, rollout={"engine": "vllm"}).model_dump(mode="json")
    two = grpo_config(tiny, tmp_path, rollout={"engine": "vllm", "url": "http://h:1"}).model_dump(mode="json")
    assert drift(one, two) == {}
    three = grpo_config(tiny, tmp_path).model_dump(mode="json")
    assert set(drift(one, three)) == {"rollout.engine"}


@pytest.mark.slow
def test_two_processes_share_a_server_and_its_weights(tiny: Path, tmp_path: Path, server: FakeRolloutServer) -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    words = [str(here / "rollout_target.py"), str(tiny), str(tmp_path / "run"), server.url, "overlap"]
    path = os.pathsep.join([str(here), str(here.parents[1] / "src")])
    done = subprocess.run(
        [*command, *words], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    records = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    first = records[0]["rollout/version"]
    assert [record["rollout/ahead"] for record in records] == [0.0, 1.0]
    assert [body["model"] for body in server.chats] == [first] * 8
    assert len({body["seed"] for body in server.chats}) == 8
    lines = (tmp_path / "run/rollouts/step-000002.jsonl").read_text().splitlines()
    assert [json.loads(line)["policy"] for line in lines] == [first] * 4
