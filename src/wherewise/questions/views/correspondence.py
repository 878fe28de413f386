"""Which box in the second picture shows the same object as a box in the first?"""

from __future__ import annotations

import math
import random

from wherewise.questions.asking import choose, pick_kind
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import visibility_problem
from wherewise.questions.sight import ORDINALS, is_still, pictures
from wherewise.scenes import Scene, View

TEMPLATES = (
    "In the {p} picture an object is at {box}. Which box in the {q} picture shows the same object?",
    "An object is in the box {box} of the {p} picture. In which box of the {q} picture is it?",
)
EDGE = 2.0
"""A box touches an edge of the picture within so many pixels."""


def box_text(view: View, name: str) -> str:
    """The box of an object in a view, in pixels."""
    return str(list(view.visible[name].box or ()))


def correspondence(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Matching by boxes, in pixels of each picture; objects of the same category come first among the wrong ones.

    The object must be seen well in both pictures, the others in the second.
    """
    if pick_kind(rng, config, ("choice",)) is None:
        return Rejection.ANSWER_KIND
    views = pictures(scene)
    if isinstance(views, Rejection):
        return views
    first, second = rng.sample(range(min(len(views), len(ORDINALS))), 2)
    one, two = views[first], views[second]

    def well(view: View) -> list[str]:
        return [
            thing.id
            for thing in scene.objects
            if thing.id in view.visible
            and is_still(scene, thing)
            and visibility_problem(view.camera, view.visible[thing.id], config.margins) is None
        ]

    there = well(two)
    both = [name for name in well(one) if name in there]
    if not both or len(there) < 3:
        return Rejection.TOO_FEW_OBJECTS
    name = rng.choice(both)
    category = scene.object(name).category
    others = rng.sample([other for other in there if other != name], len(there) - 1)
    others.sort(key=lambda other: scene.object(other).category != category)
    options = [box_text(two, other) for other in (name, *others[: config.choices - 1])]
    if len(set(options)) < len(options):
        return Rejection.NO_DISTRACTORS
    truth = options[0]
    rng.shuffle(options)
    return choose(
        "correspondence",
        phrase(TEMPLATES, rng, config, p=ORDINALS[first], q=ORDINALS[second], box=box_text(one, name)),
        options,
        truth,
        cues=_cues(one.visible[name].box, options, two),
        focus=(name,),
        rationale=f"In both pictures it is the {scene.object(name).label}.",
        facts={"label": f"{first} {second}", "object": name},
    )


def _cues(asked: tuple[int, int, int, int] | None, options: list[str], view: View) -> dict[str, tuple[str, ...]]:
    """What the numbers alone say for each option: how large it is, which edges it touches, how like the asked box."""
    own = [float(value) for value in asked or (0, 0, 1, 1)]
    boxes = [[float(value) for value in option[1:-1].split(",")] for option in options]
    edges = (0.0, 0.0, float(view.camera.width), float(view.camera.height))

    def traits(box: list[float]) -> tuple[float, float, float, float]:
        wide, high = max(1.0, box[2] - box[0]), max(1.0, box[3] - box[1])
        return box[0] + box[2], box[1] + box[3], math.log2(wide * high), math.log2(wide / high)

    mine = traits(own)
    away = [[abs(a - b) for a, b in zip(traits(box), mine, strict=True)] for box in boxes]
    spread = [max(row[k] for row in away) or 1.0 for k in range(4)]
    away = [[*row, sum(value / most for value, most in zip(row, spread, strict=True))] for row in away]
    ranks = [[sorted(row[k] for row in away).index(each[k]) for k in range(5)] for each in away]
    names = ("column", "row", "size", "shape", "all")
    cues: dict[str, tuple[str, ...]] = {}
    for option, box, each in zip(options, boxes, ranks, strict=True):
        touched = [f"edge {k}" for k in range(4) if abs(box[k] - edges[k]) <= EDGE]
        likeness = [f"{name} {rank}" for name, rank in zip(names, each, strict=True)]
        area = round(traits(box)[2])
        cues[option] = (
            *likeness,
            f"size {each[2]} shape {each[3]}",
            f"area {area}",
            f"area {area} {touched}",
            *touched,
        )
    return cues
