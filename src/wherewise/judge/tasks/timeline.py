"""Which moments a reasoning names, and what it says happens there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wherewise.judge.request import Block
from wherewise.judge.rules import parse_seconds
from wherewise.judge.tasks.task import JudgeTask, Reading, ReplyForm
from wherewise.samples.evidence import TimelineEvent

MAX_CLAIMS = 64
"""Claims beyond this many are left out."""

RULES = f"""You list the timed claims of a text about a video.

A timed claim says that something is seen or heard at a stated time or in a stated span. For each one give
- start and end: the times as the text states them, as MM:SS or HH:MM:SS (write seconds as MM:SS: 75 s is \
01:15); for a moment both are equal;
- text: what happens, in ten words at most, in the words of the text.

Leave out: times of day, durations without a place in the video, plans and instructions, and statements without \
a time. Add nothing that the text doesn't say. Keep the order of the text. List {MAX_CLAIMS} claims at most.

Form of the reply: {{"claims": [{{"start": "MM:SS", "end": "MM:SS", "text": "..."}}]}}; without timed claims \
{{"claims": []}}."""


class ClaimForm(ReplyForm):
    """One claim."""

    start: str
    end: str
    text: str


class TimelineForm(ReplyForm):
    """The claims of a text."""

    claims: list[ClaimForm]

    def events(self) -> list[TimelineEvent]:
        """The claims in seconds, by start; those whose times cannot be read are left out."""
        events = []
        for claim in self.claims[:MAX_CLAIMS]:
            times = [parse_seconds(claim.start), parse_seconds(claim.end or claim.start)]
            seconds = [time for time in times if time is not None and math.isfinite(time)]
            if len(seconds) == 2 and claim.text.strip():
                events.append(TimelineEvent(label=claim.text.strip(), start=min(seconds), end=max(seconds)))
        return sorted(events, key=lambda event: (event.start, event.end))


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineItem:
    """A reasoning whose timed claims are wanted."""

    think: str


def _read(reply: TimelineForm) -> Reading:
    events, claims = reply.events(), len(reply.claims)
    note = f"{claims - len(events)} of {claims} claims without readable times or text" if claims > len(events) else ""
    return Reading(value=float(len(events)), note=note)


TIMELINE: JudgeTask[TimelineItem, TimelineForm] = JudgeTask(
    name="timeline",
    summary="the timed claims of a reasoning; value: how many",
    rules=RULES,
    form=TimelineForm,
    blocks=lambda item: (Block(name="reasoning", text=item.think),),
    read=_read,
    settled=lambda item: None if item.think.strip() else Reading(value=0.0, note="no reasoning"),
)
"""``TimelineItem`` -> number of claims; the claims themselves are ``verdict.reply.events()``."""
