"""Video-R2's rewards (``mbzuai-oryx/Video-R2``, ``train/src/train/``)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np
from pydantic import Field

from wherewise.answers.overlap import rouge, wer
from wherewise.judge.rules import timeline_claims
from wherewise.rewards.base import Completion
from wherewise.rewards.legacy.entry import LegacyReward, Params, Row
from wherewise.rewards.legacy.from_samples import lettered_answer, timeline_table, timeline_text
from wherewise.rewards.legacy.tags import first_block, keeps_order
from wherewise.rewards.minilm import MiniLM
from wherewise.rewards.score import Score
from wherewise.rewards.similarity import Matrix, label_similarity
from wherewise.samples import Boolean, Choice, Number, Sample, Text, Timeline

_PLAIN_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?|[-+]?\d{1,3}(,\d{3})*(\.\d+)?")
_SHORT_TEXT = re.compile(r"[A-Za-z0-9\s\-:]+")
_LETTER = re.compile(r"[A-Ea-e]")
_KEPT = 50_000
_SEPARATOR = re.compile(r"\s*(?:-|–|—|to)\s*", re.IGNORECASE)


class ReplyRow(Row):
    """A line of ``legacy.video_r2_format``."""

    completion: str
    """The reply."""


class VideoAnswerRow(ReplyRow):
    """A line of ``legacy.video_r2_accuracy``."""

    ground_truth: str
    """The reference reply with ``<answer>``. Without that tag all of it is the answer (the seed would score 0)."""


class TimelineRow(Row):
    """A line of ``legacy.video_r2_tar``: the claims as the judge extracted them, not the reply."""

    claims: dict[str, str] | None = Field(description='write {"MM:SS" or "MM:SS-MM:SS": text}, or null')
    """Time to sentence, from the reasoning; null where the judge timed out or failed."""
    reference: dict[str, str] = Field(description='write {"MM:SS" or "MM:SS-MM:SS": text}')
    """Time to sentence, the data's ``temporal_grounding``."""
    buffer_seconds: float = Field(default=2, ge=0, description="write seconds, 0 or more")
    """Both sides' intervals are widened by so much at both ends: gaps of up to twice as much are bridged."""
    similarity_threshold: float = Field(default=0.75, ge=-1, le=1, description="write a number up to 1")
    """Least similarity of two sentences that match."""
    consistent: bool | None = Field(default=True, description="write true, false or null")
    """What the judge said of reasoning and answer; null where it could not be read. Only true opens the gate."""


class TimelineParams(Params):
    """Parameters of ``legacy.video_r2_tar``."""

    similarity: Literal["exact", "embedding"] = "embedding"
    """How alike sentences are: ``embedding`` is MiniLM as in the seed; ``exact`` is 1 or 0."""


def video_format(row: ReplyRow, params: Params) -> Score:
    r"""1 if the whole reply matches ``<think>.*?</think>\s*<answer>.*?</answer>``, else 0.

    Source: ``reward_funcs.format_reward``. What is wrong with it: empty blocks pass, and so do further tags inside.
    """
    value = float(keeps_order(row.completion, ("think", "answer")))
    return Score(value=value, parts={"format": value})


def question_type(truth: str) -> str:
    """What the seed takes a true answer for, by its text alone.

    >>> [question_type(t) for t in ("B. left", "dog", "1,200", "3.1415", "red car", "He sits, then stands up again.")]
    ['multiple choice', 'multiple choice', 'numerical', 'regression', 'OCR', 'free-form']
    """
    truth = truth.strip()
    if _LETTER.match(truth):
        return "multiple choice"
    if _PLAIN_NUMBER.fullmatch(truth):
        return "regression" if "." in truth and len(truth.split(".")[-1]) > 3 else "numerical"
    return "OCR" if len(truth.split()) <= 5 and _SHORT_TEXT.fullmatch(truth) else "free-form"


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def _letter(text: str) -> str:
    return text[0].upper() if _LETTER.match(text) else text


def _within(value: float) -> float:
    return max(0.0, min(1.0, value))


def _answer_score(kind: str, given: str, truth: str) -> float:
    if kind == "multiple choice":
        return float(_letter(given) == _letter(truth))
    if kind == "OCR":
        return _within(1 - wer(given, truth))
    if kind == "free-form":
        return _within(sum(rouge(given, truth, stem=True).values()) / 3)
    number, gold = _number(given), _number(truth)
    if number is None or gold is None:
        return 0.0
    if kind == "regression":
        return _within(1 - (abs(number - gold) + 1e-9) / (abs(gold) + 1e-9))
    pointed = [any(mark in text for mark in ".,") for text in (given, truth)]
    return float(pointed[0] == pointed[1] and round(number, 2) == round(gold, 2))


def video_accuracy(row: VideoAnswerRow, params: Params) -> Score:
    """A score by the type that the true answer looks like (`question_type`).

    Letters equal; or ``1 - WER``; or the mean F of ROUGE-1, 2 and L (stemmed); or ``1 - (|d| + 1e-9) / (|g| + 1e-9)``;
    or, for plain numbers, both with a point or comma or both without, and equal when rounded to two decimals. Each
    clipped to [0, 1].

    Source: ``reward_funcs.accuracy_reward``, ``reward_utils``. What is wrong with it: any true answer that begins with
    a to e is an option, so that "door" is right where "dog" is; "4.0" is wrong where "4" is right; options F and on are
    read as text; digits with a unit are no number; "nan" earns 1 where the truth has four decimals; words in WER count
    punctuation and case.

    Needs the rouge-score package for free-form answers. Parts: ``right`` (the value) and 1 for the type.
    """
    given = (first_block(row.completion, "answer") or "").strip()
    tagged = first_block(row.ground_truth, "answer")
    truth = (row.ground_truth if tagged is None else tagged).strip()
    kind = question_type(truth)
    note = f"scored as {kind}" + ("" if tagged is not None else "; the true answer has no <answer>: all of it is taken")
    return Score(value=_answer_score(kind, given, truth), parts={kind.replace(" ", "_"): 1.0}, note=note)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence and when it is said to hold, in whole seconds."""

    start: int
    end: int
    text: str


def _seconds(token: str) -> int | None:
    token = token.strip().strip("+.,").lower()
    parts = token.split(":")
    try:
        if len(parts) == 1:
            return round(float(token))
        *whole, last = parts
        if len(whole) > 2:
            return None
        hours, minutes = (0, int(whole[0])) if len(whole) == 1 else (int(whole[0]), int(whole[1]))
        return round(hours * 3600 + minutes * 60 + float(last))
    except (ValueError, OverflowError):
        return None


def _span(key: str) -> tuple[int, int] | None:
    parts = _SEPARATOR.split(key.strip())
    times = [_seconds(part) for part in parts]
    if len(times) > 2 or any(time is None or time < 0 for time in times):
        return None
    start, end = times[0], times[-1]
    assert start is not None
    assert end is not None
    return (start, end) if start <= end else (end, start)


def read_claims(table: Mapping[str, Any]) -> list[Claim]:
    """Claims in the order of their middles; later ones replace earlier ones of the same time.

    Keys: seconds, ``MM:SS``, ``HH:MM:SS``, or two of them with a dash or ``to`` between, swapped if need be, rounded to
    whole seconds. Keys that can't be read, and open ends (``00:10-end``), are dropped; empty sentences too.

    >>> [(c.start, c.end) for c in read_claims({"0:09 to 0:05": "a", "00:02": "b", "1:00-end": "c"})]
    [(2, 2), (5, 9)]
    """
    spans = {}
    for key, text in table.items():
        span = _span(key)
        if span is not None:
            spans[span] = text
    claims = [Claim(*span, text.strip()) for span, text in spans.items() if text.strip()]
    return sorted(claims, key=lambda claim: (claim.start + claim.end) / 2)


@dataclass(slots=True)
class _Sentences:
    """MiniLM's embeddings of sentences as they are written, each embedded once."""

    model: MiniLM
    kept: dict[str, Matrix] = field(default_factory=dict)

    def encode(self, texts: Sequence[str]) -> Matrix:
        unseen = list(dict.fromkeys(text for text in texts if text not in self.kept))
        if len(self.kept) + len(unseen) > _KEPT:
            self.kept.clear()
            unseen = list(dict.fromkeys(texts))
        if unseen:
            self.kept.update(zip(unseen, self.model.encode(unseen).astype(np.float64), strict=True))
        return np.stack([self.kept[text] for text in texts])


@cache
def _sentences() -> _Sentences:
    return _Sentences(model=MiniLM.load())


def _alike(first: Sequence[str], second: Sequence[str], name: str) -> Matrix:
    """Similarities of all pairs: of the sentences as they are written (MiniLM), or of their normal forms (exact)."""
    if name == "exact":
        return label_similarity("exact").matrix(first, second)
    vectors = _sentences().encode([*first, *second])
    cosines: Matrix = vectors[: len(first)] @ vectors[len(first) :].T
    return cosines


def tar(row: TimelineRow, params: TimelineParams) -> Score:
    """``g * matched claims / claims``: the share of the claims that the reference bears out, if the gate g is open.

    Claims are taken in the order of their times; each takes, of the references that are still free and whose interval
    meets its own when both are widened by the buffer, the most similar one at or above the threshold. g is 1 if the
    judge found reasoning and answer consistent, else 0.

    Source: ``temporal_grounding_reward.py``, ``reward_funcs.temporal_grounding_sentence_embedding_consistency_reward``.
    What is wrong with it: precision alone, so that one safe claim earns 1; the answer may be wrong; a judge that times
    out or can't be read is a 0, not a missing value; greedy matching can leave references free that another order would
    use; with a buffer of 2 s, intervals 4 s apart still meet; no claims against no reference is 0.

    Parts: ``claims``, ``references``, ``matches``, ``precision``, ``gate``.
    """
    if row.claims is None:
        return Score(value=0.0, note="the judge gave no claims, which the seed's code counts as 0")
    ours, gold = read_claims(row.claims), read_claims(row.reference)
    gate = float(row.consistent is True)
    parts = {"claims": float(len(ours)), "references": float(len(gold)), "matches": 0.0, "precision": 0.0, "gate": gate}
    if not ours or not gold:
        return Score(value=0.0, parts=parts, note="a side without claims counts as 0")
    alike = _alike([c.text for c in ours], [c.text for c in gold], params.similarity)
    free, reach = set(range(len(gold))), row.buffer_seconds * 2
    for i, claim in enumerate(ours):
        meeting = [j for j in sorted(free) if claim.start - gold[j].end <= reach and gold[j].start - claim.end <= reach]
        close = [j for j in meeting if alike[i, j] >= row.similarity_threshold]
        if close:
            free.remove(max(close, key=lambda j: (alike[i, j], -j)))
    parts["matches"] = float(len(gold) - len(free))
    parts["precision"] = parts["matches"] / len(ours)
    return Score(value=gate * parts["precision"], parts=parts)


def _row_of(completion: Completion, sample: Sample) -> VideoAnswerRow | str:
    if not isinstance(sample.answer, (Choice, Number, Boolean, Text)):
        return f"an answer of kind {sample.answer.kind} is none of Video-R2's types"
    truth = f"<answer>{lettered_answer(sample, '{letter}. {text}')}</answer>"
    return VideoAnswerRow(completion=completion.text, ground_truth=truth)


def _reply(completion: Completion, sample: Sample) -> ReplyRow:
    return ReplyRow(completion=completion.text)


def _timeline_row(completion: Completion, sample: Sample) -> TimelineRow | str:
    if not isinstance(sample.evidence, Timeline):
        return "it has no timeline"
    events = timeline_claims(first_block(completion.text, "think") or "")
    return TimelineRow(claims=timeline_table(Timeline(events=tuple(events))), reference=timeline_table(sample.evidence))


def write(sample: Sample, think: str) -> str:
    """A reply in the layout of the published prompt; the reasoning tells the sample's timeline if it has one."""
    told = f"{timeline_text(sample.evidence)} {think}" if isinstance(sample.evidence, Timeline) else think
    return f"<think>{told}</think>\n<answer>{lettered_answer(sample, '{letter}. {text}')}</answer>"


_SOURCE = "mbzuai-oryx/Video-R2: train/src/train/"

REWARDS = (
    LegacyReward(
        name="legacy.video_r2_format",
        source=_SOURCE + "reward_funcs.py",
        summary="Video-R2: 1 for <think>...</think><answer>...</answer>",
        row=ReplyRow,
        params=Params,
        score=video_format,
        row_of=_reply,
        write=write,
    ),
    LegacyReward(
        name="legacy.video_r2_accuracy",
        source=_SOURCE + "reward_funcs.py, reward_utils.py",
        summary="Video-R2: by the type that the true answer looks like",
        row=VideoAnswerRow,
        params=Params,
        score=video_accuracy,
        row_of=_row_of,
        write=write,
    ),
    LegacyReward(
        name="legacy.video_r2_tar",
        source=_SOURCE + "temporal_grounding_reward.py, reward_funcs.py",
        summary="Video-R2: precision of timed claims, behind a consistency gate",
        row=TimelineRow,
        params=TimelineParams,
        score=tar,
        row_of=_timeline_row,
        write=write,
    ),
)
"""What this module adds to the legacy rewards."""
