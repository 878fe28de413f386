"""How many X are in the room? (VSI-Bench: object counting)."""

from __future__ import annotations

import random

from wherewise.questions.asking import counted, often_repeated
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import plural, same_kind
from wherewise.questions.sight import PLACE, best_problem, ever_seen, is_still, modality
from wherewise.scenes import Scene

TEMPLATES = (
    "How many {x} are there {where}?",
    "How many different {x} can be seen {where}?",
    "Count all {x} that appear {where}: how many are there?",
)


def object_count(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Number of objects of a category over all views, each counted once.

    Every instance that ever shows a pixel must be seen well in some view and stay where it is, no visible object may be
    of a category that could be taken for it, and the count is at most `count_max`. Where counts and boxes of a scan
    differ (``facts["counts_differ"]``) nothing is asked.
    """
    if not scene.complete:
        return Rejection.NOT_COMPLETE
    things = ever_seen(scene)
    several = sorted({thing.category for thing in things})
    if not several:
        return Rejection.TOO_FEW_OBJECTS
    category = often_repeated(things, several, rng)
    unclear = category in scene.facts.get("counts_differ", ())
    if unclear or any(thing.category != category and same_kind(thing.category, category) for thing in things):
        return Rejection.AMBIGUOUS_REFERENT
    instances = [thing for thing in things if thing.category == category]
    for thing in instances:
        problem = best_problem(scene, thing, config.margins)
        if problem is not None:
            return problem
        if not is_still(scene, thing):
            return Rejection.MARGIN_MOTION
    count = len(instances)
    least = max(config.margins.count_min, 2 if not scene.views else 1)
    if not least <= count <= max(config.margins.count_max, 20 if not scene.views else 0):
        return Rejection.COUNT_OUT_OF_RANGE
    where = PLACE[modality(scene)]
    return counted(
        "object_count",
        phrase(TEMPLATES, rng, config, x=plural(category), where=where),
        count,
        rng=rng,
        config=config,
        category=category,
        focus=[thing.id for thing in instances],
        rationale=f"Counting each only once: {'; '.join(f'one {thing.label}' for thing in instances)}.",
        lowest=1,
    )
