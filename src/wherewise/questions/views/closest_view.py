"""In which picture is the camera closest to A?"""

from __future__ import annotations

import random

from wherewise.questions.asking import choose, pick_kind
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import ORDINALS, draw_known, pictures
from wherewise.questions.views.camera_gap import camera_gap
from wherewise.scenes import Scene

CLOSEST = (
    "In which picture is the camera closest to the {a}?",
    "Which picture was taken from the place nearest to the {a}?",
)
FARTHEST = (
    "In which picture is the camera farthest from the {a}?",
    "Which picture was taken from the place farthest from the {a}?",
)


def closest_view(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """The view nearest to, or farthest from, an object's box; it may be out of sight there.

    The nearest (farthest) two distances differ by ``max(depth_gap, depth_ratio * nearer)``.
    """
    if pick_kind(rng, config, ("choice",)) is None:
        return Rejection.ANSWER_KIND
    views = pictures(scene)
    if isinstance(views, Rejection):
        return views
    if len(views) > len(ORDINALS):
        return Rejection.NOT_PICTURES
    drawn = draw_known(scene, rng, config.margins, 1)
    if isinstance(drawn, Rejection):
        return drawn
    (a,) = drawn
    distances = [camera_gap(view.camera, a) for view in views]
    closest = rng.random() < 0.5
    ranked = sorted(range(len(views)), key=lambda i: distances[i] if closest else -distances[i])
    one, two = distances[ranked[0]], distances[ranked[1]]
    if abs(one - two) <= max(config.margins.depth_gap, config.margins.depth_ratio * min(one, two)):
        return Rejection.MARGIN_DISTANCE
    options = [f"the {ORDINALS[i]} picture" for i in range(len(views))]
    numbers = ", ".join(f"{distance:.1f} m" for distance in distances)
    return choose(
        "closest_view",
        phrase(CLOSEST if closest else FARTHEST, rng, config, a=a.label),
        options,
        options[ranked[0]],
        cues={option: (option, f"{option} {closest}") for option in options},
        focus=(a.id,),
        rationale=f"The camera stands {'nearer to' if closest else 'farther from'} the {a.label} there than elsewhere.",
        reckoning=f"From the {a.label}, the cameras of the pictures are {numbers} away.",
        facts={"label": "closest" if closest else "farthest", "distances": distances},
    )
