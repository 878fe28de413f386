"""DORA's rewards (Structure Over Scale, arXiv 2601.23251; ``ostadabbas/SoS-Structure-Over-Scale``)."""

from __future__ import annotations

import re

from wherewise.answers.overlap import edit_distance, words
from wherewise.rewards.base import Completion
from wherewise.rewards.legacy.entry import LegacyReward, Params, Row
from wherewise.rewards.legacy.from_samples import plain_answer
from wherewise.rewards.score import Score
from wherewise.samples import Sample

MARKER = "Final answer:"
"""What the answer follows; case counts."""

_LABELLED = re.compile(r"(?:final\s+answer|answer)\s*:?\s*(.+?)(?:\n|$)", re.IGNORECASE)
_STATED = re.compile(r"the answer is\s*:?\s*(.+?)(?:\n|$)", re.IGNORECASE)
_NEEDED = re.compile(r"we need to\s*(.+?)(?:\n|$)", re.IGNORECASE)
_SENTENCE = re.compile(r"[.!?]\s+")
_END = re.compile(r"[.!?]+$")
_WORD = re.compile(r"\w+")


class DoraRow(Row):
    """A line of ``legacy.dora`` or ``legacy.dora_f1``."""

    completion: str
    """The reply."""
    ground_truth: str
    """The true answer, as text."""


def final_answer(text: str) -> str:
    r"""All behind the first ``Final answer:``, or else the last line that isn't empty.

    >>> final_answer("Final answer: on the bed"), final_answer("It is red.\n\nBlue\n")
    ('on the bed', 'Blue')
    """
    if MARKER in text:
        return text.split(MARKER, 1)[1].strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else text.strip()


def set_overlap(given: list[str], truth: list[str]) -> float:
    """F1 of the two sets of tokens; 0 where one is empty or they share nothing."""
    shared = len(set(given) & set(truth))
    return 2 * shared / (len(set(given)) + len(set(truth))) if shared else 0.0


def dora(row: DoraRow, params: Params) -> Score:
    """``.3 F1 + .7 (1 - edit distance / longer length)`` of the final answer's words against the true answer's.

    Words are lower-case runs of a-z and 0-9. F1 is that of the two sets, the edit distance that of the two lists. 0 if
    either has no word.

    Source: ``compute_dora_reward`` of ``scripts/train_grpo_dora_vl_clean.py`` with ``string_f1`` of
    ``src/ppo_trainer_simple.py``. What is wrong with it: the prompt asks for the answer in the first sentence, the
    reward reads the last line; accented letters split words, and other scripts have none; "not on the bed" earns most
    of "on the bed"; a synonym earns nothing.

    Parts: ``f1``, ``edit``.
    """
    given, truth = words(final_answer(row.completion)), words(row.ground_truth)
    if not given or not truth:
        return Score(value=0.0, parts={"f1": 0.0, "edit": 0.0}, note="no words to compare")
    overlap = set_overlap(given, truth)
    edit = 1 - edit_distance(given, truth) / max(len(given), len(truth))
    return Score(value=0.3 * overlap + 0.7 * edit, parts={"f1": overlap, "edit": edit})


def labelled_answer(text: str) -> str:
    """What the alternative reward takes for the answer.

    The rest of the line behind the first ``final answer`` or ``answer``, colon or not, without closing punctuation;
    where that is empty, behind the first ``the answer is``; else the rest of the line behind ``we need to``; else the
    first sentence.

    >>> labelled_answer("I answer slowly: red."), labelled_answer("It is red. Or blue?")
    ('slowly: red', 'It is red')
    """
    text = text.strip()
    for pattern in (_LABELLED, _STATED):
        found = pattern.search(text)
        answer = _END.sub("", found[1].strip()).strip() if found else ""
        if answer:
            return answer
    needed = _NEEDED.search(text)
    if needed:
        return needed[1].strip()
    return _SENTENCE.split(text)[0].strip() or text


def dora_f1(row: DoraRow, params: Params) -> Score:
    """F1 of the sets of words of the answer and of the true one; 0 if either has none.

    Source: ``src/grpo_reward.py``, the alternative that the published run doesn't use; words are Unicode's here, and
    the answer is `labelled_answer`. What is wrong with it: the word "answer" anywhere starts the answer ("I answer
    slowly"); order and repetition of words don't count.

    Parts: ``f1``.
    """
    given = _WORD.findall(labelled_answer(row.completion).lower())
    overlap = set_overlap(given, _WORD.findall(row.ground_truth.lower()))
    return Score(value=overlap, parts={"f1": overlap})


def _row_of(completion: Completion, sample: Sample) -> DoraRow:
    return DoraRow(completion=completion.text, ground_truth=plain_answer(sample))


def _write(sample: Sample, think: str) -> str:
    return f"{think}\n{MARKER} {plain_answer(sample)}"


REWARDS = (
    LegacyReward(
        name="legacy.dora",
        source="ostadabbas/SoS-Structure-Over-Scale: scripts/train_grpo_dora_vl_clean.py, src/ppo_trainer_simple.py",
        summary="DORA: .3 word-set F1 + .7 word edit similarity of the final answer",
        row=DoraRow,
        params=Params,
        score=dora,
        row_of=_row_of,
        write=_write,
    ),
    LegacyReward(
        name="legacy.dora_f1",
        source="ostadabbas/SoS-Structure-Over-Scale: src/grpo_reward.py",
        summary="DORA's alternative: word-set F1 of a labelled answer",
        row=DoraRow,
        params=Params,
        score=dora_f1,
        row_of=_row_of,
        write=_write,
    ),
)
"""What this module adds to the legacy rewards."""
