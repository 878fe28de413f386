"""A small dataset of every kind of media, and a GRPO config over it."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np
import PIL.Image

from wherewise.media.video import encode_video
from wherewise.samples import Box, Choice, GraphObject, Image, Number, Sample, SceneGraph, Video
from wherewise.samples.store import write_dataset
from wherewise.training.grpo.config import GRPOConfig


def picture(value: int, width: int = 96, height: int = 64) -> Image:
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (width, height), (value, 90, 160)).save(buffer, "PNG")
    return Image(data=buffer.getvalue(), width=width, height=height)


def clip(frames: int = 8, fps: float = 4.0) -> Video:
    array = np.zeros((frames, 64, 96, 3), np.uint8)
    array[:] = np.linspace(0, 240, frames, dtype=np.uint8)[:, None, None, None]
    return Video(data=encode_video(array, fps=fps), fps=fps, duration=frames / fps, width=96, height=64)


def samples() -> list[Sample]:
    """One of each: a picture, two, a clip, a box, text alone."""
    chair = GraphObject(id="chair_1", label="red chair", box=(10.0, 10.0, 40.0, 50.0), distance=2.0)
    graph = SceneGraph(width=96, height=64, objects=(chair,))
    options = ("left", "right")
    side = Choice(letter="A", text="left")
    place = Box(xyxy=(10.0, 10.0, 40.0, 50.0))
    one, two = picture(10), picture(200)
    made = [
        Sample(
            id="p",
            media=(one,),
            question="Where?",
            options=options,
            answer=side,
            task="side",
            group="a",
            evidence=graph,
        ),
        Sample(id="pp", media=(one, two), question="How many?", answer=Number(value=3), task="count", group="b"),
        Sample(id="v", media=(clip(),), question="Which way?", options=options, answer=side, task="turn", group="c"),
        Sample(
            id="b",
            media=(two,),
            question="Where is it?",
            answer=place,
            task="box",
            group="d",
        ),
        Sample(id="t", media=(), question="Which is left?", options=options, answer=side, task="text", group="e"),
    ]
    return [dataclasses.replace(sample, rationale="I look.") for sample in made]


def config(folder: Path, **changes: object) -> GRPOConfig:
    data = folder / "data"
    if not data.exists():
        write_dataset(samples(), data)
    plain = {
        "out": folder / "run",
        "model": {"path": "Qwen/Qwen2.5-VL-3B-Instruct"},
        "data": {"path": data},
        "prompt": {"style": "think"},
        "frames": {"fps": 2.0, "max_frames": 4},
        "rewards": [{"name": "accuracy"}, {"name": "format", "weight": 0.1}],
        "steps": 20,
        "prompts_per_step": 8,
        "generations": 8,
    }
    return GRPOConfig.model_validate(plain | changes)
