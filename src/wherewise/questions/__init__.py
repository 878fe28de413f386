"""Scene to question: families with ambiguity margins, balance, a blind-solvability check and a verifier."""

from wherewise.questions.config import TASKS, MarginsConfig, QuestionsConfig
from wherewise.questions.families import FAMILIES
from wherewise.questions.generate import ask
from wherewise.questions.question import Family, Question, Rejection
from wherewise.questions.sampling import to_sample

__all__ = [
    "FAMILIES",
    "TASKS",
    "Family",
    "MarginsConfig",
    "Question",
    "QuestionsConfig",
    "Rejection",
    "ask",
    "to_sample",
]
