"""Draws what a reply claims onto its picture, for places that show pictures only; pages draw it themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from PIL import Image as PILImage
from PIL import ImageDraw, ImageFont

LEAST, MOST = 480, 1280
"""The longer side of a drawn picture in pixels; smaller and larger ones are resized to it."""

CLAIM = (224, 52, 43)
DASH, GAP, WIDTH = 9.0, 6.0, 3


def draw_claims(picture: PILImage.Image, boxes: Sequence[Mapping[str, Any]]) -> PILImage.Image:
    """A copy of the picture with dashed boxes and their names.

    Args:
        picture: The picture.
        boxes: ``{"label", "box"}``, the box in pixels of the picture; parts outside of it are cut off.
    """
    long = max(picture.size)
    scale = LEAST / long if long < LEAST else min(1.0, MOST / long)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    drawn = picture.convert("RGB").resize(size, PILImage.Resampling.LANCZOS)
    draw, font = ImageDraw.Draw(drawn), ImageFont.load_default(16)
    for each in boxes:
        x1, y1, x2, y2 = (
            min(max(v * scale, 1.0), side - 2.0) for v, side in zip(each["box"], (*size, *size), strict=True)
        )
        corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)]
        for start, end in pairwise(corners):
            draw.line([start, end], fill="white", width=WIDTH + 2)
        for start, end in pairwise(corners):
            for dash in _dashes(start, end):
                draw.line(dash, fill=CLAIM, width=WIDTH)
        label = str(each["label"])[:60]
        wide = draw.textlength(label, font=font)
        at = (max(2.0, min(x1 + 2, size[0] - wide - 4)), y2 + 2 if y2 + 22 < size[1] else max(2.0, y2 - 22))
        draw.text(at, label, font=font, fill=CLAIM, stroke_width=2, stroke_fill="white")
    return drawn


def _dashes(
    start: tuple[float, float], end: tuple[float, float]
) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    """Pieces of a line."""
    length = abs(end[0] - start[0]) + abs(end[1] - start[1])  # sides of boxes are level or upright
    at = 0.0
    while at < length:
        share, until = at / length, min(1.0, (at + DASH) / length)
        yield _between(start, end, share), _between(start, end, until)
        at += DASH + GAP


def _between(start: tuple[float, float], end: tuple[float, float], share: float) -> tuple[float, float]:
    return start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
