"""Parts of `SimulateConfig`: homes, walks and what a real camera adds to a picture."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Range = tuple[float, float]


class Shape(StrEnum):
    """Outline of a room."""

    RECTANGLE = "rectangle"
    """Four walls."""
    L = "l"
    """A rectangle that lacks a corner."""
    T = "t"
    """A rectangle that lacks both corners of one side."""


def in_order(name: str, value: Range, least: float, most: float) -> None:
    """Refuse a range that is not ``least <= low <= high <= most``."""
    if not least <= value[0] <= value[1] <= most:
        raise ValueError(f"{name} must be (low, high) with {least:g} <= low <= high <= {most:g}, got {value}")


class Home(BaseModel):
    """A home of one to four rooms, with materials, doors, windows and lamps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rooms: tuple[int, int] = (1, 1)
    """Smallest and largest number of rooms; each is joined to another by an open doorway."""
    shapes: tuple[Shape, ...] = (Shape.RECTANGLE, Shape.L, Shape.T)
    """Outlines that rooms are drawn from. A room between others, where no corner can be left out, is a rectangle."""
    height: Range = (2.4, 2.9)
    """Lowest and highest ceiling in metres."""
    windows: float = Field(0.6, ge=0, le=1)
    """Probability of a window in each outer wall that is long enough. A window is an object of the scene."""
    entrance: float = Field(0.5, ge=0, le=1)
    """Probability of a closed door that leads outside. It is an object of the scene; an open doorway is not."""
    lamps: float = Field(0.7, ge=0, le=1)
    """Probability that a room's ceiling lamp is a thing to be seen; its light is there in any case."""
    materials: float = Field(0.7, ge=0, le=1)
    """Probability that a room's walls, and its ceiling, have a material (paper, brick, panels, tiles) and not paint."""

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        in_order("home.rooms", self.rooms, 1, 4)
        in_order("home.height", self.height, 2.2, 4.0)
        if not self.shapes:
            raise ValueError("home.shapes: name at least one of rectangle, l, t")
        return self


class Walk(BaseModel):
    """How a camera walks with ``motion: walk``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    height: Range = (1.2, 1.7)
    """Lowest and highest camera in metres; one height a clip."""
    speed: Range = (0.3, 1.0)
    """Slowest and fastest walk in metres per second; one speed a clip."""
    turn: float = Field(60.0, gt=0, le=180)
    """Fastest turn in degrees per second."""
    jitter: float = Field(0.0, ge=0, le=5)
    """Unrest of a hand-held camera: typical error of its direction in degrees; it also sways by 8 mm per degree."""

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        in_order("walk.height", self.height, 0.3, 2.2)
        in_order("walk.speed", self.speed, 0.05, 3.0)
        return self


class Capture(BaseModel):
    """What a real camera adds to a picture. One draw a scene, other noise in each picture."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    distortion: Range = (0.0, 0.0)
    """Barrel distortion k of the lens: what is at distance r of the middle (in half diagonals) comes from
    ``r (1 + k r^2) / (1 + k)``, so that the corners stay. Ids, depth and visibility are distorted alike."""
    exposure: Range = (1.0, 1.0)
    """Factor on the light, in display bytes before clipping."""
    noise: Range = (0.0, 0.0)
    """Standard deviation of the sensor's noise at mid grey, in display bytes."""
    jpeg: tuple[int, int] | None = None
    """The picture has been through JPEG of a quality in this range; None for not at all."""

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        in_order("capture.distortion", self.distortion, 0.0, 0.5)
        in_order("capture.exposure", self.exposure, 0.2, 3.0)
        in_order("capture.noise", self.noise, 0.0, 40.0)
        if self.jpeg is not None:
            in_order("capture.jpeg", self.jpeg, 5, 100)
        return self
