"""Claims about times in a reply: from its ``<timeline>``, from rules, or from a judge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from wherewise.answers.parse import parse
from wherewise.judge.rules import timeline_claims
from wherewise.rewards.blocks import body_of
from wherewise.rewards.conclusion import Reasoning
from wherewise.samples import TimelineEvent


class TimelineExtractor(Protocol):
    """Reads the timed claims of each reply; all of a group at once."""

    def __call__(self, replies: Sequence[Reasoning]) -> Sequence[Sequence[TimelineEvent] | None]:
        """Claims in seconds, empty where there are none; None where a reply could not be judged."""
        ...


def extract_by_rules(replies: Sequence[Reasoning]) -> list[list[TimelineEvent]]:
    """The claims that rules find in the reasoning: times in text, and the words that belong to them.

    >>> reply = Reasoning(question="", think="At 00:20 he sits down. From 0:30 to 0:35 he reads.", answer="A")
    >>> [(claim.start, claim.end, claim.label) for claim in extract_by_rules([reply])[0]]
    [(20.0, 20.0, 'he sits down'), (30.0, 35.0, 'he reads')]
    """
    return [timeline_claims(reply.think) for reply in replies]


def timeline_block(text: str) -> list[TimelineEvent] | None:
    """Claims of the last complete ``<timeline>`` block, as the parser reads it; None without such a block.

    >>> [(e.start, e.end) for e in timeline_block('<timeline>{"00:20-00:48": "he wipes"}</timeline>')]
    [(20.0, 48.0)]
    """
    if body_of(text, "timeline") is None:
        return None
    value = parse("timeline", text).value
    return [event for event in value if isinstance(event, TimelineEvent)] if isinstance(value, tuple) else []
