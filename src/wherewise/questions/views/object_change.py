"""Which object came, or went?"""

from __future__ import annotations

import random

from wherewise.questions.asking import choose, pick_kind, shuffled, word_cues
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import is_ambiguous, visibility_problem
from wherewise.questions.sight import ever_seen
from wherewise.scenes import Scene

ADDED = (
    "Which object is in the room in the last view but was not there in the first: {x}?",
    "Between the first and the last view an object was put into the room. Which one: {x}?",
)
REMOVED = (
    "Which object was in the room in the first view but is not there in the last: {x}?",
    "Between the first and the last view an object was taken out of the room. Which one: {x}?",
)


def object_change(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """The object that was added or removed, among others that are seen well before and after.

    It must be seen well in the view in which it is there.
    """
    if pick_kind(rng, config, ("choice",)) is None:
        return Rejection.ANSWER_KIND
    if len(scene.views) < 2:
        return Rejection.NOT_PICTURES
    first, last = scene.views[0], scene.views[-1]
    if not set(first.gone) ^ set(last.gone):
        return Rejection.NO_MOTION
    things = ever_seen(scene)

    def well(name: str, index: int) -> bool:
        view = (first, last)[index]
        seen = view.visible.get(name)
        return seen is not None and visibility_problem(view.camera, seen, config.margins) is None

    plain = [thing for thing in things if not is_ambiguous(thing, things)]
    changed = [(t, True) for t in plain if t.id in first.gone and t.id not in last.gone and well(t.id, 1)]
    changed += [(t, False) for t in plain if t.id in last.gone and t.id not in first.gone and well(t.id, 0)]
    stayed = [t for t in plain if t.id not in (*first.gone, *last.gone) and well(t.id, 0) and well(t.id, 1)]
    if not changed or not stayed:
        return Rejection.TOO_FEW_OBJECTS
    a, added = rng.choice(changed)
    rivals = [a, *rng.sample(stayed, min(len(stayed), config.choices - 1))]
    options = shuffled([thing.label for thing in rivals], rng)
    return choose(
        "object_change",
        phrase(ADDED if added else REMOVED, rng, config, x=", ".join(options)),
        options,
        a.label,
        cues={thing.label: word_cues("changes", thing) for thing in rivals},
        focus=(a.id,),
        rationale=f"The {a.label} is there only in the {'last' if added else 'first'} view.",
        facts={"label": "added" if added else "removed"},
    )
