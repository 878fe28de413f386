"""Which of several objects is nearest, which next, which farthest?"""

from __future__ import annotations

import itertools
import random

from wherewise.questions.asking import pick_kind
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.ordering import ordered
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import depth_known, depth_margin, draw
from wherewise.scenes import Scene

NEAR_FIRST = (
    "Sort these by their distance from the camera, nearest first: {x}.",
    "From nearest to farthest from the camera, what is the order of {x}?",
)
FAR_FIRST = (
    "Sort these by their distance from the camera, farthest first: {x}.",
    "From farthest to nearest from the camera, what is the order of {x}?",
)


def depth_order(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Order of three or four objects by distance from the camera.

    Neighbours in the order must differ by ``max(depth_gap, depth_ratio * nearer)`` at the 5th percentile of their
    visible surfaces, and the 95th percentiles must be in the same order.
    """
    kind = pick_kind(rng, config, ("order", "choice"))
    if kind is None:
        return Rejection.ANSWER_KIND
    if not depth_known(scene):
        return Rejection.NO_UNITS
    drawn = draw(scene, rng, config.margins, rng.choice((3, 3, 4)))
    if isinstance(drawn, Rejection):
        return drawn
    _, named = drawn
    if any(item.seen.distance is None or item.seen.distance_far is None for item in named):
        return Rejection.NO_UNITS
    ranked = sorted(named, key=lambda item: item.seen.distance or 0.0)
    for one, two in itertools.pairwise(ranked):
        near, next_near = one.seen.distance or 0.0, two.seen.distance or 0.0
        least = depth_margin(scene, near, config.margins)
        if next_near - near <= least or (one.seen.distance_far or 0.0) >= (two.seen.distance_far or 0.0):
            return Rejection.MARGIN_DEPTH
    near_first = rng.random() < 0.5
    told = ", then ".join(f"the {item.name}" for item in ranked)
    numbers = ", ".join(f"the {item.name} at {item.seen.distance:.1f} m" for item in ranked)
    return ordered(
        "depth_order",
        phrase(NEAR_FIRST if near_first else FAR_FIRST, rng, config, x=", ".join(f"the {i.name}" for i in named)),
        [item.object for item in (ranked if near_first else ranked[::-1])],
        kind=kind,
        rng=rng,
        config=config,
        relation="near" if near_first else "far",
        rationale=f"Nearest to the camera is {told}.",
        reckoning=f"Distances from the camera: {numbers}." if scene.units_known else None,
        facts={"label": "near" if near_first else "far", "distances": [item.seen.distance for item in ranked]},
    )
