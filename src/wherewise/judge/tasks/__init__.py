"""What the judge can be asked, by name."""

from __future__ import annotations

from typing import Any

from wherewise.judge.tasks.consistency import CONSISTENCY, ConsistencyForm, ConsistencyItem
from wherewise.judge.tasks.correctness import CORRECTNESS, CorrectnessForm, CorrectnessItem
from wherewise.judge.tasks.grounding import GROUNDING, GroundingForm, GroundingItem
from wherewise.judge.tasks.task import JudgeTask, Reading, ReplyForm
from wherewise.judge.tasks.timeline import TIMELINE, TimelineForm, TimelineItem

TASKS: dict[str, JudgeTask[Any, Any]] = {task.name: task for task in (TIMELINE, CONSISTENCY, GROUNDING, CORRECTNESS)}
"""All tasks, in the order of tables."""

__all__ = [
    "CONSISTENCY",
    "CORRECTNESS",
    "GROUNDING",
    "TASKS",
    "TIMELINE",
    "ConsistencyForm",
    "ConsistencyItem",
    "CorrectnessForm",
    "CorrectnessItem",
    "GroundingForm",
    "GroundingItem",
    "JudgeTask",
    "Reading",
    "ReplyForm",
    "TimelineForm",
    "TimelineItem",
]
