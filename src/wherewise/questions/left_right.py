"""Is A to the left or to the right of B in the picture?"""

from __future__ import annotations

import random

from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import overlap_share
from wherewise.questions.question import Question, Rejection, contest_cues, phrase
from wherewise.questions.referring import draw
from wherewise.samples.answer import LETTERS, Choice
from wherewise.scenes import Scene

TEMPLATES = (
    "Is the {a} to the left or to the right of the {b}?",
    "In the picture, is the {a} to the left or to the right of the {b}?",
    "Is the {a} left or right of the {b} in this picture?",
    "Where is the {a} in the picture: to the left or to the right of the {b}?",
)
WORDS = ("left", "right")


def left_right(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Side of A seen from B, in the picture plane.

    The centroids of the visible pixels decide. They must differ by `horizontal_gap` of the width, the boxes must
    overlap sideways by less than `max_overlap`, and the box centres must tell the same.
    """
    drawn = draw(scene, rng, config.margins, 2)
    if isinstance(drawn, Rejection):
        return drawn
    view, (a, b) = drawn
    margins = config.margins
    shift = (a.center[0] - b.center[0]) / view.camera.width
    overlap = overlap_share((a.box[0], a.box[2]), (b.box[0], b.box[2]))
    boxes_agree = (a.box[0] + a.box[2] < b.box[0] + b.box[2]) == (shift < 0)
    if abs(shift) <= margins.horizontal_gap or overlap >= margins.max_overlap or not boxes_agree:
        return Rejection.MARGIN_HORIZONTAL
    answer, contrary = ("left", "right") if shift < 0 else ("right", "left")
    first, second = (a, b) if shift < 0 else (b, a)
    options = tuple(rng.sample(WORDS, 2))
    return Question(
        task="left_right",
        text=phrase(TEMPLATES, rng, config, a=a.name, b=b.name),
        answer=Choice(letter=LETTERS[options.index(answer)], text=answer),
        options=options,
        words=WORDS,
        focus=(a.object.id, b.object.id),
        rationale=f"The {a.name} is further {answer} in the picture than the {b.name}.",
        cues={
            answer: (f"says {answer}", *contest_cues(first.object, second.object, "left")),
            contrary: (f"says {contrary}", *contest_cues(second.object, first.object, "left")),
        },
        facts={
            "subject": a.object.id,
            "object": b.object.id,
            "centers": [list(a.center), list(b.center)],
            "shift": shift,
            "overlap": overlap,
        },
    )
