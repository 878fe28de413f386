"""What a scan set's files mean: one `Convention` for each set, in a file of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class BoxAxes(StrEnum):
    """How nine numbers hold the three axes of a box."""

    ROWS = "rows"
    """The first three numbers are the first axis."""
    COLUMNS = "columns"
    """Numbers 0, 3 and 6 are the first axis."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Convention:
    """What the metadata of one scan set mean.

    Attributes:
        dataset: Name of the set as the metadata spell it.
        scene_id: What the ids of its scenes look like.
        place: Scene id -> id of the physical place; scans of one place must stay in one split.
        metres: Metres in one unit of length of the file.
        axes: How ``normalizedAxes`` hold the axes of a box.
        license: Name of the terms that its scans are under; stands in every sample.
        terms: Where those terms are found, in words.
    """

    dataset: str
    scene_id: re.Pattern[str]
    place: Callable[[str], str]
    metres: float = 1.0
    axes: BoxAxes = BoxAxes.ROWS
    license: str
    terms: str
