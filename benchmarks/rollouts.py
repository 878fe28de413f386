"""Tokens a second of completions drawn by the policy itself and by a vLLM server, in one run; prints one JSON object.

    python benchmarks/rollouts.py --python /path/to/vllm/environment/bin/python
    python benchmarks/rollouts.py --url http://127.0.0.1:8000 --model DIR

Both engines draw for the same prompts (a picture each), as a GRPO step asks them to: G completions a prompt, with the
log-probabilities of their tokens; vLLM gets the adapter before every draw, and that time is shown apart. The first draw
of each is not counted. Without `--model` the model is tiny and random: what is compared is the way, not a model of a
useful size. Without a server it says so and measures nothing. How to make an environment for one: docs/rollouts.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
import os
import platform
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import numpy as np
import PIL.Image
import torch

from wherewise.models.inputs import collate, padding_id
from wherewise.models.load import save_model
from wherewise.models.tiny import build_tiny
from wherewise.rewards import build_rewards
from wherewise.samples import Image, Sample, Text
from wherewise.training import loop
from wherewise.training.config import LoraConfig, ModelConfig
from wherewise.training.data import Encoder
from wherewise.training.grpo.config import GRPOConfig
from wherewise.training.grpo.phase import make_phase
from wherewise.training.grpo.prefix import Completions
from wherewise.training.grpo.scoring import Scorer
from wherewise.training.rollout.client import VllmClient
from wherewise.training.rollout.command import check_server, start_command
from wherewise.training.run_folder import RunFolder


def arguments() -> argparse.Namespace:
    """Sizes, and where the server is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", default=os.environ.get("WHEREWISE_VLLM_PYTHON"), help="starts a server with it")
    parser.add_argument("--url", help="a server that is running")
    parser.add_argument("--model", help="model folder; a tiny random Qwen3-VL without it")
    parser.add_argument("--prompts", type=int, default=4)
    parser.add_argument("--group", type=int, default=8, help="completions per prompt")
    parser.add_argument("--pixels", type=int, default=224, help="side of the square picture of each prompt")
    parser.add_argument("--completion", type=int, default=48, help="most tokens per completion")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch, and of a server on a CPU")
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def noise_samples(count: int, pixels: int) -> list[Sample]:
    """Questions about pictures of noise."""
    rng = np.random.default_rng(0)
    samples = []
    for index in range(count):
        stream = io.BytesIO()
        PIL.Image.fromarray(rng.integers(0, 255, (pixels, pixels, 3), dtype=np.uint8)).save(stream, "PNG")
        picture = Image(data=stream.getvalue(), width=pixels, height=pixels)
        question = "Is the red chair to the left of the blue table?"
        samples.append(
            Sample(
                id=str(index), media=(picture,), question=question, answer=Text(value="yes"), task="t", group=str(index)
            )
        )
    return samples


def session_of(options: argparse.Namespace, folder: Path, model: str, url: str) -> loop.Session:
    """What both engines work with: one model with adapters."""
    config = GRPOConfig(
        out=folder / "run",
        model=ModelConfig(path=model, device=options.device, lora=LoraConfig(r=8)),
        steps=1,
        generations=options.group,
        micro_prompts=options.prompts,
        max_new_tokens=options.completion,
        threads=options.threads,
        rollout={"engine": "vllm", "url": url},
    )
    loaded = loop.load_for_training(config)
    encoder = Encoder(processor=loaded.processor, prompt=config.prompt, root=None, frames=config.frames, budget=1 << 30)
    return loop.Session(
        config=config,
        samples=noise_samples(options.prompts, options.pixels),
        root=None,
        folder=RunFolder(path=config.out),
        loaded=loaded,
        encoder=encoder,
        total=1,
        device=torch.device(options.device),
    )


def start(options: argparse.Namespace, config: GRPOConfig, log: Path) -> subprocess.Popen[bytes]:
    """The server of `start_command`, on a CPU and small where the run is."""
    words = shlex.split(start_command(config))
    at = words.index("python")
    command, variables = [options.python, *words[at + 1 :]], dict(word.split("=", 1) for word in words[:at])
    if options.device == "cpu":
        command += ["--enforce-eager", "--max-model-len", "2048"]
        variables |= {"VLLM_CPU_KVCACHE_SPACE": "1", "TORCHDYNAMO_DISABLE": "1"}
        variables["OMP_NUM_THREADS"] = str(options.threads)
    environment = {**os.environ, **variables, "PYTHONPATH": "", "HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    with log.open("wb") as stream:
        return subprocess.Popen(
            command, stdout=stream, stderr=subprocess.STDOUT, cwd=log.parent, env=environment, start_new_session=True
        )


def timed(engine: Any, session: loop.Session, options: argparse.Namespace) -> tuple[dict[str, Any], Completions]:
    """Tokens a second of some draws, the first left out; and the last draw."""
    tokens, seconds, handed = 0, 0.0, 0.0
    for repeat in range(options.repeats + 1):
        began = time.perf_counter()
        engine.begin(repeat + 1)
        ready = time.perf_counter()
        seeds = [1000 * repeat + i for i in range(len(session.samples))]
        drawn = engine.complete(session.samples, options.group, seeds=seeds)
        if repeat:
            tokens += int(drawn.mask.sum())
            seconds += time.perf_counter() - ready
            handed += ready - began
    rates = {
        "tokens": tokens,
        "tokens_per_second": round(tokens / seconds, 1),
        "seconds_per_draw": seconds / options.repeats,
    }
    return {**rates, "handover_seconds": handed / options.repeats}, drawn


def gap(session: loop.Session, drawn: Completions, options: argparse.Namespace) -> float:
    """Mean difference of the log-probabilities that completions were drawn with from the learner's own."""
    prompts = [session.encoder.encode(sample) for sample in session.samples]
    batch = collate(prompts, pad_id=padding_id(session.loaded.processor), device=session.device)
    with torch.no_grad():
        values, _ = Scorer.of(session).logprobs(
            session.loaded.model.eval(), batch, drawn.to(session.device), group_size=options.group
        )
    return float((values.cpu() - drawn.logprobs).abs()[drawn.mask].mean())


def measure(options: argparse.Namespace, folder: Path, model: str, url: str) -> dict[str, Any]:
    """Both engines, one after the other."""
    session = session_of(options, folder, model, url)
    remarks = check_server(session.config)  # type: ignore[arg-type]
    rewards = build_rewards(session.config.rewards)  # type: ignore[attr-defined]
    served = make_phase(session, rewards).engine
    own = dataclasses.replace(
        session, config=GRPOConfig.model_validate({**session.config.model_dump(), "rollout": "hf"})
    )
    found: dict[str, Any] = {"remarks": remarks}
    for name, engine in (("hf", make_phase(own, rewards).engine), ("vllm", served)):
        rates, drawn = timed(engine, session, options)
        found[name] = {**rates, "mean_abs_delta_logprob": gap(session, drawn, options)}
    found["prompt_tokens"] = session.encoder.encode(session.samples[0]).length
    found["vllm_over_hf"] = round(found["vllm"]["tokens_per_second"] / found["hf"]["tokens_per_second"], 3)
    return found


def main() -> None:
    """Measure, print JSON."""
    options = arguments()
    if options.python is None and options.url is None:
        print(json.dumps({"skipped": "give --python or --url (or set WHEREWISE_VLLM_PYTHON)"}))
        return
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as name:
        folder, model, process = Path(name), options.model, None
        if model is None:
            sizes = {"hidden_size": 128, "heads": 4, "kv_heads": 2, "layers": 4}
            vision = {"vision_hidden_size": 128, "vision_heads": 4, "vision_depth": 4}
            model = str(save_model(*build_tiny("qwen3_vl", tie_embeddings=False, **sizes, **vision), folder / "model"))
        url = options.url
        try:
            if url is None:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", 0))
                    url = f"http://127.0.0.1:{probe.getsockname()[1]}"
                config = session_of(options, folder, model, url).config
                process = start(options, config, folder / "server.log")  # type: ignore[arg-type]
                waiting = config.rollout.model_copy(update={"startup": 900.0})  # type: ignore[attr-defined]
                VllmClient(config=waiting, start_command="").connect()
            found = measure(options, folder, model, url)
        finally:
            if process is not None:
                os.killpg(process.pid, signal.SIGKILL)
    sizes = {key: getattr(options, key) for key in ("prompts", "group", "completion", "pixels", "threads", "device")}
    print(json.dumps({**sizes, **found, "machine": platform.machine(), "torch": torch.__version__}, indent=2))


if __name__ == "__main__":
    main()
