"""Which way, and how far, must the camera turn to look at A?"""

from __future__ import annotations

import random

from wherewise.questions.asking import choose, measured, pick_kind, shuffled, word_cues
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import ahead, bearing, heading, upright_camera
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import Modality, draw_known, modality
from wherewise.scenes import Scene

WAY = (
    "{start}, which way should the camera turn to have the {a} straight ahead: left or right?",
    "{start}, is it shorter to turn left or to turn right in order to look at the {a}?",
)
ANGLE = (
    "{start}, by how many degrees must the camera turn {way} to have the {a} straight ahead?",
    "{start}, what turn to the {way}, in degrees, brings the {a} straight ahead?",
)
START: dict[Modality, str] = {
    Modality.IMAGE: "From where the picture was taken",
    Modality.IMAGES: "From where the last picture was taken",
    Modality.VIDEO: "At the end of the video",
}
WORDS = ("left", "right")


def turn_towards(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Side of the shorter turn from the last view's heading to an object's centre, or the angle of that turn.

    The side is asked for where the turn is between `direction_angle` and 180 degrees less that, the angle where it is
    at least `camera_turn`; the camera stands at least `direction_near` away.
    """
    kind = pick_kind(rng, config, ("choice", "number"))
    if kind is None:
        return Rejection.ANSWER_KIND
    if not scene.views:
        return Rejection.NO_VIEW
    drawn = draw_known(scene, rng, config.margins, 1)
    if isinstance(drawn, Rejection):
        return drawn
    (a,) = drawn
    camera = scene.views[-1].camera
    margins = config.margins
    away = ((a.center[0] - camera.position[0]) ** 2 + (a.center[1] - camera.position[1]) ** 2) ** 0.5
    if not upright_camera(camera) or away < margins.direction_near + max(a.size[:2]) / 2:
        return Rejection.MARGIN_DIRECTION
    angle = bearing(heading(camera.position[:2], a.center[:2]), ahead(camera))
    way = "left" if angle > 0 else "right"
    start = START[modality(scene)]
    rationale = f"The {a.label} is to the {way} of where the camera looks."
    reckoning = f"The {a.label} is {abs(angle):.0f} degrees to the {way} of the viewing direction."
    if kind == "number":
        if not margins.camera_turn <= abs(angle) <= 180 - margins.direction_angle:
            return Rejection.MARGIN_DIRECTION
        return measured(
            "turn_towards",
            phrase(ANGLE, rng, config, a=a.label, start=start, way=way),
            abs(angle),
            "degrees",
            0,
            rng=rng,
            config=config.model_copy(update={"kinds": ("number",)}),
            things=(a,),
            rationale=rationale,
            reckoning=reckoning,
            tolerance=10.0,
            facts={"label": "angle"},
        )
    if not margins.direction_angle <= abs(angle) <= 180 - margins.direction_angle:
        return Rejection.MARGIN_DIRECTION
    return choose(
        "turn_towards",
        phrase(WAY, rng, config, a=a.label, start=start),
        shuffled(WORDS, rng),
        way,
        words=WORDS,
        cues={word: word_cues(word, a) for word in WORDS},
        focus=(a.id,),
        rationale=rationale,
        reckoning=reckoning,
        facts={"label": "way", "angle": angle},
    )
