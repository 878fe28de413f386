"""Silences in the sound of a clip."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from wherewise.lessons.moments import Moment
from wherewise.lessons.subtitles import Cue, DetectConfig, answer_words, is_question, joined
from wherewise.media.errors import MediaError
from wherewise.media.roots import name_of, open_medium
from wherewise.samples import Video

RATE = 16_000
"""Samples a second that sound is brought to."""
HOP = 512
"""Samples of one measurement: 32 ms."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SilenceConfig:
    """What counts as silence.

    Attributes:
        decibels: Level below the loudest measurement of the episode; DORA takes -40.
        shortest: Shortest silence in seconds; DORA takes 1.
        reach: How many seconds before a silence its question may end, and after it its answer may begin.
    """

    decibels: float = -40.0
    shortest: float = 1.0
    reach: float = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Silence:
    """From `start` to `end`, in seconds from the start of the file."""

    start: float
    end: float


def levels(video: Video, root: Path | None, *, sample_id: str = "") -> np.ndarray[Any, Any]:
    """Root mean square of the sound, one value for every `HOP` samples at `RATE`, channels averaged.

    Raises:
        MediaError: The clip cannot be opened, has no sound, or PyAV is not installed.
    """
    try:
        import av
    except ModuleNotFoundError as missing:
        raise MediaError(
            "sound needs PyAV", fix="pip install 'wherewise[video]'", file=name_of(video), sample=sample_id
        ) from missing
    with open_medium(video, root, sample_id=sample_id) as stream:
        try:
            container = av.open(stream)
        except av.error.FFmpegError as error:
            raise MediaError(f"no clip: {error}", fix="copy it again", file=name_of(video), sample=sample_id) from error
        with container:
            if not container.streams.audio:
                raise MediaError(
                    "the clip has no sound", fix="detect by subtitles or labels", file=name_of(video), sample=sample_id
                )
            resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
            first = container.streams.audio[0].start_time
            offset = 0.0 if first is None else float(first * container.streams.audio[0].time_base)
            parts = [np.zeros(max(0, round(offset * RATE)), np.float32)]
            for frame in container.decode(audio=0):
                parts += [piece.to_ndarray().reshape(-1) for piece in resampler.resample(frame)]
            parts += [piece.to_ndarray().reshape(-1) for piece in resampler.resample(None)]
    sound = np.concatenate(parts).astype(np.float32)
    whole = sound[: len(sound) // HOP * HOP].reshape(-1, HOP)
    found: np.ndarray[Any, Any] = np.sqrt((whole.astype(np.float64) ** 2).mean(axis=1))
    return found


def silences(level: np.ndarray[Any, Any], config: SilenceConfig) -> list[Silence]:
    """Runs of measurements below the threshold that last long enough."""
    loudest = float(level.max(initial=0.0))
    if loudest <= 0:
        return []
    quiet = 20 * np.log10(np.maximum(level, 1e-12) / loudest) < config.decibels
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(np.int8), [0]])))
    step = HOP / RATE
    runs = [(int(a) * step, int(b) * step) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [Silence(start=a, end=b) for a, b in runs if b - a >= config.shortest]


def find_by_silence(
    cues: Sequence[Cue], found: Sequence[Silence], config: SilenceConfig, detect: DetectConfig
) -> list[Moment]:
    """For each silence the question before it and the answer after it, from the cues; a question is used once."""
    spoken, moments, used = joined(cues), [], set()
    for silence in found:
        before = [
            (number, cue)
            for number, cue in enumerate(spoken)
            if cue.start < silence.start and silence.start - config.reach <= cue.end <= silence.start + 0.5
        ]
        asked = next(((n, cue) for n, cue in reversed(before) if is_question(cue.text)), None)
        if asked is None or asked[0] in used or asked[0] != before[-1][0]:
            continue
        number, cue = asked
        after = next((c for c in spoken[number + 1 :] if c.start >= silence.start), None)
        if after is None or after.start > silence.end + config.reach:
            continue
        answer = answer_words(after.text, detect)
        pause_end = min(after.start, silence.end) if after.start > silence.start else silence.end
        if answer is None or not detect.min_pause <= pause_end - cue.end <= detect.max_pause:
            continue
        used.add(number)
        moments.append(
            Moment(
                id=f"q{number:04d}",
                question=cue.text,
                question_start=cue.start,
                question_end=min(cue.end, silence.start),
                pause_start=silence.start,
                pause_end=pause_end,
                answer=answer,
                answer_end=after.end,
                found_by="silence",
            )
        )
    return moments


def narrowed(moment: Moment, found: Sequence[Silence]) -> Moment:
    """A moment with its pause cut to the silence that overlaps it most, if one does."""

    def overlap(silence: Silence) -> float:
        return min(silence.end, moment.pause_end) - max(silence.start, moment.pause_start)

    best = max(found, key=overlap, default=None)
    if best is None or overlap(best) <= 0 or not math.isfinite(overlap(best)):
        return moment
    return replace(
        moment,
        pause_start=max(moment.pause_start, best.start),
        pause_end=min(moment.pause_end, best.end),
    )
