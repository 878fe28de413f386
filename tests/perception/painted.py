"""Painted pictures whose rectangles a colour detector finds exactly, and a depth that is painted with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wherewise.perception import DepthMap, Detection, Picture

COLORS = {"red": (200, 30, 30), "green": (30, 180, 30), "blue": (30, 30, 200), "gold": (220, 180, 20)}
NAMES = {"red": "apple", "green": "pear", "blue": "cup", "gold": "banana"}


def paint(boxes: dict[str, tuple[int, int, int, int]], width: int = 320, height: int = 240) -> Picture:
    """A grey picture with a rectangle of each colour."""
    picture = np.full((height, width, 3), 128, np.uint8)
    for color, (x1, y1, x2, y2) in boxes.items():
        picture[y1:y2, x1:x2] = COLORS[color]
    return picture


def save(picture: Picture, path: Path) -> None:
    """Write a picture without loss."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


class ColorDetector:
    """Finds the painted rectangles; counts how often it was asked."""

    def __init__(self, *, error: float = 0.0) -> None:
        self.name, self.vocabulary, self.error = "colors", tuple(NAMES.values()), error
        self.calls = 0

    def detect(self, picture: Picture) -> list[Detection]:
        self.calls += 1
        found = []
        for color, value in COLORS.items():
            rows, columns = np.nonzero((picture == np.array(value, np.uint8)).all(axis=2))
            if len(rows):
                box = (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
                found.append(Detection(label=NAMES[color], score=0.9, box=box))
        return found


class GreyDepth:
    """A metric depth that is told by the colour: nearer in the order of `COLORS`."""

    name = "grey"

    def __init__(self, *, metric: bool = True) -> None:
        self._metric = metric

    def depth(self, picture: Picture, file: str) -> DepthMap:
        values: NDArray[np.float32] = np.full(picture.shape[:2], 6.0, np.float32)
        for number, value in enumerate(COLORS.values()):
            values[(picture == np.array(value, np.uint8)).all(axis=2)] = 1.5 + number
        return DepthMap(values=values if self._metric else values * 100 - 7, metric=self._metric, error=0.02)
