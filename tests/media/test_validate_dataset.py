"""Every way a dataset's media can be wrong is reported, with sample and fix, before anything is trained."""

from __future__ import annotations

import io
import json
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PILImage

from wherewise.media import encode_video, validate_dataset
from wherewise.samples import (
    Boolean,
    Box,
    Choice,
    GraphObject,
    Image,
    Problem,
    Sample,
    SceneGraph,
    Video,
    to_record,
    write_dataset,
)

pytest.importorskip("av", reason="PyAV is not installed")


def picture(kind: str, size: tuple[int, int] = (100, 80)) -> bytes:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    PILImage.fromarray(noise).save(stream, kind)
    return stream.getvalue()


def bomb() -> bytes:
    """Header of a 30,000 x 30,000 PNG with no pixels behind it."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    clip = encode_video(np.zeros((20, 32, 64, 3), np.uint8), 10)
    files = {
        "good.jpg": picture("JPEG"),
        "good.png": picture("PNG"),
        "good.mp4": clip,
        "cut.jpg": picture("JPEG")[:3000],
        "png.jpg": picture("PNG"),
        "page.jpg": b"<!DOCTYPE html><title>403</title>",
        "text.jpg": b"see the readme\n",
        "zero.mp4": b"",
        "cut.mp4": clip[: len(clip) - 100],
        "huge.png": bomb(),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (tmp_path / "outside.png").write_bytes(picture("PNG"))
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    return folder


def make(name: str, *media: Image | Video, **changes: Any) -> Sample:
    base = Sample(
        id=name,
        media=media,
        question="Is the chair left of the table?",
        answer=Boolean(value=True),
        task="left_right",
        group=name,
    )
    return replace(base, **changes)


def check(tmp_path: Path, root: Path | None, *samples: Sample, **options: Any) -> list[Problem]:
    write_dataset(samples, tmp_path / "data")
    return list(validate_dataset(tmp_path / "data", root, **options).problems)


def test_good_media_pass(tmp_path: Path, root: Path) -> None:
    clip = Video(path="good.mp4", fps=10.0, duration=2.0, width=64, height=32, start=0.5, frame_times=(0.5, 1.0))
    samples = [
        make("a", Image(path="good.jpg", width=100, height=80)),
        make("b", Image(path="good.png"), clip),
        make("c", Image(data=picture("PNG")), Video(data=(root / "good.mp4").read_bytes())),
    ]
    assert check(tmp_path, root, *samples) == []


FAILURES: list[tuple[Image | Video, str, str]] = [
    (Image(path="none.jpg"), "none.jpg: there is no such file", "correct the path"),
    (Image(path="cut.jpg"), "cut.jpg: the picture is truncated", "copy or download it again"),
    (Video(path="zero.mp4"), "zero.mp4: the file is empty (0 bytes)", "copy or download it again"),
    (Video(path="cut.mp4"), "cut.mp4: the clip is truncated", "copy or download it again"),
    (Image(path="png.jpg"), "png.jpg: the file is named .jpg but holds PNG", "rename it"),
    (Image(path="page.jpg"), "page.jpg: not a picture that is read here, but an HTML page", "download"),
    (Image(path="text.jpg"), "text.jpg: not a picture that is read here, but text", "convert"),
    (Image(path="huge.png"), "huge.png: the picture has 30000 x 30000 pixels, more than the limit", "scale it down"),
    (Image(path="link.png"), "link.png: a symbolic link leads out of the data root", "copy the file into the root"),
    (Image(path="good.mp4"), "good.mp4: not a picture that is read here, but MP4", "declare it as a video"),
    (Video(path="good.png"), "good.png: not a clip that is read here, but PNG", "declare it as an image"),
    (Image(path="good.png", width=50), "good.png: the sample says width 50", "correct"),
    (Video(path="good.mp4", fps=25.0), "good.mp4: the sample says fps 25, the file 10", "correct fps"),
    (Video(path="good.mp4", duration=9.0), "the sample says duration 9, the file 2", "correct duration"),
    (Video(path="good.mp4", start=1.0, frame_times=(0.5,)), "frame time 0.5 s is outside", "sample the frames"),
    (Video(path="good.mp4", end=60.0), "the sample ends at 60 s, the clip at 2 s", "correct the sample's end"),
    (Image(data=b"GIF89a" + bytes(20)), "not a picture that is read here, but GIF", "convert"),
]


def test_all_failures_are_listed_at_once(tmp_path: Path, root: Path) -> None:
    samples = [make(f"s{i:02d}", medium) for i, (medium, _, _) in enumerate(FAILURES)]
    problems = check(tmp_path, root, *samples)
    assert [p.sample for p in problems] == [s.id for s in samples]
    for problem, (_, message, fix) in zip(problems, FAILURES, strict=True):
        assert message in problem.message
        assert fix in problem.fix
        assert problem.field == "media[0]"
        assert f"sample {problem.sample!r}" in str(problem)


def test_headers_alone_show_most_failures(tmp_path: Path, root: Path) -> None:
    samples = [make(f"s{i:02d}", medium) for i, (medium, _, _) in enumerate(FAILURES)]
    shallow = {p.sample for p in check(tmp_path, root, *samples, decode=False)}
    assert {s.id for s in samples} - shallow == {
        s.id for s in samples if s.media[0] in (Image(path="cut.jpg"), Image(path="good.png", width=50))
    } | {s.id for s in samples if isinstance(s.media[0], Video) and s.media[0].end == 60.0}


def test_the_position_of_the_medium_is_named(tmp_path: Path, root: Path) -> None:
    problems = check(tmp_path, root, make("a", Image(path="good.png"), Image(path="none.png"), Video(path="zero.mp4")))
    assert [p.field for p in problems] == ["media[1]", "media[2]"]


def test_without_a_root_paths_cannot_be_checked(tmp_path: Path) -> None:
    (problem,) = check(tmp_path, None, make("a", Image(path="good.png")))
    assert "needs a data root" in problem.message


def test_boxes_are_compared_with_the_true_size(tmp_path: Path, root: Path) -> None:
    chair = GraphObject(id="c", label="chair", box=(10, 10, 120, 40))
    problems = check(
        tmp_path,
        root,
        make("a", Image(path="good.png"), answer=Box(xyxy=(0, 0, 640, 480))),
        make("b", Image(path="good.png"), evidence=SceneGraph(width=640, height=480, objects=(chair,))),
    )
    assert [(p.sample, p.field) for p in problems] == [
        ("a", "answer.xyxy"),
        ("b", "evidence.objects[0].box"),
        ("b", "evidence"),
    ]
    assert "outside the picture of 100 x 80 pixels" in problems[0].message


def test_media_and_record_problems_stand_in_one_list(tmp_path: Path, root: Path) -> None:
    good = make(
        "ok", Image(path="good.png"), options=("left", "right"), answer=Choice(letter="A", text="left"), group="g"
    )
    records = [to_record(good) | {"id": f"r{i}"} for i in range(4)]
    records[1]["answer"] = {"kind": "choice", "letter": "E", "text": "left"}
    records[2]["media"] = [{"type": "image", "path": "../outside.png"}]
    records[3] |= {"split": "test", "media": [{"type": "image", "path": "none.png"}], "question": ""}
    path = tmp_path / "mine.jsonl"
    path.write_text("\n".join(json.dumps(r | {"media_bytes": None}) for r in records))
    problems = validate_dataset(path, root).problems
    assert [(p.row, p.sample, p.field) for p in problems] == [
        (2, "r1", "answer"),
        (3, "r2", "media[0]"),
        (4, "r3", "group"),
        (4, "r3", "media[0]"),
        (4, "r3", "question"),
    ]


def test_a_shared_picture_is_decoded_once(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wherewise.media import validate

    decoded = []
    load = validate.load_image
    monkeypatch.setattr(validate, "load_image", lambda *args, **options: (decoded.append(1), load(*args, **options))[1])
    assert check(tmp_path, root, *[make(f"s{i}", Image(path="good.png")) for i in range(20)]) == []
    assert len(decoded) == 1


def test_empty_dataset(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    (problem,) = validate_dataset(tmp_path / "empty.jsonl", None).problems
    assert "the dataset is empty" in problem.message
