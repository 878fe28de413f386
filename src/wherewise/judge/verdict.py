"""What a judge says about one item, and why it may say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel


class Outcome(StrEnum):
    """How asking about one item ended."""

    OK = "ok"
    """A verdict."""
    UNDECIDED = "undecided"
    """A valid reply in which the judge says that it cannot tell."""
    UNPARSABLE = "unparsable"
    """The judge replied, and its text did not fit the schema, nor did the repaired one."""
    MALFORMED = "malformed"
    """What came back is no chat completion (an error page with status 200, broken JSON)."""
    TOO_LARGE = "too_large"
    """The reply passed the size limit; reading stopped there."""
    TIMEOUT = "timeout"
    """A deadline passed."""
    CONNECTION = "connection"
    """No connection, or one that broke."""
    SERVER_ERROR = "server_error"
    """Status 5xx."""
    RATE_LIMITED = "rate_limited"
    """Status 429, and the time to wait was longer than the time left."""
    REJECTED = "rejected"
    """Any other status: a wrong key, an unknown model, a request that the server does not take."""
    CIRCUIT_OPEN = "circuit_open"
    """Not sent, because the calls before it failed."""

    @property
    def judged(self) -> bool:
        """True if the judge did its work; everything else counts against the budget."""
        return self in (Outcome.OK, Outcome.UNDECIDED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """One item's verdict.

    Attributes:
        value: The task's number, or None when there is none; None is masked out, never read as 0.
        note: Why, in words.
        outcome: How asking ended.
        reply: The validated reply, if there is one.
        path: How the reply was had: ``json_schema``, ``json_object`` or ``text``, with ``+repair`` after a second try.
        cached: True if the reply came from the cache.
        seconds: Time from the first attempt to the reply; 0 from the cache.
        prompt_tokens: Tokens sent, as the server counts them; 0 if it doesn't say.
        completion_tokens: Tokens received.
        misfits: Replies that did not fit the schema, each with what was wrong with it; none from the cache.
    """

    value: float | None
    note: str = ""
    outcome: Outcome = Outcome.OK
    reply: BaseModel | None = None
    path: str = ""
    cached: bool = False
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    misfits: tuple[tuple[str, str], ...] = ()
