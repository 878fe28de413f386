"""How far apart are A and B along the floor, or in height?"""

from __future__ import annotations

import random

from wherewise.questions.asking import measured
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import extent, flat_distance
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import draw_known
from wherewise.scenes import Scene

FLAT = (
    "Along the floor, how far is the middle of the {a} from the middle of the {b}, in meters?",
    "What is the horizontal distance in meters between the centers of the {a} and the {b}?",
)
HIGH = (
    "By how many meters is the top of the {a} higher than the top of the {b}?",
    "The {a} reaches higher than the {b}: by how many meters?",
)


def axis_distance(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Horizontal distance between two centres, or the difference between the heights of two tops."""
    drawn = draw_known(scene, rng, config.margins, 2)
    if isinstance(drawn, Rejection):
        return drawn
    a, b = drawn
    flat = rng.random() < 0.5
    tops = extent(a)[1], extent(b)[1]
    if tops[0] < tops[1] and not flat:
        a, b, tops = b, a, tops[::-1]
    distance = flat_distance(a, b) if flat else tops[0] - tops[1]
    if not config.margins.distance_min <= distance <= config.margins.distance_max:
        return Rejection.MARGIN_DISTANCE
    if flat:
        rationale = f"Looking from above, the {a.label} and the {b.label} stand apart on the floor."
        reckoning = f"From above, the centers of the {a.label} and the {b.label} are {distance:.1f} m apart."
    else:
        rationale = f"The {a.label} reaches higher than the {b.label}."
        reckoning = f"The top of the {a.label} is {distance:.1f} m above the top of the {b.label}."
    return measured(
        "axis_distance",
        phrase(FLAT if flat else HIGH, rng, config, a=a.label, b=b.label),
        distance,
        "m",
        1,
        rng=rng,
        config=config,
        things=(a, b),
        rationale=rationale,
        reckoning=reckoning,
        facts={"label": "flat" if flat else "high"},
    )
