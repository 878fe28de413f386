"""Times and subtitles on frames: where they stand, that they contrast, what is refused, and that YAML reaches them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import ImageFont
from pydantic import ValidationError

from wherewise.cli.main import run
from wherewise.evaluation.protocol import EvalConfig, MediaLimits
from wherewise.evaluation.providers.shown import load_clip
from wherewise.media import MediaError, OverlayConfig, ReadingConfig, draw_overlay, encode_video, read_clip
from wherewise.media.contrast import READABLE, contrast, luminance
from wherewise.media.cues import Cue, find_subtitles, read_cues, shown_at
from wherewise.media.overlay import check_legible, clock
from wherewise.samples import Video

pytest.importorskip("av", reason="PyAV is not installed")

COLOURS = {"light": (245, 245, 245), "dark": (12, 12, 12), "red": (200, 20, 20), "grey": (119, 119, 119)}
SRT = (
    "1\n00:00:00,000 --> 00:00:01,000\n<i>Where is the fox?</i>\n\n"
    "2\n00:00:02,000 --> 00:00:03,000\nBehind\nthe tree!\n"
)


def flat(colour: tuple[int, int, int], height: int = 180, width: int = 320, count: int = 1) -> NDArray[np.uint8]:
    return np.broadcast_to(np.array(colour, np.uint8), (count, height, width, 3)).copy()


def changed(drawn: NDArray[np.uint8], plain: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of what differs."""
    mask = (drawn != plain).any(axis=-1)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


@pytest.mark.parametrize("name", COLOURS)
@pytest.mark.parametrize("look", ["plate", "outline"])
def test_text_contrasts_with_what_is_around_it(name: str, look: str) -> None:
    frames = flat(COLOURS[name])
    drawn = draw_overlay(frames, [3725.0], OverlayConfig(look=look))[0]  # type: ignore[arg-type]
    top, bottom, left, right = changed(drawn, frames[0])
    found = luminance(drawn[top:bottom, left:right])
    least = READABLE if look == "plate" else 3.0  # the published look promises less
    assert float(contrast(found.min(), found.max())) >= least


def test_a_plate_is_readable_over_every_pixel() -> None:
    """Every colour that a plate can have, under text at the least opacity."""
    grid = np.stack(np.meshgrid(*[np.arange(0, 256, 15)] * 3), axis=-1).reshape(1, -1, 1, 3).astype(float)
    on_black = contrast(1.0, luminance(grid * 0.45))
    on_white = contrast(0.0, luminance(grid * 0.45 + 255 * 0.55))
    assert on_black.min() >= READABLE
    assert on_white.min() >= READABLE


def test_a_busy_ground_is_covered_more() -> None:
    rng = np.random.default_rng(0)
    busy = rng.choice(np.array([0, 255], np.uint8), (1, 180, 320, 1)).repeat(3, axis=3)
    drawn = draw_overlay(busy, [1.0], OverlayConfig())[0]
    top, bottom, left, _ = changed(drawn, busy[0])
    edge = luminance(drawn[top:bottom, left : left + 2])  # padding: no text there
    assert float(contrast(edge.min(), edge.max())) <= 1.7
    half = flat(COLOURS["light"])
    drawn = draw_overlay(half, [1.0], OverlayConfig())[0]
    assert drawn[top, left].tolist() == [251, 251, 251]  # 0.6 white over 245


@pytest.mark.parametrize("corner", ["top-left", "top-right", "bottom-left", "bottom-right"])
def test_the_corner(corner: str) -> None:
    frames = flat(COLOURS["dark"])
    top, bottom, left, right = changed(draw_overlay(frames, [1], OverlayConfig(position=corner))[0], frames[0])  # type: ignore[arg-type]
    assert (top < 20) == corner.startswith("top")
    assert (bottom > 160) == corner.startswith("bottom")
    assert (left < 20) == corner.endswith("left")
    assert (right > 300) == corner.endswith("right")


def test_size_follows_the_frame_within_limits() -> None:
    def rows(height: int, width: int, config: OverlayConfig) -> int:
        frames = flat(COLOURS["dark"], height, width)
        top, bottom, _, _ = changed(draw_overlay(frames, [1.0], config)[0], frames[0])
        return bottom - top

    config = OverlayConfig()
    assert rows(200, 300, config) == rows(300, 400, config)  # both at min_px
    assert rows(720, 1280, config) > 1.7 * rows(300, 400, config)
    assert rows(2000, 3000, config) == rows(1300, 3000, config)  # both at max_px
    assert rows(112, 112, config) <= rows(200, 300, config)
    with pytest.raises(MediaError, match=r"s1.*clip\.mp4: frames of 60 x 40 pixels are too small for the time"):
        draw_overlay(flat(COLOURS["dark"], 40, 60), [1.0], config, file="clip.mp4", sample_id="s1")


def test_frames_are_not_changed_in_place_and_times_tell_them_apart() -> None:
    frames = flat(COLOURS["grey"], count=3)
    before = frames.copy()
    drawn = draw_overlay(frames, [0.0, 0.99, 1.0], OverlayConfig())
    assert (frames == before).all()
    assert (drawn[0] == drawn[1]).all()  # both 00:00:00
    assert (drawn[1] != drawn[2]).any()
    assert [clock(t) for t in (59.9999999, 3599.5, 360000)] == ["00:01:00", "00:59:59", "100:00:00"]


def test_subtitles_are_drawn_while_they_are_shown() -> None:
    cues = [Cue(start=1, end=2, text="Where is the fox?"), Cue(start=3, end=4, text="word " * 30)]
    frames = flat(COLOURS["light"], count=3)
    config = OverlayConfig(timestamps=False, subtitles=Path("unused"))
    drawn = draw_overlay(frames, [0.5, 1.5, 3.5], config, cues=cues)
    assert (drawn[0] == frames[0]).all()
    top, bottom, left, right = changed(drawn[1], frames[1])
    assert abs((left + right) / 2 - 160) <= 1
    assert bottom > 160
    longer = changed(drawn[2], frames[2])
    assert longer[1] - longer[0] > 2 * (bottom - top)  # wrapped
    assert longer[3] - longer[2] <= 0.9 * 320 + 1


def test_subtitles_stay_clear_of_the_time() -> None:
    cues = [Cue(start=0, end=9, text="line\n" * 4)]
    for position, edge in (("top-left", "top"), ("bottom-left", "bottom")):
        config = OverlayConfig(subtitles=Path("unused"), position=position, subtitle_position=edge)  # type: ignore[arg-type]
        frames = flat(COLOURS["dark"], 180, 180)
        alone = draw_overlay(frames, [1.0], config)[0]
        both = draw_overlay(frames, [1.0], config, cues=cues)[0]
        top, bottom, left, right = changed(alone, frames[0])
        assert (both[top:bottom, left:right] == alone[top:bottom, left:right]).all()
    with pytest.raises(MediaError, match="too small for the subtitle"):
        draw_overlay(frames, [1.0], config, cues=[Cue(start=0, end=9, text="word " * 200)])


def test_letters_that_the_font_lacks_are_named(tmp_path: Path) -> None:
    cues = [Cue(start=0, end=9, text="¿Dónde está?")]
    config = OverlayConfig(subtitles=tmp_path)
    with pytest.raises(MediaError, match=r"the font has no letter .*Fix: give overlay\.font"):
        draw_overlay(flat(COLOURS["dark"]), [1.0], config, cues=cues)
    with pytest.raises(MediaError, match=r"none\.ttf: there is no such font"):
        draw_overlay(flat(COLOURS["dark"]), [1.0], OverlayConfig(font=tmp_path / "none.ttf"))
    try:
        path = ImageFont.truetype("DejaVuSans.ttf", 10).path
    except OSError:
        pytest.skip("DejaVuSans.ttf is not installed")
    config = OverlayConfig(subtitles=tmp_path, font=Path(str(path)))
    frames = flat(COLOURS["dark"])
    assert (draw_overlay(frames, [1.0], config, cues=cues) != frames).any()


def test_cues_are_read_and_looked_up(tmp_path: Path) -> None:
    (tmp_path / "shows").mkdir()
    (tmp_path / "shows" / "one.srt").write_text(SRT, encoding="utf-8")
    (tmp_path / "dots.srt").write_text(SRT.replace(",", "."), encoding="utf-8")
    path = find_subtitles(Video(path="shows/one.mp4"), tmp_path)
    assert path is not None
    cues = read_cues(path)
    assert [(c.start, c.end, c.text) for c in cues] == [(0, 1, "Where is the fox?"), (2, 3, "Behind\nthe tree!")]
    assert read_cues(tmp_path / "dots.srt") == cues
    assert [shown_at(cues, t) for t in (0.5, 1.04, 1.2, 1.96, 2.0)] == [
        "Where is the fox?", "Where is the fox?", "", "Behind\nthe tree!", "Behind\nthe tree!",
    ]  # fmt: skip
    assert find_subtitles(Video(path="shows/two.mp4"), tmp_path) is None
    (tmp_path / "bad.srt").write_text("no subtitles", encoding="utf-8")
    with pytest.raises(MediaError, match=r"bad\.srt: these are no subtitles"):
        read_cues(tmp_path / "bad.srt")
    with pytest.raises(MediaError, match="found by the clip's path"):
        find_subtitles(Video(data=b"x"), tmp_path)


def test_a_resize_that_leaves_too_little_is_refused() -> None:
    config = OverlayConfig()
    check_legible(config, (1280, 720), (504, 280))
    with pytest.raises(MediaError, match=r"at 308 x 168, which leaves 10 of the 43 pixels.*set max_pixels to 51744"):
        check_legible(config, (1280, 720), (308, 168), file="a.mp4", sample_id="s1")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"timestamps": False}, "draws nothing"),
        ({"min_px": 40, "max_px": 30}, "more than max_px"),
        ({"opacity": 0.3}, "greater than or equal to 0.55"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        OverlayConfig.model_validate(settings)


@pytest.fixture
def shows(tmp_path: Path) -> Path:
    data = encode_video(flat(COLOURS["dark"], 120, 160, 40), 10)
    (tmp_path / "one.mp4").write_bytes(data)
    (tmp_path / "two.mp4").write_bytes(data)
    (tmp_path / "one.srt").write_text(SRT, encoding="utf-8")
    return tmp_path


def test_a_clip_is_read_with_all_of_it(shows: Path) -> None:
    video = Video(path="one.mp4")
    overlay = OverlayConfig(subtitles=shows)
    plain = read_clip(video, shows, ReadingConfig(), fps=1)
    drawn = read_clip(video, shows, ReadingConfig(overlay=overlay), fps=1)
    assert drawn.times == plain.times == (0.0, 1.0, 2.0, 3.0)
    assert all((drawn.array[:, 80:] != plain.array[:, 80:]).any(axis=(1, 2, 3))[i] for i in (0, 1, 2))
    small = read_clip(video, shows, ReadingConfig(max_pixels=9_000, overlay=overlay), fps=1, min_frames=2)
    assert small.array.shape[1] * small.array.shape[2] <= 9_000
    with pytest.raises(MediaError, match=r"s7.*two\.mp4: .* has no subtitles of this clip.*missing_subtitles: leave"):
        read_clip(Video(path="two.mp4"), shows, ReadingConfig(overlay=overlay), fps=1, sample_id="s7")
    leave = overlay.model_copy(update={"missing_subtitles": "leave"})
    assert read_clip(Video(path="two.mp4"), shows, ReadingConfig(overlay=leave), fps=1).times == drawn.times


def test_evaluation_shows_the_overlay_and_says_so(shows: Path) -> None:
    video = dataclasses.replace(Video(path="one.mp4"))
    limits = MediaLimits(frames=4, reading=ReadingConfig(overlay=OverlayConfig()))
    drawn = load_clip(video, limits, shows, sample_id="s1")
    plain = load_clip(video, MediaLimits(frames=4), shows, sample_id="s1")
    assert drawn.times == plain.times
    assert (drawn.array != plain.array).any(axis=(1, 2, 3)).all()
    with pytest.raises(ValidationError, match=r"set media\.max_pixels"):
        MediaLimits(reading=ReadingConfig(max_pixels=5000))
    with pytest.raises(ValidationError, match="leave `reading` out"):
        EvalConfig(media=MediaLimits(clips="file", reading=ReadingConfig(overlay=OverlayConfig())))


def test_the_command_writes_pictures(shows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shows / "reading.yaml").write_text("overlay: {size: 0.1}\n", encoding="utf-8")
    words = ["data", "overlay", str(shows / "one.mp4"), str(shows / "out"), "--fps", "1"]
    assert run([*words, "--reading", str(shows / "reading.yaml"), "--subtitles", str(shows / "one.srt")]) == 0
    assert "4 frames of 160 x 120 pixels" in capsys.readouterr().out
    assert sorted(path.name for path in (shows / "out").iterdir())[1] == "one-00001.000.png"
    (shows / "reading.yaml").write_text("overlay: {colour: red}\n", encoding="utf-8")
    assert run([*words, "--reading", str(shows / "reading.yaml")]) == 2
    assert "overlay.colour" in capsys.readouterr().err
