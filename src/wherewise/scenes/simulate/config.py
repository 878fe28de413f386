"""What a simulated scene should look like."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from wherewise.scenes.simulate.look import PALETTE
from wherewise.scenes.simulate.options import Capture, Home, Walk, in_order


class Framing(StrEnum):
    """What the camera looks at."""

    OBJECTS = "objects"
    """The objects, as large as they fit; every one of them well visible."""
    ROOM = "room"
    """The room, from where a person would stand; at least two objects well visible."""


class Motion(StrEnum):
    """How the camera of a clip moves."""

    TURN = "turn"
    """It stands and turns."""
    TOUR = "tour"
    """It walks along a smooth curve through free places and turns on the way."""
    ORBIT = "orbit"
    """It circles round the objects and looks at them."""
    WALK = "walk"
    """It walks from place to place through free space, through doorways too, looking ahead; see `walk`."""


class SimulateConfig(BaseModel):
    """One kind of simulated scene. Lengths are metres, angles degrees, times seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(448, ge=32, le=4096)
    """Picture width in pixels."""
    height: int = Field(448, ge=32, le=4096)
    """Picture height in pixels."""
    supersample: int = Field(1, ge=1, le=2)
    """Samples per pixel side for the colours: 2 smooths edges. Depth and ids are the same with 1 and 2."""
    objects: tuple[int, int] = (4, 12)
    """Smallest and largest number of objects."""
    categories: tuple[str, ...] | None = None
    """Only these categories; None for all that the furniture pack has."""
    tint: float = Field(0.25, ge=0, le=1)
    """Probability that an object is re-coloured in a nameable colour."""
    distinct_colors: bool = False
    """No two re-coloured objects of a scene share a colour."""
    palette: tuple[str, ...] | None = None
    """Only these colour names; None for all."""
    framing: Framing = Framing.ROOM
    """What the camera looks at."""
    min_fraction: float = Field(0.3, ge=0, le=1)
    """An object counts as well visible when at least this share of it is seen."""
    min_pixels: float = Field(0.003, ge=0, le=1)
    """And when it covers at least this share of the picture."""
    furnish: bool = True
    """True: a room with things along its walls and small ones on tables. False: things that stand free on the floor."""
    instances: float = Field(0.25, ge=0, le=1)
    """Probability that an object repeats a category that the scene already has."""
    room: tuple[float, float] = (3.2, 6.5)
    """Shortest and longest side of the rectangular room."""
    frames: int = Field(0, ge=0, le=2000)
    """Frames of the clip; 0 for a still."""
    fps: float = Field(4.0, gt=0, le=60)
    """Frames per second of the clip."""
    motion: Motion | None = None
    """How the camera of a clip moves; None for a random way that suits `framing`."""
    max_attempts: int = Field(400, ge=1, le=10_000)
    """Drafts of rooms tried before giving up."""
    home: Home | None = None
    """Rooms of several outlines, doors, windows, lamps and materials; None for one plain rectangular room."""
    walk: Walk = Field(default_factory=lambda: Walk.model_validate({}))
    """Height, speed and unrest of the camera with ``motion: walk``."""
    views: tuple[int, int] = (1, 1)
    """Fewest and most pictures of a still scene; each shares a well visible object with one before it."""
    alike: float = Field(0.0, ge=0, le=1)
    """Probability that a room has two or three things of one kind that colour or size tells apart."""
    moving: tuple[int, int] = (0, 0)
    """Fewest and most objects that slide over the floor during a clip."""
    capture: Capture | None = None
    """What a real camera adds: lens, exposure, sensor noise, JPEG; None for none of it."""
    furniture: str = "core"
    """``core``: the models that `categories` always had. ``full``: all models that ship. Else the path of a pack."""

    @field_validator("objects")
    @classmethod
    def _objects(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= value[0] <= value[1] <= 64:
            raise ValueError(f"objects must be (min, max) with 1 <= min <= max <= 64, got {value}")
        return value

    @field_validator("room")
    @classmethod
    def _room(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not 2.0 <= value[0] <= value[1] <= 12.0:
            raise ValueError(f"room must be (shortest, longest) with 2 <= shortest <= longest <= 12 m, got {value}")
        return value

    @field_validator("palette")
    @classmethod
    def _palette(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        unknown = sorted(set(value or ()) - set(PALETTE))
        if unknown or value == ():
            raise ValueError(f"palette: unknown or no colours {unknown}; known: {', '.join(sorted(PALETTE))}")
        return value

    @model_validator(mode="after")
    def _categories(self) -> Self:
        from wherewise.scenes.simulate.furniture import load_catalogue

        if self.categories is not None:
            known = load_catalogue(self.furniture).categories()
            unknown = sorted(set(self.categories) - set(known))
            if unknown or not self.categories:
                raise ValueError(f"categories: unknown or none {unknown}; known: {', '.join(known)}")
        return self

    @model_validator(mode="after")
    def _agree(self) -> Self:
        in_order("views", self.views, 1, 12)
        in_order("moving", self.moving, 0, 6)
        if self.frames and self.views != (1, 1):
            raise ValueError(f"views={self.views} are pictures of a still scene, frames={self.frames} ask for a clip")
        if self.moving[1] and not self.frames:
            raise ValueError(f"moving={self.moving}: things move in clips only; set frames")
        if self.home is not None and self.framing is Framing.OBJECTS:
            raise ValueError("home and framing: objects don't go together; use framing: room")
        if self.home is not None and not self.furnish:
            raise ValueError("home and furnish: false don't go together")
        return self

    @model_validator(mode="after")
    def _enough_colors(self) -> Self:
        colors = len(self.palette or PALETTE)
        if self.distinct_colors and self.tint == 1 and self.objects[1] > colors:
            raise ValueError(
                f"objects={self.objects} cannot all have distinct colours: the palette has {colors}; "
                "lower objects, lower tint or set distinct_colors to false"
            )
        return self
