"""A `Scene`: what is where, exactly, and what each camera sees of it.

World frame: metres, right-handed, z up, floor at z = 0. Camera frame: OpenCV (x right, y down, z forward).
Image boxes: ``(x1, y1, x2, y2)`` in pixels, x2/y2 exclusive. Angles: degrees, counter-clockwise seen from above.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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

    @property
    def label(self) -> str:
        """Colour and category, as a person would call it (``red chair``)."""
        return f"{self.color} {self.category}" if self.color else self.category


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
class View:
    """One camera's picture of the scene at one moment.

    Attributes:
        camera: The camera.
        visible: For each object id with at least one visible pixel, how it is seen.
        time: Seconds from the start of the clip; 0 for a still.
    """

    camera: Camera
    visible: Mapping[str, Visibility]
    time: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """Objects, room and views. A still has one view, a clip one per frame.

    Attributes:
        id: Unique within a dataset.
        objects: All objects except the room's shell.
        views: What the cameras see.
        room: Floor polygon as ``(x, y)`` corners in metres, counter-clockwise; empty when unknown.
        height: Room height in metres; None when unknown.
        source: ``simulate``, a scan set's or dataset's name.
        seed: Seed that made it, or None.
        facts: Anything else that the source knows; plain JSON values.
    """

    id: str
    objects: tuple[SceneObject, ...]
    views: tuple[View, ...]
    room: tuple[tuple[float, float], ...] = ()
    height: float | None = None
    source: str = "simulate"
    seed: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def object(self, object_id: str) -> SceneObject:
        """The object with this id.

        Raises:
            KeyError: There is none.
        """
        for candidate in self.objects:
            if candidate.id == object_id:
                return candidate
        raise KeyError(f"scene {self.id!r} has no object {object_id!r}")
