"""Which of two objects is closer to, or farther from, the camera?"""

from __future__ import annotations

import random

from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, contest_cues, phrase
from wherewise.questions.referring import depth_known, depth_margin, draw
from wherewise.samples.answer import LETTERS, Choice
from wherewise.scenes import Scene

CLOSER = (
    "Which is closer to the camera, the {a} or the {b}?",
    "Which of the two is nearer to the camera: the {a} or the {b}?",
    "What is closer to where the picture was taken, the {a} or the {b}?",
)
FARTHER = (
    "Which is farther from the camera, the {a} or the {b}?",
    "Which of the two is further away from the camera: the {a} or the {b}?",
    "What is farther from where the picture was taken, the {a} or the {b}?",
)


def camera_distance(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Distance from the camera to the nearest visible surface.

    The 5th percentiles of the surface distances decide; they must differ by ``max(depth_gap, depth_ratio * nearer)``
    and the 95th percentiles must be in the same order. Where distances are known in other units than metres,
    `depth_gap` is left out.
    """
    if not depth_known(scene):
        return Rejection.NO_UNITS
    drawn = draw(scene, rng, config.margins, 2)
    if isinstance(drawn, Rejection):
        return drawn
    _, (a, b) = drawn
    margins = config.margins
    assert a.seen.distance is not None
    assert b.seen.distance is not None
    assert a.seen.distance_far is not None
    assert b.seen.distance_far is not None
    near = a.seen.distance, b.seen.distance
    far = a.seen.distance_far, b.seen.distance_far
    a_closer = near[0] < near[1]
    clear = abs(near[0] - near[1]) > depth_margin(scene, min(near), margins)
    if not clear or (far[0] < far[1]) != a_closer:
        return Rejection.MARGIN_DISTANCE
    asks_closer = rng.random() < 0.5
    answer, contrary = (a, b) if a_closer == asks_closer else (b, a)
    closer, farther = (a, b) if a_closer else (b, a)
    options = (a.name, b.name)
    place = "first" if answer is a else "second"
    other_place = "second" if answer is a else "first"
    return Question(
        task="camera_distance",
        text=phrase(CLOSER if asks_closer else FARTHER, rng, config, a=a.name, b=b.name),
        answer=Choice(letter=LETTERS[options.index(answer.name)], text=answer.name),
        options=options,
        focus=(a.object.id, b.object.id),
        rationale=f"The {closer.name} is nearer to the camera than the {farther.name}.",
        cues={
            answer.name: (place, *contest_cues(closer.object, farther.object, "near")),
            contrary.name: (other_place, *contest_cues(farther.object, closer.object, "near")),
        },
        facts={"objects": [a.object.id, b.object.id], "near": list(near), "far": list(far), "asks_closer": asks_closer},
    )
