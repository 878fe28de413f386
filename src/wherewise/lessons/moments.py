"""A question to the viewers, the pause in which they answer, and the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MUSIC = re.compile(r"[♪♫♩♬♭♯♮]")
_UNUSUAL = re.compile(r"[^\w\s.,!?:;\-'\"()\[\]…¿¡]")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """A question, a pause and an answer. Times are seconds from the start of the episode.

    Attributes:
        id: Unique within the episode.
        question: What is asked.
        question_start: When the question begins.
        question_end: When it ends.
        pause_start: When the silence begins.
        pause_end: When it ends: nothing of the answer is seen or heard before.
        answer: What is said after the pause.
        answer_end: When the answer ends.
        transcript: Words before the question that the label itself brings, or None.
        found_by: ``labels``, ``subtitles`` or ``silence``.
    """

    id: str
    question: str
    question_start: float
    question_end: float
    pause_start: float
    pause_end: float
    answer: str
    answer_end: float
    transcript: str | None = None
    found_by: str = "labels"


def clean_text(text: str) -> str:
    """Text without music signs, formatting and odd characters; ``¿`` and ``¡`` stay, which DORA's own cleaning removes.

    >>> clean_text("♪ There   it is! ♪"), clean_text(" ¿Dónde está?, ")
    ('There it is!', '¿Dónde está?')
    """
    plain = _UNUSUAL.sub("", _MUSIC.sub("", text))
    return _SPACE.sub(" ", plain).strip().lstrip(".,;: ").rstrip(",;: ")


def published_clean_text(text: str) -> str:
    """DORA's ``clean_text``: also drops ``¿`` and ``¡``, and full stops at both ends.

    >>> published_clean_text("♪ There it is. ♪"), published_clean_text("¿Dónde está?")
    ('There it is', 'Dónde está?')
    """
    plain = re.sub(r"[^\w\s.,!?:;\-'\"()\[\]…]", "", _MUSIC.sub("", text))
    return _SPACE.sub(" ", plain).strip().strip(".,;:").strip()
