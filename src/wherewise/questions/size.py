"""Which of two objects is larger, or smaller?"""

from __future__ import annotations

import math
import random

from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, contest_cues, phrase
from wherewise.questions.referring import draw
from wherewise.samples.answer import LETTERS, Choice
from wherewise.scenes import Scene

LARGER = (
    "Which is larger, the {a} or the {b}?",
    "Which of the two is bigger in reality: the {a} or the {b}?",
    "In real life, what is the larger thing here, the {a} or the {b}?",
)
SMALLER = (
    "Which is smaller, the {a} or the {b}?",
    "Which of the two is smaller in reality: the {a} or the {b}?",
    "In real life, what is the smaller thing here, the {a} or the {b}?",
)


def size(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """True size in the room, not size in the picture.

    A is larger than B when both its volume (of the oriented box) and its longest side are `size_ratio` times those of
    B. Most pairs of categories give the answer away; the balancer keeps them only as often as the contrary happens.
    """
    if not scene.units_known:
        return Rejection.NO_UNITS
    drawn = draw(scene, rng, config.margins, 2)
    if isinstance(drawn, Rejection):
        return drawn
    _, (a, b) = drawn
    volumes = math.prod(a.object.size), math.prod(b.object.size)
    longest = max(a.object.size), max(b.object.size)
    a_larger = volumes[0] > volumes[1]
    ratios = [max(pair) / max(1e-12, min(pair)) for pair in (volumes, longest)]
    if min(ratios) <= config.margins.size_ratio or (longest[0] > longest[1]) != a_larger:
        return Rejection.MARGIN_SIZE
    asks_larger = rng.random() < 0.5
    answer, contrary = (a, b) if a_larger == asks_larger else (b, a)
    larger, smaller = (a, b) if a_larger else (b, a)
    options = (a.name, b.name)
    place = "first" if answer is a else "second"
    other_place = "second" if answer is a else "first"
    return Question(
        task="size",
        text=phrase(LARGER if asks_larger else SMALLER, rng, config, a=a.name, b=b.name),
        answer=Choice(letter=LETTERS[options.index(answer.name)], text=answer.name),
        options=options,
        focus=(a.object.id, b.object.id),
        rationale=f"The {larger.name} is larger than the {smaller.name}.",
        cues={
            answer.name: (place, *contest_cues(larger.object, smaller.object, "large")),
            contrary.name: (other_place, *contest_cues(smaller.object, larger.object, "large")),
        },
        facts={
            "objects": [a.object.id, b.object.id],
            "volumes": list(volumes),
            "longest": list(longest),
            "asks_larger": asks_larger,
        },
    )
