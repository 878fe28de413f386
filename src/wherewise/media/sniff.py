"""What a file is by its first bytes, and whether its name says the same."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import PurePosixPath
from typing import BinaryIO

HEAD = 512
"""First bytes that are looked at."""


class Format(StrEnum):
    """What the bytes are."""

    PNG = "PNG"
    """Portable Network Graphics."""
    JPEG = "JPEG"
    """JPEG/JFIF, also Exif."""
    WEBP = "WebP"
    """WebP."""
    GIF = "GIF"
    """GIF, not read."""
    BMP = "BMP"
    """Windows bitmap, not read."""
    TIFF = "TIFF"
    """TIFF, not read."""
    HEIC = "HEIC"
    """HEIC or AVIF picture, not read."""
    MP4 = "MP4"
    """MP4, MOV and relatives."""
    MATROSKA = "WebM"
    """WebM or Matroska."""
    AVI = "AVI"
    """AVI."""
    HTML = "an HTML page"
    """A web page, usually a download's error message."""
    TEXT = "text"
    """Readable text."""
    UNKNOWN = "unknown bytes"
    """None of these."""


IMAGES = frozenset({Format.PNG, Format.JPEG, Format.WEBP})
"""Picture formats that are read."""

VIDEOS = frozenset({Format.MP4, Format.MATROSKA, Format.AVI})
"""Clip formats that are read."""

SUFFIXES: dict[Format, tuple[str, ...]] = {
    Format.PNG: (".png",),
    Format.JPEG: (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    Format.WEBP: (".webp",),
    Format.MP4: (".mp4", ".mov", ".m4v", ".3gp"),
    Format.MATROSKA: (".webm", ".mkv"),
    Format.AVI: (".avi",),
}
"""Name suffixes of each format that is read; the first is the usual one."""

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"\xff\xd8\xff", Format.JPEG),
    (b"GIF8", Format.GIF),
    (b"BM", Format.BMP),
    (b"II*\0", Format.TIFF),
    (b"MM\0*", Format.TIFF),
    (b"\x1aE\xdf\xa3", Format.MATROSKA),
)
_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}
_PICTURE_BRANDS = {b"heic", b"heix", b"heif", b"mif1", b"msf1", b"avif", b"avis"}


def sniff(head: bytes) -> Format:
    """The format that the first bytes belong to.

    >>> sniff(b"GIF89a...").value, sniff(b"<!DOCTYPE html><html>").value
    ('GIF', 'an HTML page')
    """
    if head[:4] == b"RIFF" and head[8:12] in (b"WEBP", b"AVI "):
        return Format.WEBP if head[8:12] == b"WEBP" else Format.AVI
    if head[4:8] in _BOXES:
        return Format.HEIC if head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS else Format.MP4
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return Format.HTML
    # A multi-byte character may be cut at the end of the head.
    text = head[:HEAD].decode("utf-8", errors="ignore")
    if head and len(text.encode()) >= len(head[:HEAD]) - 3 and all(c.isprintable() or c in "\t\r\n" for c in text):
        return Format.TEXT
    return Format.UNKNOWN


def read_format(stream: BinaryIO) -> Format:
    """The format of a seekable stream; its position is 0 afterwards."""
    stream.seek(0)
    head = stream.read(HEAD)
    stream.seek(0)
    return sniff(head)


def suffix_problem(path: str, kind: Format) -> str | None:
    """Why the name of a file does not fit its bytes, or None if it does.

    >>> suffix_problem("a/b.jpg", Format.PNG)
    'the file is named .jpg but holds PNG'
    >>> suffix_problem("a/b.JPEG", Format.JPEG) is None
    True
    """
    suffix = PurePosixPath(path).suffix
    if kind not in SUFFIXES or suffix.lower() in SUFFIXES[kind]:
        return None
    return f"the file is named {suffix or 'without a suffix'} but holds {kind}"


def mp4_is_cut(stream: BinaryIO) -> bool:
    """Whether an MP4 file ends before its last top-level box does. Leaves the position at 0."""
    end = stream.seek(0, os.SEEK_END)
    position = 0
    while position < end:
        stream.seek(position)
        head = stream.read(16)
        size = int.from_bytes(head[:4], "big")
        if size == 1 and len(head) == 16:
            size = int.from_bytes(head[8:16], "big")
        elif size == 0:
            size = end - position
        if size < 8:
            break
        position += size
    stream.seek(0)
    return position != end
