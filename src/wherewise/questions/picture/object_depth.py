"""How far is A from the camera?"""

from __future__ import annotations

import random

from wherewise.questions.asking import measured
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import draw
from wherewise.scenes import Scene

TEMPLATES = (
    "How far is the {a} from the camera, in meters? Measure to the nearest point of it that is visible.",
    "What is the distance in meters between the camera and the nearest visible point of the {a}?",
    "Estimate the distance from the camera to the nearest visible point of the {a}, in meters.",
)


def object_depth(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Distance from the camera to the visible surface (5th percentile), within `distance_min..distance_max`."""
    if not scene.units_known:
        return Rejection.NO_UNITS
    drawn = draw(scene, rng, config.margins, 1)
    if isinstance(drawn, Rejection):
        return drawn
    _, (a,) = drawn
    distance = a.seen.distance
    if distance is None:
        return Rejection.NO_UNITS
    if not config.margins.distance_min <= distance <= config.margins.distance_max:
        return Rejection.MARGIN_DISTANCE
    return measured(
        "object_depth",
        phrase(TEMPLATES, rng, config, a=a.name),
        distance,
        "m",
        1,
        rng=rng,
        config=config,
        things=(a.object,),
        rationale=f"The size of the {a.name} in the picture and its place on the floor tell how far away it is.",
        reckoning=f"The nearest visible point of the {a.name} is {distance:.1f} m from the camera.",
    )
