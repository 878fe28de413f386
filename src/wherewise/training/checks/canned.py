"""What a mixture of rewards pays for replies whose worth is known: a table to read before training."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass

from wherewise.answers.styles import PromptConfig
from wherewise.rewards import Completion, ReplyGroup, Rewards
from wherewise.rewards.audit.case import writer, wrong_answer
from wherewise.rewards.audit.run import spread
from wherewise.samples import Choice, Sample
from wherewise.samples.errors import InputError

KINDS = ("gold", "wrong", "format broken", "empty")
"""Replies that are tried: right; well-formed and wrong; right without the layout; nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Canned:
    """What one kind of reply earns.

    Attributes:
        kind: One of `KINDS`.
        example: A reply of that kind.
        scores: Mean of each reward; None where it could judge none.
        total: Mean of the mixture's totals; None where none could be judged.
        least: Sample and total of the reply that earned least, or None.
        most: Sample and total of the reply that earned most, or None.
    """

    kind: str
    example: str
    scores: dict[str, float | None]
    total: float | None
    least: tuple[str, float] | None
    most: tuple[str, float] | None


def replies_to(sample: Sample, rewards: Rewards, prompt: PromptConfig) -> dict[str, str]:
    """A reply of each kind; no wrong one where only one option is there."""
    write, _ = writer(rewards, prompt)
    gold = write(sample, "The answer follows from what is seen.")
    replies = {"gold": gold}
    if not isinstance(sample.answer, Choice) or len(sample.options) > 1:
        wrong = dataclasses.replace(sample, answer=wrong_answer(sample), evidence=None)
        replies["wrong"] = write(wrong, "The answer follows from what is seen.")
    bare = re.sub(r"</?[a-z_]+>", " ", gold).strip()
    replies["format broken"] = bare if bare != gold else f"<answer>{gold}\nand so on"
    replies["empty"] = ""
    return replies


def try_replies(rewards: Rewards, samples: Sequence[Sample], prompt: PromptConfig) -> list[Canned]:
    """Let the rewards judge a reply of each kind to some of the samples.

    Raises:
        InputError: A reward fails on one of them.
    """
    names = [config.name for config in rewards.configs]
    rows = []
    tried = [(sample, replies_to(sample, rewards, prompt)) for sample in spread(samples)]
    for kind in KINDS:
        judged = []
        for sample, replies in tried:
            if kind in replies:
                reply = Completion(text=replies[kind], tokens=len(replies[kind]) // 4)
                group = ReplyGroup(completions=(reply,), sample=sample, prompt=prompt)
                try:
                    judged.append((sample.id, rewards.judge(group)[0]))
                except InputError:
                    raise
                except Exception as error:
                    raise InputError(
                        f"a reward of [{', '.join(names)}] failed on sample {sample.id!r} and the reply "
                        f"{reply.text[:80]!r}: {type(error).__name__}: {error}. Fix: let it score any text"
                    ) from error
        totals = [(total, name) for name, judgement in judged if (total := judgement.total) is not None]
        scores = {name: _mean([v for _, j in judged if (v := j.scores[name].value) is not None]) for name in names}
        rows.append(
            Canned(
                kind=kind,
                example=next((replies[kind] for _, replies in tried if kind in replies), ""),
                scores=scores,
                total=_mean([total for total, _ in totals]),
                least=min(totals)[::-1] if totals else None,
                most=max(totals)[::-1] if totals else None,
            )
        )
    return rows


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def canned_text(rows: Sequence[Canned]) -> str:
    """The table: a row a kind of reply, a column a reward; ``-`` where nothing could be judged."""
    names = list(rows[0].scores)
    table = [["reply", *(name.rpartition(":")[2] for name in names), "total", "example"]]
    for row in rows:
        values = [*(row.scores[name] for name in names), row.total]
        example = row.example.replace("\n", " ")
        shown = example if len(example) <= 50 else example[:47] + "..."
        table.append([row.kind, *("-" if v is None else f"{v:.2f}" for v in values), repr(shown)])
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]) - 1)]
    lines = []
    for line in table:
        cells = [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:-1], widths[1:], strict=True)), line[-1]]
        lines.append("  ".join(cells))
    return "\n".join(lines)


def canned_problems(rows: Sequence[Canned]) -> list[str]:
    """Where right replies don't earn more than others on average: a run would learn the wrong thing, or nothing."""
    totals = {row.kind: row.total for row in rows}
    gold = totals.get("gold")
    if gold is None:
        return []
    return [
        f"rewards: a right reply earns {gold:.2f} on average and {kind!r} earns {total:.2f}: there is nothing to "
        "learn from; add an accuracy reward or change the weights"
        for kind in ("wrong", "empty")
        if (total := totals.get(kind)) is not None and total >= gold
    ]
