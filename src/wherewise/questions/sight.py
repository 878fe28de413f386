"""What a viewer of a scene knows after all its views: which objects, and by which names."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum

from wherewise.questions.config import MarginsConfig
from wherewise.questions.question import Rejection
from wherewise.questions.referring import is_ambiguous, most_common, visibility_problem
from wherewise.scenes import Scene, SceneObject, View


class Modality(StrEnum):
    """What the viewer gets."""

    IMAGE = "image"
    """One picture."""
    IMAGES = "images"
    """Several pictures."""
    VIDEO = "video"
    """A clip; a scan without known views counts as one that shows all."""


PLACE: Mapping[Modality, str] = {
    Modality.IMAGE: "in the picture",
    Modality.IMAGES: "in these pictures",
    Modality.VIDEO: "in the video",
}
"""How a question says where a thing is seen."""


def modality(scene: Scene) -> Modality:
    """What the viewer of this scene gets."""
    if len(scene.views) == 1:
        return Modality.IMAGE
    return Modality.IMAGES if scene.pictures else Modality.VIDEO


def ever_seen(scene: Scene) -> list[SceneObject]:
    """Objects with a visible pixel in some view, in scene order; all objects of a scan without views."""
    if not scene.views:
        return list(scene.objects)
    visible = {name for view in scene.views for name, seen in view.visible.items() if seen.pixels > 0}
    return [thing for thing in scene.objects if thing.id in visible]


def is_still(scene: Scene, thing: SceneObject) -> bool:
    """Whether the object is in the scene, and at one place, all the time."""
    return not any(thing.id in view.poses or thing.id in view.gone for view in scene.views)


def best_problem(scene: Scene, thing: SceneObject, margins: MarginsConfig) -> Rejection | None:
    """Why no view shows the object well, or None when one does."""
    problem: Rejection | None = None
    for view in scene.views:
        seen = view.visible.get(thing.id)
        if seen is not None:
            problem = visibility_problem(view.camera, seen, margins)
            if problem is None:
                return None
    return problem


_last: tuple[Scene, MarginsConfig, list[SceneObject], Counter[Rejection]] | None = None
"""What `known` found last: many questions are asked of a scene one after the other."""


def known(scene: Scene, margins: MarginsConfig) -> tuple[list[SceneObject], Counter[Rejection]]:
    """Objects that some view shows well, that stay where they are, and whose name is unique over all views."""
    global _last
    if _last is not None and _last[0] is scene and _last[1] is margins:
        return list(_last[2]), _last[3]
    things = ever_seen(scene)
    found: list[SceneObject] = []
    problems: Counter[Rejection] = Counter()
    for thing in things:
        problem = best_problem(scene, thing, margins)
        if problem is None and is_ambiguous(thing, things):
            problem = Rejection.AMBIGUOUS_REFERENT
        if problem is None and not is_still(scene, thing):
            problem = Rejection.MARGIN_MOTION
        if problem is None:
            found.append(thing)
        else:
            problems[problem] += 1
    _last = scene, margins, found, problems
    return list(found), problems


def draw_known(
    scene: Scene, rng: random.Random, margins: MarginsConfig, count: int, *, metric: bool = True
) -> list[SceneObject] | Rejection:
    """Some known objects in random order, or the reason that kept most objects out.

    Args:
        scene: The scene.
        rng: Random state.
        margins: What counts as well seen.
        count: How many.
        metric: Whether the question needs metres.
    """
    if metric and not scene.units_known:
        return Rejection.NO_UNITS
    found, problems = known(scene, margins)
    if len(found) < count:
        missing = len(found) + sum(problems.values()) < count
        return Rejection.TOO_FEW_OBJECTS if missing else most_common(problems)
    return rng.sample(found, count)


def pictures(scene: Scene, least: int = 2) -> tuple[View, ...] | Rejection:
    """The views of a scene of several pictures."""
    return scene.views if scene.pictures and len(scene.views) >= least else Rejection.NOT_PICTURES


def frames(scene: Scene) -> tuple[View, ...] | Rejection:
    """The views of a clip."""
    return scene.views if not scene.pictures and len(scene.views) >= 2 else Rejection.NOT_A_CLIP


def floor_known(scene: Scene) -> bool:
    """Whether z = 0 is the floor."""
    return scene.units_known and bool(scene.facts.get("floor_known", True))


ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
