"""Scenes that are the same but for small changes: the same categories, at the same places relative to each other.

A `Fingerprint` holds, for each label, the sorted sizes of its objects, and for each pair of labels the sorted distances
between their centres. Both stay the same when the scene is moved or turned as a whole, renamed or listed in another
order. (A mirrored room has the fingerprint of the room: refusing it costs little.) A picture without metric units is
described by positions instead, because there left and right matter.

Two fingerprints match when all their numbers agree within a tolerance. Candidates are found by label counts and by the
rounded sum of the numbers, so a match costs no more than a look into three lists.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field

from wherewise.scenes.scene import Scene, SceneObject


@dataclass(frozen=True, kw_only=True, slots=True)
class Fingerprint:
    """What stays of a scene when names, order, origin and heading are taken away.

    Attributes:
        labels: Labels of the objects, sorted, with repeats.
        numbers: Sizes and distances (metric scenes) or positions and sizes (pictures), in an order that labels decide.
    """

    labels: tuple[str, ...]
    numbers: tuple[float, ...]

    def matches(self, other: Fingerprint, tolerance: float) -> bool:
        """Whether labels are equal and no number differs by more than `tolerance`."""
        return self.labels == other.labels and all(
            abs(a - b) <= tolerance for a, b in zip(self.numbers, other.numbers, strict=True)
        )


def _pictured(scene: Scene, things: list[SceneObject]) -> list[float]:
    """Places in the picture of the objects of one label, as shares of its width, each coordinate sorted by itself."""
    view = scene.views[0]
    boxes = [seen.box for thing in things if (seen := view.visible.get(thing.id)) is not None and seen.box is not None]
    columns = [[box[axis] for box in boxes] for axis in range(4)] + [[(box[0] + box[1]) / 2 for box in boxes]]
    return [value / view.camera.width for column in columns for value in sorted(column)]


def fingerprint(scene: Scene) -> Fingerprint:
    """The fingerprint of a scene, see the module."""
    by_label: defaultdict[str, list[SceneObject]] = defaultdict(list)
    for thing in scene.objects:
        by_label[thing.label].append(thing)
    labels = sorted(by_label)
    numbers: list[float] = []
    if not scene.units_known:
        for label in labels:
            numbers += _pictured(scene, by_label[label])
    else:
        for label in labels:
            sizes = zip(*(sorted(thing.size) for thing in by_label[label]), strict=True)
            numbers += [length for ordered in sizes for length in sorted(ordered)]
        for i, first in enumerate(labels):
            for second in labels[i:]:
                numbers += sorted(
                    math.dist(one.center, two.center)
                    for one in by_label[first]
                    for two in by_label[second]
                    if first != second or one.id < two.id
                )
    counts = tuple(sorted(thing.label for thing in scene.objects))
    return Fingerprint(labels=counts, numbers=tuple(numbers))


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A scene that was seen before."""

    scene: str
    split: str
    print: Fingerprint


@dataclass(kw_only=True, slots=True)
class NearDuplicates:
    """Remembers scenes and finds those that come back nearly the same.

    Attributes:
        tolerance: Largest difference of sizes and distances: metres in metric scenes, shares of the width in pictures.
        tolerance_picture: The same for scenes without metric units.
    """

    tolerance: float = 0.05
    tolerance_picture: float = 0.01
    _known: dict[tuple[tuple[str, ...], int, int], list[Known]] = field(default_factory=dict)

    def add(self, scene: Scene, split: str) -> Known | None:
        """The earlier scene that this one repeats; a scene that repeats none is remembered and gives None."""
        mark = fingerprint(scene)
        tolerance = self.tolerance if scene.units_known else self.tolerance_picture
        cell = max(tolerance * len(mark.numbers), 1e-9)
        place = math.floor(sum(mark.numbers) / cell)
        for near in (place - 1, place, place + 1):
            for known in self._known.get((mark.labels, len(mark.numbers), near), ()):
                if mark.matches(known.print, tolerance):
                    return known
        self._known.setdefault((mark.labels, len(mark.numbers), place), []).append(
            Known(scene=scene.id, split=split, print=mark)
        )
        return None
