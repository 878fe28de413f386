"""The think-and-answer rewards that SpatialThinker trains its baselines with (``verl/utils/reward_score/``)."""

from __future__ import annotations

import importlib
import re
from typing import Literal

from wherewise.rewards.base import Completion
from wherewise.rewards.legacy import spatial_thinker
from wherewise.rewards.legacy.entry import LegacyReward, Params, Row
from wherewise.rewards.legacy.from_samples import lettered_answer, plain_answer
from wherewise.rewards.legacy.tags import first_block, first_line_block, keeps_order
from wherewise.rewards.score import Score
from wherewise.samples import Sample
from wherewise.samples.errors import InputError

OPTION = "({letter}) {text}"
"""An option as STVQA-7K's answers write it."""

_TEXT = re.compile(r"\\text\{(.+?)\}")
_UNITS = [
    "degree",
    "cm",
    "centimeter",
    "meter",
    "mile",
    "second",
    "minute",
    "hour",
    "day",
    "week",
    "month",
    "year",
    "foot",
    "feet",
    "inch",
    "yard",
]
_UNIT = re.compile(rf"(?:{'|'.join(_UNITS)})(?:es)?s? *(?:\^[0-9]+)?")
_COMMA = re.compile(r"(?<=\d),(?=\d\d\d(?!\d))")
_FLOAT = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_FRACTION = re.compile(r"(-?\d+)/(-?\d+)")


class AnswerRow(Row):
    """A line of a reward that compares a reply with a true answer."""

    completion: str
    """The reply."""
    ground_truth: str
    """The true answer, with ``<answer>`` tags or without."""


class GraderParams(Params):
    """Parameters of ``legacy.r1v`` and ``legacy.math``."""

    grader: Literal["plain", "mathruler"] = "plain"
    """``mathruler``: the seed's ``grade_answer`` (``pip install mathruler sympy pylatexenc``), which also finds answers
    equal that sympy proves equal. ``plain``: its normal forms alone."""


def plain_form(text: str) -> str:
    """The normal form in which ``mathruler.grade_answer`` compares answers before it asks sympy.

    Lower case, without spaces, ``$``, ``%``, braces, unit words and thousands commas; ``or`` and ``and`` are commas;
    whole numbers without point. Units are dropped, not converted, even inside of words.

    >>> plain_form("2 meters") == plain_form("2 cm"), plain_form("(B) on  Monday"), plain_form("1,200.0")
    (True, '(b)onmon', '1200')
    """
    wrapped = _TEXT.fullmatch(text.strip())
    text = wrapped[1] if wrapped else text.strip()
    for old, new in (("$", ""), ("%", ""), (" or ", " , "), (" and ", " , ")):
        text = text.replace(old, new)
    text = _COMMA.sub("", _UNIT.sub("", text)).replace("\n", "")
    text = re.sub(r"- *", "-", text)
    text = re.sub(r"([0-9]) +([0-9])", r"\1+\2", text)
    text = re.sub(r"[ {}]", "", text).lower()
    if _FLOAT.fullmatch(text) and len(text) < 300 and abs(float(text)) < 1e15:
        number = float(text)
        return str(round(number)) if abs(number - round(number)) <= 1e-7 else text.removeprefix("+")
    return text


def same_answer(given: str, truth: str, params: GraderParams) -> bool:
    """True if the grader takes both for the same answer.

    Raises:
        InputError: ``mathruler`` isn't installed.
    """
    if params.grader == "mathruler":
        try:
            grade = importlib.import_module("mathruler.grader").grade_answer
        except ModuleNotFoundError as error:
            raise InputError(
                "grader 'mathruler' needs packages: pip install mathruler sympy pylatexenc tqdm; or take 'plain'"
            ) from error
        return bool(grade(given, truth))
    return plain_form(given) == plain_form(truth)


def r1v(row: AnswerRow, params: GraderParams) -> Score:
    r"""``.5 accuracy + .5 format``.

    Format: the whole reply matches ``<think>.*?</think>\s*<answer>.*?</answer>``. Accuracy: the body of the first
    ``<answer>`` that holds no line break, or else the whole text, is graded equal to the true one, read alike.

    Source: ``r1v.py``. What is wrong with it: a layout without any answer earns .5, half of everything; an answer of
    more than one line is replaced by the whole reply and is wrong; units are dropped, so that ``2 cm`` is 2 metres; the
    answer of a choice must repeat letter and text.

    Parts: ``format``, ``accuracy``.
    """
    truth, given = (
        text if (body := first_line_block(text, "answer")) is None else body
        for text in (row.ground_truth, row.completion)
    )
    form = float(keeps_order(row.completion, ("think", "answer")))
    right = float(same_answer(given.strip(), truth.strip(), params))
    return Score(value=0.5 * right + 0.5 * form, parts={"format": form, "accuracy": right})


def r1v_scene(row: AnswerRow, params: Params) -> Score:
    """0 if the layout is wrong, else ``.5 + .5 accuracy``.

    Layout: observe, scene, think, answer, in this order and nothing around them. Accuracy: the bodies of the first
    ``<answer>`` agree but for case; a text without tags has an empty body.

    Source: ``r1v_scene.py``. What is wrong with it: as `r1v`, and ``<scene>`` may hold anything at all; a true answer
    without tags is empty, so that an empty answer is right.

    Parts: ``format``, ``accuracy``.
    """
    if not keeps_order(row.completion, ("observe", "scene", "think", "answer")):
        return Score(value=0.0, parts={"format": 0.0, "accuracy": 0.0}, note="format: all is 0")
    given, truth = ((first_block(text, "answer") or "").strip() for text in (row.completion, row.ground_truth))
    right = float(given.lower() == truth.lower())
    return Score(value=0.5 * right + 0.5, parts={"format": 1.0, "accuracy": right})


def boxed(text: str) -> str:
    r"""The last ``\boxed{...}`` with balanced braces; ``None``, the word, when there is none."""
    start = text.rfind(r"\boxed{")
    depth = 1
    for at in range(start + 7, len(text)) if start >= 0 else ():
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return text[start + 7 : at].strip()
    return "None"


def math_format(text: str) -> float:
    r"""1 if the whole text matches ``<think>.*</think>.*\boxed{.*}.*``."""
    end = text.find("</think>", 7) if text.startswith("<think>") else -1
    start = text.find(r"\boxed{", end) if end >= 0 else -1
    return float(start >= 0 and text.find("}", start) >= 0)


def math(row: AnswerRow, params: GraderParams) -> Score:
    r""".9 boxed answer, .1 format: EasyR1's ``math.py``, which SpatialThinker's fork keeps.

    Accuracy: the last ``\boxed{...}`` is graded equal to the true answer. Format: `math_format`.

    What is wrong with it: a reply without box answers with the word "None", which is right where the truth says so.

    Parts: ``format``, ``accuracy``.
    """
    form = math_format(row.completion)
    right = float(same_answer(boxed(row.completion), row.ground_truth, params))
    return Score(value=0.9 * right + 0.1 * form, parts={"format": form, "accuracy": right})


def _optioned(completion: Completion, sample: Sample) -> AnswerRow:
    truth = f"<answer>{lettered_answer(sample, OPTION)}</answer>"
    return AnswerRow(completion=completion.text, ground_truth=truth)


def _plain(completion: Completion, sample: Sample) -> AnswerRow:
    return AnswerRow(completion=completion.text, ground_truth=plain_answer(sample))


def _write(sample: Sample, think: str) -> str:
    return f"<think>{think}</think>\n<answer>{lettered_answer(sample, OPTION)}</answer>"


def _write_boxed(sample: Sample, think: str) -> str:
    return f"<think>{think}</think>\n\\boxed{{{plain_answer(sample)}}}"


_SOURCE = "hunarbatra/SpatialThinker: verl/utils/reward_score/"

REWARDS = (
    LegacyReward(
        name="legacy.r1v",
        source=_SOURCE + "r1v.py",
        summary="SpatialThinker's baseline: .5 format + .5 graded answer",
        row=AnswerRow,
        params=GraderParams,
        score=r1v,
        row_of=_optioned,
        write=_write,
    ),
    LegacyReward(
        name="legacy.r1v_scene",
        source=_SOURCE + "r1v_scene.py",
        summary="SpatialThinker's baseline with scene: 0 without layout, else .5 + .5 exact answer",
        row=AnswerRow,
        params=Params,
        score=r1v_scene,
        row_of=_optioned,
        write=spatial_thinker.write,
    ),
    LegacyReward(
        name="legacy.math",
        source=_SOURCE + "math.py",
        summary="EasyR1's math reward: .9 boxed answer + .1 format",
        row=AnswerRow,
        params=GraderParams,
        score=math,
        row_of=_plain,
        write=_write_boxed,
    ),
)
"""What this module adds to the legacy rewards."""
