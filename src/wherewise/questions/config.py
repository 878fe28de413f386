"""What may be asked, how often, and how clear a case must be before it is asked."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

BASIC: tuple[str, ...] = (
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
"""The families that are asked where a config names none, in the order in which they are tried."""

PICTURE: tuple[str, ...] = (
    "relation",
    "relation_check",
    "annotated_relation",
    "position_in_picture",
    "count_where",
    "depth_order",
    "object_depth",
    "clock_direction",
    "occlusion",
    "visible_share",
    "facing",
    "action_consequence",
    "box_grounding",
    "point_grounding",
    "floor_point",
    "box_3d",
)
"""Further families that need one picture."""

SPACE: tuple[str, ...] = (
    "object_count",
    "absolute_distance",
    "axis_distance",
    "relative_distance",
    "object_size",
    "size_order",
    "room_size",
    "relative_direction_easy",
    "relative_direction_medium",
    "relative_direction_hard",
    "route_planning",
    "perspective",
    "support",
    "height_above_floor",
    "proximity",
    "reach",
    "fit",
    "cognitive_map",
    "turn_towards",
)
"""Families about the room itself: one picture, several, a clip, or a scan."""

VIEWS: tuple[str, ...] = (
    "camera_motion",
    "camera_turn",
    "camera_displacement",
    "correspondence",
    "covisible",
    "closest_view",
    "view_order",
    "unseen_direction",
    "object_moved",
    "object_change",
)
"""Families that compare views: several pictures, or moments of a clip."""

CLIPS: tuple[str, ...] = (
    "temporal_order",
    "timestamp",
    "memory",
    "cumulative_count",
    "distance_at",
    "closest_at",
    "rooms_visited",
    "room_order",
    "object_motion",
    "object_speed",
)
"""Families that need a clip."""

TASKS: tuple[str, ...] = (*BASIC, *PICTURE, *SPACE, *VIEWS, *CLIPS)
"""Names of all question families."""

DIRECTIONS = ("relative_direction_easy", "relative_direction_medium", "relative_direction_hard")
SETS: dict[str, tuple[str, ...]] = {
    "all": TASKS,
    "basic": BASIC,
    "picture": PICTURE,
    "space": SPACE,
    "views": VIEWS,
    "clips": CLIPS,
    "reinforcesight": (
        "left_right",
        "above_below",
        "front_behind",
        "camera_distance",
        "reference_distance",
        "relation",
        "relation_check",
    ),
    "stvqa": (
        "relation",
        "annotated_relation",
        "reach",
        "size",
        "facing",
        "position_in_picture",
        "depth_order",
        "reference_distance",
        "counting",
        "existence",
    ),
    "vsi": (
        "object_count",
        "absolute_distance",
        "object_size",
        "room_size",
        "relative_distance",
        *DIRECTIONS,
        "route_planning",
        "appearance_order",
    ),
    "sat": (
        "camera_motion",
        "camera_turn",
        "object_moved",
        "action_consequence",
        "turn_towards",
        "perspective",
    ),
}
"""Names that stand for several families in a config."""

AnswerKind = Literal["choice", "number", "boolean", "order", "box", "point", "grid_map"]
KINDS: tuple[AnswerKind, ...] = ("choice", "number", "boolean", "order", "box", "point", "grid_map")
"""Answer kinds that a family may give."""


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
    dominance: float = Field(default=2.0, ge=1)
    """Of several directions, the one that is told must be so many times larger than any other."""
    distance_min: float = Field(default=0.2, ge=0)
    """Least distance in metres that is asked for."""
    distance_max: float = Field(default=10.0, gt=0)
    """Largest distance in metres that is asked for."""
    direction_angle: float = Field(default=10.0, ge=0, lt=45)
    """Least angle, in degrees, between a direction and the border of its sector."""
    direction_near: float = Field(default=0.3, ge=0)
    """Least distance, in metres, between two objects that span a direction."""
    direction_far: float = Field(default=5.0, gt=0)
    """Largest distance, in metres, between two objects that span a direction."""
    corner_votes: int = Field(default=2, ge=0, le=8)
    """At most so many of the eight corners of an object's box may lie in another sector than its centre."""
    clock_angle: float = Field(default=5.0, ge=0, lt=15)
    """Least angle, in degrees, between a direction and the border between two hours."""
    number_ratio: float = Field(default=1.2, ge=1)
    """Least ratio of a measured length and the threshold that it is held against."""
    number_tolerance: float = Field(default=0.1, ge=0, le=1)
    """Tolerance of a measured number, as a share of it."""
    third_border: float = Field(default=0.04, ge=0, lt=0.16)
    """Least distance of a centroid from the lines that cut the picture into thirds, as a share of its sides."""
    hidden_share: float = Field(default=0.15, gt=0, le=1)
    """Least share of an object, inside the picture, that others hide where it is called partly hidden."""
    open_share: float = Field(default=0.02, ge=0, lt=1)
    """Largest share that others may hide of an object that is called wholly visible."""
    room_seen: float = Field(default=0.8, ge=0, le=1)
    """Least share of the floor that some view shows where its area is asked for."""
    reach: float = Field(default=0.75, gt=0)
    """Arm's length in metres."""
    camera_move: float = Field(default=0.3, gt=0)
    """Least way, in metres, of a camera that moved."""
    camera_turn: float = Field(default=15.0, gt=0)
    """Least angle, in degrees, of a camera that turned."""
    moved: float = Field(default=0.3, gt=0)
    """Least way, in metres, of an object that moved."""
    unmoved: float = Field(default=0.02, ge=0)
    """Largest way, in metres, of an object that stayed."""
    free_radius: float = Field(default=0.2, gt=0)
    """Half the width, in metres, of who walks a route."""
    grid: int = Field(default=10, ge=2, le=30)
    """Cells along each side of a map."""


class QuestionsConfig(BaseModel):
    """Which questions to ask of a scene."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    families: tuple[str, ...] = BASIC
    """Question families to use, or sets of them (all, basic, picture, space, views, clips, reinforcesight, stvqa, vsi,
    sat); families that do not suit a scene (clips, stills) reject it."""
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
    kinds: tuple[AnswerKind, ...] = KINDS
    """Answer kinds that a family with several may choose from; counting and the other basic families have their own."""
    choices: int = Field(default=4, ge=2, le=6)
    """Options of a choice among numbers, places or orders."""
    rationale: Literal["words", "metric"] = "words"
    """``words`` gives reasons without numbers, ``metric`` those with metres, degrees and seconds if there are any."""
    temporal_lengths: tuple[Literal[2, 3, 4, 5, 6], ...] = (2, 3, 4, 5, 6)
    """How many objects a temporal-order question names."""
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
        unknown = [name for name in value if name not in TASKS and name not in SETS]
        if unknown or not value:
            raise ValueError(f"unknown families {unknown}; choose from {', '.join((*SETS, *TASKS))}")
        return tuple(dict.fromkeys(task for name in value for task in SETS.get(name, (name,))))

    @field_validator("weights")
    @classmethod
    def _weights(cls, value: dict[str, float]) -> dict[str, float]:
        bad = [name for name, weight in value.items() if name not in TASKS or weight <= 0]
        if bad:
            raise ValueError(f"weights {bad} must name families ({', '.join(TASKS)}) and be positive")
        return value
