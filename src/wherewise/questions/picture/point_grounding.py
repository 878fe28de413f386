"""Where is A, as a point?"""

from __future__ import annotations

import random

from wherewise.questions.asking import pick_kind
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import draw
from wherewise.samples.answer import Point, answer_text
from wherewise.scenes import Scene

TEMPLATES = (
    "Point at the middle of the visible part of the {a}.",
    "Give one point in the middle of what can be seen of the {a}.",
)


def point_grounding(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Centroid of the visible pixels; it must be within a quarter of the box's sides of the box's centre."""
    if pick_kind(rng, config, ("point",)) is None:
        return Rejection.ANSWER_KIND
    drawn = draw(scene, rng, config.margins, 1)
    if isinstance(drawn, Rejection):
        return drawn
    view, (a,) = drawn
    for axis in (0, 1):
        middle, length = (a.box[axis] + a.box[axis + 2]) / 2, a.box[axis + 2] - a.box[axis]
        if abs(a.center[axis] - middle) > length / 4:
            return Rejection.MARGIN_POSITION
    answer = Point(xy=(round(a.center[0], 1), round(a.center[1], 1)))
    side = "left" if a.center[0] < view.camera.width / 2 else "right"
    return Question(
        task="point_grounding",
        text=phrase(TEMPLATES, rng, config, a=a.name),
        answer=answer,
        focus=(a.object.id,),
        rationale=f"The {a.name} is in the {side} half of the picture.",
        cues={answer_text(answer): ()},
        facts={"object": a.object.id},
    )
