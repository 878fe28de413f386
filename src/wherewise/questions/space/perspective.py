"""Where is B for someone at A who looks the way A faces, or towards the camera?"""

from __future__ import annotations

import random

from wherewise.questions.asking import choose, pick_kind, shuffled, word_cues
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import bearing, corners, flat_distance, heading
from wherewise.questions.picture.facing import front_heading
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import Modality, draw_known, modality
from wherewise.questions.space.relative_direction import BORDERS, LEFT_RIGHT, sector
from wherewise.scenes import Scene

FRONT = (
    "From the point of view of the {a}, looking the way its front points, is the {b} to the left or to the right?",
    "Someone sits or stands at the {a} and looks where its front points. Is the {b} to their left or right?",
)
CAMERA = (
    "Someone stands at the {a} and looks into the camera. Is the {b} to their left or to their right?",
    "From the {a}, looking straight at the camera, is the {b} to the left or to the right?",
)


def perspective(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Left or right from an object's point of view.

    The line of sight is the object's front where it has one, or, in a single picture, the line to the camera. The
    objects are `direction_near` to `direction_far` apart, the direction is `direction_angle` away from straight ahead
    and straight back, and at most `corner_votes` corners disagree.
    """
    if pick_kind(rng, config, ("choice",)) is None:
        return Rejection.ANSWER_KIND
    drawn = draw_known(scene, rng, config.margins, 2)
    if isinstance(drawn, Rejection):
        return drawn
    a, b = drawn
    margins = config.margins
    single = modality(scene) is Modality.IMAGE
    front = front_heading(a)
    by_front = front is not None and not (single and rng.random() < 0.5)
    if not by_front and not single:
        return Rejection.MARGIN_FACING
    sight = heading(a.center[:2], scene.views[0].camera.position[:2]) if not by_front or front is None else front
    if not margins.direction_near <= flat_distance(a, b) <= margins.direction_far:
        return Rejection.MARGIN_DISTANCE
    angle = bearing(heading(a.center[:2], b.center[:2]), sight)
    word = sector(angle, LEFT_RIGHT)
    votes = [sector(bearing(heading(a.center[:2], corner[:2]), sight), LEFT_RIGHT) for corner in corners(b)]
    close = any(abs(bearing(angle, border)) < margins.direction_angle for border in BORDERS[LEFT_RIGHT])
    if close or sum(vote != word for vote in votes) > margins.corner_votes:
        return Rejection.MARGIN_DIRECTION
    return choose(
        "perspective",
        phrase(FRONT if by_front else CAMERA, rng, config, a=a.label, b=b.label),
        shuffled(LEFT_RIGHT, rng),
        word,
        words=LEFT_RIGHT,
        cues={each: word_cues(each, a, b) for each in LEFT_RIGHT},
        focus=(a.id, b.id),
        rationale=f"Looking {'along its front' if by_front else 'towards the camera'} from the {a.label}, the "
        f"{b.label} is on the {word}.",
        reckoning=f"Seen from the {a.label}, the {b.label} is {abs(angle):.0f} degrees to the {word}.",
        facts={"label": "front" if by_front else "camera", "angle": angle},
    )
