"""What can be seen in both pictures?"""

from __future__ import annotations

import random

from wherewise.questions.asking import choose, counted, decide, pick_kind, shuffled, word_cues
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import visibility_problem
from wherewise.questions.sight import ORDINALS, known, pictures
from wherewise.scenes import Scene, SceneObject, View

CHECK = (
    "Can the {a} be seen both in the {p} and in the {q} picture?",
    "Do both the {p} and the {q} picture show the {a}?",
)
CHOICE = (
    "Which of these can be seen both in the {p} and in the {q} picture: {x}?",
    "Only one of these is in view in both the {p} and the {q} picture: {x}. Which one?",
)
COUNT = ("How many of these can be seen both in the {p} and in the {q} picture: {x}?",)


def covisible(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Objects that two pictures share: seen well in both (yes), or well in one and not by a pixel in the other (no)."""
    kind = pick_kind(rng, config, ("boolean", "choice", "number"))
    if kind is None:
        return Rejection.ANSWER_KIND
    views = pictures(scene)
    if isinstance(views, Rejection):
        return views
    first, second = sorted(rng.sample(range(min(len(views), len(ORDINALS))), 2))
    one, two = views[first], views[second]
    things, _ = known(scene, config.margins)

    def well(view: View, thing: SceneObject) -> bool:
        seen = view.visible.get(thing.id)
        return seen is not None and visibility_problem(view.camera, seen, config.margins) is None

    def unseen(view: View, thing: SceneObject) -> bool:
        return thing.id not in view.visible or view.visible[thing.id].pixels == 0

    both = [thing for thing in things if well(one, thing) and well(two, thing)]
    single = [t for t in things if (well(one, t) and unseen(two, t)) or (well(two, t) and unseen(one, t))]
    places = {"p": ORDINALS[first], "q": ORDINALS[second]}
    label = f"{first} {second}"
    if kind == "boolean":
        wanted = rng.random() < 0.5
        if not (both if wanted else single):
            return Rejection.TOO_FEW_OBJECTS
        a = rng.choice(both if wanted else single)
        return decide(
            "covisible",
            phrase(CHECK, rng, config, a=a.label, **places),
            wanted,
            cues=word_cues("both", a),
            focus=(a.id,),
            rationale=f"The {a.label} is in view in {'both pictures' if wanted else 'only one of the two pictures'}.",
            facts={"label": label},
        )
    if kind == "choice":
        if not both or len(single) < 2:
            return Rejection.TOO_FEW_OBJECTS
        a = rng.choice(both)
        rivals = [a, *rng.sample(single, min(len(single), config.choices - 1))]
        options = shuffled([thing.label for thing in rivals], rng)
        return choose(
            "covisible",
            phrase(CHOICE, rng, config, x=", ".join(options), **places),
            options,
            a.label,
            cues={thing.label: word_cues("both", thing) for thing in rivals},
            focus=(a.id,),
            rationale=f"Only the {a.label} is in view in both pictures.",
            facts={"label": label},
        )
    listed = rng.sample([*both, *single], min(len(both) + len(single), 5))
    if len(listed) < 3:
        return Rejection.TOO_FEW_OBJECTS
    shared = [thing for thing in listed if thing in both]
    return counted(
        "covisible",
        phrase(COUNT, rng, config, x=", ".join(f"the {thing.label}" for thing in listed), **places),
        len(shared),
        rng=rng,
        config=config.model_copy(update={"kinds": ("number",)}),
        category=f"of {len(listed)}",
        focus=tuple(thing.id for thing in shared),
        rationale=f"In both pictures: {', '.join(f'the {thing.label}' for thing in shared) or 'none'}.",
    )
