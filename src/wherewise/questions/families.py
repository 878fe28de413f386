"""All question families by task name."""

from __future__ import annotations

from wherewise.questions.above_below import above_below
from wherewise.questions.appearance_order import appearance_order
from wherewise.questions.camera_distance import camera_distance
from wherewise.questions.counting import counting
from wherewise.questions.existence import existence
from wherewise.questions.front_behind import front_behind
from wherewise.questions.left_right import left_right
from wherewise.questions.question import Family
from wherewise.questions.reference_distance import reference_distance
from wherewise.questions.size import size

FAMILIES: dict[str, Family] = {
    "existence": existence,
    "counting": counting,
    "left_right": left_right,
    "above_below": above_below,
    "front_behind": front_behind,
    "camera_distance": camera_distance,
    "reference_distance": reference_distance,
    "size": size,
    "appearance_order": appearance_order,
}
"""Task name to family; each family's docstring defines what it asks and when it refuses."""
