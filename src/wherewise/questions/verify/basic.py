"""Checks of the basic families."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from wherewise.questions.verify.case import Case, Found, Unreadable
from wherewise.questions.verify.measure import corners, distance, sides, volume
from wherewise.scenes import SceneObject, View


def _existence(case: Case) -> Found:
    hit = re.search(r"\b(?:a|an) ([a-z ]+?)(?: in (?:the|this) picture)?\?$", case.text)
    if hit is None:
        raise Unreadable(f"names no thing: {case.sample.question}")
    view = case.only_view()
    seen = [case.scene.object(name) for name, what in view.visible.items() if what.pixels]
    return any(hit.group(1) in (thing.label, thing.category) for thing in seen)


SINGULAR = {"people": "person", "mice": "mouse", "knives": "knife"}
"""Plurals that do not begin as their singulars do."""


def fitting_category(words: str, things: list[SceneObject]) -> str | None:
    """The category of some things that a plural means; None when there is none."""
    categories = {thing.category for thing in things}
    before, space, last = words.rpartition(" ")
    irregular = f"{before}{space}{SINGULAR.get(last, last)}"
    fitting = [name for name in categories if words in (f"{name}s", f"{name}es") or name == irregular != words]
    if not fitting:
        fitting = [name for name in categories if words.startswith(name[:-1]) and 0 <= len(words) - len(name) <= 2]
    if len(fitting) > 1:
        raise Unreadable(f"{words!r} may mean {fitting}")
    return fitting[0] if fitting else None


def _counting(case: Case) -> Found:
    hit = re.search(r"(?:how many|count the) ([a-z ]+?) (?:are|can|in)\b", case.text)
    if hit is None:
        raise Unreadable(f"counts nothing: {case.sample.question}")
    view = case.only_view()
    things = [case.scene.object(name) for name, what in view.visible.items() if what.pixels]
    category = fitting_category(hit.group(1), things)
    return float(sum(thing.category == category for thing in things))


def middles(case: Case, axis: int, view: View | None = None) -> list[int]:
    """Twice the middle of the box of each named object along an axis of the picture."""
    boxes = [case.box(thing, view) for thing in case.named(2)]
    return [box[axis] + box[axis + 2] for box in boxes]


def _along(axis: int, before: str, after: str) -> Callable[[Case], Found]:
    def recompute(case: Case) -> Found:
        one, two = middles(case, axis)
        return before if one < two else after

    return recompute


def mean_depths(case: Case) -> list[float]:
    """Depth of the middle of each named object's corners along the viewing direction."""
    camera = case.only_view().camera
    forward = np.array(camera.rotation[2])
    return [float(((corners(thing) - np.array(camera.position)) @ forward).mean()) for thing in case.named(2)]


def _front_behind(case: Case) -> Found:
    one, two = mean_depths(case)
    return "in front" if one < two else "behind"


def _camera_distance(case: Case) -> Found:
    ranked = sorted(case.named(2), key=lambda thing: case.seen(thing).distance or 0.0)
    return ranked[0 if case.asks("closer|nearer", "farther|further") else 1].label


def _reference_distance(case: Case) -> Found:
    named = {thing.label: thing for thing in case.named(3)}
    rivals = [named.pop(option, None) for option in case.sample.options]
    if len(named) != 1 or any(thing is None for thing in rivals):
        raise Unreadable(f"options and question name different objects: {case.sample.question}")
    (reference,) = named.values()
    ranked = sorted((thing for thing in rivals if thing), key=lambda thing: distance(thing, reference))
    return ranked[0 if case.asks("closer|nearer", "farther|further") else 1].label


def by_size(case: Case, things: list[SceneObject]) -> list[SceneObject]:
    """Things from the smallest to the largest, by volume; the longest sides must agree."""
    ranked = sorted(things, key=volume)
    extents = [float(sides(thing).max()) for thing in ranked]
    for i in range(len(ranked) - 1):
        if extents[i] >= extents[i + 1]:
            raise Unreadable(f"the {ranked[i].label} has less volume but is no shorter: {case.sample.question}")
    return ranked


def _size(case: Case) -> Found:
    ranked = by_size(case, case.named(2))
    return ranked[1 if case.asks("larger|bigger", "smaller") else 0].label


def first_clear(case: Case, things: list[SceneObject], views: tuple[View, ...]) -> list[int]:
    """For each thing the first frame of its first clear sight."""
    camera = views[0].camera
    least = max(case.sight.pixels, case.sight.share * camera.width * camera.height)
    pixels = np.array(
        [[view.visible[thing.id].pixels if thing.id in view.visible else 0 for view in views] for thing in things]
    )
    if not things or len(views) < case.sight.frames:
        raise Unreadable(f"names {len(things)} objects over {len(views)} frames: {case.sample.question}")
    held = np.min(sliding_window_view(pixels >= least, case.sight.frames, axis=1), axis=2)
    if not np.max(held, axis=1).all():
        raise Unreadable(f"names objects that never appear clearly: {case.sample.question}")
    return [int(frame) for frame in held.argmax(axis=1)]


def _appearance(case: Case) -> Found:
    named = case.mentioned()
    if len(named) < 2:
        raise Unreadable(f"names {len(named)} objects: {case.sample.question}")
    found = first_clear(case, named, case.scene.views)
    order = tuple(thing.label for _, thing in sorted(zip(found, named, strict=True), key=lambda item: item[0]))
    if len(named) > 2:
        return order
    return order[0 if case.asks("first|earlier", "later|after") else 1]


READERS: dict[str, Callable[[Case], Found]] = {
    "existence": _existence,
    "counting": _counting,
    "left_right": _along(0, "left", "right"),
    "above_below": _along(1, "above", "below"),
    "front_behind": _front_behind,
    "camera_distance": _camera_distance,
    "reference_distance": _reference_distance,
    "size": _size,
    "appearance_order": _appearance,
}
