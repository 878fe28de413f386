"""A language model as judge of what rules cannot score, and what it takes to trust it.

Failures are missing values, never zeros; replies have a schema; what was judged once is not asked again. The timed
claims of a text are also found by rules alone (`timeline_claims`), with no judge.
"""

from __future__ import annotations

from wherewise.judge.budget import JudgeBudget
from wherewise.judge.config import BreakerConfig, BudgetConfig, JudgeConfig, PriceConfig
from wherewise.judge.errors import JudgeStopped
from wherewise.judge.judge import Judge
from wherewise.judge.request import Picture
from wherewise.judge.rules import parse_seconds, timeline_claims
from wherewise.judge.session import JudgeCounts
from wherewise.judge.tasks import (
    CONSISTENCY,
    CORRECTNESS,
    GROUNDING,
    TASKS,
    TIMELINE,
    ConsistencyItem,
    CorrectnessItem,
    GroundingItem,
    JudgeTask,
    TimelineItem,
)
from wherewise.judge.verdict import Outcome, Verdict

__all__ = [
    "CONSISTENCY",
    "CORRECTNESS",
    "GROUNDING",
    "TASKS",
    "TIMELINE",
    "BreakerConfig",
    "BudgetConfig",
    "ConsistencyItem",
    "CorrectnessItem",
    "GroundingItem",
    "Judge",
    "JudgeBudget",
    "JudgeConfig",
    "JudgeCounts",
    "JudgeStopped",
    "JudgeTask",
    "Outcome",
    "Picture",
    "PriceConfig",
    "TimelineItem",
    "Verdict",
    "parse_seconds",
    "timeline_claims",
]
