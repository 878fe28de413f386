"""Did an X appear in the clip, or in any of the pictures?"""

from __future__ import annotations

import random

from wherewise.questions.asking import decide, pick_kind
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import article, may_be
from wherewise.questions.sight import PLACE, best_problem, ever_seen, modality
from wherewise.scenes import Scene

TEMPLATES = (
    "Does {x} appear {where}?",
    "Is there {x} anywhere {where}?",
    "Was {x} to be seen at any time {where}?",
)


def memory(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Whether something of a label was ever in view.

    Yes: some view shows it well. No: nothing that ever shows a pixel might bear the label, which is modelled on a thing
    that was seen, as in `existence`.
    """
    if pick_kind(rng, config, ("boolean",)) is None:
        return Rejection.ANSWER_KIND
    if len(scene.views) < 2:
        return Rejection.NOT_A_CLIP
    if not scene.complete:
        return Rejection.NOT_COMPLETE
    things = ever_seen(scene)
    if not things:
        return Rejection.TOO_FEW_OBJECTS
    where = PLACE[modality(scene)]
    thing = rng.choice(things)
    if rng.random() < 0.5:
        problem = best_problem(scene, thing, config.margins)
        if problem is not None:
            return problem
        category, color, truth = thing.category, thing.color, True
    else:
        labels = [(other.category, thing.color) for other in scene.objects]
        labels += [(thing.category, other.color) for other in scene.objects if other.color]
        if thing.color is None:
            labels = [(name, None) for name in config.vocabulary or ()]
        absent = [label for label in dict.fromkeys(labels) if not any(may_be(*label, other) for other in things)]
        if not absent:
            return Rejection.NO_PLAUSIBLE_ABSENTEE
        (category, color), truth = rng.choice(absent), False
    label = f"{color} {category}" if color else category
    return decide(
        "memory",
        phrase(TEMPLATES, rng, config, x=article(label), where=where),
        truth,
        cues=(f"is {category}", f"is {color} {category}", f"is {color}"),
        focus=(thing.id,) if truth else (),
        rationale=f"{article(label).capitalize()} {'comes into view' if truth else 'never comes into view'}.",
        facts={"label": label},
    )
