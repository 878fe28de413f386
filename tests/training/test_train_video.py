"""Clips go through both phases, on both families; the frames that are seen are the ones that were asked for."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from training_toy import grpo_config, save_tiny, sft_config, toy_samples

from wherewise.media.video import encode_video
from wherewise.samples import Sample, Video
from wherewise.training import train_grpo, train_sft
from wherewise.training.config import FramesConfig
from wherewise.training.data import load_media


def clips() -> list[Sample]:
    samples = []
    for sample, value in zip(toy_samples(4), (40, 90, 140, 190), strict=True):
        frames = np.full((12, 32, 32, 3), value, dtype=np.uint8)
        video = Video(data=encode_video(frames, fps=4.0), fps=4.0, duration=3.0, width=32, height=32)
        samples.append(dataclasses.replace(sample, media=(video,)))
    return samples


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
def test_both_phases_see_clips(family: str, tmp_path: Path) -> None:
    model = save_tiny(tmp_path / "model", family)
    frames = FramesConfig(max_frames=4)
    train_sft(sft_config(model, tmp_path / "sft", steps=2, frames=frames), samples=clips())
    result = train_grpo(grpo_config(model, tmp_path / "grpo", steps=2, frames=frames), samples=clips())
    assert result.metrics["grad_norm"] > 0
    line = json.loads((result.folder / "rollouts/step-000001.jsonl").read_text().splitlines()[0])
    assert line["media"][0]["type"] == "video"
    assert len(line["media"][0]["times"]) == 4
    assert [frame["time"] for frame in line["media"][0]["frames"]] == line["media"][0]["times"]
    assert all((result.folder / "rollouts" / frame["file"]).is_file() for frame in line["media"][0]["frames"])
    assert len(line["seen"]) == 2


def test_frames_are_those_asked_for() -> None:
    sample = clips()[0]
    (sampled,) = load_media(sample, None, FramesConfig(fps=2.0, max_frames=16))
    assert sampled.times == (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)  # type: ignore[union-attr]
    own = dataclasses.replace(sample, media=(dataclasses.replace(sample.media[0], frame_times=(0.25, 2.0)),))
    (kept,) = load_media(own, None, FramesConfig(fps=2.0, max_frames=16))
    assert kept.times == (0.25, 2.0)  # type: ignore[union-attr]
