"""One question with its scene, read by its words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from wherewise.samples.sample import Sample
from wherewise.scenes import Scene, SceneObject, View, Visibility

NO_OBJECTS = frozenset({"picture", "camera", "video", "room", "floor", "view", "robot", "frame", "map", "arm"})
"""Words of the questions themselves; an object of such a category is never named."""
STOCK = re.compile(
    r"bounding box|3d box|a box around|the box around|center and size of the box|which box|what box|box \["
    r"|o'clock|clock face"
)
"""Phrases of the questions with words that may be names of objects, too."""

Found = str | bool | float | tuple[str, ...] | tuple[float, ...] | dict[str, list[tuple[int, int]]]
"""What a check finds: a word or label, yes or no, a number, an order, a box or point, or cells by label."""


class Unreadable(ValueError):
    """The question cannot be understood from its words and the scene."""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A sample and the scene that it was made from.

    Attributes:
        sample: The sample; its answer and facts are not looked at here.
        scene: The scene.
        sight: From when an object of a clip counts as having appeared.
    """

    sample: Sample
    scene: Scene
    sight: ClearSight

    @property
    def text(self) -> str:
        """The question in lower case."""
        return self.sample.question.lower()

    def visible(self) -> list[SceneObject]:
        """Objects that some view shows; all of a scan without views."""
        names = {name for view in self.scene.views for name, seen in view.visible.items() if seen.pixels}
        return [thing for thing in self.scene.objects if not self.scene.views or thing.id in names]

    def mentioned(self, text: str | None = None) -> list[SceneObject]:
        """The objects that the question (or another text) names, in the order of their first mention."""
        labels: dict[str, list[SceneObject]] = {}
        for thing in self.visible():
            if thing.label not in NO_OBJECTS:
                labels.setdefault(thing.label, []).append(thing)
        # What may not be there at all takes no name from what is clearly there.
        labels = {label: [t for t in each if not t.attributes.get("faint")] or each for label, each in labels.items()}
        rest = STOCK.sub(lambda hit: "#" * len(hit.group()), self.text if text is None else text.lower())
        places: list[tuple[int, str]] = []
        for label in sorted(labels, key=len, reverse=True):
            for hit in re.finditer(rf"\b{re.escape(label)}\b", rest):
                places.append((hit.start(), label))
            rest = re.sub(rf"\b{re.escape(label)}\b", lambda hit: "#" * len(hit.group()), rest)
        named: list[SceneObject] = []
        for _, label in sorted(places):
            if len(labels[label]) > 1:
                raise Unreadable(f"{label!r} may mean {len(labels[label])} objects")
            if labels[label][0] not in named:
                named.append(labels[label][0])
        return named

    def named(self, count: int) -> list[SceneObject]:
        """The objects that the question names, which must be so many."""
        named = self.mentioned()
        if len(named) != count:
            raise Unreadable(f"names {len(named)} visible objects instead of {count}: {self.sample.question}")
        return named

    def optional(self) -> list[SceneObject]:
        """The objects that the options name, one each."""
        found = [self.mentioned(option) for option in self.sample.options]
        if any(len(each) != 1 for each in found):
            raise Unreadable(f"options that name no object, or several: {list(self.sample.options)}")
        return [each[0] for each in found]

    def asks(self, yes: str, no: str) -> bool:
        """Whether the question holds a word of `yes` rather than of `no` (both ``|``-separated)."""
        found = [re.search(rf"\b(?:{words})\b", self.text) is not None for words in (yes, no)]
        if found[0] == found[1]:
            raise Unreadable(f"asks neither or both of {yes!r} and {no!r}: {self.sample.question}")
        return found[0]

    def has(self, words: str) -> bool:
        """Whether the question holds one of the words (``|``-separated)."""
        return re.search(rf"\b(?:{words})\b", self.text) is not None

    def number(self, pattern: str) -> float:
        """The number that a pattern captures in the question."""
        hit = re.search(pattern, self.text)
        if hit is None:
            raise Unreadable(f"holds no number as in {pattern!r}: {self.sample.question}")
        return float(hit.group(1))

    def only_view(self) -> View:
        """The view of a still."""
        if len(self.scene.views) != 1:
            raise Unreadable(f"the scene has {len(self.scene.views)} views, the question is about one picture")
        return self.scene.views[0]

    def ends(self) -> tuple[View, View]:
        """The first and the last view."""
        if len(self.scene.views) < 2:
            raise Unreadable(f"the scene has {len(self.scene.views)} views, the question needs two")
        return self.scene.views[0], self.scene.views[-1]

    def box(self, thing: SceneObject, view: View | None = None) -> tuple[int, int, int, int]:
        """Box of an object in the only view, or in another."""
        seen = self.seen(thing, view)
        if seen.box is None:
            raise Unreadable(f"{thing.label} has no box")
        return seen.box

    def seen(self, thing: SceneObject, view: View | None = None) -> Visibility:
        """How the only view, or another, sees an object."""
        found = (view or self.only_view()).visible.get(thing.id)
        if found is None:
            raise Unreadable(f"{thing.label} is not in view")
        return found
