"""How large is A? (VSI-Bench: object size)."""

from __future__ import annotations

import random

from wherewise.questions.asking import kind_words, measured
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import upright_side
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import draw_known
from wherewise.scenes import Scene

LONGEST = (
    "What is the length of the longest dimension (length, width, or height) of the {a}, measured in centimeters?",
    "How many centimeters long is the longest side (length, width, or height) of the {a}?",
)
HEIGHT = ("How tall is the {a}, in centimeters?", "What is the height of the {a} in centimeters?")
WIDTH = (
    "Seen from above, what is the longer side of the {a}, in centimeters?",
    "What is the larger of the width and the depth of the {a}, in centimeters?",
)


def object_size(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Longest side of an object's box, its height, or the longer of its horizontal sides; at least 5 cm.

    Height and horizontal sides of a box that is turned in space are asked where one of its sides is upright within
    10 degrees.
    """
    drawn = draw_known(scene, rng, config.margins, 1)
    if isinstance(drawn, Rejection):
        return drawn
    (a,) = drawn
    what = rng.choice(("longest", "longest", "height", "width"))
    upright = upright_side(a)
    if upright is None and what != "longest":
        return Rejection.MARGIN_SIZE
    flat = [side for axis, side in enumerate(a.size) if axis != upright]
    value = {"longest": max(a.size), "height": a.size[upright or 0], "width": max(flat)}[what] * 100
    if value < 5:
        return Rejection.MARGIN_SIZE
    templates = {"longest": LONGEST, "height": HEIGHT, "width": WIDTH}[what]
    name = {"longest": "longest side", "height": "height", "width": "longer horizontal side"}[what]
    return measured(
        "object_size",
        phrase(templates, rng, config, a=a.label),
        value,
        "cm",
        0,
        rng=rng,
        config=config,
        things=(a,),
        rationale=f"Things of known size near the {a.label} give the scale for its {name}.",
        reckoning=f"The {name} of the {a.label} is {value:.0f} cm.",
        facts={"label": what},
        pool=f"{what} {kind_words(a)}",
    )
