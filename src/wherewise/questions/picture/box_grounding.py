"""Where is A, as a box?"""

from __future__ import annotations

import random

from wherewise.questions.asking import pick_kind
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import draw
from wherewise.samples.answer import Box, answer_text
from wherewise.scenes import Scene

TEMPLATES = (
    "Give the bounding box of the {a}.",
    "Where is the {a}? Answer with the box around its visible part.",
    "Draw a box around the {a}.",
)


def box_grounding(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Box of the visible pixels of an object."""
    if pick_kind(rng, config, ("box",)) is None:
        return Rejection.ANSWER_KIND
    drawn = draw(scene, rng, config.margins, 1)
    if isinstance(drawn, Rejection):
        return drawn
    view, (a,) = drawn
    x1, y1, x2, y2 = a.box
    answer = Box(xyxy=(float(x1), float(y1), float(x2), float(y2)))
    side = "left" if a.center[0] < view.camera.width / 2 else "right"
    return Question(
        task="box_grounding",
        text=phrase(TEMPLATES, rng, config, a=a.name),
        answer=answer,
        focus=(a.object.id,),
        rationale=f"The {a.name} is in the {side} half of the picture.",
        cues={answer_text(answer): ()},
        facts={"object": a.object.id},
    )
