"""An independent check of finished samples: read the question as a person would, recompute the answer from the scene.

Shares no code with the families, only the `Scene` type and task names. Where a family measures with centroids this
module uses boxes; polygons there are least squares here; what a family noted in `facts` is not read at all: which
objects are meant, and what is asked of them, comes from the words of the question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from wherewise.samples.answer import Boolean, Choice, Number
from wherewise.samples.sample import Sample
from wherewise.scenes import Scene, SceneObject, View

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """A sample whose stored answer is not what the verifier finds.

    Attributes:
        sample: Id of the sample.
        task: Its task.
        problem: What differs, in words.
    """

    sample: str
    task: str
    problem: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ClearSight:
    """What counts as clear sight of an object in a clip; must be what the questions were made with.

    Attributes:
        pixels: Least visible pixels.
        share: Least visible share of the picture; the larger of the two counts.
        frames: Frames in a row.
    """

    pixels: float = 100
    share: float = 0.003
    frames: int = 3


class _Unreadable(ValueError):
    """The question cannot be understood from its words and the scene."""


def verify(sample: Sample, scene: Scene, *, sight: ClearSight | None = None) -> Disagreement | None:
    """Recompute a sample's answer.

    Args:
        sample: The sample.
        scene: The scene that it was made from.
        sight: From when an object of a clip counts as having appeared; defaults where None.

    Returns:
        What is wrong, or None when stored and recomputed answers agree.
    """

    def wrong(problem: str) -> Disagreement:
        return Disagreement(sample=sample.id, task=sample.task, problem=problem)

    if sample.group != scene.id:
        return wrong(f"belongs to scene {sample.group!r}, not {scene.id!r}")
    try:
        if sample.task == "appearance_order":
            found = _appearance(sample, scene, sight or ClearSight())
        elif sample.task in _READERS:
            found = _READERS[sample.task](sample, scene)
        else:
            return wrong(f"no check is known for task {sample.task!r}")
    except _Unreadable as problem:
        return wrong(str(problem))
    match sample.answer:
        case Choice(letter=letter, text=text):
            stored = text
            if sample.options["ABCDEFGH".index(letter)] != text:
                return wrong(f"letter {letter} is not {text!r}")
        case Boolean(value=truth):
            stored = "yes" if truth else "no"
        case Number(value=value):
            stored = f"{value:g}"
        case _:
            return wrong(f"answers of kind {sample.answer.kind!r} are not checked")
    return None if stored == found else wrong(f"stored answer {stored!r}, recomputed {found!r}: {sample.question}")


def verify_all(
    samples: Iterable[Sample], scenes: Mapping[str, Scene], *, sight: ClearSight | None = None
) -> tuple[int, list[Disagreement]]:
    """Check many samples, see `verify`.

    Returns:
        How many were checked, and the disagreements; a sample without its scene counts as one.
    """
    found: list[Disagreement] = []
    count = 0
    for count, sample in enumerate(samples, start=1):  # noqa: B007
        if sample.group not in scenes:
            found.append(Disagreement(sample=sample.id, task=sample.task, problem=f"no scene {sample.group!r}"))
            continue
        problem = verify(sample, scenes[sample.group], sight=sight)
        if problem is not None:
            found.append(problem)
    return count, found


def check_scene(scene: Scene, *, pixels: float = 2.0, metres: float = 0.02) -> list[str]:
    """Check stored visibility against pure geometry: camera, oriented boxes, nothing rendered.

    Every visible box must lie within the projection of the object's oriented box, and every surface distance between
    the nearest and the farthest point of that box.

    Args:
        scene: The scene.
        pixels: Tolerance in the picture.
        metres: Tolerance in the room.

    Returns:
        The contradictions, in words; empty when all is well.
    """
    problems: list[str] = []
    things = {thing.id: thing for thing in scene.objects}
    for number, view in enumerate(scene.views):
        camera = view.camera
        axes = np.array(camera.rotation, dtype=float)
        if not np.allclose(axes @ axes.T, np.eye(3), atol=1e-6) or np.linalg.det(axes) < 0:
            problems.append(f"view {number}: the camera's axes are not a rotation")
        for name, seen in view.visible.items():
            if name not in things:
                problems.append(f"view {number}: sees {name!r}, which is not in the scene")
                continue
            corners = (_corners(things[name]) - np.array(camera.position)) @ axes.T
            farthest = float(np.linalg.norm(corners, axis=1).max())
            nearest = _distance_to_point(things[name], np.array(camera.position))
            if seen.distance is not None and not nearest - metres <= seen.distance <= farthest + metres:
                problems.append(
                    f"view {number}: {name} is seen at {seen.distance:.3f} m, its box spans "
                    f"{nearest:.3f} to {farthest:.3f} m"
                )
            if seen.box is not None and corners[:, 2].min() > 1e-3:
                places = corners[:, :2] / corners[:, 2:] * camera.focal + np.array([camera.width, camera.height]) / 2
                low, high = places.min(axis=0), places.max(axis=0)
                x1, y1, x2, y2 = seen.box
                if (
                    x1 < low[0] - pixels
                    or y1 < low[1] - pixels
                    or x2 > high[0] + 1 + pixels
                    or y2 > high[1] + 1 + pixels
                ):
                    problems.append(
                        f"view {number}: {name} covers {seen.box}, its box projects to {low.round(1)}..{high.round(1)}"
                    )
    return problems


# Reading the question.


def _mentioned(sample: Sample, scene: Scene) -> list[SceneObject]:
    """The objects that the question names, in the order of their first mention."""
    visible = {name for view in scene.views for name, seen in view.visible.items() if seen.pixels}
    labels: dict[str, list[SceneObject]] = {}
    for thing in scene.objects:
        if thing.id in visible:
            labels.setdefault(thing.label, []).append(thing)
    text = sample.question.lower()
    places: list[tuple[int, str]] = []
    for label in sorted(labels, key=len, reverse=True):
        for hit in re.finditer(rf"\b{re.escape(label)}\b", text):
            places.append((hit.start(), label))
        text = re.sub(rf"\b{re.escape(label)}\b", lambda hit: "#" * len(hit.group()), text)
    named: list[SceneObject] = []
    for _, label in sorted(places):
        if len(labels[label]) > 1:
            raise _Unreadable(f"{label!r} may mean {len(labels[label])} objects")
        if labels[label][0] not in named:
            named.append(labels[label][0])
    return named


def _named(sample: Sample, scene: Scene, count: int) -> list[SceneObject]:
    named = _mentioned(sample, scene)
    if len(named) != count:
        raise _Unreadable(f"names {len(named)} visible objects instead of {count}: {sample.question}")
    return named


def _asks(sample: Sample, yes: str, no: str) -> bool:
    """Whether the question holds a word of `yes` rather than of `no` (both ``|``-separated)."""
    text = sample.question.lower()
    found = [re.search(rf"\b(?:{words})\b", text) is not None for words in (yes, no)]
    if found[0] == found[1]:
        raise _Unreadable(f"asks neither or both of {yes!r} and {no!r}: {sample.question}")
    return found[0]


def _only_view(scene: Scene) -> View:
    if len(scene.views) != 1:
        raise _Unreadable(f"the scene has {len(scene.views)} views, the question is about one picture")
    return scene.views[0]


# Recomputing the answer.


def _existence(sample: Sample, scene: Scene) -> str:
    hit = re.search(r"\b(?:a|an) ([a-z ]+?)(?: in (?:the|this) picture)?\?$", sample.question.lower())
    if hit is None:
        raise _Unreadable(f"names no thing: {sample.question}")
    view = _only_view(scene)
    seen = [scene.object(name) for name, what in view.visible.items() if what.pixels]
    return "yes" if any(hit.group(1) in (thing.label, thing.category) for thing in seen) else "no"


def _counting(sample: Sample, scene: Scene) -> str:
    hit = re.search(r"(?:how many|count the) ([a-z ]+?) (?:are|can|in)\b", sample.question.lower())
    if hit is None:
        raise _Unreadable(f"counts nothing: {sample.question}")
    view = _only_view(scene)
    words = hit.group(1)
    tally: dict[str, int] = {}
    for name, what in view.visible.items():
        if what.pixels:
            category = scene.object(name).category
            tally[category] = tally.get(category, 0) + 1
    fitting = [name for name in tally if words.startswith(name[:-1]) and 0 < len(words) - len(name) <= 2]
    if len(fitting) > 1:
        raise _Unreadable(f"{words!r} may mean {fitting}")
    return str(tally[fitting[0]]) if fitting else "0"


def _along(axis: int, before: str, after: str) -> Callable[[Sample, Scene], str]:
    def recompute(sample: Sample, scene: Scene) -> str:
        view = _only_view(scene)
        middles = []
        for thing in _named(sample, scene, 2):
            box = view.visible[thing.id].box
            if box is None:
                raise _Unreadable(f"{thing.label} has no box")
            middles.append(box[axis] + box[axis + 2])
        return before if middles[0] < middles[1] else after

    return recompute


def _corners(thing: SceneObject) -> Array:
    """(8, 3) corners in metres."""
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    return np.asarray(signs @ _half_axes(thing) + np.array(thing.center), dtype=float)


def _half_axes(thing: SceneObject) -> Array:
    """(3, 3): rows = from the centre to the middle of three faces, metres."""
    angle = np.deg2rad(thing.yaw)
    turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return np.asarray(turn * (np.array(thing.size)[:, None] / 2), dtype=float)


def _front_behind(sample: Sample, scene: Scene) -> str:
    camera = _only_view(scene).camera
    forward = np.array(camera.rotation[2])
    depths = [
        float(((_corners(thing) - np.array(camera.position)) @ forward).mean()) for thing in _named(sample, scene, 2)
    ]
    return "in front" if depths[0] < depths[1] else "behind"


def _camera_distance(sample: Sample, scene: Scene) -> str:
    view = _only_view(scene)
    named = _named(sample, scene, 2)
    ranked = sorted(named, key=lambda thing: view.visible[thing.id].distance or 0.0)
    return ranked[0 if _asks(sample, "closer|nearer", "farther|further") else 1].label


def _distance_to_point(thing: SceneObject, point: Array) -> float:
    offset = np.array(thing.center) - point
    return float(np.sqrt(2 * lsq_linear(_half_axes(thing).T, -offset, bounds=(-1, 1), method="bvls", tol=1e-14).cost))


def _distance(first: SceneObject, second: SceneObject) -> float:
    """Closest points of two boxes by bounded least squares, metres."""
    matrix = np.hstack([_half_axes(first).T, -_half_axes(second).T])
    offset = np.array(first.center) - np.array(second.center)
    return float(np.sqrt(2 * lsq_linear(matrix, -offset, bounds=(-1, 1), method="bvls", tol=1e-14).cost))


def _reference_distance(sample: Sample, scene: Scene) -> str:
    named = {thing.label: thing for thing in _named(sample, scene, 3)}
    rivals = [named.pop(option, None) for option in sample.options]
    if len(named) != 1 or any(thing is None for thing in rivals):
        raise _Unreadable(f"options and question name different objects: {sample.question}")
    (reference,) = named.values()
    ranked = sorted((thing for thing in rivals if thing), key=lambda thing: _distance(thing, reference))
    return ranked[0 if _asks(sample, "closer|nearer", "farther|further") else 1].label


def _size(sample: Sample, scene: Scene) -> str:
    def volume(thing: SceneObject) -> float:
        return float(abs(np.linalg.det(2 * _half_axes(thing))))

    ranked = sorted(_named(sample, scene, 2), key=volume)
    extents = [float(np.linalg.norm(2 * _half_axes(thing), axis=1).max()) for thing in ranked]
    if extents[0] >= extents[1]:
        raise _Unreadable(f"the {ranked[0].label} has less volume but is no shorter: {sample.question}")
    return ranked[1 if _asks(sample, "larger|bigger", "smaller") else 0].label


def _appearance(sample: Sample, scene: Scene, sight: ClearSight) -> str:
    named = _mentioned(sample, scene)
    camera = scene.views[0].camera
    least = max(sight.pixels, sight.share * camera.width * camera.height)
    pixels = np.array(
        [[view.visible[thing.id].pixels if thing.id in view.visible else 0 for view in scene.views] for thing in named]
    )
    if len(named) < 2 or len(scene.views) < sight.frames:
        raise _Unreadable(f"names {len(named)} objects over {len(scene.views)} frames: {sample.question}")
    held: NDArray[np.bool_] = np.min(sliding_window_view(pixels >= least, sight.frames, axis=1), axis=2)
    if not np.max(held, axis=1).all():
        raise _Unreadable(f"names objects that never appear clearly: {sample.question}")
    order: list[str] = [named[i].label for i in np.argsort(held.argmax(axis=1), kind="stable")]
    if len(named) > 2:
        return ", ".join(order)
    return order[0 if _asks(sample, "first|earlier", "later|after") else 1]


_READERS: dict[str, Callable[[Sample, Scene], str]] = {
    "existence": _existence,
    "counting": _counting,
    "left_right": _along(0, "left", "right"),
    "above_below": _along(1, "above", "below"),
    "front_behind": _front_behind,
    "camera_distance": _camera_distance,
    "reference_distance": _reference_distance,
    "size": _size,
}
