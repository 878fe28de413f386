"""How many different X has the clip shown so far?"""

from __future__ import annotations

import random

from wherewise.questions.asking import counted, often_repeated
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import least_pixels, plural, same_kind
from wherewise.questions.sight import ever_seen, frames
from wherewise.scenes import Scene

TEMPLATES = (
    "How many different {x} has the video shown up to {t} seconds?",
    "Counting each only once, how many {x} have come into view in the first {t} seconds of the video?",
)


def cumulative_count(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Number of different objects of a category that came into view until a moment.

    At the moment each object of the category has either been in clear sight for `appearance_hold` frames, at least half
    of `appearance_gap` ago, or has not shown a pixel until half of `appearance_gap` later. No category that could be
    taken for it is ever in view.
    """
    views = frames(scene)
    if isinstance(views, Rejection):
        return views
    if not scene.complete:
        return Rejection.NOT_COMPLETE
    things = ever_seen(scene)
    if not things:
        return Rejection.TOO_FEW_OBJECTS
    category = often_repeated(things, sorted({thing.category for thing in things}), rng)
    if any(thing.category != category and same_kind(thing.category, category) for thing in things):
        return Rejection.AMBIGUOUS_REFERENT
    margins = config.margins
    moment = float(round(rng.uniform(0.25, 1.0) * views[-1].time))
    if moment <= 0:
        return Rejection.MARGIN_TIME
    slack = margins.appearance_gap / 2
    found: list[str] = []
    for thing in (thing for thing in things if thing.category == category):
        glimpse = next(view.time for view in views if thing.id in view.visible and view.visible[thing.id].pixels)
        run, clear = 0, None
        for view in views:
            seen = view.visible.get(thing.id)
            run = run + 1 if seen is not None and seen.pixels >= least_pixels(view.camera, margins) else 0
            if run == margins.appearance_hold:
                clear = view.time
                break
        if clear is not None and clear <= moment - slack:
            found.append(thing.id)
        elif glimpse <= moment + slack:
            return Rejection.MARGIN_TIME
    count = len(found)
    if count > margins.count_max:
        return Rejection.COUNT_OUT_OF_RANGE
    listed = "; ".join(f"one {scene.object(name).label}" for name in found) or "none"
    return counted(
        "cumulative_count",
        phrase(TEMPLATES, rng, config, x=plural(category), t=f"{moment:.0f}"),
        count,
        rng=rng,
        config=config,
        category=category,
        focus=found,
        rationale=f"Until then the {plural(category)} that came into view are: {listed}.",
        circumstance=f"{moment:.0f}",
        facts={"moment": moment, "label": f"{category} {moment:.0f}"},
    )
