"""Is A left of, right of, above or below B in the picture?"""

from __future__ import annotations

import random

from wherewise.questions.asking import choose, pick_kind, shuffled, word_cues
from wherewise.questions.config import MarginsConfig, QuestionsConfig
from wherewise.questions.geometry import overlap_share
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import Referent, draw
from wherewise.scenes import Camera, Scene

TEMPLATES = (
    "Is the {a} left of, right of, above or below the {b} in the picture?",
    "What is the position of the {a} relative to the {b} in the picture: left, right, above or below?",
    "In the picture, where is the {a} as seen from the {b}: to the left, to the right, above or below?",
)
WORDS = ("left", "right", "above", "below")


def side(a: Referent, b: Referent, camera: Camera, margins: MarginsConfig) -> str | None:
    """The one of the four directions that clearly dominates between two visible objects."""
    shares = ((a.center[0] - b.center[0]) / camera.width, (a.center[1] - b.center[1]) / camera.height)
    axis = 0 if abs(shares[0]) > abs(shares[1]) else 1
    middles = [item.box[axis] + item.box[axis + 2] for item in (a, b)]
    clear = abs(shares[axis]) > (margins.horizontal_gap, margins.vertical_gap)[axis]
    clear = clear and abs(shares[axis]) >= margins.dominance * abs(shares[1 - axis])
    apart = overlap_share((a.box[axis], a.box[axis + 2]), (b.box[axis], b.box[axis + 2])) < margins.max_overlap
    if not clear or not apart or (middles[0] < middles[1]) != (shares[axis] < 0):
        return None
    return WORDS[2 * axis + (shares[axis] > 0)]


def relation(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """The direction in the picture plane that dominates.

    The shift between the centroids along one axis, as a share of the picture, must exceed `horizontal_gap` or
    `vertical_gap` and be `dominance` times the other; the boxes must overlap along it by less than `max_overlap`.
    """
    if pick_kind(rng, config, ("choice",)) is None:
        return Rejection.ANSWER_KIND
    drawn = draw(scene, rng, config.margins, 2)
    if isinstance(drawn, Rejection):
        return drawn
    view, (a, b) = drawn
    answer = side(a, b, view.camera, config.margins)
    if answer is None:
        return Rejection.MARGIN_HORIZONTAL
    way = f"{answer} of" if answer in WORDS[:2] else answer
    return choose(
        "relation",
        phrase(TEMPLATES, rng, config, a=a.name, b=b.name),
        shuffled(WORDS, rng),
        answer,
        words=WORDS,
        cues={word: word_cues(word, a.object, b.object) for word in WORDS},
        focus=(a.object.id, b.object.id),
        rationale=f"Between the two, the {a.name} is clearly {way} the {b.name}.",
        facts={"subject": a.object.id, "object": b.object.id, "centers": [list(a.center), list(b.center)]},
    )
