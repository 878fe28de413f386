"""``wherewise data overlay``: a clip's frames as a model sees them, with times and subtitles; and the YAML for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from wherewise.media.reading import ReadingConfig


def overlay(
    clip: Annotated[Path, typer.Argument(help="The clip.", show_default=False)],
    out: Annotated[
        Path, typer.Argument(help="A folder for PNGs, one a frame; or a name that ends in .mp4.", show_default=False)
    ],
    reading: Annotated[
        Path | None, typer.Option(metavar="FILE", help="YAML of how clips are read; times on a plate by default.")
    ] = None,
    subtitles: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Subtitles of this clip: .srt, .vtt or .ass.")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Frames per second to take.")] = None,
    max_frames: Annotated[int | None, typer.Option(min=1, help="Most frames; all by default.")] = None,
    max_pixels: Annotated[int | None, typer.Option(min=1024, help="Shrink frames to so many pixels first.")] = None,
    seen_pixels: Annotated[
        int | None,
        typer.Option(min=1024, help="Afterwards resize as a model of the Qwen family does that sees so many pixels."),
    ] = None,
) -> None:
    """Draw times and subtitles on frames of a clip and write them, to look at what a model is shown."""
    import numpy as np
    import PIL.Image

    from wherewise.media import OverlayConfig, draw_overlay, encode_video, read_clip, smart_resize
    from wherewise.media.cues import read_cues
    from wherewise.media.overlay import check_legible, cues_for
    from wherewise.samples import Video
    from wherewise.samples.errors import InputError

    if not clip.is_file():
        raise InputError(f"there is no clip {clip}")
    if subtitles is not None and not subtitles.is_file():
        raise InputError(f"there are no subtitles {subtitles}")
    config = read_reading(reading)
    config = config.model_copy(update={"max_pixels": max_pixels or config.max_pixels})
    drawn = config.overlay or OverlayConfig()
    video = Video(path=clip.name)
    plain = read_clip(video, clip.parent, config, fps=fps, max_frames=max_frames, drawn=False)
    cues = cues_for(video, drawn) if subtitles is None else read_cues(subtitles)
    frames = draw_overlay(plain.array, plain.times, drawn, cues=cues, file=clip.name)
    if seen_pixels is not None:
        rows, columns = smart_resize(*frames.shape[1:3], max_pixels=seen_pixels)
        check_legible(drawn, (frames.shape[2], frames.shape[1]), (columns, rows), file=clip.name)
        size = (columns, rows)
        resized = [PIL.Image.fromarray(f).resize(size, PIL.Image.Resampling.BICUBIC) for f in frames]
        frames = np.stack([np.asarray(picture) for picture in resized])
    if out.suffix == ".mp4":
        span = plain.times[-1] - plain.times[0]
        rate = (len(plain.times) - 1) / span if span > 0 else 1.0
        out.parent.mkdir(parents=True, exist_ok=True)
        even = frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2]
        out.write_bytes(encode_video(even, round(rate, 3)))
    else:
        out.mkdir(parents=True, exist_ok=True)
        for frame, time in zip(frames, plain.times, strict=True):
            PIL.Image.fromarray(frame).save(out / f"{clip.stem}-{time:09.3f}.png")
    typer.echo(f"{out}: {len(frames)} frames of {frames.shape[2]} x {frames.shape[1]} pixels")


def read_reading(path: Path | None) -> ReadingConfig:
    """The settings of a YAML file, or the defaults.

    Raises:
        ConfigError: Something in the file is wrong.
    """
    from wherewise.cli.config import load_config
    from wherewise.media.reading import ReadingConfig

    return ReadingConfig() if path is None else load_config(ReadingConfig, path).value


def evaluated_reading(path: Path | None) -> ReadingConfig:
    """As `read_reading`, for an evaluation, whose ``--max-pixels`` holds for pictures and clips alike.

    Raises:
        InputError: The file sets ``max_pixels``.
    """
    from wherewise.samples.errors import InputError

    found = read_reading(path)
    if found.max_pixels is not None:
        raise InputError(f"{path}: max_pixels: give --max-pixels instead, which holds for pictures and clips")
    return found
