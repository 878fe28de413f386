"""Checks of the families that compare views."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import numpy as np

from wherewise.questions.verify.case import Case, Found, Unreadable
from wherewise.questions.verify.measure import angle, distance_to_point, flat
from wherewise.samples.answer import Boolean, Choice, Number
from wherewise.scenes import SceneObject, View

ORDER = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def _pair(case: Case) -> tuple[View, View]:
    """The two views that the question names by number, in the order in which it names them."""
    hits = [word for word in re.findall(r"[a-z]+", case.text) if word in ORDER]
    views = [case.scene.views[ORDER.index(word)] for word in dict.fromkeys(hits)]
    if len(views) != 2:
        raise Unreadable(f"names {len(views)} pictures instead of two: {case.sample.question}")
    return views[0], views[1]


def _way(case: Case) -> str:
    first, last = (view.camera for view in case.ends())
    step = np.array(last.position) - np.array(first.position)
    ahead = flat(first.rotation[2])
    turned = flat(step) / (ahead / abs(ahead))
    words = {"forward": 1, "backward": -1, "left": 1j, "right": -1j}
    return max(words, key=lambda word: (turned * np.conj(words[word])).real)


def _camera_motion(case: Case) -> Found:
    way = _way(case)
    if not isinstance(case.sample.answer, Boolean):
        return way
    hit = re.search(r"(forward|backward|left|right)\?$", case.text)
    if hit is None:
        raise Unreadable(f"names no direction: {case.sample.question}")
    return hit.group(1) == way


def _camera_turn(case: Case) -> Found:
    case.ends()
    ways = [flat(view.camera.rotation[2]) for view in case.scene.views]
    total = float(sum(angle(b, a) for a, b in itertools.pairwise(ways)))
    if not case.has("degrees"):
        return "left" if total > 0 else "right"
    if (total > 0) != case.asks("left", "right"):
        raise Unreadable(f"the camera turned to the other side: {case.sample.question}")
    return abs(total)


def _camera_displacement(case: Case) -> Found:
    first, last = (np.array(view.camera.position) for view in case.ends())
    return float(np.linalg.norm(last - first))


def _correspondence(case: Case) -> Found:
    one, two = _pair(case)
    hit = re.search(r"\[(\d+), (\d+), (\d+), (\d+)\]", case.text)
    if hit is None:
        raise Unreadable(f"names no box: {case.sample.question}")
    box = tuple(int(value) for value in hit.groups())
    owners = [name for name, seen in one.visible.items() if seen.box == box]
    if len(owners) != 1 or owners[0] not in two.visible:
        raise Unreadable(f"{len(owners)} objects have this box: {case.sample.question}")
    return "[" + ", ".join(map(str, two.visible[owners[0]].box or ())) + "]"


def _both(case: Case, things: list[SceneObject]) -> list[SceneObject]:
    views = _pair(case)
    return [t for t in things if all(t.id in view.visible and view.visible[t.id].pixels > 0 for view in views)]


def _covisible(case: Case) -> Found:
    if isinstance(case.sample.answer, Boolean):
        return bool(_both(case, case.named(1)))
    if isinstance(case.sample.answer, Number):
        return float(len(_both(case, case.mentioned())))
    found = _both(case, case.optional())
    if len(found) != 1:
        raise Unreadable(f"{len(found)} of the options are in both pictures: {case.sample.question}")
    return found[0].label


def _ranges(case: Case) -> list[float]:
    (a,) = case.named(1)
    return [distance_to_point(a, np.array(view.camera.position)) for view in case.scene.views]


def _closest_view(case: Case) -> Found:
    ranges = _ranges(case)
    best = np.argmin(ranges) if case.asks("closest|nearest", "farthest") else np.argmax(ranges)
    return f"the {ORDER[int(best)]} picture"


def _view_order(case: Case) -> Found:
    return tuple(f"{ORDER[int(i)]} picture" for i in np.argsort(_ranges(case), kind="stable"))


def _unseen_direction(case: Case) -> Found:
    (a,) = case.named(1)
    last = case.ends()[1]
    if a.id in last.visible and last.visible[a.id].pixels:
        raise Unreadable(f"the last view shows the {a.label}")
    turn = angle(flat(np.array(a.center) - np.array(last.camera.position)), flat(last.camera.rotation[2]))
    return "back" if abs(turn) > 135 else ("left" if turn > 0 else "right")


def travelled(case: Case, thing: SceneObject) -> np.ndarray:
    """(views, 3) places of an object."""
    return np.array(
        [view.poses[thing.id].center if thing.id in view.poses else thing.center for view in case.scene.views]
    )


def _moves(case: Case, thing: SceneObject) -> bool:
    return float(np.linalg.norm(np.ptp(travelled(case, thing), axis=0))) > 0.15


def _object_moved(case: Case) -> Found:
    if isinstance(case.sample.answer, Boolean):
        return not _moves(case, case.named(1)[0])
    found = [thing.label for thing in case.optional() if _moves(case, thing)]
    if len(found) != 1:
        raise Unreadable(f"{len(found)} of the options move: {case.sample.question}")
    return found[0]


def _object_change(case: Case) -> Found:
    first, last = case.ends()
    added = case.asks("was not there in the first|put into", "is not there in the last|taken out")
    here, there = (last, first) if added else (first, last)
    found = [t.label for t in case.optional() if t.id in there.gone and t.id not in here.gone]
    if len(found) != 1 or not isinstance(case.sample.answer, Choice):
        raise Unreadable(f"{len(found)} of the options came or went: {case.sample.question}")
    return found[0]


READERS: dict[str, Callable[[Case], Found]] = {
    "camera_motion": _camera_motion,
    "camera_turn": _camera_turn,
    "camera_displacement": _camera_displacement,
    "correspondence": _correspondence,
    "covisible": _covisible,
    "closest_view": _closest_view,
    "view_order": _view_order,
    "unseen_direction": _unseen_direction,
    "object_moved": _object_moved,
    "object_change": _object_change,
}
