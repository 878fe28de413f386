"""How far apart are A and B? (VSI-Bench: absolute distance)."""

from __future__ import annotations

import random

from wherewise.questions.asking import measured
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import gap
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import draw_known
from wherewise.scenes import Scene

TEMPLATES = (
    "Measuring from the closest point of each object, what is the distance between the {a} and the {b}, in meters?",
    "How many meters are there between the {a} and the {b} at their closest points?",
    "What is the shortest distance in meters from the {a} to the {b}?",
)


def absolute_distance(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Distance between the closest points of two boxes, within `distance_min..distance_max`."""
    drawn = draw_known(scene, rng, config.margins, 2)
    if isinstance(drawn, Rejection):
        return drawn
    a, b = drawn
    distance = gap(a, b)
    if not config.margins.distance_min <= distance <= config.margins.distance_max:
        return Rejection.MARGIN_DISTANCE
    return measured(
        "absolute_distance",
        phrase(TEMPLATES, rng, config, a=a.label, b=b.label),
        distance,
        "m",
        1,
        rng=rng,
        config=config,
        things=(a, b),
        rationale=f"The sizes of the {a.label} and the {b.label} give a scale for the space between them.",
        reckoning=f"At their closest points the {a.label} and the {b.label} are {distance:.1f} m apart.",
    )
