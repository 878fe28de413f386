"""Spatial-R1's rewards, later SpaceR's (``OuyangKun10/SpaceR``, arXiv 2504.01805): answers and numbers.

``v0`` is the code of the first release (commit 6681418), the others that of ``SG-RLVR.py``.
"""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
from pydantic import Field

from wherewise.answers.overlap import rouge, wer
from wherewise.rewards.base import Completion
from wherewise.rewards.legacy.entry import LegacyReward, Params, Row
from wherewise.rewards.legacy.from_samples import lettered_answer
from wherewise.rewards.legacy.tags import first_block, keeps_order
from wherewise.rewards.score import Score
from wherewise.samples import Choice, Number, Sample, Text

ProblemType = Literal["multiple choice", "numerical", "OCR", "free-form", "regression"]
"""SpaceR's ``problem_type``."""

_WORDS = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
_TENS = ["thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
NUMBER_WORDS: dict[str, str] = {
    **{word: str(i + 1) for i, word in enumerate(_WORDS)},
    **{word: str(30 + 10 * i) for i, word in enumerate(_TENS)},
    "zero": "0",
    "a": "1",
    "an": "1",
}
"""Words that are numbers, in the order in which they are looked for."""

_DIGITS = re.compile(r"\d+(\.\d+)?")
_WORD = re.compile(r"\w+")


class SpatialRow(Row):
    """A line of the rewards for one kind of answer."""

    completion: str
    """The reply."""
    ground_truth: str
    """The true answer, with ``<answer>`` or without."""


class ProblemRow(SpatialRow):
    """A line of ``legacy.spatial_r1_accuracy``."""

    problem_type: ProblemType = Field(description="write multiple choice, numerical, OCR, free-form or regression")
    """Its type. In the seed that of the batch's first item counts for all of the batch."""


def truth_of(text: str) -> str:
    """The body of the first ``<answer>``, or all of a text without one; trimmed."""
    body = first_block(text, "answer")
    return (text if body is None else body).strip()


def answer_of(text: str) -> str:
    """The body of a reply's first ``<answer>``, trimmed; empty without one."""
    return (first_block(text, "answer") or "").strip()


def fuzzy_number(text: str) -> float | None:
    """The number that the seed reads in an answer; None if there is none.

    Number words come before digits, in the order of `NUMBER_WORDS` and not of the text; of digits the first run counts.

    >>> [fuzzy_number(text) for text in ("a total of 4", "about 1,200", "twenty one", "-3", "3.5 m", "4e2", "many")]
    [1.0, 1.0, 1.0, 3.0, 3.5, 4.0, None]
    """
    text = text.strip().lower()
    said = set(_WORD.findall(text))
    for word, digits in NUMBER_WORDS.items():
        if word in said:
            return float(digits)
    found = _DIGITS.search(text)
    return float(found[0]) if found else None


def mean_relative_accuracy(value: float, truth: float) -> float | None:
    """Share of the ten thresholds t in .50 ... .95 with ``|value - truth| / truth <= 1 - t``; None for a truth of 0.

    The magnitude of the truth isn't taken: any value is within every threshold of a negative truth.

    >>> [mean_relative_accuracy(1 + e, 1.0) for e in (0.0, 0.05, 0.052, 0.1, 0.3, 0.5)], mean_relative_accuracy(9, -2)
    ([1.0, 1.0, 0.9, 0.9, 0.5, 0.1], 1.0)
    """
    if truth == 0:
        return None
    thresholds = np.linspace(0.5, 0.95, int((0.95 - 0.5) / 0.05 + 2))
    return float((abs(value - truth) / truth <= 1 - thresholds).mean())


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def mra(row: SpatialRow, params: Params) -> Score:
    """Mean relative accuracy of the number in ``<answer>``; 0 without one.

    `mean_relative_accuracy` of `fuzzy_number`, against the true answer as Python's ``float`` reads it.

    Source: ``na_reward`` (v0) and the numerical branch of ``accuracy_reward`` (``SG-RLVR.py``), which agree but for a
    truth of 0: v0 stops with an exception there, ``SG-RLVR.py`` counts 0, and so does this. What is wrong with it:
    number words are looked for before digits and in the order of a list, so that "a total of 4" is 1 and "twenty one"
    is 1; the sign is lost, thousands commas cut the number ("1,200" is 1), units are ignored; a truth of 0 earns
    nothing and a negative one everything.

    Parts: ``read`` (the number), where there is one.
    """
    value, truth = fuzzy_number(answer_of(row.completion)), _float(truth_of(row.ground_truth))
    if value is None or truth is None:
        return Score(value=0.0, note="no number in the answer" if value is None else "the true answer is no number")
    score = mean_relative_accuracy(value, truth)
    note = "a truth of 0 counts as 0" if score is None else ""
    return Score(value=score or 0.0, parts={"read": value}, note=note)


def mca(row: SpatialRow, params: Params) -> Score:
    """1 if the first of A, B, C, D that ``<answer>`` holds anywhere as a capital equals the true answer, else 0.

    First in the order of the alphabet, not of the text; case-blind towards the truth.

    Source: ``mca_reward`` (v0). What is wrong with it: "Answer is B" is A; a reply that names all letters is right
    where A is; lower-case letters are none; the data's true answers ``left`` and ``right`` can never be met, so that
    all 1,000 direction questions earned 0.
    """
    body = answer_of(row.completion)
    letter = next((option for option in "ABCD" if option in body), "None")
    return Score(value=float(letter.lower() == truth_of(row.ground_truth).lower()), note=f"letter read: {letter}")


def format_v0(row: SpatialRow, params: Params) -> Score:
    r"""1 if the whole reply matches ``<think>.*?</think>\s*<answer>.+?</answer>``, else 0 (v0).

    What is wrong with it: blank blocks pass; the same pattern with ``.*?`` came later (``legacy.video_r2_format``).
    """
    value = float(keeps_order(row.completion, ("think", "answer"), last_filled=True))
    return Score(value=value, parts={"format": value})


def answer_accuracy(given: str, truth: str, kind: ProblemType) -> float:
    """The accuracy of ``SG-RLVR.py`` without the map: exact text, MRA, WER, ROUGE or relative difference."""
    match kind:
        case "multiple choice":
            return float(given == truth)
        case "numerical":
            value, gold = fuzzy_number(given), _float(truth)
            return 0.0 if value is None or gold is None else mean_relative_accuracy(value, gold) or 0.0
        case "OCR":
            return max(0.0, min(1.0, 1 - wer(given, truth)))
        case "free-form":
            return max(0.0, min(1.0, sum(rouge(given, truth, stem=True).values()) / 3))
        case "regression":
            value, gold = (_float(text.replace(",", "")) for text in (given, truth))
            if value is None or gold is None:
                return 0.0
            return 1 - min(1.0, max(0.0, (abs(value - gold) + 1e-9) / (abs(gold) + 1e-9)))


def accuracy(row: ProblemRow, params: Params) -> Score:
    """The body of ``<answer>`` against the truth's: equal text, MRA, ``1 - WER``, mean ROUGE, or ``1 - |d| / |g|``.

    Source: ``accuracy_reward`` of ``SG-RLVR.py``, without its map (``legacy.spatial_r1_map``). What is wrong with it:
    the type of the batch's first item is applied to all; an option must be written exactly as in the data ("a", "B."
    and "(B)" are wrong); numbers as in ``legacy.spatial_r1_mra``; "nan" is a perfect answer to a regression question.

    Needs the rouge-score package for free-form answers.
    """
    value = answer_accuracy(answer_of(row.completion), truth_of(row.ground_truth), row.problem_type)
    return Score(value=value, parts={"accuracy": value})


def problem_type(sample: Sample) -> ProblemType:
    """SpaceR's type of one of our samples."""
    match sample.answer:
        case Choice():
            return "multiple choice"
        case Number():
            return "numerical"
        case Text():
            return "OCR"
    return "free-form"


def _tagged(sample: Sample) -> str:
    return f"<answer>{lettered_answer(sample, '{letter}')}</answer>"


def _number_row(completion: Completion, sample: Sample) -> SpatialRow | str:
    if not isinstance(sample.answer, Number):
        return "its answer is no number"
    return SpatialRow(completion=completion.text, ground_truth=_tagged(sample))


def _choice_row(completion: Completion, sample: Sample) -> SpatialRow | str:
    if not isinstance(sample.answer, Choice):
        return "its answer is no option"
    return SpatialRow(completion=completion.text, ground_truth=_tagged(sample))


def _any_row(completion: Completion, sample: Sample) -> SpatialRow:
    return SpatialRow(completion=completion.text, ground_truth=_tagged(sample))


def _problem_row(completion: Completion, sample: Sample) -> ProblemRow | str:
    kind = problem_type(sample)
    if kind == "free-form":
        return f"an answer of kind {sample.answer.kind} is none of SpaceR's types"
    return ProblemRow(completion=completion.text, ground_truth=_tagged(sample), problem_type=kind)


def write(sample: Sample, think: str) -> str:
    """A reply in the layout of the published prompt."""
    return f"<think>{think}</think>\n{_tagged(sample)}"


_V0 = "OuyangKun10/SpaceR@6681418: src/open-r1-multimodal/src/open_r1/grpo_video.py"
_V1 = "OuyangKun10/SpaceR: SpaceR-SG-RLVR/src/r1-v/src/open_r1/SG-RLVR.py"

REWARDS = (
    LegacyReward(
        name="legacy.spatial_r1_mra",
        source=_V1,
        summary="Spatial-R1: mean relative accuracy of a fuzzily read number",
        row=SpatialRow,
        params=Params,
        score=mra,
        row_of=_number_row,
        write=write,
    ),
    LegacyReward(
        name="legacy.spatial_r1_mca",
        source=_V0,
        summary="Spatial-R1 v0: first of A, B, C, D found anywhere in the answer",
        row=SpatialRow,
        params=Params,
        score=mca,
        row_of=_choice_row,
        write=write,
    ),
    LegacyReward(
        name="legacy.spatial_r1_format",
        source=_V0,
        summary="Spatial-R1 v0: 1 for <think>...</think><answer>...</answer>, answer not empty",
        row=SpatialRow,
        params=Params,
        score=format_v0,
        row_of=_any_row,
        write=write,
    ),
    LegacyReward(
        name="legacy.spatial_r1_accuracy",
        source=_V1,
        summary="SpaceR: by problem type: exact, MRA, 1 - WER, ROUGE, relative difference",
        row=ProblemRow,
        params=Params,
        score=accuracy,
        row_of=_problem_row,
        write=write,
    ),
)
"""What this module adds to the legacy rewards."""
