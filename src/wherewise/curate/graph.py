"""A scene graph as a writer sees it, and what of it a text speaks of."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from wherewise.curate.words import lemmas
from wherewise.samples.evidence import GraphObject, Relation, SceneGraph
from wherewise.scenes.scene import Scene

PEOPLE = {"man", "woman", "boy", "girl", "child", "kid", "baby", "lady", "guy"}
"""Categories that are people too: ``person`` speaks of all of them."""

ANYTHING = {"object", "item", "thing", "shape"}
"""Nouns that speak of every object."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """One object of a picture.

    Attributes:
        id: ``noun.number``, unique in the picture, as STVQA-7K names objects.
        category: As annotated.
        nouns: The category's words in the singular.
        several: The category as annotated is a plural: the box holds a group, which cannot be counted.
        attributes: Colour, size and further words, in lower case.
        box: ``(x1, y1, x2, y2)`` in pixels of the picture.
        share: Visible pixels by pixels of the picture.
    """

    id: str
    category: str
    nouns: tuple[str, ...]
    several: bool
    attributes: tuple[str, ...]
    box: tuple[int, int, int, int]
    share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Mention:
    """A noun of a text and what it may mean.

    Attributes:
        noun: Its words in the singular.
        attributes: Attribute words directly before it.
        start: Place of its first word, its attributes included, among the words of the text.
        end: Place behind its last word.
        things: The objects that it fits.
    """

    noun: tuple[str, ...]
    attributes: tuple[str, ...]
    start: int
    end: int
    things: tuple[Thing, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureGraph:
    """What is annotated in one picture.

    Attributes:
        scene: Id of the scene.
        width: Of the picture, in pixels.
        height: Of the picture, in pixels.
        things: Visible objects, the largest first.
        relations: Annotated relations, by `Thing.id`.
        complete: Whether everything that can be seen is annotated.
    """

    scene: str
    width: int
    height: int
    things: tuple[Thing, ...]
    relations: tuple[Relation, ...]
    complete: bool

    def text(self, most: int) -> str:
        """The graph as JSON, its `most` largest objects with the relations between them."""
        shown = self.things[:most]
        known = {thing.id for thing in shown}
        objects = []
        for thing in shown:
            entry: dict[str, object] = {"id": thing.id, "bbox": list(thing.box), "percent": round(100 * thing.share, 1)}
            if thing.attributes:
                entry["attributes"] = list(thing.attributes)
            objects.append(entry)
        relations = [
            [r.subject, r.predicate, r.object] for r in self.relations if r.subject in known and r.object in known
        ]
        whole = {"width": self.width, "height": self.height, "objects": objects, "relations": relations}
        if len(shown) < len(self.things):
            whole["objects_left_out"] = len(self.things) - len(shown)
        return json.dumps(whole, ensure_ascii=False, separators=(", ", ": "))

    def digest(self) -> str:
        """Stands for the annotation: 16 hex digits."""
        return hashlib.sha256(self.text(len(self.things)).encode()).hexdigest()[:16]

    def mentions(self, text: str) -> list[Mention]:
        """The objects that a text speaks of, mention by mention, in its order; what fits no object is left out."""
        words = lemmas(text)
        nouns = sorted({thing.nouns for thing in self.things} | self._heads(), key=len, reverse=True)
        adjectives = {word for thing in self.things for word in thing.attributes}
        found: list[Mention] = []
        at = 0
        while at < len(words):
            noun = next((noun for noun in nouns if words[at : at + len(noun)] == noun), None)
            if noun is None:
                at += 1
                continue
            before, floor = at, found[-1].end if found else 0
            while before > floor and words[before - 1] in adjectives:
                before -= 1
            said = words[before:at]
            things = tuple(t for t in self.things if fits(t, noun) and set(said) <= set(t.attributes))
            end = at + len(noun)
            found.append(Mention(noun=noun, attributes=said, start=before, end=end, things=things))
            at = end
        return found

    def _heads(self) -> set[tuple[str, ...]]:
        """Shorter names: ``chair`` for an office chair, ``person`` for a man, ``object`` for anything."""
        heads = {thing.nouns[-1:] for thing in self.things}
        if any(thing.nouns[-1] in PEOPLE for thing in self.things):
            heads.add(("person",))
        return heads | ({(word,) for word in ANYTHING} if self.things else set())

    def part(self, kept: Sequence[Thing]) -> SceneGraph:
        """The objects that a question is about and the relations between them, as evidence."""
        ids = {thing.id for thing in kept}
        return SceneGraph(
            width=self.width,
            height=self.height,
            objects=tuple(_evidence(thing) for thing in self.things if thing.id in ids),
            relations=tuple(r for r in self.relations if r.subject in ids and r.object in ids),
            focus=tuple(thing.id for thing in self.things if thing.id in ids),
        )


def fits(thing: Thing, noun: tuple[str, ...]) -> bool:
    """Whether a noun can mean the thing: its category or the end of it, ``person`` for people, ``object`` for all.

    A chair is not meant by ``office chair``.
    """
    if len(noun) == 1 and noun[0] in ANYTHING:
        return True
    if noun == ("person",) and thing.nouns[-1] in PEOPLE:
        return True
    return thing.nouns[-len(noun) :] == noun


def picture_graph(scene: Scene) -> PictureGraph:
    """The graph of a scene with one view."""
    view = scene.views[0]
    width, height = view.camera.width, view.camera.height
    numbers: Counter[str] = Counter()
    ids: dict[str, str] = {}
    things: list[Thing] = []
    for item in scene.objects:
        seen = view.visible.get(item.id)
        nouns = lemmas(item.category)
        if seen is None or seen.box is None or not nouns:
            continue
        name = "_".join(nouns)
        numbers[name] += 1
        ids[item.id] = f"{name}.{numbers[name]}"
        words = [item.color or "", *(str(value) for value in item.attributes.values())]
        things.append(
            Thing(
                id=ids[item.id],
                category=item.category,
                nouns=nouns,
                several=nouns != tuple(re.findall(r"[a-z]+", item.category.lower())),
                attributes=tuple(dict.fromkeys(word.lower() for word in words if word)),
                box=seen.box,
                share=seen.pixels / (width * height),
            )
        )
    relations = [
        Relation(subject=ids[r.subject], predicate=r.predicate, object=ids[r.object])
        for r in scene.relations
        if r.subject in ids and r.object in ids
    ]
    return PictureGraph(
        scene=scene.id,
        width=width,
        height=height,
        things=tuple(sorted(things, key=lambda thing: (-thing.share, thing.id))),
        relations=tuple(relations),
        complete=scene.complete,
    )


def _evidence(thing: Thing) -> GraphObject:
    x1, y1, x2, y2 = thing.box
    return GraphObject(
        id=thing.id,
        label=" ".join([*thing.attributes, thing.category]),
        box=(float(x1), float(y1), float(x2), float(y2)),
        attributes=(("category", thing.category),),
    )
