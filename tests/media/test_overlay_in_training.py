"""What training is shown: the overlay from YAML, ascending times on shuffled frames, a refusal of unreadable text."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch")
pytest.importorskip("av", reason="PyAV is not installed")

from wherewise.cli.config import load_config
from wherewise.engines.media_folder import MediaFolder
from wherewise.evaluation.protocol import MediaLimits
from wherewise.evaluation.providers.shown import check_seen
from wherewise.media import MediaError, OverlayConfig, encode_video
from wherewise.samples import Number, Sample, Video
from wherewise.training.config import FramesConfig
from wherewise.training.data import load_media, shuffle_media


def sample(height: int = 96, width: int = 128) -> Sample:
    values = np.linspace(0, 255, 16).astype(np.uint8)
    frames = np.broadcast_to(values[:, None, None, None], (16, height, width, 3)).copy()
    return Sample(
        id="s1",
        media=(Video(data=encode_video(frames, 4)),),
        question="How many?",
        answer=Number(value=1.0),
        task="count",
        group="g1",
    )


def test_the_overlay_comes_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "frames.yaml"
    path.write_text("fps: 1\nmax_frames: 8\nmax_pixels: 9000\noverlay: {position: top-right}\n", encoding="utf-8")
    frames = load_config(FramesConfig, path).value
    (drawn,) = load_media(sample(), None, frames)
    (plain,) = load_media(sample(), None, frames.model_copy(update={"overlay": None}))
    assert drawn.times == plain.times == (0.0, 1.0, 2.0, 3.0)  # type: ignore[union-attr]
    assert drawn.array.shape == plain.array.shape == (4, 82, 109, 3)  # type: ignore[union-attr]
    assert (drawn.array != plain.array).any(axis=(1, 2, 3)).all()  # type: ignore[union-attr]


def test_shuffled_frames_carry_ascending_times() -> None:
    frames = FramesConfig(fps=1.0, overlay=OverlayConfig())
    (shuffled,) = load_media(sample(), None, frames, shuffle="7")
    (plain,) = load_media(sample(), None, FramesConfig(fps=1.0))
    (order,) = shuffle_media((plain,), "7", "s1")
    assert (shuffled.array[:, 60:] == order.array[:, 60:]).all()  # type: ignore[union-attr]
    assert not (shuffled.array[:, 60:] == plain.array[:, 60:]).all()  # type: ignore[union-attr]
    (straight,) = load_media(sample(), None, frames)
    for position in range(4):  # the digits are those of the place, whatever frame stands there
        ink = [np.abs(c.array[position, :40].astype(int) - c.array[position, 2, 64].astype(int)).max(axis=-1) > 60
               for c in (shuffled, straight)]  # type: ignore[union-attr]  # fmt: skip
        assert ink[0].any()
        assert ink[1].any()
    assert load_media(sample(), None, FramesConfig(fps=1.0), shuffle="7")[0].times == plain.times  # type: ignore[union-attr]


def test_exports_write_what_training_sees(tmp_path: Path) -> None:
    frames = FramesConfig(fps=1.0, overlay=OverlayConfig())
    video = sample().media[0]
    assert isinstance(video, Video)
    drawn, plain = (
        MediaFolder(out=tmp_path / name, root=None, fps=1.0, max_frames=16, reading=reading).frames(video, "s1")
        for name, reading in (("drawn", frames), ("plain", FramesConfig(fps=1.0)))
    )
    assert len(drawn.files) == len(plain.files) == 4
    assert not set(drawn.files) & set(plain.files)


def test_text_that_the_processor_makes_too_small_is_refused() -> None:
    limits = MediaLimits.model_validate({"reading": {"overlay": {}}})
    clip = ((720, 1280), dataclasses.replace(Video(path="a.mp4")))
    check_seen(limits, [clip], np.array([[4, 36, 64]]), 14, "s1")
    with pytest.raises(MediaError, match=r"s1.*a\.mp4: the model sees the 1280 x 720 frames at 308 x 168"):
        check_seen(limits, [clip], np.array([[4, 12, 22]]), 14, "s1")
    check_seen(MediaLimits(), [clip], np.array([[4, 12, 22]]), 14, "s1")
