"""What a dense reward compares a reply with: the part of the scene that the answer rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from wherewise.samples.answer import GridMap


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphObject:
    """One object of a scene graph.

    Attributes:
        id: Unique within the graph.
        label: Referring name, unique in the picture if `referable` (``red chair``).
        box: ``(x1, y1, x2, y2)`` in pixels of the original image.
        distance: Metres from the camera to the nearest visible surface, if known.
        attributes: Free attributes (``category``, ``color``, ...), sorted pairs.
    """

    id: str
    label: str
    box: tuple[float, float, float, float]
    distance: float | None = None
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Relation:
    """``subject predicate object``, by object ids (``chair_1 left_of table_1``)."""

    subject: str
    predicate: str
    object: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneGraph:
    """Objects and relations of one picture.

    Attributes:
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
        objects: All nameable visible objects.
        relations: True relations between them.
        focus: Ids of the objects that the question is about, in the order of the rationale.
    """

    kind: ClassVar[str] = "scene_graph"
    width: int
    height: int
    objects: tuple[GraphObject, ...]
    relations: tuple[Relation, ...] = ()
    focus: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineEvent:
    """Something that happens from `start` to `end` (seconds; a moment has both equal)."""

    label: str
    start: float
    end: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    """Events of one clip, ordered by start."""

    kind: ClassVar[str] = "timeline"
    events: tuple[TimelineEvent, ...]


Evidence = SceneGraph | Timeline | GridMap
