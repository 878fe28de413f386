"""In which order do the pictures come closer to A?"""

from __future__ import annotations

import itertools
import random

from wherewise.questions.asking import choose, pick_kind
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import ORDINALS, draw_known, pictures
from wherewise.questions.views.camera_gap import camera_gap
from wherewise.samples.answer import Order
from wherewise.scenes import Scene

TEMPLATES = (
    "Sort the pictures by the camera's distance from the {a}, nearest first.",
    "Order the pictures from the one taken nearest to the {a} to the one taken farthest from it.",
)


def view_order(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Order of three to five pictures by distance to an object's box; neighbours differ as in `closest_view`."""
    kind = pick_kind(rng, config, ("order", "choice"))
    if kind is None:
        return Rejection.ANSWER_KIND
    views = pictures(scene, 3)
    if isinstance(views, Rejection):
        return views
    if len(views) > 5:
        return Rejection.NOT_PICTURES
    drawn = draw_known(scene, rng, config.margins, 1)
    if isinstance(drawn, Rejection):
        return drawn
    (a,) = drawn
    distances = [camera_gap(view.camera, a) for view in views]
    ranked = sorted(range(len(views)), key=lambda i: distances[i])
    for i, j in itertools.pairwise(ranked):
        least = max(config.margins.depth_gap, config.margins.depth_ratio * distances[i])
        if distances[j] - distances[i] <= least:
            return Rejection.MARGIN_DISTANCE
    names = [f"{ORDINALS[i]} picture" for i in ranked]
    text = phrase(TEMPLATES, rng, config, a=a.label)
    rationale = f"Starting nearest to the {a.label}: {', then '.join(f'the {name}' for name in names)}."
    facts = {"distances": distances}
    if kind == "order":
        return Question(
            task="view_order",
            text=text,
            answer=Order(items=tuple(names)),
            focus=(a.id,),
            rationale=rationale,
            cues={", ".join(names): ()},
            facts=facts,
        )
    orders = [order for order in itertools.permutations(names) if list(order) != names]
    options = [", ".join(order) for order in [tuple(names), *rng.sample(orders, min(len(orders), config.choices - 1))]]
    truth = options[0]
    rng.shuffle(options)
    return choose(
        "view_order",
        text,
        options,
        truth,
        cues={option: (option, *option.split(", ")[:1]) for option in options},
        focus=(a.id,),
        rationale=rationale,
        facts=facts,
    )
