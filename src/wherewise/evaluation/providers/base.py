"""What answers the questions: a model, a file of replies, or a baseline."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from wherewise.samples import Media


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One question as the model is asked it.

    Attributes:
        sample_id: The sample's id.
        text: The user's turn: question, options, instruction.
        media: Pictures and clips, shown before the text.
        root: Folder that media paths are relative to.
        letters: Options of a multiple-choice question, shown as ``A``, ``B``, ...; 0 for other questions.
    """

    sample_id: str
    text: str
    media: tuple[Media, ...]
    root: Path
    letters: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        text: The reply without special tokens; empty when there is an `error`.
        truncated: True if the length limit ended it.
        tokens: Generated tokens; 0 if unknown.
        error: Why there is no reply, or None.
    """

    text: str
    truncated: bool = False
    tokens: int = 0
    error: str | None = None


class Provider(Protocol):
    """Answers requests.

    Attributes:
        name: Kind and model for tables (``hf:outputs/grpo``).
        fingerprint: Changes when the replies could change: a hash of the weights or of the file of replies.
        batch_size: Requests that are best handed over together.
    """

    name: str
    fingerprint: str
    batch_size: int

    def order(self, requests: Sequence[Request]) -> list[Request]:
        """The order in which requests are best asked (similar sizes together)."""
        ...

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """One reply a request, in order."""
        ...


@runtime_checkable
class StreamingProvider(Provider, Protocol):
    """Has more than one request under way and hands each reply over as it comes."""

    def stream(self, requests: Sequence[Request]) -> Generator[list[tuple[Request, Reply]], None, None]:
        """Each request once, with its reply, in the order in which replies come."""
        ...


@runtime_checkable
class MeteredProvider(Provider, Protocol):
    """Counts what asking took."""

    def usage(self) -> dict[str, Any]:
        """What asking took so far: requests, tokens, seconds, cost."""
        ...
