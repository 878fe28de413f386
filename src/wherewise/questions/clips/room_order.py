"""In which order does the camera go through the rooms?"""

from __future__ import annotations

import itertools
import random
import re

from wherewise.questions.asking import choose, pick_kind
from wherewise.questions.clips.visits import visits
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.samples.answer import Order
from wherewise.scenes import Scene

TEMPLATES = (
    "In which order does the camera first enter these rooms: {x}?",
    "Sort these rooms by when the camera is first in them: {x}.",
)


def room_order(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Order of the first visits of two or more rooms with telling names (``kitchen``, not ``room 1``)."""
    kind = pick_kind(rng, config, ("order", "choice"))
    if kind is None:
        return Rejection.ANSWER_KIND
    found = visits(scene)
    if isinstance(found, Rejection):
        return found
    names = list(dict.fromkeys(found))
    if any(re.search(r"\d", name) for name in names):
        return Rejection.NO_FLOOR
    if not 2 <= len(names) <= 6:
        return Rejection.COUNT_OUT_OF_RANGE
    text = phrase(TEMPLATES, rng, config, x=", ".join(rng.sample(names, len(names))))
    rationale = f"The camera begins in the {names[0]} and then enters {', then '.join(f'the {n}' for n in names[1:])}."
    truth = ", ".join(names)
    if kind == "order":
        return Question(
            task="room_order",
            text=text,
            answer=Order(items=tuple(names)),
            rationale=rationale,
            cues={truth: ()},
            facts={"visits": found},
        )
    wrong = [order for order in itertools.permutations(names) if list(order) != names]
    options = [truth, *(", ".join(order) for order in rng.sample(wrong, min(len(wrong), config.choices - 1)))]
    rng.shuffle(options)
    return choose(
        "room_order",
        text,
        options,
        truth,
        cues={
            option: tuple(" > ".join(p) for p in itertools.combinations(option.split(", "), 2)) for option in options
        },
        rationale=rationale,
        facts={"visits": found},
    )
