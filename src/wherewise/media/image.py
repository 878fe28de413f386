"""Pictures: checked from the header, then decoded in full, upright, as RGB."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image as PILImage
from PIL import ImageOps

from wherewise.media.errors import MediaError
from wherewise.media.roots import name_of, open_medium
from wherewise.media.sniff import IMAGES, Format, read_format
from wherewise.samples.media import Image

MAX_PIXELS = 100_000_000
"""Largest picture that is decoded by default (300 MB as RGB)."""

_BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, struct.error, zlib.error),
    PILImage.DecompressionBombError,
)
_ORIENTATION = 0x0112


def load_image(image: Image, root: Path | None, *, sample_id: str = "", max_pixels: int = MAX_PIXELS) -> PILImage.Image:
    """Decode a picture.

    Exif orientation is applied, so boxes refer to the upright picture. Transparent parts show white. Of an animation
    the first frame is taken; 16-bit grey keeps its upper 8 bits.

    Args:
        image: The picture.
        root: Data root of its path; may be None for bytes.
        sample_id: Sample to name in errors.
        max_pixels: Larger pictures are refused from the header, before anything is decoded.

    Returns:
        A PIL image of mode RGB.

    Raises:
        MediaError: It is missing, outside the root, empty, truncated, no picture, of an unread format, too large, or
            of another size than the sample says.
    """
    with open_medium(image, root, sample_id=sample_id) as stream:
        picture = _open(image, stream, sample_id, max_pixels)
        try:
            picture.load()
            upright = _to_rgb(ImageOps.exif_transpose(picture))
        except _BROKEN as error:
            raise MediaError(
                f"the picture is truncated or damaged: {error}",
                fix="copy or download it again, or drop the sample",
                file=name_of(image),
                sample=sample_id,
            ) from error
    for field, declared, actual in (("width", image.width, upright.width), ("height", image.height, upright.height)):
        if declared is not None and declared != actual:
            raise MediaError(
                f"the sample says {field} {declared}, the upright picture has {actual}",
                fix=f"correct the medium's {field}, and the boxes if they were made for another size",
                file=name_of(image),
                sample=sample_id,
            )
    return upright


def image_size(
    image: Image, root: Path | None, *, sample_id: str = "", max_pixels: int = MAX_PIXELS
) -> tuple[int, int]:
    """``(width, height)`` of the upright picture, without decoding it.

    Raises:
        MediaError: As `load_image`, as far as the header shows it.
    """
    with open_medium(image, root, sample_id=sample_id) as stream:
        picture = _open(image, stream, sample_id, max_pixels)
        width, height = picture.size
        turned = _has_exif(picture, stream) and picture.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
        return (height, width) if turned else (width, height)


def _has_exif(picture: PILImage.Image, stream: BinaryIO) -> bool:
    """Whether there is Exif to read. PIL decodes a whole PNG to find out, so its chunks are listed here instead."""
    if picture.format != "PNG" or "exif" in picture.info:
        return True
    stream.seek(8)
    while len(head := stream.read(8)) == 8:
        if head[4:] == b"eXIf":
            return True
        stream.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)
    return False


def _open(image: Image, stream: BinaryIO, sample_id: str, max_pixels: int) -> PILImage.Image:
    kind, file = read_format(stream), name_of(image)
    if kind not in IMAGES:
        fixes = {
            Format.HTML: "the download gave an error page: download the picture again",
            Format.MP4: "declare it as a video",
            Format.MATROSKA: "declare it as a video",
            Format.AVI: "declare it as a video",
        }
        fix = fixes.get(kind, "convert it to PNG, JPEG or WebP")
        raise MediaError(f"not a picture that is read here, but {kind}", fix=fix, file=file, sample=sample_id)
    # The plugin is asked directly: `PIL.Image.open` has a limit of its own and tells no size when it is passed.
    PILImage.init()
    try:
        picture: PILImage.Image = PILImage.OPEN[kind.name][0](stream, "")
    except _BROKEN as error:
        raise MediaError(
            f"the {kind} header is damaged: {error}",
            fix="copy or download it again, or drop the sample",
            file=file,
            sample=sample_id,
        ) from error
    width, height = picture.size
    if width * height > max_pixels:
        raise MediaError(
            f"the picture has {width} x {height} pixels, more than the limit of {max_pixels:,}",
            fix="scale it down (and its boxes), or raise max_pixels",
            file=file,
            sample=sample_id,
        )
    return picture


def _to_rgb(picture: PILImage.Image) -> PILImage.Image:
    if picture.mode.startswith("I"):
        return PILImage.fromarray((np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        return PILImage.alpha_composite(PILImage.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return picture.convert("RGB")
