"""What does A stand on?"""

from __future__ import annotations

import random

from wherewise.questions.asking import choose, decide, pick_kind, word_cues
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import extent
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import floor_known, known
from wherewise.scenes import Scene

CHOICE = ("What does the {a} stand on?", "On what is the {a} placed?", "What carries the {a}?")
CHECK = ("Does the {a} stand on the {b}?", "Is the {a} on the {b}?")
FLOOR = "floor"
TOUCH = 0.05
"""Largest distance from the floor of what stands on it, in metres."""


def support(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """The object, or the floor, that carries an object.

    What carries it is written in the scene (`SceneObject.support`); on the floor stands what has no support and ends
    within 5 cm of it. Things on the wall are left out.
    """
    kind = pick_kind(rng, config, ("choice", "boolean"))
    if kind is None:
        return Rejection.ANSWER_KIND
    if not floor_known(scene):
        return Rejection.NO_FLOOR
    things, _ = known(scene, config.margins)
    named = {thing.id: thing for thing in things}
    standing = [
        thing
        for thing in things
        if thing.support in named or (thing.support is None and abs(extent(thing)[0]) <= TOUCH)
    ]
    if not standing or len(things) < 3:
        return Rejection.TOO_FEW_OBJECTS
    lifted = [thing for thing in standing if thing.support is not None]
    a = rng.choice(lifted if lifted and rng.random() < 0.6 else standing)
    base = FLOOR if a.support is None else named[a.support].label
    carried = [thing for thing in things if thing.id != a.id and thing.support == a.id]
    others = [t for t in things if t.id not in (a.id, a.support) and t not in carried]
    if not others:
        return Rejection.NO_DISTRACTORS
    wrong = [thing.label for thing in rng.sample(others, min(len(others), config.choices - 2))]
    wrong += [FLOOR] * (base != FLOOR)
    focus = (a.id,) if a.support is None else (a.id, a.support)
    rationale = f"The {a.label} rests on the {base}."
    facts = {"support": a.support}
    categories = {thing.label: thing.category for thing in things} | {FLOOR: FLOOR}
    if kind == "boolean":
        holds = rng.random() < 0.5
        asked = base if holds else rng.choice(wrong)
        return decide(
            "support",
            phrase(CHECK, rng, config, a=a.label, b=asked),
            holds,
            cues=(f"on {categories[asked]}", f"{a.category} on", f"{a.category} on {categories[asked]}"),
            focus=focus,
            rationale=rationale,
            facts=facts,
        )
    options = [base, *wrong]
    rng.shuffle(options)
    return choose(
        "support",
        phrase(CHOICE, rng, config, a=a.label),
        options,
        base,
        cues={word: word_cues(f"on {categories[word]}", a) for word in options},
        focus=focus,
        rationale=rationale,
        facts=facts,
    )
