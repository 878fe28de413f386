"""A `Scene`: what is where, exactly, and what each camera sees of it.

World frame: metres, right-handed, z up, floor at z = 0. Camera frame: OpenCV (x right, y down, z forward).
Image boxes: ``(x1, y1, x2, y2)`` in pixels, x2/y2 exclusive. Angles: degrees, counter-clockwise seen from above.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wherewise.samples.evidence import Relation


@dataclass(frozen=True, kw_only=True, slots=True)
class Camera:
    """A pinhole camera.

    Attributes:
        width: Image width in pixels.
        height: Image height in pixels.
        focal: Focal length in pixels (square pixels, principal point in the centre).
        position: ``(x, y, z)`` of the centre in metres, world frame.
        rotation: 3x3, rows = the camera's x (right), y (down), z (forward) axes in world coordinates.
    """

    width: int
    height: int
    focal: float
    position: tuple[float, float, float]
    rotation: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]

    def to_camera(self, point: tuple[float, float, float]) -> tuple[float, float, float]:
        """World point (metres) to camera frame (metres)."""
        d = [point[i] - self.position[i] for i in range(3)]
        x, y, z = (sum(row[i] * d[i] for i in range(3)) for row in self.rotation)
        return x, y, z

    def project(self, point: tuple[float, float, float]) -> tuple[float, float] | None:
        """World point to pixel ``(u, v)``; None when it is not in front of the camera."""
        x, y, z = self.to_camera(point)
        if z <= 1e-6:
            return None
        return self.focal * x / z + self.width / 2, self.focal * y / z + self.height / 2


@dataclass(frozen=True, kw_only=True, slots=True)
class SceneObject:
    """One object of the scene.

    Attributes:
        id: Unique within the scene; also names it in the instance-id picture through `index`.
        index: Value in the instance-id picture, >= 1.
        category: Singular noun (``office chair``).
        color: Colour word if the object is of one nameable colour, else None.
        center: ``(x, y, z)`` of the oriented box's centre in metres.
        size: ``(width, depth, height)`` of the oriented box in metres (before `yaw`).
        yaw: Rotation about z in degrees.
        support: Id of the object it stands on; None for the floor.
        asset: Name of the 3D model it was made from.
        axes: Rows = the box's own axes (width, depth, height) in world coordinates where it is tilted, as the boxes of
            scans are; None where it stands upright, turned by `yaw`. `wherewise.scenes.boxes` measures both.
        front: Unit vector in world coordinates that the object faces (a chair's towards its sitter's knees); None for
            what has no front.
        attributes: Further words that tell it apart (``{"size": "small", "material": "metal"}``); `label` has
            size, colour and material; other words stay out of it. ``faint`` marks what may not be there at all: its
            category is neither counted nor said to be absent, but a clear object of it may be named.
    """

    id: str
    index: int
    category: str
    center: tuple[float, float, float]
    size: tuple[float, float, float]
    yaw: float
    color: str | None = None
    support: str | None = None
    asset: str = ""
    axes: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]] | None = None
    front: tuple[float, float, float] | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Size, colour, material and category, as far as given, as a person would call it (``small red chair``)."""
        words = [self.attributes.get("size"), self.color, self.attributes.get("material"), self.category]
        return " ".join(word for word in words if word)


@dataclass(frozen=True, kw_only=True, slots=True)
class Visibility:
    """How one view sees one object.

    Attributes:
        pixels: Visible pixels.
        amodal_pixels: Pixels it would cover inside the picture if nothing hid it.
        fraction: ``pixels / (pixels it would cover, in and out of the picture, if nothing hid it)``, 0..1.
        box: Box of the visible pixels, or None when there are none.
        center: Mean ``(u, v)`` of the visible pixels, or None.
        distance: Camera-to-surface distance in metres (Euclidean), 5th percentile over visible pixels, or None.
        distance_far: The same, 95th percentile, or None.
    """

    pixels: int
    amodal_pixels: int
    fraction: float
    box: tuple[int, int, int, int] | None = None
    center: tuple[float, float] | None = None
    distance: float | None = None
    distance_far: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Pose:
    """Where an object that moves stands at one moment.

    Attributes:
        center: ``(x, y, z)`` of its box's centre in metres.
        yaw: Rotation about z in degrees; a `front` turns with it.
    """

    center: tuple[float, float, float]
    yaw: float


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """One camera's picture of the scene at one moment.

    Attributes:
        camera: The camera.
        visible: For each object id with at least one visible pixel, how it is seen.
        time: Seconds from the start of the clip; 0 for a still.
        poses: Where objects stand at this moment that do not stand where `Scene.objects` puts them, by id.
        gone: Ids of objects that are not in the scene at this moment.
    """

    camera: Camera
    visible: Mapping[str, Visibility]
    time: float = 0.0
    poses: Mapping[str, Pose] = field(default_factory=dict)
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """One room of several.

    Attributes:
        name: Unique within the scene (``room 1``, ``kitchen``).
        floor: Polygon as ``(x, y)`` corners in metres, counter-clockwise.
    """

    name: str
    floor: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Door:
    """An opening that a person can walk through.

    Attributes:
        ends: Both ends of the opening on the floor, ``(x, y)`` in metres.
        rooms: Names of the rooms that it joins; one name for a door that leads outside.
        open: Whether one can walk through.
    """

    ends: tuple[tuple[float, float], tuple[float, float]]
    rooms: tuple[str, ...]
    open: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Objects, room and views. A still has one view, a clip one per frame, a set of pictures one each.

    Attributes:
        id: Unique within a dataset.
        objects: All objects except the room's shell.
        views: What the cameras see.
        room: Floor polygon as ``(x, y)`` corners in metres, counter-clockwise; empty when unknown.
        height: Room height in metres; None when unknown.
        source: ``simulate``, a scan set's or dataset's name.
        seed: Seed that made it, or None.
        facts: Anything else that the source knows; plain JSON values.
        units_known: Whether lengths are metres; False for pictures whose annotation has no depth or no scale.
        complete: Whether `objects` holds everything that can be seen; where it is False, nothing can be counted and
            nothing be said to be absent.
        pictures: Whether several views are separate pictures; False for the frames of a clip.
        rooms: The rooms where there are several; `room` is then the outline of all.
        doors: Openings between rooms.
        relations: Relations that an annotator wrote down, by object ids; geometry needs none.
    """

    id: str
    objects: tuple[SceneObject, ...]
    views: tuple[View, ...]
    room: tuple[tuple[float, float], ...] = ()
    height: float | None = None
    source: str = "simulate"
    seed: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    units_known: bool = True
    complete: bool = True
    pictures: bool = False
    rooms: tuple[Room, ...] = ()
    doors: tuple[Door, ...] = ()
    relations: tuple[Relation, ...] = ()

    def object(self, object_id: str) -> SceneObject:
        """The object with this id.

        Raises:
            KeyError: There is none.
        """
        for candidate in self.objects:
            if candidate.id == object_id:
                return candidate
        raise KeyError(f"scene {self.id!r} has no object {object_id!r}")
