"""Time and memory of a whole GRPO step: rollout, trivial reward, loss, backward.

    python benchmarks/grpo_step.py --trl-path DIR --json

Ways on the same model, pictures and settings: "wherewise"; "kept", the same with `keep_prompts`, which encodes each
picture once a step though the vision tower is trained; "repeated", the same trainer with a copy of prompt and pictures
for every completion; and TRL's GRPOTrainer, from a folder that holds it (`pip install --target DIR --no-deps
trl==1.16.0 datasets dill multiprocess xxhash pandas python-dateutil six`). Without `--trl-path` TRL is left out, and
the report says so. The weights are random, completions have exactly `--completion` tokens, everything is trained.

Every measurement is a fresh process of its own. Seconds are those of the fastest step (CPU time of the process where
one thread works, else wall time). Memory is the highest resident size during the steps less that before the first, so
it holds activations and gradients (and after the first step the optimiser's state), neither libraries nor weights.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))
QUESTION = "Is the red chair to the left of the blue table?"


def by_letters(completion: Any, sample: Any, prompt: Any) -> Any:
    """The trivial reward: the share of lower-case letters."""
    from wherewise.rewards import Score

    text = completion.text
    return Score(value=sum(c.islower() for c in text) / max(1, len(text)))


def arguments() -> argparse.Namespace:
    """Sizes and ways."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--family", choices=("qwen2_5_vl", "qwen3_vl"), default="qwen2_5_vl")
    parser.add_argument("--pixels", type=int, nargs="*", default=[448, 784], help="sides of the square pictures")
    parser.add_argument("--group", type=int, default=8, help="completions per prompt")
    parser.add_argument("--completion", type=int, default=48, help="tokens per completion")
    parser.add_argument("--hidden", type=int, default=256, help="width of language model and vision tower")
    parser.add_argument("--layers", type=int, default=6, help="layers of language model and vision tower")
    parser.add_argument("--frames", type=int, default=16, help="frames of the clip; 0 leaves it out")
    parser.add_argument("--clip-pixels", type=int, default=224, help="side of the clip's square frames")
    parser.add_argument("--growth", type=int, nargs="*", default=[2, 4, 8, 16, 32], help="sizes of group to go through")
    parser.add_argument("--steps", type=int, default=2, help="steps of each measurement; the fastest counts")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--checkpointing", action="store_true", help="recompute activations, in every way")
    parser.add_argument("--no-repeated", action="store_true", help="leave out the repeated way on pictures")
    parser.add_argument("--fast-patches", action="store_true", help="give TRL our patch embedding too")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--autocast", action="store_true", help="bfloat16 autocast, in every way")
    parser.add_argument("--trl-path", type=Path, help="folder that holds TRL and what it needs")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--worker", choices=("wherewise", "kept", "repeated", "trl"), help=argparse.SUPPRESS)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


# ---------------------------------------------------------------------------------------------- one measurement


def noise(pixels: int, frames: int = 1) -> Any:
    """Random frames, uint8 [frames, pixels, pixels, 3]."""
    import numpy as np

    return np.random.default_rng(pixels).integers(0, 255, (frames, pixels, pixels, 3), dtype=np.uint8)


class Watch:
    """Seconds of each step, peak memory and what went through the vision tower."""

    def __init__(self, options: argparse.Namespace, model: Any) -> None:
        """Start counting what the model's vision tower sees."""
        from wherewise.models.forward import vision_tower

        self.on_cpu = options.device == "cpu"
        self.clock: Callable[[], float] = (
            time.process_time if self.on_cpu and options.threads == 1 else time.perf_counter
        )
        self.seconds: list[float] = []
        self.seen = 0
        vision_tower(model).register_forward_hook(self._count, with_kwargs=True)

    def _count(self, _module: Any, _inputs: Any, keywords: Any, _output: Any) -> None:
        self.seen += len(keywords["grid_thw"])

    def begin(self) -> None:
        """Before the first step: forget the peak so far."""
        import gc

        import torch

        gc.collect()
        self.seen = 0
        if self.on_cpu:
            Path("/proc/self/clear_refs").write_text("5")
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.before = pages * resource.getpagesize()
        else:
            torch.cuda.reset_peak_memory_stats()
            self.before = torch.cuda.memory_allocated()

    def step(self) -> None:
        """At the beginning of each step."""
        self.since = self.clock()

    def stepped(self) -> None:
        """At the end of each step."""
        import torch

        if not self.on_cpu:
            torch.cuda.synchronize()
        self.seconds.append(self.clock() - self.since)
        self.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if not self.on_cpu:
            self.peak = torch.cuda.max_memory_allocated()

    def report(self, **more: Any) -> dict[str, Any]:
        """What was measured."""
        return {
            "seconds": round(min(self.seconds), 3),
            "steps": len(self.seconds),
            "peak_mib": round((self.peak - self.before) / 2**20, 1),
            "vision_encodings": self.seen // len(self.seconds),
            **more,
        }


class Timed:
    """A phase whose `backward`, which is a whole step but for the optimiser, is timed."""

    def __init__(self, phase: Any, watch: Watch) -> None:
        """Everything else is the phase's own."""
        self._phase, self._watch = phase, watch

    def __getattr__(self, name: str) -> Any:
        """Of the phase."""
        return getattr(self._phase, name)

    def backward(self, step: int) -> dict[str, Any]:
        """The phase's, timed."""
        if step == 1:
            self._watch.begin()
        self._watch.step()
        metrics: dict[str, Any] = self._phase.backward(step)
        self._watch.stepped()
        return metrics


def measure_ours(options: argparse.Namespace, case: dict[str, Any]) -> dict[str, Any]:
    """Steps of wherewise's own GRPO phase."""
    import io
    from dataclasses import replace

    import PIL.Image

    from wherewise.answers.styles import PromptConfig
    from wherewise.media.video import encode_video
    from wherewise.models.inputs import end_token_ids
    from wherewise.rewards import RewardConfig
    from wherewise.samples import Choice, Image, Media, Sample, Video
    from wherewise.training.config import FramesConfig, ModelConfig, OptimConfig
    from wherewise.training.grpo import phase as grpo
    from wherewise.training.grpo.config import GRPOConfig
    from wherewise.training.rollout.engine import LocalEngine
    from wherewise.training.session import Session

    frames, side = noise(case["pixels"], case["frames"]), case["pixels"]
    if case["frames"] > 1:
        clip = encode_video(frames, fps=2.0)
        medium: Media = Video(data=clip, fps=2.0, duration=case["frames"] / 2, width=side, height=side)
    else:
        buffer = io.BytesIO()
        PIL.Image.fromarray(frames[0]).save(buffer, "PNG")
        medium = Image(data=buffer.getvalue(), width=side, height=side)
    answer = Choice(letter="A", text="yes")
    sample = Sample(
        id="noise", media=(medium,), question=QUESTION, options=("yes", "no"), answer=answer, task="t", group="g"
    )
    config = GRPOConfig(
        out=options.folder / "run",
        model=ModelConfig(
            path=case["model"],
            device=options.device,
            autocast="bfloat16" if options.autocast else None,
            checkpointing=options.checkpointing,
        ),
        prompt=PromptConfig(options="none", instruction=False),
        frames=FramesConfig(max_frames=max(2, case["frames"])),
        optim=OptimConfig(lr=1e-6),
        rewards=(RewardConfig(name=f"{Path(__file__).resolve()}:by_letters"),),
        audit="off",
        steps=options.steps,
        prompts_per_step=1,
        generations=case["group"],
        micro_prompts=1,
        keep_prompts=options.worker == "kept",
        max_new_tokens=options.completion,
        threads=options.threads,
        save_every=None,
        watchdog=None,
    )
    found: dict[str, Any] = {}

    def watched(session: Session, rewards: Any) -> Any:
        phase = whole(session, rewards)
        ends = end_token_ids(session.loaded.processor)  # never drawn, so that every completion has its full length
        scorer = replace(phase.learner.scorer, banned=(*phase.learner.scorer.banned, *ends))
        scorer = replace(scorer, shared=options.worker != "repeated")
        phase.learner = replace(phase.learner, scorer=scorer)
        phase.engine = LocalEngine(session=session, generator=phase.generators["sampling"], scorer=scorer)
        watch = found["watch"] = Watch(options, session.loaded.model)
        found["prompt_tokens"] = session.encoder.encode(sample).length
        return Timed(phase, watch)

    whole, grpo.make_phase = grpo.make_phase, watched
    result = grpo.train_grpo(config, samples=[sample], on_progress=lambda progress: None)
    record, watch = result.metrics, found["watch"]
    return watch.report(prompt_tokens=found["prompt_tokens"], length=record["length"], grad_norm=record["grad_norm"])


def measure_trl(options: argparse.Namespace, case: dict[str, Any]) -> dict[str, Any]:
    """Steps of TRL's GRPOTrainer."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.path.append(str(options.trl_path))
    from wherewise.models.torchvision_shim import ensure_torchvision

    ensure_torchvision()
    import datasets
    import PIL.Image
    import torch
    import transformers
    import trl

    from wherewise.models.load import fast_patch_embedding

    torch.set_num_threads(options.threads)
    processor = transformers.AutoProcessor.from_pretrained(case["model"], padding_side="left")
    model = transformers.AutoModelForImageTextToText.from_pretrained(case["model"], dtype=torch.float32)
    if options.fast_patches:
        fast_patch_embedding(model)
    model.to(options.device)
    watch = Watch(options, model)
    seen: dict[str, float] = {}

    class Steps(transformers.TrainerCallback):
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            watch.begin()

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            watch.step()

        def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
            watch.stepped()

    def reward(completions: Any, completion_ids: Any, **_: Any) -> list[float]:
        seen["length"] = sum(map(len, completion_ids)) / len(completion_ids)
        texts = [completion[0]["content"] for completion in completions]
        return [sum(c.islower() for c in text) / max(1, len(text)) for text in texts]

    picture = PIL.Image.fromarray(noise(case["pixels"])[0])
    rows = [{"prompt": [{"role": "user", "content": QUESTION}], "image": picture} for _ in range(options.steps)]
    settings = trl.GRPOConfig(
        output_dir=str(options.folder / "trl"),
        per_device_train_batch_size=case["group"],
        gradient_accumulation_steps=1,
        num_generations=case["group"],
        max_completion_length=options.completion,
        generation_kwargs={"min_new_tokens": options.completion},
        max_steps=options.steps,
        learning_rate=1e-6,
        beta=0.0,
        report_to="none",
        use_cpu=options.device == "cpu",
        bf16=options.autocast,
        gradient_checkpointing=options.checkpointing,
        save_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    trainer = trl.GRPOTrainer(
        model=model,
        reward_funcs=reward,
        args=settings,
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=processor,
        callbacks=[Steps()],
    )
    trainer.train()
    norm = next((entry["grad_norm"] for entry in trainer.state.log_history if "grad_norm" in entry), None)
    return watch.report(length=seen["length"], grad_norm=norm, version=trl.__version__)


# ---------------------------------------------------------------------------------------------- all of them


def spawn(options: argparse.Namespace, way: str, case: dict[str, Any], folder: Path) -> dict[str, Any]:
    """One measurement in a process of its own."""
    keep = ["completion", "steps", "threads", "device"]
    flags = [name for name in ("checkpointing", "fast_patches", "autocast") if getattr(options, name)]
    command = [sys.executable, __file__, "--worker", way, "--case", json.dumps(case), "--folder", str(folder / way)]
    command += [part for name in keep for part in (f"--{name}", str(getattr(options, name)))]
    command += [f"--{name.replace('_', '-')}" for name in flags]
    if options.trl_path is not None:
        command += ["--trl-path", str(options.trl_path.resolve())]
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "TOKENIZERS_PARALLELISM": "false"}
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        command[command.index("--folder") + 1] = scratch
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise SystemExit(f"{way} on {case} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    print(f"{way} {case['pixels']} px x {case['frames']}, G={case['group']}: done", file=sys.stderr, flush=True)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def save_models(options: argparse.Namespace, folder: Path) -> Path:
    """The model that every way loads."""
    import torch

    from wherewise.models.load import save_model
    from wherewise.models.tiny import build_tiny

    torch.set_num_threads(options.threads)
    model, processor = build_tiny(
        options.family,
        hidden_size=options.hidden,
        layers=options.layers,
        heads=8,
        vision_hidden_size=options.hidden,
        vision_depth=options.layers,
        vision_heads=8,
        patch_size=14 if options.family == "qwen2_5_vl" else 16,
        window_patches=8,
        position_embeddings=256,
        max_pixels=max([*options.pixels, options.clip_pixels]) ** 2,
        video_max_pixels=options.clip_pixels**2 * (1 if options.family == "qwen2_5_vl" else options.frames or 1),
        initializer_range=0.05,
    )
    return save_model(model, processor, folder / "model")


def compare(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Ratios of the other ways to ours."""
    ours = found["wherewise"]
    ratios: dict[str, Any] = {}
    for way in found.keys() - {"wherewise"}:
        ratios[f"time_{way}_over_wherewise"] = round(found[way]["seconds"] / ours["seconds"], 2)
        ratios[f"memory_wherewise_over_{way}"] = round(ours["peak_mib"] / found[way]["peak_mib"], 2)
    if "trl" in found and "kept" in found:
        ratios["time_trl_over_kept"] = round(found["trl"]["seconds"] / found["kept"]["seconds"], 2)
    return ratios


def main() -> None:
    """Measure one thing, or everything."""
    options = arguments()
    if options.worker:
        measure = measure_trl if options.worker == "trl" else measure_ours
        print(json.dumps(measure(options, json.loads(options.case))))
        return
    has_trl = options.trl_path is not None and (options.trl_path / "trl").is_dir()
    if options.trl_path is not None and not has_trl:
        raise SystemExit(f"there is no trl in {options.trl_path}")
    if not has_trl and importlib.util.find_spec("trl") is not None:
        raise SystemExit("trl is installed here: say so with --trl-path and its site-packages folder")
    report: dict[str, Any] = {"sizes": {k: str(v) if isinstance(v, Path) else v for k, v in vars(options).items()}}
    report["machine"] = {"processor": platform.machine(), "cores": os.cpu_count()}
    report["trl"] = "compared" if has_trl else "absent: not compared (--trl-path)"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        model = str(save_models(options, folder))
        base: dict[str, Any] = {"model": model, "frames": 1, "group": options.group}
        ways = ["wherewise", "kept", *([] if options.no_repeated else ["repeated"]), *(["trl"] if has_trl else [])]
        report["pictures"] = {}
        for pixels in options.pixels:
            found = {way: spawn(options, way, {**base, "pixels": pixels}, folder) for way in ways}
            report["pictures"][str(pixels)] = found | {"ratios": compare(found)}
        if options.frames:
            case = {**base, "pixels": options.clip_pixels, "frames": options.frames}
            found = {way: spawn(options, way, case, folder) for way in ("wherewise", "repeated")}
            report["clip"] = found | {"ratios": compare(found)}
        report["growth"] = {}
        for group in options.growth:
            case = {**base, "pixels": (options.pixels or [448])[0], "group": group}
            report["growth"][str(group)] = spawn(options, "wherewise", case, folder)
    print(json.dumps(report, indent=2) if options.json else table(report))


def table(report: dict[str, Any]) -> str:
    """The report for people."""
    lines = [f"TRL: {report['trl']}", f"{'':<12}{'way':<12}{'seconds':>9}{'MiB':>9}{'encodings':>11}"]
    blocks = [(f"{side} px", block) for side, block in report["pictures"].items()]
    blocks += [("clip", report["clip"])] if "clip" in report else []
    for name, block in blocks:
        for way, found in block.items():
            if way != "ratios":
                numbers = f"{found['seconds']:>9.2f}{found['peak_mib']:>9.0f}{found['vision_encodings']:>11}"
                lines.append(f"{name:<12}{way:<12}{numbers}")
        lines.append(f"{'':<12}{json.dumps(block['ratios'])}")
    for group, found in report["growth"].items():
        lines.append(f"{'G = ' + group:<24}{found['seconds']:>9.2f}{found['peak_mib']:>9.0f}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
