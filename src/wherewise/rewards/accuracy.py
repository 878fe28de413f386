"""Is the answer right? By the kind that the sample declares."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from wherewise.answers import boxes
from wherewise.answers.compare import is_correct, normalise, relative_error, score_number
from wherewise.answers.coordinates import decode_box, encode_box
from wherewise.answers.grid_maps import grid_map_score, order_pairs, order_positions
from wherewise.answers.overlap import rouge, set_f1, wer, word_edit_similarity
from wherewise.answers.parse import KINDS, parse
from wherewise.answers.parsed import Parsed
from wherewise.answers.styles import PromptConfig, frame_of
from wherewise.rewards.base import Completion, Reward
from wherewise.rewards.score import Score
from wherewise.samples import Box, GridMap, Number, Order, Point, Sample, Text


class AccuracyParams(BaseModel):
    """Parameters of the ``accuracy`` reward: one measure for each kind of answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: Literal["exact", "mra", "relative"] = "exact"
    """Numbers: ``exact`` is right or wrong within the declared tolerance; ``mra`` is the mean relative accuracy;
    ``relative`` is 1 minus the relative error, at least 0."""
    text: Literal["exact", "wer", "rouge", "lexical"] = "exact"
    """Texts: ``exact`` up to case, punctuation and articles; ``wer`` is 1 minus the word error rate, at least 0;
    ``rouge`` is the mean of ROUGE-1, 2 and L; ``lexical`` is .3 set F1 + .7 word edit similarity."""
    order: Literal["exact", "positions", "pairs"] = "exact"
    """Orders: all right; share of right positions; or ``2 x - 1``, at least 0, of the share x of right pairs."""
    box: Literal["threshold", "iou", "giou", "ciou"] = "threshold"
    """Boxes: right from `min_iou` on; or the overlap itself, at least 0, with the truth as the codec can write it."""
    min_iou: float = Field(default=0.5, gt=0, le=1)
    """Boxes: least overlap with the true box that ``threshold`` calls right."""
    reach: float = Field(default=0.1, gt=0, le=1)
    """Points: greatest distance from the true point, as a share of the picture's diagonal."""
    grid_reach: float = Field(default=3.0, gt=0)
    """Grid maps: distance in cells at which a place earns nothing."""


_OVERLAPS = {"iou": boxes.iou, "giou": boxes.giou, "ciou": boxes.ciou}


def accuracy(params: AccuracyParams | None = None) -> Reward:
    """1 if the answer is right, 0 if it is wrong or missing; between them for the graded measures of `AccuracyParams`.

    A reply without a readable answer scores 0 and the note says why. A sample whose answer kind cannot be judged by
    rule scores None.

    MRA is VSI-Bench's (arXiv 2412.14171): the share of ten thresholds t in .50 ... .95 with relative error <= 1 - t.
    ``relative``, ``wer`` and ``rouge`` are Video-R2's regression, OCR and free-form rewards; there the kind is guessed
    from the gold text (``dog`` is taken for option D), here the data declares it, and ROUGE-2 is left out where the
    true text has one word, which could not earn more than 2/3 there.
    """
    params = params or AccuracyParams()

    def reward(completion: Completion, sample: Sample, prompt: PromptConfig) -> Score:
        answer = sample.answer
        if answer.kind not in KINDS:
            return Score(value=None, note=f"answers of kind {answer.kind} cannot be judged by this reward")
        unit = answer.unit if isinstance(answer, Number) else None
        parsed = parse(answer.kind, completion.text, options=sample.options, unit=unit, style=prompt.style)
        note = "; ".join((parsed.rule, *parsed.conflicts))
        if parsed.abstained:
            return Score(value=0.0, parts={"abstained": 1.0}, note=f"no answer: {note}")
        value = graded(parsed, completion, sample, prompt, params)
        return Score(value=value, parts={"abstained": 0.0}, note=note)

    return reward


def graded(
    parsed: Parsed, completion: Completion, sample: Sample, prompt: PromptConfig, params: AccuracyParams
) -> float | None:
    """How right a reading is, in [0, 1], by the measure for its kind; None where no rule can tell."""
    answer, value = sample.answer, parsed.value
    match answer:
        case Number() if params.number != "exact" and isinstance(value, (int, float)):
            if params.number == "mra":
                return score_number(float(value), answer.value)
            return max(0.0, 1 - relative_error(float(value), answer.value))
        case Text() if params.text != "exact":
            return text_agreement(normalise(str(value)), normalise(answer.value), params.text)
        case Order() if params.order != "exact" and isinstance(value, tuple):
            ours, gold = [normalise(str(item)) for item in value], [normalise(item) for item in answer.items]
            if params.order == "positions":
                return order_positions(ours, gold)
            return max(0.0, 2 * order_pairs(ours, gold) - 1)
        case Box() if params.box != "threshold" and isinstance(value, tuple):
            frame = frame_of(sample, completion.seen)
            x1, y1, x2, y2 = (float(str(number)) for number in value)
            truth = decode_box(prompt.codec, encode_box(prompt.codec, answer.xyxy, frame), frame)
            return max(0.0, _OVERLAPS[params.box](decode_box(prompt.codec, (x1, y1, x2, y2), frame), truth))
        case GridMap():
            return grid_map_score(value, answer, reach=params.grid_reach)  # type: ignore[arg-type]
        case _:
            spatial = isinstance(answer, (Box, Point))
            right = is_correct(
                parsed,
                answer,
                codec=prompt.codec if spatial else None,
                frame=frame_of(sample, completion.seen) if spatial else None,
                min_iou=params.min_iou,
                reach=params.reach,
            )
            return None if right is None else float(right)


def text_agreement(ours: str, gold: str, measure: Literal["wer", "rouge", "lexical"]) -> float:
    """Agreement of two normalised texts in [0, 1].

    >>> text_agreement("red chair", "red chair", "rouge"), text_agreement("chair", "red chair", "wer")
    (1.0, 0.5)
    """
    match measure:
        case "wer":
            return max(0.0, 1 - wer(ours, gold))
        case "rouge":
            found = rouge(ours, gold)
            names = ("rouge1", "rouge2", "rougeL") if len(gold.split()) > 1 else ("rouge1", "rougeL")
            return sum(found[name] for name in names) / len(names)
        case "lexical":
            return 0.3 * set_f1(ours, gold) + 0.7 * word_edit_similarity(ours, gold)
