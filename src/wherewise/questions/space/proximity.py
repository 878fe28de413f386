"""Are A and B closer to each other than so many meters?"""

from __future__ import annotations

import random

from wherewise.questions.asking import decide, pick_kind
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import gap
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import draw_known
from wherewise.scenes import Scene

TEMPLATES = (
    "Is there less than {n} m between the {a} and the {b}, at their closest points?",
    "Are the {a} and the {b} less than {n} m apart, at their closest points?",
)
FACTORS = (0.5, 0.6, 0.75, 1.35, 1.6, 2.0)


def proximity(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Whether two objects are nearer to each other than a distance.

    The distance asked for is the true one times a random factor between a half and two, so that near and far pairs are
    asked alike; after rounding it must differ from the true one by `number_ratio`.
    """
    if pick_kind(rng, config, ("boolean",)) is None:
        return Rejection.ANSWER_KIND
    drawn = draw_known(scene, rng, config.margins, 2)
    if isinstance(drawn, Rejection):
        return drawn
    a, b = drawn
    distance = gap(a, b)
    if not config.margins.distance_min <= distance <= config.margins.distance_max:
        return Rejection.MARGIN_DISTANCE
    asked = round(distance * rng.choice(FACTORS), 1)
    if asked <= 0 or max(asked / distance, distance / asked) < config.margins.number_ratio:
        return Rejection.MARGIN_DISTANCE
    nearer = distance < asked
    first, second = sorted((a, b), key=lambda thing: thing.category)
    return decide(
        "proximity",
        phrase(TEMPLATES, rng, config, a=a.label, b=b.label, n=f"{asked:.1f}"),
        nearer,
        cues=(
            f"under {round(asked * 2)}",
            f"under {round(asked * 2)} {first.category}",
            f"under {round(asked * 2)} {second.category}",
            f"{first.category}/{second.category}",
        ),
        focus=(a.id, b.id),
        rationale=f"The {a.label} and the {b.label} are {'nearer' if nearer else 'farther apart'} than that.",
        reckoning=f"At their closest points the {a.label} and the {b.label} are {distance:.1f} m apart.",
        facts={"distance": distance, "asked": asked},
    )
