"""How many X are left of, right of, above or below B?"""

from __future__ import annotations

import random

from wherewise.questions.asking import counted, often_repeated
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import overlap_share
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import draw, in_view, plural, same_kind, visibility_problem
from wherewise.scenes import Scene

TEMPLATES = (
    "How many {x} are {side} the {b} in the picture?",
    "In the picture, how many {x} can be seen {side} the {b}?",
)
SIDES = ("to the left of", "to the right of", "above", "below")


def count_where(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Number of objects of a category on one side of a reference object, in the picture plane.

    Every visible object of the category must be seen well and lie clearly on one side or the other: `horizontal_gap` or
    `vertical_gap`, and boxes that overlap by less than `max_overlap`.
    """
    if not scene.complete:
        return Rejection.NOT_COMPLETE
    drawn = draw(scene, rng, config.margins, 1)
    if isinstance(drawn, Rejection):
        return drawn
    view, (b,) = drawn
    things = in_view(scene, view)
    categories = sorted({thing.category for thing in things if not same_kind(thing.category, b.object.category)})
    if not categories:
        return Rejection.TOO_FEW_OBJECTS
    category = often_repeated(things, categories, rng)
    if any(thing.category != category and same_kind(thing.category, category) for thing in things):
        return Rejection.AMBIGUOUS_REFERENT
    way = rng.randrange(4)
    axis = way // 2
    extent = (view.camera.width, view.camera.height)[axis]
    least = (config.margins.horizontal_gap, config.margins.vertical_gap)[axis]
    found: list[str] = []
    for thing in (thing for thing in things if thing.category == category):
        seen = view.visible[thing.id]
        problem = visibility_problem(view.camera, seen, config.margins)
        if problem is not None:
            return problem
        assert seen.box is not None
        assert seen.center is not None
        shift = (seen.center[axis] - b.center[axis]) / extent
        shared = overlap_share((seen.box[axis], seen.box[axis + 2]), (b.box[axis], b.box[axis + 2]))
        agree = (seen.box[axis] + seen.box[axis + 2] < b.box[axis] + b.box[axis + 2]) == (shift < 0)
        if abs(shift) <= least or shared >= config.margins.max_overlap or not agree:
            return Rejection.MARGIN_HORIZONTAL if axis == 0 else Rejection.MARGIN_VERTICAL
        if (shift > 0) == (way % 2 == 1):
            found.append(thing.id)
    if len(found) > config.margins.count_max:
        return Rejection.COUNT_OUT_OF_RANGE
    names = "; ".join(f"one {scene.object(name).label}" for name in found) or "none"
    return counted(
        "count_where",
        phrase(TEMPLATES, rng, config, x=plural(category), side=SIDES[way], b=b.name),
        len(found),
        rng=rng,
        config=config,
        category=f"{category} {SIDES[way]} {b.object.category}",
        focus=(b.object.id, *found),
        rationale=f"Of the {plural(category)}, {SIDES[way]} the {b.name} there are: {names}.",
        facts={"reference": b.object.id, "objects": found},
    )
