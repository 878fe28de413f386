"""Is there an X in the picture?"""

from __future__ import annotations

import random

from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import article, in_view, may_be, still, visibility_problem
from wherewise.samples.answer import Boolean
from wherewise.scenes import Scene, View

TEMPLATES = (
    "Is there {x} in the picture?",
    "Can you see {x} in this picture?",
    "Does the picture show {x}?",
)
WORDS = ("yes", "no")


def _cues(category: str, color: str | None) -> dict[str, tuple[str, ...]]:
    return {"yes": ("yes", f"is {category}", f"is {color} {category}", f"is {color}"), "no": ()}


def existence(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Whether an object of a label is visible.

    Yes: the label of an object that is seen well. No: a label that no object with even one visible pixel might bear,
    modelled on a visible object: its colour on another category of the scene, its category in another colour of the
    scene, or, if it has no colour, a category that is out of sight or only in the config's vocabulary.
    """
    view = still(scene)
    if isinstance(view, Rejection):
        return view
    if not scene.complete:
        return Rejection.NOT_COMPLETE
    return _present(scene, view, rng, config) if rng.random() < 0.5 else _absent(scene, view, rng, config)


def _present(scene: Scene, view: View, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    things = in_view(scene, view)
    if not things:
        return Rejection.TOO_FEW_OBJECTS
    thing = rng.choice(things)
    problem = visibility_problem(view.camera, view.visible[thing.id], config.margins)
    if problem is not None:
        return problem
    name = article(thing.label)
    return Question(
        task="existence",
        text=phrase(TEMPLATES, rng, config, x=name),
        answer=Boolean(value=True),
        words=WORDS,
        focus=(thing.id,),
        rationale=f"{name[0].upper()}{name[1:]} is visible in the picture.",
        cues=_cues(thing.category, thing.color),
        facts={"label": thing.label, "object": thing.id, "pixels": view.visible[thing.id].pixels},
    )


def _absent(scene: Scene, view: View, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    things = in_view(scene, view)
    if not things:
        return Rejection.TOO_FEW_OBJECTS
    pattern = rng.choice(things)
    hidden = [thing for thing in scene.objects if thing not in things]
    labels: list[tuple[str, str | None]]
    if pattern.color is None:
        labels = [(category, None) for category in config.vocabulary or ()]
        labels += [(thing.category, None) for thing in hidden]
    else:
        labels = [(thing.category, pattern.color) for thing in scene.objects]
        labels += [(pattern.category, thing.color) for thing in scene.objects if thing.color]
    absent = [label for label in dict.fromkeys(labels) if not any(may_be(*label, thing) for thing in things)]
    if not absent:
        return Rejection.NO_PLAUSIBLE_ABSENTEE
    category, color = rng.choice(absent)
    label = f"{color} {category}" if color else category
    return Question(
        task="existence",
        text=phrase(TEMPLATES, rng, config, x=article(label)),
        answer=Boolean(value=False),
        words=WORDS,
        rationale=f"There is no {label} in the picture.",
        cues=_cues(category, color),
        facts={"label": label, "object": None},
    )
