"""How far is the camera from A at a moment?"""

from __future__ import annotations

import random

from wherewise.questions.asking import measured
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import draw_known, frames
from wherewise.questions.views.camera_gap import camera_gap
from wherewise.scenes import Scene

TEMPLATES = (
    "At {t} seconds into the video, how far is the camera from the {a}, in meters?",
    "What is the distance in meters between the camera and the nearest point of the {a} at {t} seconds?",
)


def distance_at(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Distance from the camera to the nearest point of an object's box at one frame, in sight or not."""
    views = frames(scene)
    if isinstance(views, Rejection):
        return views
    drawn = draw_known(scene, rng, config.margins, 1)
    if isinstance(drawn, Rejection):
        return drawn
    (a,) = drawn
    view = rng.choice(views)
    distance = camera_gap(view.camera, a)
    if not config.margins.distance_min <= distance <= config.margins.distance_max:
        return Rejection.MARGIN_DISTANCE
    return measured(
        "distance_at",
        phrase(TEMPLATES, rng, config, a=a.label, t=f"{view.time:.2f}"),
        distance,
        "m",
        1,
        rng=rng,
        config=config,
        things=(a,),
        rationale=f"The size of the {a.label} in the picture and the camera's way tell how far it is then.",
        reckoning=f"At {view.time:.2f} s the {a.label} is {distance:.1f} m from the camera.",
        facts={"label": f"{view.time:.2f}"},
    )
