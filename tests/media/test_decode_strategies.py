"""The same frames, bit for bit, however they are reached; and the cheapest way chosen from the index."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from wherewise.media import Decoder, MediaError, Strategy, load_frames
from wherewise.media.container import Index, list_frames, opened
from wherewise.media.decode import decode_plan
from wherewise.media.plan import JUMP_SECONDS, Plan, frame_seconds, plan
from wherewise.media.torchcodec_frames import torchcodec_loads
from wherewise.samples import Video

av: Any = pytest.importorskip("av", reason="PyAV is not installed")

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "videos"
STRATEGIES = (Strategy.AUTO, Strategy.SEEK, Strategy.SEQUENTIAL)


def moving(count: int, height: int = 64, width: int = 96) -> NDArray[np.uint8]:
    """A textured square that moves over a texture: every kind of prediction has something to do."""
    rng = np.random.default_rng(3)
    frames = np.repeat(rng.integers(0, 256, (1, height, width, 3), dtype=np.uint8), count, axis=0)
    square = rng.integers(0, 256, (20, 20, 3), dtype=np.uint8)
    for i in range(count):
        top, left = (3 * i) % (height - 20), (5 * i) % (width - 20)
        frames[i, top : top + 20, left : left + 20] = square
    return frames


def encoded(codec: str, options: dict[str, str], *, gop: int, count: int = 60, kind: str = "mp4") -> Video:
    target = io.BytesIO()
    with av.open(target, "w", format=kind) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.gop_size = gop
        stream.options = options
        for i, array in enumerate(moving(count)):
            frame = av.VideoFrame.from_ndarray(array, format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return Video(data=target.getvalue())


def plain(video: Video) -> list[NDArray[np.uint8]]:
    """Every frame of a plain run."""
    assert video.data is not None
    with av.open(io.BytesIO(video.data)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


X264 = {"preset": "veryfast", "sc_threshold": "0"}
CLIPS: dict[str, tuple[str, dict[str, str], int, str]] = {
    "h264": ("libx264", X264, 12, "mp4"),
    "h264 one group": ("libx264", X264, 250, "mp4"),
    "h264 tiny groups": ("libx264", X264 | {"bf": "3"}, 3, "mp4"),
    "h264 intra": ("libx264", X264, 1, "mp4"),
    "h264 pyramid": ("libx264", X264 | {"x264-params": "bframes=8:b-pyramid=strict:b-adapt=0"}, 20, "mp4"),
    "h264 open groups": ("libx264", X264 | {"x264-params": "open-gop=1:bframes=3:b-adapt=0"}, 12, "matroska"),
    "h264 interlaced": ("libx264", X264 | {"x264-params": "tff=1"}, 12, "mp4"),
    "hevc": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none:bframes=3:b-adapt=0"}, 12, "mp4"),
    "mpeg4": ("mpeg4", {"bf": "2", "qscale": "4"}, 12, "mp4"),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "crf": "30"}, 12, "webm"),
}


@pytest.mark.parametrize("name", CLIPS)
def test_every_strategy_gives_the_frames_of_a_plain_run(name: str) -> None:
    codec, options, gop, kind = CLIPS[name]
    video = encoded(codec, options, gop=gop, kind=kind)
    truth = plain(video)
    assert len(truth) == 60
    for wanted in ([0, 7, 11, 12, 13, 29, 58, 59], [5], [24, 36], list(range(20, 31)), [59]):
        times = [position / 10 for position in wanted]
        for strategy in STRATEGIES:
            frames = load_frames(video, None, times=times, strategy=strategy)
            assert frames.times == pytest.approx(times, abs=2e-3)
            for position, array in zip(wanted, frames.array, strict=True):
                assert (array == truth[position]).all(), (strategy, position)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) for n in ("jesse_dance.mp4", "videor1_video1.mp4", "yoga.mp4")]
)
def test_real_clips_give_the_same_frames_by_every_strategy(name: str) -> None:
    if not (SHARED / name).is_file():
        pytest.skip(f"shared/data/videos/{name} is not here")
    video = Video(path=name)
    first, *others = (load_frames(video, SHARED, max_frames=32, strategy=strategy) for strategy in STRATEGIES)
    assert len(first.times) == 32
    for other in others:
        assert other.times == first.times
        assert (other.array == first.array).all()


def index_of(keys: list[int], count: int, size: int = 0) -> Index:
    pts = list(range(count))
    return Index(
        pts=pts, keys=keys, times=[p / 30 for p in pts], duration=count / 30, size=size, time_base=Fraction(1, 30)
    )


def test_a_jump_is_made_where_it_saves_more_than_it_costs() -> None:
    index = index_of([0, 60, 120, 180], 240)
    pixels = 1280 * 720
    least = JUMP_SECONDS / frame_seconds(index, pixels)  # frames that a jump must leave out to pay
    assert 0 < least < 30
    spread = plan(index, [10, 100, 230], pixels=pixels)
    assert [(run.key, run.wanted) for run in spread.runs] == [(0, (10,)), (1, (100,)), (3, (230,))]
    assert (spread.strategy, spread.decoded) == (Strategy.SEEK, 11 + 41 + 51)
    near = plan(index, [58, 62], pixels=64)
    assert [run.wanted for run in near.runs] == [(58, 62)]
    assert near.strategy is Strategy.SEQUENTIAL
    assert plan(index, [10, 230], pixels=64).seconds < plan(index, [10, 230], pixels=pixels).seconds
    keys = plan(index, [0, 60, 180], pixels=pixels)
    assert (keys.strategy, keys.decoded) == (Strategy.KEYFRAMES, 3)


def test_the_chosen_plan_is_never_dearer_than_the_others() -> None:
    rng = np.random.default_rng(11)
    for _ in range(200):
        count = int(rng.integers(2, 400))
        keys = sorted({0, *rng.integers(0, count, int(rng.integers(1, 12))).tolist()})
        index = index_of(keys, count, size=int(rng.integers(count, 20_000 * count)))
        wanted = sorted(set(rng.integers(0, count, int(rng.integers(1, 40))).tolist()))
        pixels = int(rng.integers(100, 10**6))
        plans = {s: plan(index, wanted, pixels=pixels, strategy=s) for s in STRATEGIES}
        assert plans[Strategy.AUTO].seconds <= min(p.seconds for p in plans.values()) + JUMP_SECONDS
        assert all([position for run in p.runs for position in run.wanted] == wanted for p in plans.values())


class Counted:
    """A codec context that counts what it is fed and what comes out."""

    def __init__(self, context: Any) -> None:
        object.__setattr__(self, "context", context)
        object.__setattr__(self, "fed", 0)
        object.__setattr__(self, "out", 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.context, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.context, name, value)

    def decode(self, packet: Any) -> list[Any]:
        frames = self.context.decode(packet)
        object.__setattr__(self, "fed", self.fed + (packet is not None))
        object.__setattr__(self, "out", self.out + len(frames))
        return list(frames)


def test_no_packet_is_fed_that_no_wanted_frame_needs() -> None:
    video = encoded("libx264", X264 | {"x264-params": "bframes=3:b-adapt=0:b-pyramid=none"}, gop=20)
    with opened(video, None, "", 10**6) as (container, stream):
        index = list_frames(container, stream, video, "")
        steps: Plan = plan(index, [1, 45], pixels=10**6)
        assert [run.key for run in steps.runs] == [0, 2]

        class Stream:
            codec_context = Counted(stream.codec_context)

        class Container:
            def seek(self, stamp: int, *, stream: Any, **options: Any) -> None:
                container.seek(stamp, stream=container.streams.video[0], **options)

            def demux(self, stream: Any) -> Any:
                return container.demux(container.streams.video[0])

        assert [p for p, _ in decode_plan(Container(), Stream(), index, steps, video, "")] == [1, 45]
        assert Stream.codec_context.fed <= 3 + 10  # up to frame 1 (with its reference); from keyframe 40 to 45
        assert Stream.codec_context.out < Stream.codec_context.fed  # frames that nothing refers to were left out


def test_keyframes_alone() -> None:
    video = encoded("libx264", X264, gop=12)
    frames = load_frames(video, None, max_frames=4, keyframes=True)
    assert frames.times == pytest.approx([0.0, 2.4, 3.6, 4.8])
    assert (frames.array == np.stack([plain(video)[p] for p in (0, 24, 36, 48)])).all()
    assert len(load_frames(video, None, fps=10, keyframes=True).times) == 5
    inner = Video(data=video.data, start=0.1, end=1.1)
    with pytest.raises(MediaError, match=r"the sample's span holds no keyframe\. Fix: set keyframes: false"):
        load_frames(inner, None, max_frames=2, keyframes=True)
    with pytest.raises(ValueError, match="a wanted frame is no keyframe"):
        load_frames(video, None, times=[0.1], strategy=Strategy.KEYFRAMES)


def test_fewest_and_most_frames() -> None:
    video = encoded("libx264", X264, gop=12, count=30)
    assert load_frames(video, None, fps=1, min_frames=4).times == pytest.approx([0.0, 1.0, 1.9, 2.9])
    assert len(load_frames(video, None, fps=0.1, min_frames=4, max_frames=8).times) == 4
    assert len(load_frames(video, None, fps=10, min_frames=4, max_frames=8).times) == 8
    assert len(load_frames(Video(data=video.data, end=0.1), None, fps=1, min_frames=4).times) == 2
    with pytest.raises(ValueError, match=r"`min_frames` \(4\) is more than `max_frames` \(2\)"):
        load_frames(video, None, min_frames=4, max_frames=2)


@pytest.mark.skipif(torchcodec_loads(), reason="torchcodec can be imported here")
def test_without_torchcodec_the_way_out_is_named() -> None:
    video = encoded("libx264", X264, gop=12, count=4)
    with pytest.raises(MediaError, match=r"torchcodec cannot be imported: .*Fix: .*set decoder: pyav"):
        load_frames(video, None, decoder=Decoder.TORCHCODEC)
    assert len(load_frames(video, None, decoder=Decoder.AUTO).times) == 4


@pytest.mark.skipif(not torchcodec_loads(), reason="torchcodec cannot be imported here")
@pytest.mark.parametrize("name", ["h264", "h264 one group", "hevc", "vp9"])
def test_torchcodec_gives_the_same_frames(name: str) -> None:
    codec, options, gop, kind = CLIPS[name]
    video = encoded(codec, options, gop=gop, kind=kind)
    times = [5.9, 0.0, 1.2, 1.2, 3.3]
    ours = load_frames(video, None, times=times)
    theirs = load_frames(video, None, times=times, decoder=Decoder.TORCHCODEC)
    assert theirs.times == ours.times
    assert np.abs(theirs.array.astype(int) - ours.array).max() <= 1
    if kind == "mp4":
        assert video.data is not None
        with pytest.raises(MediaError, match=r"the clip is truncated"):
            load_frames(Video(data=video.data[:-400]), None, times=[5.9], decoder=Decoder.TORCHCODEC)
