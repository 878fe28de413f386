"""A language model in place of rules: timed claims and consistency from `wherewise.judge`, a group at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from wherewise.judge import CONSISTENCY, TIMELINE, ConsistencyItem, Judge, JudgeConfig, TimelineItem
from wherewise.judge.tasks.timeline import TimelineForm
from wherewise.rewards.conclusion import Reasoning
from wherewise.samples import TimelineEvent


@cache
def _judge(config: str) -> Judge:
    return Judge(JudgeConfig.model_validate_json(config))


def judge_of(config: JudgeConfig) -> Judge:
    """The judge of some settings; one a process, so that rewards share its connections, cache and budget."""
    return _judge(config.model_dump_json())


@dataclass(frozen=True, slots=True)
class JudgedTimeline:
    """A `wherewise.rewards.timeline.TimelineExtractor` that asks a judge."""

    config: JudgeConfig

    def __call__(self, replies: Sequence[Reasoning]) -> list[list[TimelineEvent] | None]:
        """The claims that the judge lists; None where it could not be asked or read.

        Raises:
            JudgeStopped: Too many replies could not be judged.
        """
        verdicts = judge_of(self.config).run(TIMELINE, [TimelineItem(think=reply.think) for reply in replies])
        return [
            verdict.reply.events() if isinstance(verdict.reply, TimelineForm) else None if verdict.value is None else []
            for verdict in verdicts
        ]


@dataclass(frozen=True, slots=True)
class JudgedConsistency:
    """A `wherewise.rewards.conclusion.ConsistencyJudge` that asks a judge."""

    config: JudgeConfig

    def __call__(self, replies: Sequence[Reasoning]) -> list[float | None]:
        """1 or 0, None where the judge is undecided or could not be asked.

        Raises:
            JudgeStopped: Too many replies could not be judged.
        """
        items = [ConsistencyItem(question=r.question, think=r.think, answer=r.answer) for r in replies]
        return [verdict.value for verdict in judge_of(self.config).run(CONSISTENCY, items)]
