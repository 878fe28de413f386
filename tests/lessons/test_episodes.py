"""Questions, pauses and answers of whole episodes: all are found, nothing else is, and no answer is seen or read."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from spoken_episode import FPS, Episode, Lesson, babble, espeak, make_episode, shown_times

from wherewise.lessons.build import Account, episodes_of, lessons, moments_of
from wherewise.lessons.config import LessonsConfig
from wherewise.lessons.moments import Moment
from wherewise.samples import Sample, Text

NAMES = ("table", "chair", "lamp", "sofa", "shelf", "plant", "basket", "piano", "mirror", "clock", "fridge", "desk")
ASPECT = 0.75
START, END = 0.8, 0.35
"""Seconds by which a found pause may begin and end elsewhere; subtitles stay for up to 0.6 s after the words."""


def plain_pictures(number: int) -> NDArray[np.uint8]:
    return np.full((36, 48, 3), 60 + number % 7, np.uint8)


def config(folder: Path, **changes: Any) -> LessonsConfig:
    return LessonsConfig.model_validate({"root": folder, "side": 168, "pause_step": 1.0, **changes})


def matches(found: Moment, made: Lesson) -> bool:
    return (
        found.question == made.question
        and found.answer == made.answer
        and abs(found.pause_start - made.pause[0]) <= START
        and abs(found.pause_end - made.pause[1]) <= END
    )


def precision_recall(folder: Path, made: Episode, **changes: Any) -> tuple[float, float]:
    settings = config(folder, **changes)
    [episode] = episodes_of(settings)
    found, _ = moments_of(settings, episode, Account())
    right = sum(any(matches(moment, lesson) for lesson in made.lessons) for moment in found)
    hit = sum(any(matches(moment, lesson) for moment in found) for lesson in made.lessons)
    return right / max(1, len(found)), hit / len(made.lessons)


def check_no_leaks(folder: Path, made: Episode, **changes: Any) -> int:
    """No picture and no cue of a sample is from its answer or later; returns how many frames were looked at."""
    settings = config(folder, whole_share=0.5, collages=1, **changes)
    samples = list(lessons(settings, Account()))
    looked = 0
    for sample in samples:
        lesson = lesson_of(sample, made)
        for medium, spread in zip(sample.media, pictures_spread(sample, settings), strict=True):
            assert medium.data is not None
            times = shown_times(medium.data, ASPECT, tiles=spread)
            assert all(time < lesson.answered[0] for time in times), (sample.id, times, lesson)
            if not spread:
                assert all(time >= lesson.pause[0] - START - 1 / FPS for time in times), (sample.id, times, lesson)
            looked += len(times)
        check_no_words(sample, lesson, made)
    return looked


def lesson_of(sample: Sample, made: Episode) -> Lesson:
    assert isinstance(sample.answer, Text)
    [lesson] = [
        each for each in made.lessons if sample.question.endswith(each.question) and each.answer == sample.answer.value
    ]
    return lesson


def pictures_spread(sample: Sample, settings: LessonsConfig) -> list[bool]:
    """For each picture whether it is a collage: those come first, and pauses have at most `pause_frames` pictures."""
    start, end = sample.facts["pause"]
    singles = min(settings.pause_frames, 1 + int(max(0.0, end - 0.25 - start) / settings.pause_step))
    return [True] * (len(sample.media) - singles) + [False] * singles


def check_no_words(sample: Sample, lesson: Lesson, made: Episode) -> None:
    """The transcript holds cues from before the question alone."""
    transcript = sample.question.removesuffix(lesson.question).removeprefix("Transcript:\n").strip()
    asked = lesson.pause[0]
    before = " ".join(text for _, end, text in made.cues if end < asked and text != lesson.question)
    assert re.sub(r"^… ", "", transcript) in before, sample.id
    assert lesson.answer not in transcript


def test_lessons_of_a_short_episode(tmp_path: Path) -> None:
    """Music plays below the speech, so that no level that is fixed beforehand finds the pauses."""
    made = make_episode(
        tmp_path, seconds=100, seed=3, speak=babble, pictures=plain_pictures, names=NAMES, under="music", below=20.0
    )
    assert len(made.lessons) >= 3
    for find_by in ("subtitles", "silence"):
        assert precision_recall(tmp_path, made, find_by=find_by) == (1.0, 1.0)
    assert precision_recall(tmp_path, made, find_by="silence", silence_decibels=-40)[1] == 0
    assert check_no_leaks(tmp_path, made, find_by="silence") > 0


def rooms(seed: int, count: int) -> tuple[Callable[[int], NDArray[np.uint8]], tuple[str, ...]]:
    """Frames of walks through simulated rooms, one after the other, and what stands in them."""
    from wherewise.scenes.simulate import SimulateConfig, simulate

    settings = SimulateConfig.model_validate(
        {"width": 160, "height": 120, "frames": 60, "fps": FPS, "objects": (5, 9), "motion": "tour"}
    )
    frames: list[NDArray[np.uint8]] = []
    names: set[str] = set(NAMES[:4])
    for index in range(count):
        shown = simulate(settings, seed, index)
        frames += shown.rgb
        names |= {thing.category for thing in shown.scene.objects}
    return lambda number: frames[number % len(frames)], tuple(sorted(names))


EPISODES = (
    {"seed": 11, "voices": ("en-us+f3", "en-gb"), "rates": (130, 150), "under": "none", "below": 0.0},
    {"seed": 12, "voices": ("en-us+m3", "en-us+f2"), "rates": (150, 180), "under": "noise", "below": 20.0},
    {"seed": 13, "voices": ("en-gb-scotland+f4", "en-us+m7"), "rates": (120, 140), "under": "music", "below": 18.0},
    {"seed": 14, "voices": ("en-us+f1", "en-gb+m1"), "rates": (140, 200), "under": "noise", "below": 14.0},
    {"seed": 15, "voices": ("en-us+f5", "en-029"), "rates": (110, 170), "under": "music", "below": 14.0},
)


@pytest.mark.slow
@pytest.mark.parametrize("of", EPISODES, ids=lambda of: f"{of['under']}-{of['below']:g}dB")
def test_lessons_of_five_minutes(tmp_path: Path, of: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed (Debian package espeak-ng)")
    pictures, names = rooms(of["seed"], 5)
    made = make_episode(
        tmp_path,
        seconds=300,
        seed=of["seed"],
        speak=espeak(of["voices"], of["rates"]),
        pictures=pictures,
        names=names,
        under=of["under"],
        below=of["below"],
    )
    assert made.length > 280
    figures = {find_by: precision_recall(tmp_path, made, find_by=find_by) for find_by in ("subtitles", "silence")}
    looked = {find_by: check_no_leaks(tmp_path, made, find_by=find_by) for find_by in figures}
    with capsys.disabled():
        for find_by, (precision, recall) in figures.items():
            print(
                f"\n{made.length:.0f} s, {len(made.lessons)} lessons, {of['under']} {of['below']:g} dB below, "
                f"{find_by}: precision {precision:.3f}, recall {recall:.3f}, {looked[find_by]} frames looked at"
            )
    for precision, recall in figures.values():
        assert precision >= 0.95
        assert recall >= 0.95
