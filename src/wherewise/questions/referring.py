"""Which objects can be asked about in a view, and what to call them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wherewise.questions.config import MarginsConfig
from wherewise.questions.question import NAMING, Rejection
from wherewise.scenes import Camera, Scene, SceneObject, View, Visibility


@dataclass(frozen=True, kw_only=True, slots=True)
class Referent:
    """An object that a question may name.

    Attributes:
        object: The object.
        seen: How the view sees it.
        name: What it alone is called (``red chair``).
    """

    object: SceneObject
    seen: Visibility
    name: str

    @property
    def center(self) -> tuple[float, float]:
        """Mean of the visible pixels."""
        assert self.seen.center is not None
        return self.seen.center

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Box of the visible pixels."""
        assert self.seen.box is not None
        return self.seen.box


RESERVED = frozenset({"picture", "camera", "video", "room", "floor", "view", "robot", "frame", "map", "arm"})
"""Categories that no question names, because the questions use the words themselves."""


def same_kind(first: str, second: str) -> bool:
    """Whether one category may be taken for the other: equal, or the head of it (``table``, ``coffee table``).

    >>> same_kind("chair", "armchair"), same_kind("table", "coffee table"), same_kind("table lamp", "table")
    (True, True, False)
    """
    return first.endswith(second) or second.endswith(first)


def may_be(category: str, color: str | None, other: SceneObject, attributes: Mapping[str, str] | None = None) -> bool:
    """Whether a person might call `other` by this category and colour, and by words for its size and material."""
    if not same_kind(category, other.category):
        return False
    if any(other.attributes.get(name, word) != word for name, word in (attributes or {}).items()):
        return False
    return color is None or other.color is None or color == other.color


def least_pixels(camera: Camera, margins: MarginsConfig) -> float:
    """Visible pixels that an object needs in this picture."""
    return max(float(margins.min_pixels), margins.min_pixel_share * camera.width * camera.height)


def visibility_problem(camera: Camera, seen: Visibility, margins: MarginsConfig) -> Rejection | None:
    """Why an object cannot be asked about, or None when it is seen well."""
    if seen.pixels < least_pixels(camera, margins) or seen.box is None or seen.center is None:
        return Rejection.TOO_SMALL
    if seen.fraction < margins.min_fraction:
        return Rejection.HIDDEN
    return None


def in_view(scene: Scene, view: View) -> list[SceneObject]:
    """Objects with at least one visible pixel, in scene order."""
    return [thing for thing in scene.objects if thing.id in view.visible and view.visible[thing.id].pixels > 0]


def is_ambiguous(thing: SceneObject, others: Iterable[SceneObject]) -> bool:
    """Whether the object's label might mean one of the others, or something that the questions speak of anyway.

    A detection that is faint (`SceneObject.attributes`) takes no name from a clear one; it is counted, though.
    """
    return thing.category in RESERVED or any(
        other.id != thing.id
        and not other.attributes.get("faint")
        and may_be(thing.category, thing.color, other)
        and not _told_apart(thing, other)
        for other in others
    )


def _told_apart(thing: SceneObject, other: SceneObject) -> bool:
    """Whether words for size or material in both labels differ."""
    words = [[item.attributes.get(name) for name in NAMING] for item in (thing, other)]
    return any(a is not None and b is not None and a != b for a, b in zip(*words, strict=True))


def label_words(thing: SceneObject) -> dict[str, str]:
    """The words for size and material in an object's label."""
    return {name: thing.attributes[name] for name in NAMING if thing.attributes.get(name)}


def depth_known(scene: Scene) -> bool:
    """Whether the scene tells how far away things are: in metres, or, as CLEVR's scenes do, in units of its own."""
    seen = [what for view in scene.views for what in view.visible.values() if what.pixels]
    return scene.units_known or (bool(seen) and all(what.distance is not None for what in seen))


def depth_margin(scene: Scene, nearer: float, margins: MarginsConfig) -> float:
    """Least difference of two depths: `depth_gap` or a share of the nearer, without metres only the share."""
    return max(margins.depth_gap if scene.units_known else 0.0, margins.depth_ratio * nearer)


def still(scene: Scene) -> View | Rejection:
    """The only view of a still."""
    return scene.views[0] if len(scene.views) == 1 else Rejection.NOT_A_STILL


_last: tuple[Scene, View, MarginsConfig, list[Referent], Counter[Rejection]] | None = None
"""What `referents` found last: many questions are asked of a scene one after the other."""


def referents(scene: Scene, view: View, margins: MarginsConfig) -> tuple[list[Referent], Counter[Rejection]]:
    """All objects that can be asked about in the view, in scene order, and why the others cannot."""
    global _last
    if _last is not None and _last[0] is scene and _last[1] is view and _last[2] is margins:
        return list(_last[3]), _last[4]
    things = in_view(scene, view)
    found: list[Referent] = []
    problems: Counter[Rejection] = Counter()
    for thing in things:
        seen = view.visible[thing.id]
        problem = visibility_problem(view.camera, seen, margins)
        if problem is None and is_ambiguous(thing, things):
            problem = Rejection.AMBIGUOUS_REFERENT
        if problem is None:
            found.append(Referent(object=thing, seen=seen, name=thing.label))
        else:
            problems[problem] += 1
    _last = scene, view, margins, found, problems
    return list(found), problems


def draw(
    scene: Scene, rng: random.Random, margins: MarginsConfig, count: int
) -> tuple[View, list[Referent]] | Rejection:
    """Some objects of a still, in random order.

    Returns:
        The view and `count` referents; or the reason that kept most objects out.
    """
    view = still(scene)
    if isinstance(view, Rejection):
        return view
    found, problems = referents(scene, view, margins)
    if len(found) < count:
        missing = len(found) + sum(problems.values()) < count
        return Rejection.TOO_FEW_OBJECTS if missing else most_common(problems)
    return view, rng.sample(found, count)


def most_common(problems: Counter[Rejection]) -> Rejection:
    """The most frequent problem; ties go to the one that is declared first."""
    return max(Rejection, key=lambda reason: problems[reason])


def article(name: str) -> str:
    """The name with its indefinite article.

    >>> article("orange chair"), article("red chair")
    ('an orange chair', 'a red chair')
    """
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


IRREGULAR = {"person": "people", "mouse": "mice", "sheep": "sheep", "knife": "knives", "scissors": "scissors"}
"""Plurals that follow no rule, as far as the categories of detectors and scans need them."""


def plural(noun: str) -> str:
    """The plural of an English noun phrase.

    >>> [plural(noun) for noun in ("chair", "bookshelf", "couch", "box", "vanity", "piano", "person", "wine glass")]
    ['chairs', 'bookshelves', 'couches', 'boxes', 'vanities', 'pianos', 'people', 'wine glasses']
    """
    before, space, last = noun.rpartition(" ")
    if last in IRREGULAR:
        return f"{before}{space}{IRREGULAR[last]}"
    if noun.endswith("shelf"):
        return noun[:-1] + "ves"
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"
