"""Which way does A face?"""

from __future__ import annotations

import math
import random

from wherewise.questions.asking import choose, decide, pick_kind, shuffled, word_cues
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import bearing, heading
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import Referent, referents, still
from wherewise.scenes import Scene, SceneObject

WAY = (
    "Which way does the front of the {a} point: towards the camera, away from it, to the left or to the right of the "
    "picture?",
    "Seen from the camera, does the {a} face towards it, away from it, to the left or to the right?",
)
CHECK = ("Does the {a} face the {b}?", "Is the front of the {a} turned towards the {b}?")
WORDS = ("towards the camera", "away from the camera", "left", "right")
FACES, TURNED_AWAY = 25.0, 60.0
"""An object faces another within this angle, and does not beyond the second, in degrees."""


def front_heading(thing: SceneObject) -> float | None:
    """Heading of the object's front seen from above, in degrees; None where it has none or points up."""
    if thing.front is None or math.hypot(*thing.front[:2]) < 0.7:
        return None
    return math.degrees(math.atan2(thing.front[1], thing.front[0]))


def facing(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """The way of an object's front, seen from the camera, or whether it is turned towards another object.

    Four ways of 90 degrees each, measured against the line to the camera, the direction `direction_angle` away from
    their borders. Towards another object means within 25 degrees of its centre; no means beyond 60 degrees.
    """
    kind = pick_kind(rng, config, ("choice", "boolean"))
    if kind is None:
        return Rejection.ANSWER_KIND
    view = still(scene)
    if isinstance(view, Rejection):
        return view
    if not scene.units_known:
        return Rejection.NO_UNITS
    if all(front_heading(thing) is None for thing in scene.objects):
        return Rejection.NO_FRONT
    named, _ = referents(scene, view, config.margins)
    fronts = [(item, front) for item in named if (front := front_heading(item.object)) is not None]
    if not fronts:
        return Rejection.TOO_FEW_OBJECTS
    a, front = rng.choice(fronts)
    if kind == "boolean":
        return _towards(a, front, [item for item in named if item is not a], rng, config)
    to_camera = heading(a.object.center[:2], view.camera.position[:2])
    turned = bearing(front, to_camera)
    sector = round(turned / 90) % 4
    if abs(bearing(turned, 90 * sector)) > 45 - config.margins.direction_angle:
        return Rejection.MARGIN_FACING
    answer = (WORDS[0], WORDS[3], WORDS[1], WORDS[2])[sector]
    return choose(
        "facing",
        phrase(WAY, rng, config, a=a.name),
        shuffled(WORDS, rng),
        answer,
        words=WORDS,
        cues={word: word_cues(word, a.object) for word in WORDS},
        focus=(a.object.id,),
        rationale=f"The front of the {a.name} points {'to the ' if sector % 2 else ''}{answer}.",
        facts={"label": "way", "turned": turned},
    )


def _towards(
    a: Referent, front: float, others: list[Referent], rng: random.Random, config: QuestionsConfig
) -> Question | Rejection:
    wanted = rng.random() < 0.5
    angles = {
        item.object.id: abs(bearing(heading(a.object.center[:2], item.object.center[:2]), front)) for item in others
    }
    fitting = [
        item
        for item in others
        if (angles[item.object.id] <= FACES if wanted else angles[item.object.id] >= TURNED_AWAY)
        and math.dist(a.object.center[:2], item.object.center[:2]) >= config.margins.direction_near
    ]
    if not fitting:
        return Rejection.MARGIN_FACING
    b = rng.choice(fitting)
    return decide(
        "facing",
        phrase(CHECK, rng, config, a=a.name, b=b.name),
        wanted,
        cues=word_cues("faces", a.object, b.object),
        focus=(a.object.id, b.object.id),
        rationale=f"The front of the {a.name} {'points' if wanted else 'does not point'} towards the {b.name}.",
        facts={"label": "towards", "angle": angles[b.object.id]},
    )
