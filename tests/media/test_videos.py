"""Clips: exact times, the right frames however they are reached, clear refusals."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import wherewise
from wherewise.media import Frames, MediaError, encode_video, load_frames, probe
from wherewise.samples import Video

av: Any = pytest.importorskip("av", reason="PyAV is not installed")

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "videos"
CLIPS = ("jesse_dance.mp4", "videor1_video1.mp4", "yoga.mp4")


def numbered(count: int, height: int = 32, width: int = 64) -> NDArray[np.uint8]:
    """Frames that carry their number in 8 black or white blocks, and a white corner top left."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    frames[:, : height // 2, :8] = 255
    for i in range(count):
        for bit in range(8):
            if i >> bit & 1:
                frames[i, height // 2 :, bit * 8 : bit * 8 + 8] = 255
    return frames


def numbers(frames: Frames) -> list[int]:
    rows = frames.array.shape[1]
    blocks = frames.array[:, rows // 2 + 4 : -4, 4::8].mean(axis=(1, 3)) > 127
    return [int(sum(1 << bit for bit in range(8) if row[bit])) for row in blocks]


def clip(count: int = 60, fps: float = 10, **fields: Any) -> Video:
    return Video(data=encode_video(numbered(count), fps), **fields)


def remux(data: bytes, kind: str = "mp4", *, turn: int = 0, shift: int = 0) -> bytes:
    """The same pictures in another container: rotated, or cut by an edit list."""
    target = io.BytesIO()
    options = {"avoid_negative_ts": "disabled"} if shift else {}
    with av.open(io.BytesIO(data)) as source, av.open(target, "w", format=kind, options=options) as result:
        old = source.streams.video[0]
        new = result.add_stream_from_template(old)
        if turn:
            new.set_display_rotation(turn)
        for packet in source.demux(old):
            if packet.size:
                packet.pts -= shift
                packet.dts -= shift
                packet.stream = new
                result.mux(packet)
    return target.getvalue()


def test_encoding_is_deterministic_and_close() -> None:
    frames = numbered(25)
    data = encode_video(frames, 12.5)
    assert data == encode_video(frames, 12.5)
    read = load_frames(Video(data=data), None)
    assert np.abs(read.array.astype(int) - frames).mean() < 2
    assert read.times == pytest.approx([i / 12.5 for i in range(25)], abs=1e-6)
    assert b"Lavf" not in data


def test_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    code = (
        "import sys, hashlib, numpy as np; from wherewise.media import encode_video;"
        "frames = np.random.default_rng(5).integers(0, 256, (9, 32, 48, 3), dtype=np.uint8);"
        "print(hashlib.sha256(encode_video(frames, 24)).hexdigest())"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(wherewise.__file__).parents[1])}
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, env=environment, capture_output=True, check=True).stdout for _ in range(2)]
    assert runs[0] == runs[1]
    assert len(runs[0].strip()) == 64


@pytest.mark.parametrize(
    ("shape", "message"),
    [((4, 31, 64, 3), "even sides, got 64 x 31"), ((0, 32, 64, 3), "T >= 1"), ((4, 32, 64), r"\[T, H, W, 3\]")],
)
def test_what_cannot_be_encoded(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode_video(np.zeros(shape, np.uint8), 10)


def test_probe() -> None:
    info = probe(clip(60, 10), None)
    assert (info.width, info.height, info.frames, info.codec) == (64, 32, 60, "h264")
    assert info.fps == pytest.approx(10)
    assert info.duration == pytest.approx(6)
    assert info.keyframes == 3


def test_every_frame_in_order() -> None:
    frames = load_frames(clip(60), None)
    assert numbers(frames) == list(range(60))
    assert frames.array.dtype == np.uint8
    assert frames.array.shape == (60, 32, 64, 3)


@pytest.mark.parametrize(
    ("options", "fields", "expected"),
    [
        ({"fps": 2}, {}, list(range(0, 60, 5))),
        ({"fps": 100}, {}, list(range(60))),
        ({"fps": 2, "max_frames": 20}, {}, list(range(0, 60, 5))),
        ({"fps": 5, "max_frames": 4}, {}, [0, 20, 39, 59]),
        ({"max_frames": 1}, {}, [30]),
        ({"max_frames": 2}, {"start": 1.0, "end": 2.0}, [10, 20]),
        ({"fps": 4}, {"start": 0.95, "end": 2.0}, [10, 12, 14, 17, 19]),
        ({}, {"start": 5.5}, [55, 56, 57, 58, 59]),
        ({}, {"frame_times": (0.3, 0.1)}, [3, 1]),
        ({"max_frames": 100}, {"frame_times": (0.3, 0.1), "end": 0.2}, [0, 1, 2]),
        ({"times": [5.0, 0.0, 5.0, 0.26]}, {}, [50, 0, 50, 3]),
        ({"times": [2.04, 1.0]}, {"start": 1.0, "end": 2.04}, [20, 10]),
    ],
)
def test_sampling(options: dict[str, Any], fields: dict[str, Any], expected: list[int]) -> None:
    frames = load_frames(clip(60, **fields), None, **options)
    assert numbers(frames) == expected
    assert frames.times == pytest.approx([i / 10 for i in expected], abs=1e-6)


def test_no_frame_behind_the_end_is_ever_shown() -> None:
    """A time just before the end is nearest to a frame just behind it; that frame would give the answer away."""
    frames = load_frames(clip(60, start=1.0, end=2.08), None, times=[2.08])
    assert numbers(frames) == [20]


@pytest.mark.parametrize("kind", ["mp4", "matroska", "avi"])
def test_containers(kind: str) -> None:
    data = encode_video(numbered(60), 10)
    if kind == "avi":  # AVI has no times for reordered frames
        target = io.BytesIO()
        with av.open(target, "w", format="avi") as container:
            stream = container.add_stream("mpeg4", rate=10, options={"qscale": "2"})
            stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
            for array in numbered(60):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
            container.mux(stream.encode(None))
        data = target.getvalue()
    else:
        data = remux(data, kind)
    assert numbers(load_frames(Video(data=data), None, times=[0.0, 4.1, 5.9])) == [0, 41, 59]


def test_variable_rate_gives_true_times() -> None:
    stamps = [0, 40, 100, 101, 500, 900, 1800, 1850, 1900, 4000]  # milliseconds
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for stamp, array in zip(stamps, numbered(10), strict=True):
            frame = av.VideoFrame.from_ndarray(array, format="rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    video = Video(data=target.getvalue())
    frames = load_frames(video, None)
    assert numbers(frames) == list(range(10))
    assert frames.times == pytest.approx([stamp / 1000 for stamp in stamps], abs=1e-3)
    assert numbers(load_frames(video, None, fps=1)) == [0, 5, 8, 9]
    assert numbers(load_frames(video, None, times=[1.3, 1.4, 2.94, 2.96])) == [5, 6, 8, 9]


def test_frames_hidden_by_an_edit_list_stay_hidden() -> None:
    data = encode_video(numbered(40), 10)
    with av.open(io.BytesIO(data)) as container:
        second = round(1 / container.streams.video[0].time_base)
    video = Video(data=remux(data, shift=second))
    assert numbers(load_frames(video, None)) == list(range(10, 40))
    assert numbers(load_frames(video, None, times=[0.0, 2.5])) == [10, 35]
    assert probe(video, None).duration == pytest.approx(3)


@pytest.mark.parametrize("turn", [90, 180, -90])
def test_rotation_is_applied(turn: int) -> None:
    frames = numbered(4)
    video = Video(data=remux(encode_video(frames, 10), turn=turn))
    read = load_frames(video, None, max_frames=1).array[0]
    expected = np.rot90(frames[2], turn // 90)
    assert read.shape == expected.shape
    assert np.abs(read.astype(int) - expected).mean() < 3
    assert (probe(video, None).width, probe(video, None).height) == (expected.shape[1], expected.shape[0])


@pytest.mark.parametrize("name", [pytest.param(CLIPS[0], marks=pytest.mark.slow), *CLIPS[1:]])
def test_real_clips_give_the_frames_of_a_plain_run(name: str) -> None:
    if not (SHARED / name).is_file():
        pytest.skip(f"shared/data/videos/{name} is not here")
    video = Video(path=name)
    count = probe(video, SHARED).frames
    positions = [count - 1, 3, count // 2, count // 2 + 1]
    times: list[float] = []
    arrays: dict[int, NDArray[np.uint8]] = {}
    with av.open(str(SHARED / name)) as container:
        stream = container.streams.video[0]
        for position, frame in enumerate(container.decode(stream)):
            times.append(float(frame.pts * stream.time_base))
            if position in positions:
                arrays[position] = frame.to_ndarray(format="rgb24")
    assert len(times) == count
    frames = load_frames(video, SHARED, times=[times[position] for position in positions])
    assert frames.times == tuple(times[position] for position in positions)
    for position, array in zip(positions, frames.array, strict=True):
        assert (array == arrays[position]).all(), position


@pytest.fixture
def root(tmp_path: Path) -> Path:
    data = encode_video(numbered(40), 10)
    (tmp_path / "good.mp4").write_bytes(data)
    (tmp_path / "zero.mp4").touch()
    (tmp_path / "half.mp4").write_bytes(data[: len(data) // 2])
    (tmp_path / "last.mp4").write_bytes(data[:-20])
    (tmp_path / "page.mp4").write_bytes(b"<html>not found</html>")
    (tmp_path / "list.mp4").write_bytes(b"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\ngood.mp4\n#EXT-X-ENDLIST\n")
    (tmp_path / "photo.mp4").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    scrambled, start, stop = bytearray(data), data.index(b"mdat") + 4, data.index(b"moov") - 4
    middle = (start + stop) // 2
    scrambled[middle:stop] = np.random.default_rng(0).bytes(stop - middle)
    (tmp_path / "scrambled.mp4").write_bytes(scrambled)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("none.mp4", r"there is no such file under .*Fix: correct the path"),
        ("zero.mp4", r"the file is empty \(0 bytes\)\. Fix: copy or download it again"),
        ("half.mp4", r"the clip is truncated\. Fix: copy or download it again"),
        ("last.mp4", r"the clip is truncated"),
        ("page.mp4", r"not a clip that is read here, but an HTML page\. Fix: download it again"),
        ("list.mp4", r"not a clip that is read here, but text"),
        ("photo.mp4", r"but PNG\. Fix: declare it as an image"),
        ("scrambled.mp4", r"the clip is damaged: .*Fix: copy or download it again"),
    ],
)
def test_bad_files_are_named(root: Path, path: str, message: str) -> None:
    with pytest.raises(MediaError, match=rf"sample 's1': {path}: .*{message}"):
        load_frames(Video(path=path), root, sample_id="s1")


def test_truncated_webm_is_noticed() -> None:
    data = remux(encode_video(numbered(60), 10), "matroska")
    with pytest.raises(MediaError, match="<bytes>"):
        load_frames(Video(data=data[: len(data) // 2]), None, times=[5.9])


def test_sound_alone_is_no_clip() -> None:
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(MediaError, match="no pictures, only sound"):
        probe(Video(data=target.getvalue()), None)


@pytest.mark.parametrize(
    ("fields", "options", "message"),
    [
        ({"start": 7.0}, {}, "no frame lies between 7 s and the end; the clip lasts 4 s"),
        ({"end": 9.0}, {}, "the sample ends at 9 s, the clip at 4 s"),
        ({"start": 1.0, "end": 2.0}, {"times": [2.5]}, r"wanted at 2.5 s, outside the sample's 1 \.\. 2 s"),
        ({}, {"times": [4.2]}, "wanted at 4.2 s"),
        ({}, {"times": []}, "no times were given"),
        ({}, {"max_pixels": 2000}, "64 x 32 pixels, more than the limit of 2,000"),
    ],
)
def test_impossible_wishes(root: Path, fields: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(MediaError, match=f"sample 's1': good.mp4: .*{message}"):
        load_frames(Video(path="good.mp4", **fields), root, sample_id="s1", **options)


def test_contradictory_arguments(root: Path) -> None:
    for options in ({"times": [1.0], "fps": 2.0}, {"fps": 0.0}, {"max_frames": 0}, {"fps": float("nan")}):
        with pytest.raises(ValueError, match=r"either `times`|must be above 0"):
            load_frames(Video(path="good.mp4"), root, **options)


def test_decoding_more_than_memory_holds_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wherewise.media import video

    monkeypatch.setattr(video, "MAX_BYTES", 64 * 32 * 3 * 10)
    with pytest.raises(MediaError, match=r"40 frames would take .* Fix: sample fewer"):
        load_frames(Video(path="good.mp4"), root)
    assert len(load_frames(Video(path="good.mp4"), root, max_frames=10).times) == 10


def test_without_pyav_the_extra_is_named(root: Path) -> None:
    code = (
        "import sys; sys.modules['av'] = None\n"
        "from pathlib import Path; from wherewise.media import load_frames; from wherewise.samples import Video\n"
        f"load_frames(Video(path='good.mp4'), Path({str(root)!r}), sample_id='s1')"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(wherewise.__file__).parents[1])}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "sample 's1': good.mp4: reading and writing clips needs PyAV. Fix: pip install \"wherewise[video]\"" in (
        result.stderr
    )
