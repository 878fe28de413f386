"""Read a reply with the shared parser and score it against the gold answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wherewise.answers.compare import is_correct
from wherewise.answers.parse import parse
from wherewise.answers.styles import PromptStyle
from wherewise.evaluation.providers.base import Reply
from wherewise.evaluation.records import Prediction, answer_fields
from wherewise.samples import Answer, Number, Sample
from wherewise.samples.errors import InputError
from wherewise.samples.plain import to_plain

PARSER_VERSION = 2
"""Part of every protocol id. Raise it whenever `wherewise.answers` reads or judges some reply differently."""


SCORED_KINDS = ("choice", "number", "boolean", "text", "order")
"""Answer kinds that have a yes-or-no verdict without knowing the picture's size."""


def check_scorable(samples: Sequence[Sample]) -> None:
    """Refuse answers that evaluation cannot judge, before anything is generated.

    Raises:
        InputError: Names the first such sample.
    """
    for sample in samples:
        if sample.answer.kind not in SCORED_KINDS:
            raise InputError(
                f"sample {sample.id!r}: answers of kind {sample.answer.kind!r} are not evaluated "
                f"({', '.join(SCORED_KINDS)} are); leave this task out of the split"
            )


def score_reply(sample: Sample, reply: Reply, style: PromptStyle) -> Prediction:
    """One sample's prediction.

    Args:
        sample: The question and its gold answer.
        reply: What the provider gave; a failed one scores 0.
        style: Layout that the reply was asked for in.
    """
    return _scored(
        style,
        reply,
        sample.answer,
        id=sample.id,
        task=sample.task,
        group=sample.group,
        question=sample.question,
        options=sample.options,
    )


def rescore(prediction: Prediction, style: PromptStyle) -> Prediction:
    """The same reply, read and scored anew by today's rules."""
    # Whether the length limit ended the reply is a fact of its generation; keep what was recorded.
    reply = Reply(
        text=prediction.reply, truncated=prediction.truncated, tokens=prediction.tokens, error=prediction.error
    )
    return _scored(
        style,
        reply,
        prediction.answer,
        id=prediction.id,
        task=prediction.task,
        group=prediction.group,
        question=prediction.question,
        options=prediction.options,
    )


def _scored(style: PromptStyle, reply: Reply, answer: Answer, *, options: tuple[str, ...], **common: Any) -> Prediction:
    if reply.error is not None:
        return Prediction(
            **common,
            options=options,
            gold=answer_fields(answer),
            kind=answer.kind,
            reply=reply.text,
            value=None,
            rule="",
            abstained=False,
            truncated=reply.truncated,
            conflicts=(),
            correct=None,
            score=0.0,
            error=reply.error,
            tokens=reply.tokens,
        )
    unit = answer.unit if isinstance(answer, Number) else None
    parsed = parse(answer.kind, reply.text, options=options, unit=unit, style=style)
    correct = bool(is_correct(parsed, answer))
    return Prediction(
        **common,
        options=options,
        gold=answer_fields(answer),
        kind=answer.kind,
        reply=reply.text,
        value=to_plain(parsed.value, "value"),
        rule=parsed.rule,
        abstained=parsed.abstained,
        truncated=reply.truncated or parsed.truncated,
        conflicts=tuple(parsed.conflicts),
        correct=correct,
        score=float(correct),
        error=None,
        tokens=reply.tokens,
    )
