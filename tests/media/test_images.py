"""Pictures: upright, whole, and refused early when they are not what they should be."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PILImage

from wherewise.media import Format, MediaError, image_size, load_image, sniff, suffix_problem
from wherewise.samples import Image

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def encoded(kind: str = "PNG", size: tuple[int, int] = (60, 40), mode: str = "RGB", **options: Any) -> bytes:
    columns = np.tile(np.linspace(0, 255, size[0]).astype(np.uint8), (size[1], 1))
    picture = PILImage.fromarray(np.stack([columns, columns.T.repeat(2, 0)[: size[1], :1] + 0 * columns, columns], -1))
    stream = io.BytesIO()
    picture.convert(mode).save(stream, kind, **options)
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims to be of that size; whoever decodes it finds its pixels missing."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_formats_are_read_as_rgb(kind: str, mode: str) -> None:
    picture = load_image(Image(data=encoded(kind, mode=mode)), None)
    assert (picture.mode, picture.size) == ("RGB", (60, 40))
    assert np.asarray(picture)[:, 0].mean() < 100 < np.asarray(picture)[:, -1].mean()


def test_png_pixels_are_exact() -> None:
    array = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    stream = io.BytesIO()
    PILImage.fromarray(array).save(stream, "PNG")
    assert (np.asarray(load_image(Image(data=stream.getvalue()), None)) == array).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    """The marker sits top left in the upright picture, whatever way the camera was held."""
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[:12, :20] = 255
    undo = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    exif = PILImage.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    PILImage.fromarray(np.ascontiguousarray(undo(upright))).save(stream, "JPEG", quality=95, subsampling=0, exif=exif)
    image = Image(data=stream.getvalue(), width=60, height=40)
    assert image_size(image, None) == (60, 40)
    assert np.abs(np.asarray(load_image(image, None)).astype(int) - upright).mean() < 2


def test_transparency_shows_white_and_16_bit_grey_keeps_its_upper_bits() -> None:
    stream = io.BytesIO()
    PILImage.new("RGBA", (2, 2), (255, 0, 0, 0)).save(stream, "PNG")
    assert load_image(Image(data=stream.getvalue()), None).getpixel((0, 0)) == (255, 255, 255)
    stream = io.BytesIO()
    PILImage.fromarray(np.full((2, 2), 0x8040, np.uint16)).save(stream, "PNG")
    assert load_image(Image(data=stream.getvalue()), None).getpixel((0, 0)) == (128, 128, 128)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_truncated_pictures_are_refused(kind: str, keep: float, tmp_path: Path) -> None:
    whole = encoded(kind, size=(300, 200), **({"lossless": True} if kind == "WEBP" else {}))
    (tmp_path / "a.jpg").write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(MediaError, match=r"sample 's1': a\.jpg: .*(truncated|damaged).* Fix: copy or download"):
        load_image(Image(path="a.jpg"), tmp_path, sample_id="s1")


def test_missing_picture(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"sample 's1': a/b\.png: there is no such file under .*Fix: correct the path"):
        load_image(Image(path="a/b.png"), tmp_path, sample_id="s1")


def test_a_huge_picture_is_refused_from_its_header() -> None:
    """30,000 x 30,000 pixels take 2.7 GB decoded. The pixels are missing here, and nothing gets as far as noticing."""
    bomb = Image(data=png_header(30_000, 30_000))
    for read in (load_image, image_size):
        with pytest.raises(MediaError, match=r"sample 's1': <bytes>: the picture has 30000 x 30000 pixels.*Fix: scale"):
            read(bomb, None, sample_id="s1")
    with pytest.raises(MediaError, match="truncated or damaged"):
        load_image(Image(data=png_header(300, 300)), None)


def test_the_pixel_limit_can_be_set() -> None:
    image = Image(data=encoded(size=(60, 40)))
    assert load_image(image, None, max_pixels=2400).size == (60, 40)
    with pytest.raises(MediaError, match="more than the limit of 2,399"):
        load_image(image, None, max_pixels=2399)


def test_exif_behind_the_pixels_of_a_png_counts() -> None:
    exif = PILImage.Exif()
    exif[0x0112] = 6
    body = exif.tobytes()
    body = body.removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(body)) + b"eXIf" + body + struct.pack(">I", zlib.crc32(b"eXIf" + body))
    plain = encoded(size=(60, 40))
    image = Image(data=plain[:-12] + chunk + plain[-12:])
    assert image_size(Image(data=plain), None) == (60, 40)
    assert image_size(image, None) == load_image(image, None).size == (40, 60)


def test_pictures_above_pils_own_limit_can_be_allowed() -> None:
    assert image_size(Image(data=png_header(20_000, 10_000)), None, max_pixels=10**9) == (20_000, 10_000)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<!DOCTYPE html><html>404</html>", "an HTML page. Fix: the download gave an error page"),
        (b"  \n<html>", "an HTML page"),
        ("no piqué here\n".encode(), "text. Fix: convert"),
        (b"version https://git-lfs.github.com/spec/v1\n", "text"),
        (encoded("GIF"), "GIF. Fix: convert it to PNG"),
        (encoded("BMP"), "BMP"),
        (encoded("TIFF"), "TIFF"),
        (b"\0\0\0\x20ftypisom" + bytes(20), "MP4. Fix: declare it as a video"),
        (b"\0\0\0\x20ftypavif" + bytes(20), "HEIC"),
        (bytes(range(128, 256)), "unknown bytes"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, message: str) -> None:
    with pytest.raises(MediaError) as caught:
        load_image(Image(data=data), None, sample_id="s1")
    assert message in str(caught.value)
    assert "sample 's1'" in str(caught.value)


def test_a_damaged_header_is_told() -> None:
    with pytest.raises(MediaError, match=r"(header is damaged|truncated or damaged)"):
        load_image(Image(data=encoded()[:20]), None)


def test_declared_size_must_be_true() -> None:
    with pytest.raises(MediaError, match=r"the sample says width 61, the upright picture has 60. Fix: correct"):
        load_image(Image(data=encoded(), width=61, height=40), None)


def test_names_and_contents() -> None:
    assert sniff(encoded("JPEG")) is Format.JPEG
    assert suffix_problem("a.jpg", Format.PNG) == "the file is named .jpg but holds PNG"
    assert suffix_problem("a", Format.PNG) == "the file is named without a suffix but holds PNG"
    assert suffix_problem("b/a.JPEG", Format.JPEG) is None
    assert suffix_problem("b/a.mov", Format.MP4) is None


def test_real_pictures() -> None:
    folder = SHARED / "nlvr" / "images"
    if not folder.is_dir():
        pytest.skip("shared/data/nlvr is not here")
    for path in sorted(folder.glob("*.png"))[:5]:
        picture = load_image(Image(path=path.name), folder)
        assert picture.size == image_size(Image(path=path.name), folder)
        assert np.asarray(picture).std() > 1
