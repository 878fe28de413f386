"""A detector that looks several times: what it says must hold for the mirrored and for the smaller picture too."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as PILImage

from wherewise.perception.results import Box, Detection, Detector, Picture
from wherewise.perception.sorting import iou

SAME_BOX = 0.5
"""Two boxes with at least this intersection over union are of one thing."""
SHRUNK = 0.75
"""Sides of the smaller picture, as a share; it lies on grey."""
MISSED = 0.02
"""Score of a thing in a look that did not find it."""
MOST_LOOKS = 3


@dataclass(kw_only=True, slots=True)
class _Found:
    """One label at one place, with its score in each look."""

    label: str
    box: Box
    scores: list[float]

    @property
    def score(self) -> float:
        """Geometric mean: low as soon as one look does not find it."""
        return math.prod(max(MISSED, score) for score in self.scores) ** (1 / len(self.scores))


class SteadyDetector:
    """Several looks of one detector, made one.

    The score of a thing is the geometric mean of its scores in all looks. A rival label for a box counts with the
    greatest share of the box's own score that it has in any look. What only some looks find stays, with a low score, so
    that it is not said to be absent.

    Args:
        detector: The detector.
        looks: 2 adds the mirrored picture, 3 the smaller one as well.
    """

    def __init__(self, detector: Detector, looks: int = MOST_LOOKS) -> None:
        if not 2 <= looks <= MOST_LOOKS:
            raise ValueError(f"looks should be 2 to {MOST_LOOKS}, got {looks}")
        self._detector, self._looks = detector, looks
        self.vocabulary, self.error = detector.vocabulary, detector.error
        self.name = f"{detector.name}+looks{looks}"

    def detect(self, picture: Picture) -> list[Detection]:
        """Detections of all looks, best first, boxes as the first look that found them has them."""
        seen = [look(self._detector, picture) for look in LOOKS[: self._looks]]
        found = _together(seen)
        detections = [Detection(label=each.label, score=each.score, box=each.box) for each in found]
        for own in found:
            for rival in found:
                if rival.label != own.label and iou(own.box, rival.box) >= SAME_BOX:
                    score = own.score * min(1.0, _share(rival, own))
                    detections.append(Detection(label=rival.label, score=score, box=own.box))
        kept: list[Detection] = []
        for each in sorted(detections, key=lambda each: (-each.score, each.label, each.box)):
            if not any(k.label == each.label and iou(k.box, each.box) >= SAME_BOX for k in kept):
                kept.append(each)
        return kept


def _share(rival: _Found, own: _Found) -> float:
    """The greatest share of its own score that a rival has in a look that found the thing."""
    return max(theirs / ours for theirs, ours in zip(rival.scores, own.scores, strict=True) if ours > 0)


def _together(seen: Sequence[Sequence[Detection]]) -> list[_Found]:
    found: list[_Found] = []
    for number, detections in enumerate(seen):
        for each in sorted(detections, key=lambda each: -each.score):
            same = [f for f in found if f.label == each.label and iou(f.box, each.box) >= SAME_BOX]
            if same:
                best = max(same, key=lambda f: iou(f.box, each.box))
                best.scores[number] = max(best.scores[number], each.score)
            else:
                scores = [0.0] * len(seen)
                scores[number] = each.score
                found.append(_Found(label=each.label, box=each.box, scores=scores))
    return found


def _plainly(detector: Detector, picture: Picture) -> list[Detection]:
    return detector.detect(picture)


def _mirrored(detector: Detector, picture: Picture) -> list[Detection]:
    width = picture.shape[1]
    found = []
    for each in detector.detect(np.ascontiguousarray(picture[:, ::-1])):
        x1, y1, x2, y2 = each.box
        found.append(Detection(label=each.label, score=each.score, box=(width - x2, y1, width - x1, y2)))
    return found


def _shrunk(detector: Detector, picture: Picture) -> list[Detection]:
    height, width = picture.shape[:2]
    size = max(1, round(width * SHRUNK)), max(1, round(height * SHRUNK))
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    frame = np.full_like(picture, 128)
    small = PILImage.fromarray(picture).resize(size, PILImage.Resampling.BILINEAR)
    frame[top : top + size[1], left : left + size[0]] = np.asarray(small)
    found = []
    for each in detector.detect(frame):
        x1, x2 = (min(max(0.0, (x - left) * width / size[0]), float(width)) for x in (each.box[0], each.box[2]))
        y1, y2 = (min(max(0.0, (y - top) * height / size[1]), float(height)) for y in (each.box[1], each.box[3]))
        if x2 - x1 >= 1 and y2 - y1 >= 1:
            found.append(Detection(label=each.label, score=each.score, box=(x1, y1, x2, y2)))
    return found


LOOKS: tuple[Callable[[Detector, Picture], list[Detection]], ...] = (_plainly, _mirrored, _shrunk)
"""The looks in their order."""
