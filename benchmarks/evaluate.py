"""Time the hf provider against one-by-one `generate` on the same model, and frame sampling; prints one JSON object.

    python benchmarks/evaluate.py --samples 96 --batch 16
    python benchmarks/evaluate.py --samples 0 --clip clip.mp4

"provider" is `wherewise.evaluation.providers.hf`: sorted by length, in batches, replies in the questions' order.
"one_by_one" is the loop that most scripts hold: processor, `model.generate`, decode, question after question, on the
same loaded model with the same settings. The two alternate, and every figure is the fastest of `--repeats` runs; CPU
seconds stand beside wall seconds, since other work on the machine disturbs them less. `same_replies` is the share of
equal replies: batching changes the order of sums, so that a near-tie between two tokens may fall the other way.

With `--clip`, `--frames` frames of it are decoded by this package (PyAV) and, where they can be imported, by decord and
torchcodec at the same positions; `same_frames` says whether each of theirs is closest to ours of the same position.
"""

from __future__ import annotations

import argparse
import atexit
import dataclasses
import importlib
import json
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import numpy as np
import PIL.Image
import torch

from wherewise.evaluation.protocol import Decoding, MediaLimits
from wherewise.evaluation.providers.base import Request
from wherewise.evaluation.providers.hf import HfProvider
from wherewise.media.video import load_frames, probe
from wherewise.models.features import FeatureCache
from wherewise.models.inputs import end_token_ids, padding_id, vision_token_ids
from wherewise.models.load import load_model, save_model
from wherewise.models.tiny import build_tiny
from wherewise.samples import Image, Video


def arguments() -> argparse.Namespace:
    """What is timed, and how often."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="starter", help="folder, hub id, or 'random': 17 million random weights")
    parser.add_argument("--samples", type=int, default=96, help="questions with a picture each; 0 for none")
    parser.add_argument("--per-picture", type=int, default=1, help="questions that share a picture")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=32, help="longest reply")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "auto"), default="auto")
    parser.add_argument("--clip", type=Path, help="a video file to sample frames of")
    parser.add_argument("--frames", type=int, default=32)
    return parser.parse_args()


def make_requests(count: int, per_picture: int = 1) -> list[Request]:
    """Questions of several lengths about pictures of several sizes."""
    rng = np.random.default_rng(0)
    requests: list[Request] = []
    for index in range(count):
        if index % per_picture:
            text = requests[-1].text.replace("Look at", "Look once more at").replace("Is the", "Now: is the")
            requests.append(dataclasses.replace(requests[-1], sample_id=f"{index:04}", text=text))
            continue
        width, height = (int(side) for side in rng.integers(112, 257, 2))
        colors = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
        picture = PIL.Image.fromarray(colors).resize((width, height), PIL.Image.Resampling.BICUBIC)
        text = "Is the red chair to the left of the blue table?\n(A) yes\n(B) no\n"
        text += "Look at the whole picture first. " * int(rng.integers(0, 6)) + "Answer with the option's letter."
        requests.append(
            Request(
                sample_id=f"{index:04}", text=text, media=(Image(data=encoded(picture)),), root=Path("."), letters=2
            )
        )
    return requests


def encoded(picture: PIL.Image.Image) -> bytes:
    """The picture as PNG."""
    import io

    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def by_provider(provider: HfProvider, requests: list[Request]) -> dict[str, str]:
    """Replies by sample, as `wherewise eval run` gets them."""
    replies: dict[str, str] = {}
    for answers in provider.stream(provider.order(requests)):
        for request, reply in answers:
            if reply.error is not None:
                raise RuntimeError(f"{request.sample_id}: {reply.error}")
            replies[request.sample_id] = reply.text
    return replies


@torch.inference_mode()
def random_model() -> str:
    """A folder with a Qwen2.5-VL of random weights, larger than the starter; it stays until the process ends."""
    model, processor = build_tiny(
        "qwen2_5_vl",
        hidden_size=384,
        layers=8,
        heads=6,
        kv_heads=2,
        vision_hidden_size=192,
        vision_depth=6,
        vision_heads=6,
    )
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    save_model(model, processor, Path(folder) / "model")
    return str(Path(folder) / "model")


def one_by_one(model: Any, processor: Any, requests: list[Request], tokens: int) -> dict[str, str]:
    """Replies by sample, each generated alone."""
    import io

    replies = {}
    for request in requests:
        picture = PIL.Image.open(io.BytesIO(request.media[0].data or b"")).convert("RGB")
        content = [{"type": "image", "image": picture}, {"type": "text", "text": request.text}]
        inputs = processor.apply_chat_template(
            [{"role": "user", "content": content}],
            tokenize=True,
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
        ).to(next(model.parameters()).device)
        output = model.generate(
            **inputs,
            max_new_tokens=tokens,
            do_sample=False,
            num_beams=1,
            repetition_penalty=1.0,
            temperature=None,
            top_p=None,
            top_k=None,
            eos_token_id=list(end_token_ids(processor)),
            pad_token_id=padding_id(processor),
            suppress_tokens=list(vision_token_ids(processor)),
        )
        row = output[0, inputs["input_ids"].shape[1] :]
        replies[request.sample_id] = processor.tokenizer.decode(row, skip_special_tokens=True)
    return replies


def timed(work: Callable[[], Any], device: str) -> tuple[float, float, Any]:
    """Wall seconds, CPU seconds and the result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def replies_record(options: argparse.Namespace) -> dict[str, Any]:
    """Samples per second of both ways, alternating."""
    path = random_model() if options.model == "random" else options.model
    loaded = load_model(path, dtype=options.dtype, device=options.device)
    loaded.model.requires_grad_(False)
    provider = HfProvider(
        loaded, media=MediaLimits(), decoding=Decoding(max_new_tokens=options.tokens), batch_size=options.batch
    )
    requests = make_requests(options.samples, options.per_picture)
    by_provider(provider, requests[: options.batch])
    one_by_one(loaded.model, loaded.processor, requests[:2], options.tokens)

    def provided() -> dict[str, str]:
        provider.features = FeatureCache(budget=provider.features.budget)  # each run begins with none kept
        return by_provider(provider, requests)

    ways: dict[str, Callable[[], dict[str, str]]] = {
        "provider": provided,
        "one_by_one": lambda: one_by_one(loaded.model, loaded.processor, requests, options.tokens),
    }
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    replies: dict[str, dict[str, str]] = {}
    for _ in range(options.repeats):
        for name, work in ways.items():
            wall, cpu, replies[name] = timed(work, options.device)
            runs[name].append((wall, cpu))
    best = {name: (min(wall for wall, _ in times), min(cpu for _, cpu in times)) for name, times in runs.items()}
    same = sum(replies["provider"][key] == replies["one_by_one"][key] for key in replies["provider"])
    return {
        "model": options.model,
        "samples": options.samples,
        "questions_per_picture": options.per_picture,
        "batch": options.batch,
        "samples_per_second": {name: round(options.samples / wall, 2) for name, (wall, _) in best.items()},
        "cpu_seconds": {name: round(cpu, 2) for name, (_, cpu) in best.items()},
        "ratio_wall": round(best["one_by_one"][0] / best["provider"][0], 2),
        "ratio_cpu": round(best["one_by_one"][1] / best["provider"][1], 2),
        "same_replies": round(same / len(requests), 4),
    }


def frames_record(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds for the frames of a clip, by each decoder that is here, and whether they are the same frames."""
    clip = Video(path=options.clip.name)
    info = probe(clip, options.clip.parent)
    ours = load_frames(clip, options.clip.parent, max_frames=options.frames)
    every = load_frames(clip, options.clip.parent)
    positions = [int(np.argmin(np.abs(np.asarray(every.times) - time))) for time in ours.times]
    decoders: dict[str, Callable[[], np.ndarray]] = {
        "wherewise": lambda: load_frames(clip, options.clip.parent, max_frames=options.frames).array
    }
    absent = {name: reason for name in ("decord", "torchcodec.decoders") if (reason := why_absent(name))}
    if "decord" not in absent:
        import decord

        decoders["decord"] = lambda: decord.VideoReader(str(options.clip)).get_batch(positions).asnumpy()
    if "torchcodec.decoders" not in absent:
        from torchcodec.decoders import VideoDecoder

        decoders["torchcodec"] = lambda: (
            VideoDecoder(str(options.clip), dimension_order="NHWC").get_frames_at(indices=positions).data.numpy()
        )
    record: dict[str, Any] = {"clip": options.clip.name, "frames_in_clip": len(every.times), "frames": len(positions)}
    record["size"] = [info.width, info.height]
    record["absent"] = absent
    for name, work in decoders.items():
        times = [timed(work, "cpu") for _ in range(options.repeats)]
        theirs = times[0][2]
        entry: dict[str, Any] = {
            "seconds": round(min(wall for wall, _, _ in times), 4),
            "cpu_seconds": round(min(cpu for _, cpu, _ in times), 4),
        }
        if name != "wherewise":
            difference = np.abs(theirs.astype(np.int16) - ours.array.astype(np.int16))
            entry["mean_difference"] = round(float(difference.mean()), 3)
            entry["same_frames"] = all(
                nearest(frame, every.array, position) for frame, position in zip(theirs, positions, strict=True)
            )
        record[name] = entry
    return record


def why_absent(name: str) -> str:
    """Why a decoder's module cannot be imported here; empty if it can."""
    try:
        importlib.import_module(name)
    except (ImportError, OSError, RuntimeError) as error:
        return str(error).strip().splitlines()[0]
    return ""


def nearest(frame: np.ndarray, every: np.ndarray, position: int) -> bool:
    """Whether no neighbour of a position is closer to the frame than the position itself; in still clips all are."""
    own = float(np.abs(frame.astype(np.int16) - every[position].astype(np.int16)).mean())
    others = [p for p in (position - 1, position + 1) if 0 <= p < len(every)]
    return all(own <= float(np.abs(frame.astype(np.int16) - every[p].astype(np.int16)).mean()) for p in others)


def main() -> None:
    """Measure and print."""
    options = arguments()
    torch.set_num_threads(options.threads)
    record: dict[str, Any] = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": options.device,
        "threads": options.threads,
    }
    if options.samples:
        record["replies"] = replies_record(options)
    if options.clip is not None:
        record["clip"] = frames_record(options)
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
