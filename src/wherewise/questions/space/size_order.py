"""Which of several objects is largest, which next, which smallest?"""

from __future__ import annotations

import itertools
import random

from wherewise.questions.asking import pick_kind
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import volume
from wherewise.questions.ordering import ordered
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import draw_known
from wherewise.scenes import Scene

LARGE_FIRST = ("Sort these by size, largest first: {x}.", "From largest to smallest, what is the order of {x}?")
SMALL_FIRST = ("Sort these by size, smallest first: {x}.", "From smallest to largest, what is the order of {x}?")


def size_order(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Order of three objects by size: neighbours differ by `size_ratio` both in volume and in their longest side."""
    kind = pick_kind(rng, config, ("order", "choice"))
    if kind is None:
        return Rejection.ANSWER_KIND
    drawn = draw_known(scene, rng, config.margins, 3)
    if isinstance(drawn, Rejection):
        return drawn
    ranked = sorted(drawn, key=volume)
    ratio = config.margins.size_ratio
    for small, large in itertools.pairwise(ranked):
        if volume(large) < ratio * volume(small) or max(large.size) < ratio * max(small.size):
            return Rejection.MARGIN_SIZE
    large_first = rng.random() < 0.5
    told = ", then ".join(f"the {thing.label}" for thing in ranked)
    return ordered(
        "size_order",
        phrase(LARGE_FIRST if large_first else SMALL_FIRST, rng, config, x=", ".join(f"the {t.label}" for t in drawn)),
        ranked[::-1] if large_first else ranked,
        kind=kind,
        rng=rng,
        config=config,
        relation="large" if large_first else "small",
        rationale=f"The smallest is {told}.",
        reckoning="Longest sides: " + ", ".join(f"the {t.label} {max(t.size):.2f} m" for t in ranked) + ".",
        facts={"label": "large" if large_first else "small", "volumes": [volume(thing) for thing in ranked]},
    )
