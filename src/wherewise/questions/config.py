"""What may be asked, how often, and how clear a case must be before it is asked."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

TASKS: tuple[str, ...] = (
    "existence",
    "counting",
    "left_right",
    "above_below",
    "front_behind",
    "camera_distance",
    "reference_distance",
    "size",
    "appearance_order",
)
"""Names of the question families, in the order in which they are tried."""


class MarginsConfig(BaseModel):
    """Ambiguity margins: a case inside a margin is rejected, with the reason, instead of asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_pixels: int = Field(default=100, ge=1)
    """Least visible pixels of an object that is asked about."""
    min_pixel_share: float = Field(default=0.003, ge=0, le=1)
    """Least visible pixels as a share of the picture; the stricter of the two counts."""
    min_fraction: float = Field(default=0.3, ge=0, le=1)
    """Least visible share of an object's silhouette, counting what is hidden and what is outside the picture."""
    horizontal_gap: float = Field(default=0.05, ge=0)
    """Least distance between two centroids, as a share of the picture's width, for left/right."""
    vertical_gap: float = Field(default=0.05, ge=0)
    """Least distance between two centroids, as a share of the picture's height, for above/below."""
    max_overlap: float = Field(default=0.5, ge=0, le=1)
    """Two boxes must overlap by less than this share of the smaller, along the asked axis."""
    depth_gap: float = Field(default=0.15, ge=0)
    """Least difference of two depths or camera distances, in metres."""
    depth_ratio: float = Field(default=0.10, ge=0)
    """Least difference of two depths or camera distances, as a share of the nearer; the stricter counts."""
    line_overlap: float = Field(default=0.0, ge=0, le=1)
    """In front/behind: least horizontal overlap of the boxes, as a share of the narrower; 0 asks for none."""
    reference_gap: float = Field(default=0.15, ge=0)
    """Least difference of two object-to-object distances, in metres."""
    reference_gap_large: float = Field(default=0.30, ge=0)
    """The same in rooms larger than `large_room`."""
    large_room: float = Field(default=40.0, gt=0)
    """Floor area in square metres above which a room is large."""
    reference_min: float = Field(default=0.15, ge=0)
    """Least distance of either object to the reference object, in metres."""
    size_ratio: float = Field(default=1.2, ge=1)
    """Least ratio of both the volumes and the longest sides of two objects that are compared."""
    appearance_gap: float = Field(default=1.0, ge=0)
    """Least time between two first appearances, in seconds."""
    appearance_frames: int = Field(default=3, ge=1)
    """Least number of frames between two first appearances."""
    appearance_hold: int = Field(default=3, ge=1)
    """An object has appeared once it stays clearly visible for this many frames in a row."""
    count_min: int = Field(default=1, ge=1)
    """Least count that is asked for."""
    count_max: int = Field(default=9, ge=1)
    """Largest count that is asked for."""


class QuestionsConfig(BaseModel):
    """Which questions to ask of a scene."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    families: tuple[str, ...] = TASKS
    """Question families to use; families that do not suit a scene (clips, stills) reject it."""
    weights: dict[str, float] = Field(default_factory=dict)
    """Share of each family relative to the others; 1 where not given."""
    per_scene: int = Field(default=6, ge=1)
    """Most questions kept for a scene."""
    per_task: int = Field(default=2, ge=1)
    """Most questions of one family kept for a scene by the balancer."""
    attempts: int = Field(default=6, ge=1)
    """Draws of each family for a scene; the balancer picks among the questions that they give."""
    phrasings: Literal["one", "all"] = "all"
    """``one`` asks every question of a family in the same words; ``all`` varies them."""
    counting_answer: Literal["number", "choice", "both"] = "number"
    """Answer kind of counting: a number, one of several options, or either at random."""
    count_options: int = Field(default=2, ge=2, le=4)
    """Options of a counting choice: so many numbers in a row, the true one at a random place among them."""
    order_lengths: tuple[Literal[2, 3, 4], ...] = (2, 3)
    """How many objects an appearance-order question names; with 2 it asks which appears first or last."""
    vocabulary: tuple[str, ...] | None = None
    """Categories that existence questions may ask for where they are absent; None for those of the scenes' source."""
    margins: MarginsConfig = MarginsConfig()
    """Ambiguity margins."""
    balance: bool = True
    """Thin out answers that a reader could guess from the words of the question."""
    block: int = Field(default=256, ge=1)
    """Scenes that the balancer looks at together; memory grows with it."""
    calibration: int = Field(default=200, ge=0)
    """Extra scenes, never written, from which the balancer learns before the first; small splits need them."""
    blind_strength: float = Field(default=1.0, ge=0, le=1)
    """How strictly guessable answers are thinned out: 1 fully, 0 not at all."""

    @field_validator("families")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in TASKS]
        if unknown or not value:
            raise ValueError(f"unknown families {unknown}; choose from {', '.join(TASKS)}")
        return value

    @field_validator("weights")
    @classmethod
    def _weights(cls, value: dict[str, float]) -> dict[str, float]:
        bad = [name for name, weight in value.items() if name not in TASKS or weight <= 0]
        if bad:
            raise ValueError(f"weights {bad} must name families ({', '.join(TASKS)}) and be positive")
        return value
