"""Episodes whose questions, pauses and answers are known: speech, something under it, pictures that tell their time.

Between the lessons stand the things that a detector must not take for one: scenes without words, questions that the
speaker answers at once, questions that nobody answers, waits that are too long.
"""

from __future__ import annotations

import io
import random
import subprocess
import tempfile
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray

RATE = 16_000
FPS = 2
CELLS = 12
"""Cells of the strip below each frame: its number in binary, white is 1."""
STRIP = 1 / 6
"""Height of the strip as a share of the frame's."""

Sound = NDArray[np.float32]
Speak = Callable[[str, random.Random], Sound]
"""Text to sound."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One question, pause and answer, as made.

    Attributes:
        question: Text of the question.
        answer: Text of the answer, without praise.
        pause: When nobody speaks, in seconds.
        answered: When the answer is heard, praise before it included.
    """

    question: str
    answer: str
    pause: tuple[float, float]
    answered: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Episode:
    """A made episode.

    Attributes:
        lessons: What must be found.
        cues: What is said: true start, true end, text.
        length: Seconds.
    """

    lessons: tuple[Lesson, ...]
    cues: tuple[tuple[float, float, str], ...]
    length: float


def espeak(voices: Sequence[str], rates: tuple[int, int]) -> Speak:
    """Speech by espeak-ng, a voice and a pace for each utterance."""

    def speak(text: str, rng: random.Random) -> Sound:
        with tempfile.NamedTemporaryFile(suffix=".wav") as file:
            command = ["espeak-ng", "-v", rng.choice(list(voices)), "-s", str(rng.randint(*rates)), "-w", file.name]
            subprocess.run([*command, "--", text], check=True, capture_output=True)
            with wave.open(file.name, "rb") as sound:
                rate = sound.getframerate()
                raw = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(np.float32) / 32768
        heard = np.flatnonzero(np.abs(raw) > 0.01 * np.abs(raw).max())
        raw = raw[heard[0] : heard[-1] + 1]
        found: Sound = np.interp(np.arange(0, len(raw), rate / RATE), np.arange(len(raw)), raw).astype(np.float32)
        return found * rng.uniform(0.6, 1.0)

    return speak


def babble(text: str, rng: random.Random) -> Sound:
    """What sounds like speech to a level meter: a buzzing voice in syllables, hissing between them."""
    length = 0.28 * len(text.split()) + 0.3
    time = np.arange(int(length * RATE)) / RATE
    pitch = rng.uniform(100, 230)
    voice = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 8))
    hiss = np.random.default_rng(rng.getrandbits(32)).normal(0, 0.3, len(time))
    syllables = np.clip(np.sin(2 * np.pi * 4 * time + rng.uniform(0, 6)) + 0.4, 0, None)
    sound: Sound = (0.15 * rng.uniform(0.6, 1.0) * (voice * syllables + 0.15 * hiss)).astype(np.float32)
    return sound


def bed(kind: str, length: int, loudness: float, rng: np.random.Generator) -> Sound:
    """What is heard below the speech.

    Args:
        kind: ``none``, ``noise`` or ``music`` (a chord, plucked twice a second).
        length: Samples.
        loudness: Root mean square.
        rng: Where noise and notes come from.
    """
    if kind == "none":
        return np.zeros(length, np.float32)
    if kind == "noise":
        sound = np.convolve(rng.normal(0, 1, length), np.ones(4) / 4, mode="same")
    else:
        time = np.arange(length) / RATE
        beat = (time * 2).astype(int)
        notes = rng.choice([196.0, 220.0, 261.6, 293.7, 329.6, 392.0], size=(beat[-1] + 1, 3))
        phase = time * 2 % 1
        sound = sum(np.sin(2 * np.pi * notes[beat, k] * time) for k in range(3)) * (0.5 + 0.5 * np.exp(-3 * phase))
    return (sound * loudness / np.sqrt((sound**2).mean())).astype(np.float32)


def script(names: Sequence[str], rng: random.Random) -> Iterator[tuple[str, list[tuple[float, str]]]]:
    """Endless pieces of a show: what kind each is, and its utterances with the wait before each."""
    numbers = ("one", "two", "three", "four", "five", "six", "seven")
    while True:
        a, b, c = rng.sample(list(names), 3)
        question, answer = rng.choice(
            [
                (f"Where is the {a}?", f"Behind the {b}!"),
                (f"Do you see the {a}?", f"There it is, under the {b}!"),
                (f"How many {a}s can you count?", f"{rng.choice(numbers).title()} {a}s!"),
                (f"Which way should we go to find the {a}?", f"Past the {b} and the {c}!"),
                (f"Can you find something next to the {a}?", f"The {b}."),
            ]
        )
        lead, gap = rng.uniform(0.4, 0.9), rng.uniform(2.4, 6.5)
        match rng.choices(
            ("lesson", "praised", "story", "silent", "at once", "nobody", "too long"), (6, 3, 4, 2, 1.5, 1.5, 1)
        )[0]:
            case "lesson":
                praise = rng.choice(("", "", "Right! ", "Yes! ", "Great job! "))
                yield "lesson", [(lead, question), (gap, praise + answer)]
            case "praised":
                yield "lesson", [(lead, question), (gap, "Great job!"), (rng.uniform(0.3, 0.8), answer)]
            case "story":
                yield "story", [(lead, f"We walk around the {a} and look at the {b}.")]
            case "silent":
                yield "story", [(lead, "Look at this room."), (rng.uniform(2.5, 5.0), f"It has a nice {c}.")]
            case "at once":
                yield "story", [(lead, question), (rng.uniform(0.25, 0.6), answer)]
            case "nobody":
                told = f"So we all went on together along the wall, past the {a}, the {b} and the {c}, until evening."
                yield "story", [(lead, question), (gap, told)]
            case "too long":
                yield "story", [(lead, question), (rng.uniform(9.5, 11.0), answer)]


def make_episode(
    folder: Path,
    *,
    seconds: float,
    seed: int,
    speak: Speak,
    pictures: Callable[[int], NDArray[np.uint8]],
    names: Sequence[str],
    under: str = "none",
    below: float = 20.0,
) -> Episode:
    """Write ``S1/e.mp4`` and ``S1/e.srt``.

    Args:
        folder: Where to.
        seconds: Length at which no further piece begins.
        seed: Of script, voices, noise and the subtitles' errors.
        speak: Text to sound.
        pictures: Frame number to frame, without the strip.
        names: Things to talk about.
        under: What is heard below the speech (see `bed`).
        below: By how many decibels it is quieter than the speech.
    """
    rng = random.Random(seed)
    parts: list[tuple[float, Sound]] = []
    cues: list[tuple[float, float, str]] = []
    lessons: list[Lesson] = []
    at, used = 1.0, set()
    for kind, said in script(names, rng):
        if at > seconds - 20:
            break
        if said[0][1] in used and "?" in said[0][1]:
            continue
        used.add(said[0][1])
        begin = len(cues)
        for wait, text in said:
            sound = speak(text, rng)
            at += wait
            parts.append((at, sound))
            cues.append((at, at + len(sound) / RATE, text))
            at += len(sound) / RATE
        if kind == "lesson":
            asked, first, last = cues[begin], cues[begin + 1], cues[-1]
            answer = last[2].removeprefix("Right! ").removeprefix("Yes! ").removeprefix("Great job! ")
            lessons.append(
                Lesson(question=asked[2], answer=answer, pause=(asked[1], first[0]), answered=(first[0], last[1]))
            )
    length = at + 3.0
    sound = np.zeros(int(length * RATE) + RATE, np.float32)
    for start, piece in parts:
        place = int(start * RATE)
        sound[place : place + len(piece)] += piece
    loud = float(np.sqrt(np.mean(np.concatenate([piece for _, piece in parts]) ** 2)))
    noise = np.random.default_rng(seed)
    sound += bed(under, len(sound), loud * 10 ** (-below / 20), noise)
    for lesson in lessons[::4]:  # something falls over while the viewers think
        place = int((lesson.pause[0] + 1.2) * RATE)
        knock = noise.normal(0, 1.5 * loud, int(0.09 * RATE))
        sound[place : place + len(knock)] += (knock * np.linspace(1, 0, len(knock))).astype(np.float32)
    season = folder / "S1"
    season.mkdir(parents=True, exist_ok=True)
    (season / "e.srt").write_text(_srt(cues, rng), encoding="utf-8")
    _write(season / "e.mp4", np.clip(sound, -1, 1), length, pictures)
    return Episode(lessons=tuple(lessons), cues=tuple(cues), length=length)


def _srt(cues: Sequence[tuple[float, float, str]], rng: random.Random) -> str:
    """Subtitles as people make them: a little early or late, and staying for a while."""

    def stamp(time: float) -> str:
        whole = round(time * 1000)
        return f"{whole // 3_600_000:02d}:{whole // 60_000 % 60:02d}:{whole // 1000 % 60:02d},{whole % 1000:03d}"

    shown = []
    for number, (start, end, text) in enumerate(cues):
        begin = max(0.0, start + rng.uniform(-0.15, 0.1))
        stay = end + rng.uniform(0.0, 0.6)
        if number + 1 < len(cues):
            stay = min(stay, cues[number + 1][0] - 0.2)
        shown.append(f"{number + 1}\n{stamp(begin)} --> {stamp(max(stay, begin + 0.2))}\n{text}\n\n")
    return "".join(shown)


def stamped(frame: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """The frame with its number in the strip."""
    height, width = frame.shape[:2]
    out = frame.copy()
    top = height - round(height * STRIP)
    for cell in range(CELLS):
        left, right = width * cell // CELLS, width * (cell + 1) // CELLS
        out[top:, left:right] = 255 if number >> cell & 1 else 0
    return out


def shown_number(picture: NDArray[np.uint8]) -> int:
    """The number in the strip of a picture without margins."""
    height, width = picture.shape[:2]
    row = picture[round(height * (1 - STRIP / 2))].mean(axis=1)
    return sum(int(row[int(width * (cell + 0.5) / CELLS)] > 127) << cell for cell in range(CELLS))


def shown_times(data: bytes, aspect: float, *, tiles: bool) -> list[float]:
    """When the frames of an encoded, letterboxed picture were shown; of a collage those of all its tiles.

    Args:
        data: The encoded picture.
        aspect: Height over width of the clip's frames, at most 1.
        tiles: Whether it is a collage of two by two.
    """
    whole = np.asarray(PIL.Image.open(io.BytesIO(data)).convert("RGB"))
    half = len(whole) // 2
    corners = [(0, 0), (0, half), (half, 0), (half, half)] if tiles else [(0, 0)]
    side = half if tiles else len(whole)
    times = []
    for top, left in corners:
        tile = whole[top : top + side, left : left + side]
        inner = max(1, round(side * aspect))
        margin = (side - inner) // 2
        times.append(shown_number(tile[margin : margin + inner]) / FPS)
    return times


def _write(path: Path, sound: Sound, length: float, pictures: Callable[[int], NDArray[np.uint8]]) -> None:
    import av

    with av.open(str(path), "w") as container:
        first = pictures(0)
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = first.shape[1], first.shape[0], "yuv420p"
        stream.options = {"crf": "18", "preset": "veryfast"}
        track = container.add_stream("aac", rate=RATE)
        track.layout = "mono"
        for number in range(int(length * FPS)):
            frame = av.VideoFrame.from_ndarray(stamped(pictures(number), number), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for start in range(0, len(sound), 1024):
            frame = av.AudioFrame.from_ndarray(sound[start : start + 1024].reshape(1, -1), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = RATE, start
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
