"""Which relation did an annotator write between A and B?"""

from __future__ import annotations

import random

from wherewise.questions.asking import choose, decide, pick_kind, shuffled, word_cues
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import referents, still
from wherewise.scenes import Scene

CHOICE = (
    "Which is true of the {a} and the {b}: is the {a} {p} or {q} the {b}?",
    "How is the {a} placed with respect to the {b}: {p} it or {q} it?",
)
CHECK = ("Is the {a} {p} the {b}?", "Can one say that the {a} is {p} the {b}?")
CONTRARY: dict[str, str] = {
    "on": "under",
    "on top of": "under",
    "standing on": "under",
    "sitting on": "under",
    "lying on": "under",
    "under": "on",
    "above": "below",
    "below": "above",
    "over": "below",
    "in front of": "behind",
    "behind": "in front of",
    "left of": "right of",
    "right of": "left of",
    "to the left of": "to the right of",
    "to the right of": "to the left of",
    "in": "outside",
    "inside": "outside",
    "outside": "inside",
    "near": "far from",
    "next to": "far from",
    "beside": "far from",
}
"""Predicates whose contrary cannot be true at the same time; others are not asked for."""


def _words(predicate: str) -> str:
    return predicate.lower().replace("_", " ")


def annotated_relation(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """A written relation against its contrary.

    Annotations are never complete, so that a relation which nobody wrote down may still hold: the wrong option is
    always the contrary of a written one (``CONTRARY``), and nobody may have written that contrary for the same pair.
    """
    kind = pick_kind(rng, config, ("choice", "boolean"))
    if kind is None:
        return Rejection.ANSWER_KIND
    view = still(scene)
    if isinstance(view, Rejection):
        return view
    written = [item for item in scene.relations if _words(item.predicate) in CONTRARY]
    if not written:
        return Rejection.NO_RELATION
    named = {item.object.id: item for item in referents(scene, view, config.margins)[0]}
    item = rng.choice(written)
    if item.subject not in named or item.object not in named or item.subject == item.object:
        return Rejection.AMBIGUOUS_REFERENT
    a, b = named[item.subject], named[item.object]
    truth = _words(item.predicate)
    contrary = CONTRARY[truth]
    ends = (item.subject, item.object)
    same = {_words(other.predicate) for other in scene.relations if (other.subject, other.object) == ends}
    if contrary in same or any(CONTRARY.get(word) == truth for word in same):
        return Rejection.NO_DISTRACTORS
    focus, rationale = (a.object.id, b.object.id), f"The {a.name} is {truth} the {b.name}."
    facts = {"label": truth, "subject": item.subject, "object": item.object, "predicate": truth}
    words = {word: word_cues(word, a.object, b.object) for word in (truth, contrary)}
    if kind == "boolean":
        holds = rng.random() < 0.5
        asked = truth if holds else contrary
        return decide(
            "annotated_relation",
            phrase(CHECK, rng, config, a=a.name, b=b.name, p=asked),
            holds,
            cues=words[asked],
            focus=focus,
            rationale=rationale,
            facts=facts,
        )
    options = shuffled((truth, contrary), rng)
    text = phrase(CHOICE, rng, config, a=a.name, b=b.name, p=options[0], q=options[1])
    return choose("annotated_relation", text, options, truth, cues=words, focus=focus, rationale=rationale, facts=facts)
