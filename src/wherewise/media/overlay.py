"""Time and subtitles drawn on frames, legible on whatever is below and after the model's resize.

The text stands on a plate of `opacity` 0.55 or more. At 0.55 white text on a black plate over a white frame still has
the contrast 4.8, and black on white over a black frame 6.2; the rule for legible text is 4.5 (WCAG 2, level AA). The
pair is chosen for the clip, whichever contrasts more with its frames; where these are so busy that what shines
through could be taken for strokes, the plate gets more opaque.

Frames are drawn on after they were shrunk to ``max_pixels``, in letters of at least `min_px`; `check_legible` refuses
a model's resize that leaves too little of them.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage
from PIL import ImageDraw, ImageFilter, ImageFont
from pydantic import BaseModel, ConfigDict, Field, model_validator

from wherewise.media.contrast import contrast, luminance
from wherewise.media.cues import Cue, find_subtitles, read_cues, shown_at
from wherewise.media.errors import MediaError
from wherewise.media.roots import name_of
from wherewise.samples.media import Video

Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]

LEGIBLE_PX = 12
"""Smallest letters (em, pixels) that are drawn or may be left by the model's resize."""

WIDTH = 0.9
"""Share of the frame's width that a line of subtitles may take."""

QUIET = 1.6
"""Largest contrast, between the bright and the dark parts of a plate, that does not disturb its text."""

WHITE, BLACK, RED = (255, 255, 255), (0, 0, 0), (255, 0, 0)

Frame = NDArray[np.uint8]
"""uint8, [H, W, 3], RGB."""


class OverlayConfig(BaseModel):
    """What is drawn on the frames of clips."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timestamps: bool = True
    """Draw each frame's time in its file as HH:MM:SS."""
    position: Corner = "top-left"
    """Corner of the time."""
    size: float = Field(default=0.06, gt=0, le=0.5)
    """Letters of the time (em), as a share of the frame's shorter side."""
    subtitles: Path | None = None
    """Folder of subtitle files (.srt, .vtt, .ass), each under the path of its clip; None draws none."""
    missing_subtitles: Literal["error", "leave"] = "error"
    """A clip without a subtitle file: an error, or left without."""
    subtitle_position: Literal["bottom", "top"] = "bottom"
    """Edge of the subtitles; they are centred."""
    subtitle_size: float = Field(default=0.055, gt=0, le=0.5)
    """Letters of the subtitles (em), as a share of the frame's shorter side."""
    min_px: int = Field(default=20, ge=LEGIBLE_PX)
    """Smallest letters (em) in pixels of the drawn frame; only a frame too small for them gets smaller ones."""
    max_px: int = Field(default=72, ge=LEGIBLE_PX)
    """Largest letters (em) in pixels of the drawn frame."""
    look: Literal["plate", "outline"] = "plate"
    """``plate``: text on a plate. ``outline``: the time as Video-R2 draws it, red with a black outline, white where the
    frame is dark or red."""
    opacity: float = Field(default=0.6, ge=0.55, le=1)
    """Least opacity of plates; a busy ground gets more."""
    font: Path | None = None
    """A TrueType or OpenType font; None takes Pillow's own, which has English letters and digits only."""

    @model_validator(mode="after")
    def _makes_sense(self) -> OverlayConfig:
        if not self.timestamps and self.subtitles is None:
            raise ValueError("draws nothing: set timestamps or subtitles, or leave the overlay out")
        if self.min_px > self.max_px:
            raise ValueError(f"min_px ({self.min_px}) is more than max_px ({self.max_px})")
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Text as a mask, and where it goes.

    Attributes:
        mask: uint8, [h, w]: how much of each pixel of the plate is text.
        top: First row of the plate.
        left: First column of the plate.
    """

    mask: NDArray[np.uint8]
    top: int
    left: int

    def of(self, frame: Frame) -> Frame:
        """The part of a frame below the plate (a view)."""
        rows, columns = self.mask.shape
        return frame[self.top : self.top + rows, self.left : self.left + columns]


def clock(seconds: float) -> str:
    """Whole seconds as HH:MM:SS.

    >>> clock(3725.9)
    '01:02:05'
    """
    whole = int(seconds + 1e-6)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}"


def cues_for(video: Video, config: OverlayConfig, *, sample_id: str = "") -> tuple[Cue, ...]:
    """The clip's cues; none if the config draws no subtitles.

    Raises:
        MediaError: There is no subtitle file, unless the config leaves such clips without; or it cannot be read.
    """
    if config.subtitles is None:
        return ()
    path = find_subtitles(video, config.subtitles, sample_id=sample_id)
    if path is None and config.missing_subtitles == "error":
        raise MediaError(
            f"{config.subtitles} has no subtitles of this clip",
            fix="add them under the clip's path, or set missing_subtitles: leave",
            file=name_of(video),
            sample=sample_id,
        )
    return () if path is None else read_cues(path)


def draw_overlay(
    array: NDArray[np.uint8],
    times: Sequence[float],
    config: OverlayConfig,
    *,
    cues: Sequence[Cue] = (),
    file: str = "<frames>",
    sample_id: str = "",
) -> NDArray[np.uint8]:
    """Draw on frames.

    Args:
        array: uint8, [T, H, W, 3], RGB; not changed.
        times: Seconds of each frame.
        config: What is drawn, where and how.
        cues: Subtitles.
        file: Clip to name in errors.
        sample_id: Sample to name in errors.

    Returns:
        uint8, [T, H, W, 3].

    Raises:
        MediaError: The frames are too small for the text, or the font lacks a letter.
    """
    drawn = np.array(array)
    height, width = array.shape[1:3]
    place = (file, sample_id)
    stamped = 0
    if config.timestamps:
        texts = [clock(time) for time in times]
        px = _stamp_px(config, height, width, max(texts, key=len), place)
        layouts = [_stamp(config, text, px, height, width) for text in texts]
        stamped = max(layout.mask.shape[0] + _margin(px) for layout in layouts)
        if config.look == "outline":
            for frame, layout in zip(drawn, layouts, strict=True):
                _outline(layout, frame, px)
        else:
            text, plate, opacity = _look(
                [layout.of(frame) for frame, layout in zip(drawn, layouts, strict=True)], config
            )
            for frame, layout in zip(drawn, layouts, strict=True):
                _plate(layout, frame, text, plate, opacity)
    for frame, time in zip(drawn, times, strict=True):
        shown = shown_at(cues, time)
        if shown:
            taken = stamped if config.timestamps else 0
            layout = _block(config, shown, height, width, taken, place)
            _plate(layout, frame, WHITE, BLACK, _opacity([layout.of(frame)], BLACK, config.opacity))
    return drawn


def check_legible(
    config: OverlayConfig, drawn: tuple[int, int], seen: tuple[int, int], *, file: str = "<frames>", sample_id: str = ""
) -> None:
    """Refuse a resize by the model after which the text cannot be read.

    Args:
        config: What was drawn.
        drawn: ``(width, height)`` of the drawn frames.
        seen: ``(width, height)`` of the frames as the model sees them.
        file: Clip to name in errors.
        sample_id: Sample to name in errors.

    Raises:
        MediaError: The smallest letters would be below `LEGIBLE_PX`.
    """
    sizes = [config.size] if config.timestamps else []
    sizes += [config.subtitle_size] if config.subtitles is not None else []
    px = min(_px(config, size, min(drawn)) for size in sizes)
    left = px * min(seen[0] / drawn[0], seen[1] / drawn[1])
    if left < LEGIBLE_PX - 0.5:
        raise MediaError(
            f"the model sees the {drawn[0]} x {drawn[1]} frames at {seen[0]} x {seen[1]}, which leaves {left:.0f} of "
            f"the {px} pixels of the overlay's letters; they need {LEGIBLE_PX}",
            fix=f"set max_pixels to {seen[0] * seen[1]} so that it is drawn at that size, or raise overlay.size",
            file=file,
            sample=sample_id,
        )


# ---------------------------------------------------------------------------------------------------------- layout


def _px(config: OverlayConfig, share: float, side: int) -> int:
    return min(max(round(share * side), config.min_px), config.max_px)


def _margin(px: int) -> int:
    return max(4, px // 3)


def _padding(px: int) -> int:
    return max(2, px // 5)


@lru_cache(maxsize=64)
def _font(path: Path | None, px: int) -> ImageFont.FreeTypeFont:
    if path is None:
        font = ImageFont.load_default(px)
        assert isinstance(font, ImageFont.FreeTypeFont)
        return font
    if not path.is_file():
        raise MediaError("there is no such font", fix="correct overlay.font", file=str(path))
    try:
        return ImageFont.truetype(io.BytesIO(path.read_bytes()), px, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise MediaError(f"this is no font: {error}", fix="give a .ttf or .otf file", file=str(path)) from error


@lru_cache(maxsize=64)
def _no_glyph(path: Path | None) -> bytes:
    return bytes(_font(path, 32).getmask("\ufffe"))


@lru_cache(maxsize=4096)
def _has(path: Path | None, letter: str) -> bool:
    return letter.isspace() or bytes(_font(path, 32).getmask(letter)) != _no_glyph(path)


def _stamp_px(config: OverlayConfig, height: int, width: int, text: str, place: tuple[str, str]) -> int:
    """Size of the time's letters: what the config says, smaller if the frame is narrow."""
    px = _px(config, config.size, min(height, width))
    while px >= LEGIBLE_PX:
        rows, columns = _size(config, (text,), px)
        if columns + 2 * _margin(px) <= width and rows + 2 * _margin(px) <= height:
            return px
        px -= 1
    raise _too_small("the time", height, width, place)


def _too_small(what: str, height: int, width: int, place: tuple[str, str]) -> MediaError:
    return MediaError(
        f"frames of {width} x {height} pixels are too small for {what} in letters of {LEGIBLE_PX} pixels",
        fix="raise max_pixels, or leave the overlay out",
        file=place[0],
        sample=place[1],
    )


def _size(config: OverlayConfig, lines: Sequence[str], px: int) -> tuple[int, int]:
    """Rows and columns of a plate."""
    font, pad = _font(config.font, px), _padding(px)
    return (
        len(lines) * _line(font) + 2 * pad,
        int(max(font.getlength(line) for line in lines)) + 1 + 2 * pad,
    )


def _line(font: ImageFont.FreeTypeFont) -> int:
    ascent, descent = font.getmetrics()
    return ascent + descent


def _mask(config: OverlayConfig, lines: Sequence[str], px: int) -> NDArray[np.uint8]:
    """Centred lines as a mask of the plate's size."""
    rows, columns = _size(config, lines, px)
    font, pad = _font(config.font, px), _padding(px)
    mask = PILImage.new("L", (columns, rows))
    pen = ImageDraw.Draw(mask)
    for number, line in enumerate(lines):
        left = (columns - font.getlength(line)) / 2
        pen.text((round(left), pad + number * _line(font)), line, fill=255, font=font)
    return np.asarray(mask)


def _stamp(config: OverlayConfig, text: str, px: int, height: int, width: int) -> Layout:
    mask, margin = _mask(config, (text,), px), _margin(px)
    top = margin if config.position.startswith("top") else height - margin - mask.shape[0]
    left = margin if config.position.endswith("left") else width - margin - mask.shape[1]
    return Layout(mask=mask, top=top, left=left)


def _block(config: OverlayConfig, text: str, height: int, width: int, taken: int, place: tuple[str, str]) -> Layout:
    """Subtitles, wrapped; smaller than the config says only where they would not fit. `taken`: rows of the time."""
    missing = sorted({letter for letter in text if not _has(config.font, letter)})
    if missing:
        raise MediaError(
            f"the font has no letter {missing[0]!r} ({text!r})",
            fix="give overlay.font a font that has it, such as DejaVuSans.ttf",
            file=place[0],
            sample=place[1],
        )
    at_top = config.subtitle_position == "top"
    together = taken if config.timestamps and config.position.startswith("top") == at_top else 0
    for px in range(_px(config, config.subtitle_size, min(height, width)), LEGIBLE_PX - 1, -1):
        margin = _margin(px)
        lines = _wrapped(text, _font(config.font, px), WIDTH * width - 2 * _padding(px))
        if lines and len(lines) * _line(_font(config.font, px)) + 2 * _padding(px) + 2 * margin + taken <= height:
            mask = _mask(config, lines, px)
            shift = margin + together
            return Layout(
                mask=mask,
                top=shift if at_top else height - shift - mask.shape[0],
                left=(width - mask.shape[1]) // 2,
            )
    raise _too_small(f"the subtitle {text!r}", height, width, place)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Lines no wider than `width`, broken between words, a longer word anywhere; none if one letter is wider."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split():
            joined = f"{line} {word}" if line else word
            if font.getlength(joined) <= width:
                line = joined
                continue
            if line:
                lines.append(line)
            while font.getlength(word) > width:
                fits = next((n for n in range(len(word) - 1, 0, -1) if font.getlength(word[:n]) <= width), 0)
                if not fits:
                    return []
                lines.append(word[:fits])
                word = word[fits:]
            line = word
        lines.append(line)
    return lines


# --------------------------------------------------------------------------------------------------------- drawing


Colour = tuple[int, int, int]


def _look(patches: Sequence[Frame], config: OverlayConfig) -> tuple[Colour, Colour, float]:
    """Text, plate and opacity of a clip: white on black or black on white, whichever is clearer in its worst pixel."""
    below = np.concatenate([patch.reshape(-1, 3) for patch in patches])
    worst = {
        (text, plate): float(contrast(luminance(text), luminance(_mixed(below, plate, config.opacity))).min())
        for text, plate in ((WHITE, BLACK), (BLACK, WHITE))
    }
    text, plate = max(worst, key=worst.__getitem__)
    return text, plate, _opacity(patches, plate, config.opacity)


def _opacity(patches: Sequence[Frame], plate: Colour, least: float) -> float:
    """The least opacity under which no patch is busy: what shines through must not be taken for strokes of letters."""
    for share in (least, *(step for step in (0.7, 0.8, 0.9) if step > least)):
        if max(_busy(_mixed(patch, plate, share)) for patch in patches) <= QUIET:
            return share
    return 1.0


def _busy(patch: NDArray[np.float64]) -> float:
    """Contrast of a patch's bright parts with its dark ones."""
    dark, bright = np.percentile(luminance(patch), (5, 95))
    return float(contrast(dark, bright))


def _mixed(below: NDArray[Any], colour: Colour, share: float) -> NDArray[np.float64]:
    return below * (1 - share) + np.array(colour) * share


def _plate(layout: Layout, frame: Frame, text: Colour, plate: Colour, opacity: float) -> None:
    """Draw on a frame, in place."""
    below = layout.of(frame)
    share = layout.mask[..., None] / 255.0
    under = _mixed(below.astype(np.float64), plate, opacity)
    below[...] = np.rint(under * (1 - share) + np.array(text) * share).astype(np.uint8)


def _outline(layout: Layout, frame: Frame, px: int) -> None:
    """Draw as Video-R2 does: red, or white where the frame is dark or red, with a black outline; in place."""
    below = layout.of(frame)
    red, green, blue = below.reshape(-1, 3).mean(axis=0)
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 80
    reddish = red > 120 and red - max(green, blue) > 40
    share = layout.mask[..., None] / 255.0
    edge = np.asarray(_grown(PILImage.fromarray(layout.mask), max(1, px // 12)))[..., None] / 255.0
    under = below * (1 - edge)
    below[...] = np.rint(under * (1 - share) + np.array(WHITE if dark or reddish else RED) * share).astype(np.uint8)


def _grown(mask: PILImage.Image, by: int) -> PILImage.Image:
    return mask.filter(ImageFilter.MaxFilter(2 * by + 1))
