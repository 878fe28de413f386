"""At what hour of the clock does B lie, seen from A?"""

from __future__ import annotations

import random

from wherewise.questions.asking import choose, pick_kind, word_cues
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import ahead, bearing, flat_distance, heading, upright_camera
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import draw
from wherewise.scenes import Scene

TEMPLATES = (
    "Seen from above, 12 o'clock is the camera's viewing direction. From the {a}, at what hour does the {b} lie?",
    "Imagine a clock face on the floor around the {a}, with 12 o'clock straight away from the camera. "
    "Towards which hour is the {b}?",
)


def clock_direction(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Hour of the direction between two centres seen from above, 12 being the camera's heading.

    The direction must be `clock_angle` away from the border between two hours, the centres `direction_near` to
    `direction_far` apart. Options are a quarter of the clock apart.
    """
    if pick_kind(rng, config, ("choice",)) is None:
        return Rejection.ANSWER_KIND
    if not scene.units_known:
        return Rejection.NO_UNITS
    drawn = draw(scene, rng, config.margins, 2)
    if isinstance(drawn, Rejection):
        return drawn
    view, (a, b) = drawn
    margins = config.margins
    if not upright_camera(view.camera):
        return Rejection.MARGIN_DIRECTION
    if not margins.direction_near <= flat_distance(a.object, b.object) <= margins.direction_far:
        return Rejection.MARGIN_DISTANCE
    left = bearing(heading(a.object.center[:2], b.object.center[:2]), ahead(view.camera))
    clockwise = -left % 360
    hour = round(clockwise / 30) % 12 or 12
    if abs(bearing(clockwise, 30 * hour)) > 15 - margins.clock_angle:
        return Rejection.MARGIN_DIRECTION
    count = min(4, config.choices)
    start = rng.randrange(count)
    hours = [(hour - 1 + 3 * (step - start)) % 12 + 1 for step in range(count)]
    rng.shuffle(hours)
    options = [f"{value} o'clock" for value in hours]
    return choose(
        "clock_direction",
        phrase(TEMPLATES, rng, config, a=a.name, b=b.name),
        options,
        f"{hour} o'clock",
        cues={option: word_cues(option, a.object, b.object) for option in options},
        focus=(a.object.id, b.object.id),
        rationale=f"On the floor, the way from the {a.name} to the {b.name} is turned against the viewing direction.",
        reckoning=f"From the {a.name} to the {b.name} the direction is {clockwise:.0f} degrees clockwise of the "
        f"viewing direction.",
        facts={"clockwise": clockwise},
    )
