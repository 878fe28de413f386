"""What perception backends give, and the protocols that they keep.

A picture is an ``(height, width, 3)`` array of uint8 RGB, upright. Boxes are ``(x1, y1, x2, y2)`` in its pixels, x2 and
y2 exclusive. Every backend states how wrong it usually is; margins of questions are widened by that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Detection:
    """One thing that a detector found.

    Attributes:
        label: Singular noun.
        score: The detector's own confidence, 0..1; not a probability.
        box: ``(x1, y1, x2, y2)`` in pixels, inside the picture.
    """

    label: str
    score: float
    box: Box


@dataclass(frozen=True, kw_only=True, slots=True)
class DepthMap:
    """How far away each pixel is, along the viewing direction.

    Attributes:
        values: ``(height, width)`` float32, larger is farther, NaN where unknown; metres if `metric`.
        metric: Whether the values are metres. Otherwise only their order means something.
        error: Usual error as a share of the depth where metric; of the range of values in the picture where not.
        focal: Focal length in pixels if the backend estimates it, else None.
    """

    values: NDArray[np.float32]
    metric: bool
    error: float
    focal: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Intrinsics:
    """A pinhole camera with square pixels and its principal point in the centre.

    Attributes:
        focal: Focal length in pixels.
        error: Usual error of the focal length, as a share of it.
        source: Where the number comes from (``exif``, ``depth``, ``config``, ``assumed``).
    """

    focal: float
    error: float
    source: str


class Detector(Protocol):
    """Finds things of some categories.

    Attributes:
        name: Names the backend and its weights in manifests and caches.
        vocabulary: All categories that it looks for.
        error: Usual error of a box's side, as a share of the box's width or height.
    """

    name: str
    vocabulary: tuple[str, ...]
    error: float

    def detect(self, picture: Picture) -> list[Detection]:
        """All detections down to the backend's floor, also the doubtful ones, best first."""
        ...


class OpenDetector(Detector, Protocol):
    """Finds things of any category that it is asked for."""

    def find(self, picture: Picture, words: Sequence[str]) -> list[Detection]:
        """Detections of these words instead of the vocabulary, best first."""
        ...


class Describer(Protocol):
    """Says in words what a picture shows.

    Attributes:
        name: Names the backend and its weights.
    """

    name: str

    def tags(self, picture: Picture) -> list[str]:
        """Categories of things in the picture, as singular nouns."""
        ...

    def caption(self, picture: Picture) -> str:
        """One sentence or a few about the whole picture."""
        ...

    def captions(self, picture: Picture, boxes: Sequence[Box], masks: NDArray[np.bool_]) -> list[str]:
        """A few words about each thing, one text a box, in the order of the boxes.

        Args:
            picture: The picture.
            boxes: Where the things are.
            masks: ``(n, height, width)``, what of each box is the thing.
        """
        ...


class Segmenter(Protocol):
    """Cuts out what a box holds.

    Attributes:
        name: Names the backend and its weights.
        error: Usual error of a mask's centroid, as a share of the box's width or height.
    """

    name: str
    error: float

    def masks(self, picture: Picture, boxes: Sequence[Box]) -> NDArray[np.bool_]:
        """``(n, height, width)``, one mask a box, inside it; an empty mask where nothing was found."""
        ...


class DepthEstimator(Protocol):
    """Tells how far away pixels are.

    Attributes:
        name: Names the backend and its weights.
    """

    name: str

    def depth(self, picture: Picture, file: str) -> DepthMap:
        """The depth of each pixel; `file` is the photograph's path inside its folder."""
        ...


class Camera(Protocol):
    """Tells the focal length of a photograph.

    Attributes:
        name: Names the backend.
    """

    name: str

    def intrinsics(self, picture: Picture, exif: dict[str, float], depth: DepthMap | None) -> Intrinsics:
        """The camera of a picture, given its Exif numbers and its depth map if there are any."""
        ...
