"""Cost of decoding 32 frames, ours against the plain ways and other libraries, as JSON.

    python benchmarks/decode.py [--clips FOLDER ...] [--rounds 5] [--seconds 60] [--frames 32] [--work FOLDER]
    python benchmarks/decode.py --costs

Two 720p H.264 clips are made first (keyframes every 60 frames with grain, every 250 without); every ``.mp4`` of
``--clips`` is measured too. In each round every decoder takes its turn at every clip, so that a busy machine disturbs
all alike; each opens the file, finds the frames and gives RGB arrays, on one thread. ``cpu_s`` is the median of the
rounds in seconds of CPU, ``fps`` frames per CPU second, ``wall_s`` the median of seconds that passed.

``pyav-seek`` jumps to the keyframe before every frame, ``pyav-sequential`` decodes from the start on. Without decord or
torchcodec their place says why. ``to_best`` is our time over the best of the others; ``equal`` says whether a decoder's
frames are the same bits as ours. A decoder that took more than two seconds in its first turn at
a clip gets no other turn there (``turns`` counts them).

``--costs`` fits the constants of ``wherewise.media.plan`` on this machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from wherewise.media import load_frames
from wherewise.media.container import list_frames, opened
from wherewise.media.plan import Strategy, plan
from wherewise.samples import Video

Array = NDArray[np.uint8]

VIEWS = 48
"""Frames after which the made clips repeat."""

SLOW_SECONDS = 2.0
"""A decoder that took longer in its first turn at a clip gets no other turn at it."""


def make_clip(
    path: Path, *, gop: int, grain: float, seconds: float, width: int = 1280, height: int = 720, crf: int = 23
) -> None:
    """A camera that swings over a still picture, 30 frames a second, a keyframe every `gop` frames."""
    rng = np.random.default_rng(7)
    small = rng.integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    canvas = np.kron(small, np.ones((32, 32, 1), np.uint8))
    canvas[::7, :, 1] //= 2
    views = []
    for angle in np.arange(VIEWS) * 2 * np.pi / VIEWS:
        x, y = round(width * 0.4 * (1 + np.sin(angle))), round(height * 0.4 * (1 + np.cos(angle)))
        view = canvas[y : y + height, x : x + width].astype(np.int16)
        if grain:
            view = view + rng.normal(0, grain, (height, width, 1)).astype(np.int16)
        views.append(av.VideoFrame.from_ndarray(view.clip(0, 255).astype(np.uint8), format="rgb24"))
    views = [view.reformat(format="yuv420p") for view in views]
    with av.open(str(path.with_suffix(".part")), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = gop
        stream.options = {"preset": "veryfast", "crf": str(crf), "sc_threshold": "0", "threads": "1"}
        for i in range(round(30 * seconds)):
            frame = views[i % VIEWS]
            frame.pts, frame.time_base = i, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    path.with_suffix(".part").rename(path)


def ours(path: Path, count: int) -> Array:
    """The package's way."""
    return load_frames(Video(path=path.name), path.parent, max_frames=count).array


def pyav_sequential(path: Path, count: int) -> Array:
    """Decode from the start on."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        wanted = positions(stream.frames, count)
        frames = []
        for i, frame in enumerate(container.decode(stream)):
            if i == wanted[len(frames)]:
                frames.append(frame.to_ndarray(format="rgb24"))
                if len(frames) == len(wanted):
                    break
        return np.stack(frames)


def pyav_seek(path: Path, count: int) -> Array:
    """Jump to the keyframe before every frame."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        stamps = sorted(packet.pts for packet in container.demux(stream) if packet.size)
        frames = []
        for position in positions(len(stamps), count):
            container.seek(stamps[position], stream=stream)
            frame = next(frame for frame in container.decode(stream) if frame.pts >= stamps[position])
            frames.append(frame.to_ndarray(format="rgb24"))
        return np.stack(frames)


def with_decord(path: Path, count: int) -> Array:
    """Decord."""
    import decord

    reader = decord.VideoReader(str(path), num_threads=1)
    array: Array = reader.get_batch(positions(len(reader), count)).asnumpy()
    return array


def with_torchcodec(path: Path, count: int, *, seek_mode: str = "exact") -> Array:
    """Torchcodec."""
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(str(path), dimension_order="NHWC", num_ffmpeg_threads=1, seek_mode=seek_mode)
    array: Array = decoder.get_frames_at(positions(decoder.metadata.num_frames, count)).data.numpy()
    return array


DECODERS: dict[str, Callable[[Path, int], Array]] = {
    "ours": ours,
    "pyav-seek": pyav_seek,
    "pyav-sequential": pyav_sequential,
    "decord": with_decord,
    "torchcodec": with_torchcodec,
    "torchcodec-approximate": lambda path, count: with_torchcodec(path, count, seek_mode="approximate"),
}


def positions(length: int, count: int) -> list[int]:
    """Frames spread evenly from the first to the last."""
    if length <= count:
        return list(range(length))
    return [round(k * (length - 1) / (count - 1)) for k in range(count)]


def importable(name: str) -> str | None:
    """Why a decoder cannot be used here, or None."""
    module = {"decord": "decord", "torchcodec": "torchcodec.decoders"}.get(name.partition("-")[0])
    if module is None:
        return None
    try:
        __import__(module)
    except (ImportError, OSError, RuntimeError) as error:
        return f"not importable: {str(error).strip().splitlines()[-1]}"
    return None


def facts(path: Path, count: int) -> dict[str, Any]:
    """What a clip is, and what is planned for it."""
    video = Video(path=path.name)
    with opened(video, path.parent, "", 10**9) as (container, stream):
        index = list_frames(container, stream, video, "")
        pixels = stream.width * stream.height
        steps = plan(index, positions(len(index.pts), count), pixels=pixels)
        return {
            "size": [stream.width, stream.height],
            "frames": len(index.pts),
            "keyframes": len(index.keys),
            "bytes": index.size,
            "strategy": steps.strategy.value,
            "runs": len(steps.runs),
            "decoded_at_most": steps.decoded,
        }


def compare(clips: list[Path], names: list[str], *, count: int, rounds: int) -> dict[str, Any]:
    """Every decoder on every clip, interleaved."""
    reasons = {name: importable(name) for name in names}
    usable = [name for name, reason in reasons.items() if reason is None]
    cpu: dict[tuple[str, str], list[float]] = {(c.name, n): [] for c in clips for n in usable}
    wall: dict[tuple[str, str], list[float]] = {(c.name, n): [] for c in clips for n in usable}
    digests: dict[tuple[str, str], str] = {}
    for turn in range(rounds):
        for clip in clips:
            for name in usable[turn % len(usable) :] + usable[: turn % len(usable)]:
                began, started = time.perf_counter(), time.process_time()
                if cpu[clip.name, name] and cpu[clip.name, name][0] > SLOW_SECONDS:
                    continue
                array = DECODERS[name](clip, count)
                spent, passed = time.process_time() - started, time.perf_counter() - began
                cpu[clip.name, name].append(spent)
                wall[clip.name, name].append(passed)
                print(f"round {turn} {clip.name} {name}: {spent:.3f} s", file=sys.stderr, flush=True)
                if not turn:
                    digests[clip.name, name] = hashlib.sha256(np.ascontiguousarray(array)).hexdigest()
    result: dict[str, Any] = {}
    for clip in clips:
        rows: dict[str, Any] = {name: reason for name, reason in reasons.items() if reason is not None}
        for name in usable:
            median = statistics.median(cpu[clip.name, name])
            rows[name] = {
                "cpu_s": round(median, 4),
                "turns": len(cpu[clip.name, name]),
                "fps": round(count / median, 1),
                "wall_s": round(statistics.median(wall[clip.name, name]), 4),
                "equal": digests[clip.name, name] == digests[clip.name, "ours"],
            }
        best = min((name for name in usable if name != "ours"), key=lambda name: rows[name]["cpu_s"])
        result[clip.name] = {
            **facts(clip, count),
            "decoders": rows,
            "best_other": best,
            "to_best": round(rows["ours"]["cpu_s"] / rows[best]["cpu_s"], 3),
        }
    return result


def costs(folder: Path) -> dict[str, float]:
    """Seconds of a frame, a pixel, a byte, a jump, a pixel's conversion and an opening, fitted to runs over clips."""
    rows, spent = [], []
    for width, height in ((160, 120), (640, 360), (1280, 720)):
        for crf in (18, 34):
            path = folder / f"{width}-{crf}.mp4"
            make_clip(path, gop=12, grain=6.0, seconds=4, width=width, height=height, crf=crf)
            video, pixels = Video(path=path.name), width * height
            with opened(video, folder, "", 10**9) as (container, stream):
                index = list_frames(container, stream, video, "")
            every = list(range(len(index.pts)))
            keys = [position for position in every if index.is_key(position)]
            for wanted, strategy in ((every[-1:], Strategy.SEQUENTIAL), (keys, Strategy.SEEK), (every, Strategy.SEEK)):
                steps = plan(index, wanted, pixels=pixels, strategy=strategy)
                times = [index.times[position] for position in wanted]
                best = min(_cpu(lambda v=video, t=times, s=strategy: load_frames(v, folder, times=t, strategy=s))
                           for _ in range(3))  # fmt: skip
                n = steps.decoded
                row = [n, n * pixels, n * index.size / len(every), len(steps.runs), len(wanted) * pixels, 1]
                rows.append([value / best for value in row])
                spent.append(1.0)
    from scipy.optimize import nnls

    fitted, rest = nnls(np.array(rows), np.array(spent))
    names = ("FRAME_SECONDS", "PIXEL_SECONDS", "BYTE_SECONDS", "JUMP_SECONDS", "rgb_pixel_seconds", "open_seconds")
    error = rest / len(spent) ** 0.5
    return {**dict(zip(names, fitted.tolist(), strict=True)), "relative_error": error}


def _cpu(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, nargs="*", default=[], help="folders or files of other clips")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60, help="length of the clips that are made")
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--decoders", nargs="+", choices=DECODERS, default=[*DECODERS], help="only these, and ours")
    parser.add_argument("--work", type=Path, help="keep the made clips here, and take them from here")
    parser.add_argument("--costs", action="store_true", help="fit the constants of the plan instead")
    options = parser.parse_args()
    head = {"machine": platform.machine(), "python": platform.python_version(), "pyav": av.__version__}
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.work or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if options.costs:
            print(json.dumps({**head, **costs(Path(scratch))}, indent=2))
            return
        made = {"gop60-grain.mp4": (60, 6.0), "gop250-clean.mp4": (250, 0.0)}
        for name, (gop, grain) in made.items():
            if not (folder / name).exists():
                make_clip(folder / name, gop=gop, grain=grain, seconds=options.seconds)
        clips = [folder / name for name in made]
        for given in options.clips:
            clips += sorted(given.glob("*.mp4")) if given.is_dir() else [given]
        names = ["ours", *(name for name in DECODERS if name in options.decoders and name != "ours")]
        found = compare(clips, names, count=options.frames, rounds=options.rounds)
        print(json.dumps({**head, "rounds": options.rounds, "frames": options.frames, "clips": found}, indent=2))


if __name__ == "__main__":
    main()
