"""Where is A, which the last view doesn't show?"""

from __future__ import annotations

import random

from wherewise.questions.asking import choose, pick_kind, shuffled, side_cues
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import ahead, bearing, corners, heading, upright_camera
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import known
from wherewise.questions.space.relative_direction import BORDERS, SIDES, sector
from wherewise.scenes import Scene

PICTURES = (
    "The last picture does not show the {a}. From where that picture was taken, looking as the camera does there, is "
    "the {a} to the left, to the right or at the back?",
    "Stand where the last picture was taken and look as its camera does. On which side is the {a}, which is out of "
    "sight there: left, right or back?",
)
VIDEO = (
    "At the end of the video the {a} is out of sight. Is it then to the left, to the right or at the back of the "
    "camera?",
    "The last frame does not show the {a}. Seen from the camera there, is it on the left, on the right or at the back?",
)


def unseen_direction(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Left, right or back (135 degrees or more) of the last camera, for an object that was seen well before.

    The last view shows not one pixel of it; borders and corners as for the relative directions, and the object is not
    straight ahead behind something else: at least half the horizontal field of view to a side.
    """
    if pick_kind(rng, config, ("choice",)) is None:
        return Rejection.ANSWER_KIND
    if len(scene.views) < 2:
        return Rejection.NOT_PICTURES
    if not scene.units_known:
        return Rejection.NO_UNITS
    last = scene.views[-1]
    camera = last.camera
    hidden = [t for t in known(scene, config.margins)[0] if t.id not in last.visible or not last.visible[t.id].pixels]
    if not hidden:
        return Rejection.TOO_FEW_OBJECTS
    if not upright_camera(camera):
        return Rejection.MARGIN_DIRECTION
    a = rng.choice(hidden)
    place = camera.position[:2]
    sight = ahead(camera)
    angle = bearing(heading(place, a.center[:2]), sight)
    away = ((a.center[0] - place[0]) ** 2 + (a.center[1] - place[1]) ** 2) ** 0.5
    word = sector(angle, SIDES)
    near_border = any(abs(bearing(angle, border)) < config.margins.direction_angle for border in BORDERS[SIDES])
    votes = sum(sector(bearing(heading(place, c[:2]), sight), SIDES) != word for c in corners(a))
    in_front = camera.project(a.center)
    ahead_of = in_front is not None and 0 <= in_front[0] <= camera.width
    if near_border or votes > config.margins.corner_votes or away < config.margins.direction_near or ahead_of:
        return Rejection.MARGIN_DIRECTION
    return choose(
        "unseen_direction",
        phrase(PICTURES if scene.pictures else VIDEO, rng, config, a=a.label),
        shuffled(SIDES, rng),
        word,
        words=SIDES,
        cues={each: (*side_cues(each, a), f"{each} of pictures {scene.pictures}") for each in SIDES},
        focus=(a.id,),
        rationale=f"Keeping the {a.label} in mind while the camera moves, it ends up at the {word}.",
        reckoning=f"The {a.label} is {abs(angle):.0f} degrees to the {'left' if angle > 0 else 'right'} of the view.",
        facts={"angle": angle},
    )
