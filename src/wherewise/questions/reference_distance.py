"""Which of two objects is closer to, or farther from, a third?"""

from __future__ import annotations

import random

from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import area, gap
from wherewise.questions.question import Question, Rejection, contest_cues, phrase
from wherewise.questions.referring import draw
from wherewise.samples.answer import LETTERS, Choice
from wherewise.scenes import Scene, SceneObject

CLOSER = (
    "Which is closer to the {r}, the {a} or the {b}?",
    "Which of the two is nearer to the {r}: the {a} or the {b}?",
    "In the room, what stands closer to the {r}, the {a} or the {b}?",
)
FARTHER = (
    "Which is farther from the {r}, the {a} or the {b}?",
    "Which of the two is further away from the {r}: the {a} or the {b}?",
    "In the room, what stands farther from the {r}, the {a} or the {b}?",
)


def _cues(near: SceneObject, far: SceneObject, reference: SceneObject) -> tuple[str, ...]:
    around = reference.category
    pair = (f"near {around}+{near.category}", f"near {around}-{far.category}")
    return (*contest_cues(near, far, "near"), *pair)


def reference_distance(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Distance in space between the closest points of the oriented boxes.

    Both distances must be at least `reference_min` and differ by more than `reference_gap` (`reference_gap_large` in
    rooms above `large_room` square metres).
    """
    if not scene.units_known:
        return Rejection.NO_UNITS
    drawn = draw(scene, rng, config.margins, 3)
    if isinstance(drawn, Rejection):
        return drawn
    _, (a, b, reference) = drawn
    margins = config.margins
    distances = gap(a.object, reference.object), gap(b.object, reference.object)
    least = margins.reference_gap_large if area(scene.room) > margins.large_room else margins.reference_gap
    if min(distances) < margins.reference_min or abs(distances[0] - distances[1]) <= least:
        return Rejection.MARGIN_DISTANCE
    a_closer = distances[0] < distances[1]
    asks_closer = rng.random() < 0.5
    answer, contrary = (a, b) if a_closer == asks_closer else (b, a)
    closer, farther = (a, b) if a_closer else (b, a)
    options = (a.name, b.name)
    place = "first" if answer is a else "second"
    other_place = "second" if answer is a else "first"
    return Question(
        task="reference_distance",
        text=phrase(CLOSER if asks_closer else FARTHER, rng, config, a=a.name, b=b.name, r=reference.name),
        answer=Choice(letter=LETTERS[options.index(answer.name)], text=answer.name),
        options=options,
        focus=(reference.object.id, a.object.id, b.object.id),
        rationale=f"Starting from the {reference.name}, the {closer.name} is nearer in the room "
        f"than the {farther.name}.",
        cues={
            answer.name: (place, *_cues(closer.object, farther.object, reference.object)),
            contrary.name: (other_place, *_cues(farther.object, closer.object, reference.object)),
        },
        facts={
            "reference": reference.object.id,
            "objects": [a.object.id, b.object.id],
            "distances": list(distances),
            "asks_closer": asks_closer,
        },
    )
