"""Temporal alignment: what the reasoning says happens when, against what does; with a consistency gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy.optimize import linear_sum_assignment

from wherewise.answers.styles import PromptConfig
from wherewise.judge.config import JudgeConfig
from wherewise.rewards.base import Completion, ReplyGroup
from wherewise.rewards.conclusion import ConsistencyJudge, agrees, reasoning_of
from wherewise.rewards.judged import JudgedConsistency, JudgedTimeline
from wherewise.rewards.score import Score
from wherewise.rewards.similarity import MINILM, LabelSimilarity, SimilarityName, label_similarity
from wherewise.rewards.timeline import TimelineExtractor, extract_by_rules, timeline_block
from wherewise.samples import Sample, Timeline, TimelineEvent


class TemporalParams(BaseModel):
    """Parameters of the ``temporal`` reward."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    buffer_seconds: float = Field(default=2.0, ge=0)
    """How far a claim may reach beyond an event's start and end, in seconds."""
    min_iou: float = Field(default=0.5, gt=0, le=1)
    """A claimed span that reaches further still matches if its overlap with the widened event is at least this."""
    similarity: SimilarityName = "embedding"
    """How the texts of claims and events are compared: ``embedding``, ``words`` or ``exact``."""
    model: str = MINILM
    """``embedding`` only: the packaged MiniLM, or a name that sentence-transformers loads."""
    similarity_threshold: float = Field(default=0.75, ge=0, le=1)
    """Texts less alike than this do not match."""
    extractor: Literal["rules", "judge"] = "rules"
    """Who reads the claims of ``<think>``: rules for times in text, or the judge. ``<timeline>`` needs neither."""
    consistency: Literal["off", "rules", "judge"] = "rules"
    """The gate: ``rules`` shuts it where the reasoning concludes another answer than the one given; ``judge`` asks."""
    judge: JudgeConfig | None = None
    """The judge, where one is asked."""
    max_claims: int = Field(default=64, ge=1)
    """Claims beyond this many are never matched; they still count as surplus."""

    @model_validator(mode="after")
    def _has_judge(self) -> Self:
        if self.judge is None and "judge" in (self.extractor, self.consistency):
            raise ValueError("extractor or consistency 'judge' needs the settings of a `judge`")
        return self


def times_match(claim: TimelineEvent, event: TimelineEvent, buffer_seconds: float, min_iou: float) -> bool:
    """Whether a claim is about an event's time.

    With the event widened by the buffer on both sides: the claim lies in it, or their overlap over their union is at
    least `min_iou`. A span that covers the whole clip matches nothing but an event that does so too.

    >>> event = TimelineEvent(label="he reads", start=20.0, end=30.0)
    >>> spans = ((18.0, 18.0), (33.0, 33.0), (0.0, 90.0))
    >>> [times_match(TimelineEvent(label="", start=a, end=b), event, 2.0, 0.5) for a, b in spans]
    [True, False, False]
    """
    start, end = event.start - buffer_seconds, event.end + buffer_seconds
    if start <= claim.start and claim.end <= end:
        return True
    shared = min(end, claim.end) - max(start, claim.start)
    return shared > 0 and shared >= min_iou * (max(end, claim.end) - min(start, claim.start))


def alignment(
    claims: Sequence[TimelineEvent],
    events: Sequence[TimelineEvent],
    similarity: LabelSimilarity,
    *,
    buffer_seconds: float = 2.0,
    similarity_threshold: float = 0.75,
    min_iou: float = 0.5,
    max_claims: int = 64,
) -> dict[str, float]:
    """Precision, recall and F1 of claims, all in [0, 1].

    With M the largest one-to-one matching of claims and events whose times match (`times_match`) and whose texts are at
    least `similarity_threshold` alike: precision ``|M| / claims``, recall ``|M| / events``, F1
    ``2 |M| / (claims + events)``. All are 0 where either side is empty.
    """
    found = {"claims": float(len(claims)), "matches": 0.0, "precision": 0.0, "recall": 0.0, "f1": 0.0}
    if not claims or not events:
        return found
    read = claims[:max_claims]
    alike = similarity.matrix([claim.label for claim in read], [event.label for event in events])
    timely = np.array([[times_match(claim, event, buffer_seconds, min_iou) for event in events] for claim in read])
    fits = timely & (alike >= similarity_threshold)
    rows, columns = linear_sum_assignment(-fits.astype(np.float64))
    matches = float(fits[rows, columns].sum())
    return found | {
        "matches": matches,
        "precision": matches / len(claims),
        "recall": matches / len(events),
        "f1": 2 * matches / (len(claims) + len(events)),
    }


@dataclass(frozen=True, slots=True)
class TemporalReward:
    """``g * F1`` of the reply's timed claims against the sample's `Timeline`, in [0, 1].

    F1 is that of `alignment`. The gate g is 0 where the reasoning concludes something else than the answer, else 1.
    Claims come from ``<timeline>``, or else from ``<think>``.

    It is the temporal alignment reward (TAR) of Video-R2 (arXiv 2511.23478) with its consistency gate. There the score
    is the share of claims that match, so that one safe claim earns 1; a span matches any event that it overlaps, so
    that one over the whole clip matches all; the matching is greedy in the order of claims; each side is widened by the
    buffer, which allows gaps of twice the buffer; and a judge that fails or cannot decide is a 0. Here a reply that
    could not be judged has no value, unless the other half of the formula is 0 by itself.

    Attributes:
        params: What to measure and how.
        extractor: Reads the claims of ``<think>``.
        judge: Decides the gate; None for rules or no gate.
        shuffled_share: No shuffled frames are needed.
    """

    params: TemporalParams
    extractor: TimelineExtractor
    judge: ConsistencyJudge | None = None
    shuffled_share: float = 0.0

    def __call__(self, completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        """The score of one reply."""
        return self.score_group(ReplyGroup(completions=(completion,), sample=sample, prompt=prompt))[0]

    def score_group(self, group: ReplyGroup) -> tuple[Score, ...]:
        """Scores of all completions; a judge is asked about all of them at once."""
        params, timeline = self.params, group.sample.evidence
        if not isinstance(timeline, Timeline) or not timeline.events:
            note = f"sample {group.sample.id!r} has no timeline to compare with"
            return tuple(Score(value=None, note=note) for _ in group.completions)
        replies = [reasoning_of(completion, group.sample, group.prompt) for completion in group.completions]
        claimed: list[Sequence[TimelineEvent] | None] = [timeline_block(c.text) for c in group.completions]
        asked = [i for i, claims in enumerate(claimed) if claims is None]
        for i, claims in zip(asked, self.extractor([replies[i] for i in asked]) if asked else (), strict=True):
            claimed[i] = claims
        gates = self._gates(group)
        similarity = label_similarity(params.similarity, params.model)
        read = [event.label for claims in claimed for event in (claims or ())[: params.max_claims]]
        if read:
            similarity.prepare([*(event.label for event in timeline.events), *read])
        return tuple(
            self._score(claims, gate, timeline, similarity) for claims, gate in zip(claimed, gates, strict=True)
        )

    def _gates(self, group: ReplyGroup) -> list[float | None]:
        """1 open, 0 shut, None unknown; one a completion."""
        if self.judge is not None:
            return list(self.judge([reasoning_of(c, group.sample, group.prompt) for c in group.completions]))
        if self.params.consistency == "off":
            return [1.0] * len(group.completions)
        return [float(agrees(c, group.sample, group.prompt) is not False) for c in group.completions]

    def _score(
        self,
        claims: Sequence[TimelineEvent] | None,
        gate: float | None,
        timeline: Timeline,
        similarity: LabelSimilarity,
    ) -> Score:
        params, parts = self.params, {} if gate is None else {"consistent": gate}
        if claims is None:
            if gate == 0:
                return Score(value=0.0, parts=parts, note="reasoning and answer disagree")
            return Score(value=None, parts=parts, note="the claims could not be extracted")
        parts |= alignment(
            claims,
            timeline.events,
            similarity,
            buffer_seconds=params.buffer_seconds,
            similarity_threshold=params.similarity_threshold,
            min_iou=params.min_iou,
            max_claims=params.max_claims,
        )
        if gate is None and parts["f1"] > 0:
            return Score(value=None, parts=parts, note="it could not be decided whether reasoning and answer agree")
        note = "reasoning and answer disagree" if gate == 0 else "" if claims else "no timed claims"
        return Score(value=(gate or 0.0) * parts["f1"], parts=parts, note=note)


def temporal(params: TemporalParams | None = None) -> TemporalReward:
    """The reward of some parameters."""
    params = params or TemporalParams()
    settings = params.judge
    extractor = JudgedTimeline(settings) if settings and params.extractor == "judge" else extract_by_rules
    judge = JudgedConsistency(settings) if settings and params.consistency == "judge" else None
    return TemporalReward(params, extractor, judge)
