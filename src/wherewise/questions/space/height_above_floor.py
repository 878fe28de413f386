"""How high above the floor does A begin, or end?"""

from __future__ import annotations

import random

from wherewise.questions.asking import kind_words, measured
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import extent
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import draw_known, floor_known
from wherewise.scenes import Scene

TOP = (
    "How high above the floor is the top of the {a}, in centimeters?",
    "At what height in centimeters above the floor does the {a} end?",
)
BOTTOM = (
    "How high above the floor is the bottom of the {a}, in centimeters?",
    "At what height in centimeters above the floor does the {a} begin?",
)


def height_above_floor(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Height of the top, or of the bottom of what doesn't stand on the floor; at least `distance_min`."""
    if not floor_known(scene):
        return Rejection.NO_FLOOR
    drawn = draw_known(scene, rng, config.margins, 1)
    if isinstance(drawn, Rejection):
        return drawn
    (a,) = drawn
    low, high = extent(a)
    top = low < config.margins.distance_min or rng.random() < 0.4
    value = high if top else low
    if not config.margins.distance_min <= value <= config.margins.distance_max:
        return Rejection.MARGIN_DISTANCE
    end = "top" if top else "bottom"
    return measured(
        "height_above_floor",
        phrase(TOP if top else BOTTOM, rng, config, a=a.label),
        100 * value,
        "cm",
        0,
        rng=rng,
        config=config,
        things=(a,),
        rationale=f"Things of known height near the {a.label} tell how high its {end} is.",
        reckoning=f"The {end} of the {a.label} is {100 * value:.0f} cm above the floor.",
        facts={"label": end},
        pool=f"{end} {kind_words(a)}",
    )
