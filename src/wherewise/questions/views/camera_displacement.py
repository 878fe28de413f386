"""How far did the camera get?"""

from __future__ import annotations

import math
import random

from wherewise.questions.asking import measured
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.views.steps import camera_step
from wherewise.scenes import Scene

TEMPLATES = (
    "{span}, how far did the camera get from where it began, in meters?",
    "{span}, what is the straight distance in meters between the camera's first and last position?",
)


def camera_displacement(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Straight distance between the first and the last camera, `camera_move` to `distance_max`."""
    step = camera_step(scene)
    if isinstance(step, Rejection):
        return step
    distance = math.dist(step.first.position, step.last.position)
    if not config.margins.camera_move <= distance <= config.margins.distance_max:
        return Rejection.MARGIN_MOTION
    return measured(
        "camera_displacement",
        phrase(TEMPLATES, rng, config, span=step.span),
        distance,
        "m",
        1,
        rng=rng,
        config=config,
        pool=step.span,
        rationale="Near things shift more in the picture than far ones; that tells how far the camera got.",
        reckoning=f"The camera is {distance:.1f} m from where it began.",
    )
