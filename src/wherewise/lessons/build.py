"""Episodes to samples: pair clips with subtitles and labels, find the moments, guard against leaks, ask."""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from wherewise.lessons.classify import classify
from wherewise.lessons.frames import FramePlan, lesson_pictures
from wherewise.lessons.labels import Report, Verdict, read_labels
from wherewise.lessons.moments import Moment
from wherewise.lessons.silence import Silence, SilenceConfig, find_by_silence, levels, narrowed, silences
from wherewise.lessons.subtitles import Cue, DetectConfig, find_moments, leaks, read_subtitles, transcript_before
from wherewise.samples import LETTERS, Choice, Sample, Text, Video
from wherewise.samples.errors import DatasetError, InputError

PLACES = ("season", "episode")
"""Named groups that a clip's pattern must have."""


class LessonsConfig(BaseModel):
    """Lessons from a folder of episodes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    out: Path = Path("data/lessons")
    """Dataset folder to write."""
    root: Path
    """Folder that all paths below are in."""
    videos: str = r"(?P<season>S\d+)/(?P<episode>.+)\.(mp4|mkv|webm)"
    """Regular expression of a clip's path below `root`, with groups ``season`` and ``episode``."""
    subtitles: str = "{season}/{episode}.srt"
    """Path of an episode's subtitles; SRT, VTT or ASS. An episode without the file has no transcript."""
    labels: str | None = None
    """Path of an episode's label file (DORA's JSON array), such as ``qap/{season}/{episode}_formatted.json``. An
    episode with labels is not searched for moments."""
    find_by: Literal["subtitles", "silence"] = "subtitles"
    """How moments are found where there are no labels: by the gaps between cues, or by silences in the sound."""
    min_pause: float = Field(default=1.5, gt=0)
    """Shortest pause in seconds."""
    max_pause: float = Field(default=8.0, gt=0)
    """Longest pause in seconds."""
    narrow: bool = False
    """Cut pauses found by subtitles or labels to the silence inside them."""
    transcript_seconds: float = Field(default=30.0, ge=0)
    """How much speech before the question is in the prompt; 0 leaves it out."""
    pause_frames: int = Field(default=4, ge=1)
    """Most frames of the pause."""
    pause_step: float = Field(default=4.0, gt=0)
    """Seconds between them."""
    collages: int = Field(default=2, ge=0)
    """Collages of four frames of the whole episode before the pause."""
    whole_share: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Share of moments that get collages; which, follows from the moment and the seed."""
    side: int | None = Field(default=448, ge=28)
    """Pictures are letterboxed to so many pixels; null leaves them as they are."""
    choices: int = Field(default=0, ge=0, le=8)
    """0 makes free-form samples; 2 or more makes multiple choice with so many options."""
    splits: dict[str, float] = {"train": 0.9, "test": 0.1}
    """Shares of splits; whole episodes go to one of them."""
    seed: int = Field(default=0, ge=0)
    """Seed of shares, splits and distractors."""
    license: str = "unknown"
    """Licence of the clips, as the samples say it."""

    @field_validator("videos")
    @classmethod
    def _names_places(cls, value: str) -> str:
        try:
            groups = re.compile(value).groupindex
        except re.error as error:
            raise ValueError(f"{value!r} is no regular expression: {error}") from error
        missing = [name for name in PLACES if name not in groups]
        if missing:
            raise ValueError(f"{value!r} has no group {' and '.join(f'(?P<{name}>...)' for name in missing)}")
        return value

    @field_validator("choices")
    @classmethod
    def _more_than_one(cls, value: int) -> int:
        if value == 1:
            raise ValueError("a choice of one: give 0 for free-form, or 2 or more")
        return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Episode:
    """A clip and what belongs to it.

    Attributes:
        season: Name of its season.
        name: Its own name.
        video: Its path below the root.
    """

    season: str
    name: str
    video: str

    @property
    def key(self) -> str:
        """``season/name``: the group of its samples."""
        return f"{self.season}/{self.name}"


@dataclass(kw_only=True, slots=True)
class Account:
    """What happened to episodes and moments.

    Attributes:
        refused: Moments left out, by reason.
        seasons: Label reports by season.
        files: Label reports by file.
        episodes: Episodes read.
    """

    refused: Counter[str] = field(default_factory=Counter)
    seasons: dict[str, Report] = field(default_factory=dict)
    files: dict[str, Report] = field(default_factory=dict)
    episodes: int = 0


def episodes_of(config: LessonsConfig) -> list[Episode]:
    """Clips below the root that the pattern fits, in order of season and name.

    Raises:
        InputError: There is none; names some files that are there.
    """
    if not config.root.is_dir():
        raise InputError(f"root {config.root} is no folder")
    pattern = re.compile(config.videos)
    paths = sorted(p.relative_to(config.root).as_posix() for p in config.root.rglob("*") if p.is_file())
    found = [
        Episode(season=match["season"], name=match["episode"], video=path)
        for path in paths
        if (match := pattern.fullmatch(path))
    ]
    if not found:
        raise InputError(
            f"no file below {config.root} fits videos: {config.videos!r}; there are {', '.join(paths[:3]) or 'none'}"
        )
    return sorted(found, key=lambda episode: (episode.season, episode.name))


def share(config: LessonsConfig, *parts: str) -> float:
    """A number in [0, 1) that follows from the seed and some names."""
    text = "/".join((str(config.seed), *parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def split_of(config: LessonsConfig, episode: Episode) -> str:
    """The split of an episode."""
    total, place = sum(config.splits.values()), share(config, "split", episode.key)
    for name, part in config.splits.items():
        place -= part / total
        if place < 0:
            return name
    return list(config.splits)[-1]


def moments_of(config: LessonsConfig, episode: Episode, account: Account) -> tuple[list[Moment], list[Cue]]:
    """The moments of an episode, and its cues."""
    names = {"season": episode.season, "episode": episode.name}
    path = config.root / config.subtitles.format(**names)
    cues = read_subtitles(path) if path.is_file() else []
    detect = DetectConfig(min_pause=config.min_pause, max_pause=config.max_pause)
    quiet: list[Silence] = []
    if config.narrow or config.find_by == "silence":
        quiet = silences(levels(Video(path=episode.video), config.root, sample_id=episode.key), SilenceConfig())
    labels = None if config.labels is None else config.root / config.labels.format(**names)
    if labels is not None and labels.is_file():
        checked = read_labels(labels)
        account.files.setdefault(str(labels), Report()).add(checked)
        account.seasons.setdefault(episode.season, Report()).add(checked)
        account.refused.update(f"label.{c.verdict}" for c in checked if c.verdict is not Verdict.KEPT)
        found = [entry.moment for entry in checked if entry.moment is not None]
    elif not cues:
        raise DatasetError(
            "the episode has neither labels nor subtitles",
            file=episode.video,
            fix=f"put subtitles at {path}, or name them in `subtitles`",
        )
    elif config.find_by == "silence":
        found = find_by_silence(cues, quiet, SilenceConfig(), detect)
    else:
        found = find_moments(cues, detect)
    return [narrowed(moment, quiet) if config.narrow else moment for moment in found], cues


def lessons(config: LessonsConfig, account: Account) -> Iterator[Sample]:
    """The samples of all episodes.

    Args:
        config: What is made.
        account: Filled as it goes.

    Yields:
        Samples, episode by episode. Nothing of a sample's pictures or transcript lies at or after the end of its pause.
    """
    plan = FramePlan(
        pause_frames=config.pause_frames, pause_step=config.pause_step, collages=config.collages, side=config.side
    )
    read = [(episode, *moments_of(config, episode, account)) for episode in episodes_of(config)]
    account.episodes = len(read)
    pool = sorted({moment.answer for _, moments, _ in read for moment in moments})
    for episode, moments, cues in read:
        for moment in moments:
            transcript = ""
            if config.transcript_seconds:
                said = transcript_before(cues, moment, seconds=config.transcript_seconds)
                transcript = said or (moment.transcript or "")
            if leaks(transcript, moment):
                account.refused["answer_in_transcript"] += 1
                continue
            options = distractors(config, moment, pool, episode) if config.choices else ()
            if config.choices and len(options) < config.choices:
                account.refused["no_distractors"] += 1
                continue
            whole = share(config, "whole", episode.key, moment.id) < config.whole_share
            pictures = lesson_pictures(Video(path=episode.video), config.root, moment, plan, whole=whole)
            labels = classify(moment.question, moment.answer, transcript)
            answer: Text | Choice = Text(value=moment.answer)
            if options:
                place = options.index(moment.answer)
                answer = Choice(letter=LETTERS[place], text=moment.answer)
            yield Sample(
                id=f"{episode.key}/{moment.id}",
                media=tuple(pictures),
                question=f"Transcript:\n{transcript}\n\n{moment.question}" if transcript else moment.question,
                options=options,
                answer=answer,
                task=str(labels["reasoning_category"]),
                group=episode.key,
                split=split_of(config, episode),
                source="lessons",
                license=config.license,
                facts={
                    **labels,
                    "season": episode.season,
                    "episode": episode.name,
                    "entry_id": moment.id,
                    "question_span": [moment.question_start, moment.question_end],
                    "pause": [moment.pause_start, moment.pause_end],
                    "answer_end": moment.answer_end,
                    "found_by": moment.found_by,
                },
            )


def distractors(config: LessonsConfig, moment: Moment, pool: Sequence[str], episode: Episode) -> tuple[str, ...]:
    """The answer among answers to other questions, shuffled: by rule, alike in length, none contained in another."""
    rng = random.Random(f"{config.seed}/{episode.key}/{moment.id}")
    size = len(moment.answer.split())
    own = moment.answer.lower()
    others = [text for text in pool if own not in text.lower() and text.lower() not in own]
    rng.shuffle(others)
    others.sort(key=lambda text: abs(len(text.split()) - size))
    options = [moment.answer]
    for text in others:
        if len(options) == config.choices:
            break
        if all(text.lower() not in kept.lower() and kept.lower() not in text.lower() for kept in options):
            options.append(text)
    rng.shuffle(options)
    return tuple(options)
