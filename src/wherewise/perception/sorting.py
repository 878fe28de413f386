"""From raw detections to things that can be named: duplicates merged, doubtful and ambiguous ones marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from wherewise.perception.results import Box, Detection


class Doubt(StrEnum):
    """Why a detection is not asked about; counted as ``objects.<reason>`` in the manifest."""

    MERGED = "merged"
    """A better detection of the same label has nearly the same box; it is left out."""
    LOW_SCORE = "low_score"
    """The detector is not sure. It stays, unnamed: nothing is said to be absent, or counted, that it might be."""
    LABEL_OVERRULED = "label_overruled"
    """A much better detection of another label has nearly the same box. It stays, unnamed."""
    LABEL_AMBIGUOUS = "label_ambiguous"
    """Another label is nearly as likely for the same box. It stays, unnamed."""
    NESTED = "nested"
    """Most of it lies inside a better box of the same label: a part, or one of a group. It stays, unnamed."""
    MASK_EMPTY = "mask_empty"
    """No mask was found; its box stands for it."""
    MASK_DISAGREES = "mask_disagrees"
    """The mask's centroid is far from the middle of the box. It stays, unnamed."""
    CUT_OFF = "cut_off"
    """It reaches over more of the picture's border than is allowed. It stays, unnamed."""
    DEPTH_UNKNOWN = "depth_unknown"
    """Too few of its pixels have a depth. It stays, unnamed."""


class SortingConfig(BaseModel):
    """When a detection is trusted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sure: float = Field(default=0.35, gt=0, le=1)
    """Least score of a thing that is asked about."""
    faint: float = Field(default=0.14, gt=0, le=1)
    """A detection with a lower score takes no name from a better one of its label; its category is still neither
    counted nor said to be absent."""
    same_box: float = Field(default=0.5, gt=0, le=1)
    """Two boxes with at least this intersection over union are of one thing."""
    inside: float = Field(default=0.8, gt=0, le=1)
    """A box with at least this share inside another of the same label may be a part of it."""
    rival: float = Field(default=0.35, gt=0, le=1)
    """A label is ambiguous if another one for the same box has at least this share of its score."""
    border: float = Field(default=0.005, ge=0, lt=0.5)
    """A box that comes closer to a side of the picture than this share of it touches the side."""
    borders: int = Field(default=2, ge=0, le=4)
    """Largest number of sides that a thing may touch."""
    mask_shift: float = Field(default=0.2, gt=0)
    """Largest distance between a mask's centroid and the middle of its box, as a share of the box's sides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """A detection with what came of it.

    Attributes:
        detection: The detection.
        doubt: Why it is not asked about, or None.
    """

    detection: Detection
    doubt: Doubt | None


def area(box: Box) -> float:
    """Area in square pixels."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def shared(first: Box, second: Box) -> float:
    """Area of the intersection in square pixels."""
    corners = max(first[0], second[0]), max(first[1], second[1]), min(first[2], second[2]), min(first[3], second[3])
    return area(corners) if corners[2] > corners[0] and corners[3] > corners[1] else 0.0


def iou(first: Box, second: Box) -> float:
    """Intersection over union of two boxes.

    >>> round(iou((0, 0, 2, 2), (1, 0, 3, 2)), 3)
    0.333
    """
    common = shared(first, second)
    return common / max(1e-9, area(first) + area(second) - common)


def sort_out(
    detections: Sequence[Detection], width: int, height: int, config: SortingConfig, tally: Counter[str]
) -> list[Thing]:
    """Merge duplicates and mark what must not be named, best detections first.

    Args:
        detections: All that the detector gave.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
        config: When a detection is trusted.
        tally: Counts ``objects.<reason>``.
    """
    kept: list[Thing] = []
    for found in sorted(detections, key=lambda each: (-each.score, each.label, each.box)):
        same = [each for each in kept if each.detection.label == found.label]
        if any(iou(found.box, each.detection.box) >= config.same_box for each in same):
            tally[f"objects.{Doubt.MERGED}"] += 1
            continue
        doubt = _doubt(found, kept, width, height, config)
        if doubt is Doubt.LABEL_AMBIGUOUS:
            kept = [_rivalled(each, found, config, tally) for each in kept]
        if doubt is not None:
            tally[f"objects.{doubt}"] += 1
        kept.append(Thing(detection=found, doubt=doubt))
    return kept


def _doubt(found: Detection, kept: Sequence[Thing], width: int, height: int, config: SortingConfig) -> Doubt | None:
    better = [each.detection for each in kept]
    rivals = [each for each in better if each.label != found.label and iou(found.box, each.box) >= config.same_box]
    if any(found.score >= config.rival * each.score for each in rivals):
        return Doubt.LABEL_AMBIGUOUS
    if rivals:
        return Doubt.LABEL_OVERRULED
    if found.score < config.sure:
        return Doubt.LOW_SCORE
    same = [each for each in better if each.label == found.label]
    if any(shared(found.box, each.box) >= config.inside * min(area(found.box), area(each.box)) for each in same):
        return Doubt.NESTED
    x1, y1, x2, y2 = found.box
    sides = (x1 / width, y1 / height, 1 - x2 / width, 1 - y2 / height)
    return Doubt.CUT_OFF if sum(side < config.border for side in sides) > config.borders else None


def _rivalled(thing: Thing, rival: Detection, config: SortingConfig, tally: Counter[str]) -> Thing:
    """The thing, in doubt if `rival` is another label for its box that is nearly as likely."""
    own = thing.detection
    if thing.doubt is not None or own.label == rival.label or iou(own.box, rival.box) < config.same_box:
        return thing
    if rival.score < config.rival * own.score:
        return thing
    tally[f"objects.{Doubt.LABEL_AMBIGUOUS}"] += 1
    return Thing(detection=own, doubt=Doubt.LABEL_AMBIGUOUS)
