"""Masks by OpenCV's GrabCut: no weights, good where a thing differs from what is around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PILImage

from wherewise.perception.results import Box, Picture


class GrabCutSegmenter:
    """Cuts each box out of its surroundings by colour.

    Args:
        rounds: Iterations of GrabCut.
        longest: The picture is scaled down to this longest side, in pixels, while it is cut.
        error: Usual error of a mask's centroid, as a share of the box's sides.
        least: A mask that fills less of its box than this share has failed and comes back empty.
    """

    def __init__(self, *, rounds: int = 3, longest: int = 400, error: float = 0.06, least: float = 0.15) -> None:
        self.name = f"grabcut:{rounds}:{longest}:{least:g}"
        self.error = error
        self._rounds, self._longest, self._least = rounds, longest, least

    def masks(self, picture: Picture, boxes: Sequence[Box]) -> NDArray[np.bool_]:
        """One mask a box, inside the box."""
        import cv2

        height, width = picture.shape[:2]
        scale = min(1.0, self._longest / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = np.asarray(PILImage.fromarray(picture).resize(size, PILImage.Resampling.BILINEAR))
        found = np.zeros((len(boxes), height, width), dtype=np.bool_)
        for number, box in enumerate(boxes):
            x1, y1, x2, y2 = _whole(box, width, height)
            left, top = round(box[0] * scale), round(box[1] * scale)
            right, bottom = min(size[0], round(box[2] * scale)), min(size[1], round(box[3] * scale))
            if right - left < 4 or bottom - top < 4:
                continue
            state = np.full((size[1], size[0]), cv2.GC_BGD, dtype=np.uint8)
            state[top:bottom, left:right] = cv2.GC_PR_FGD
            if not (state == cv2.GC_BGD).any():
                state[0, :] = state[:, 0] = state[:, -1] = cv2.GC_BGD
            cv2.setRNGSeed(0)
            bgd, fgd = np.zeros((1, 65)), np.zeros((1, 65))
            cv2.grabCut(small, state, None, bgd, fgd, self._rounds, cv2.GC_INIT_WITH_MASK)
            cut = (state == cv2.GC_FGD) | (state == cv2.GC_PR_FGD)
            full = np.asarray(PILImage.fromarray(cut).resize((width, height), PILImage.Resampling.NEAREST))
            inside = np.zeros((height, width), dtype=np.bool_)
            inside[y1:y2, x1:x2] = full[y1:y2, x1:x2]
            if inside.sum() >= self._least * (x2 - x1) * (y2 - y1):
                found[number] = inside
        return found


def _whole(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """The box in whole pixels, at least one wide and high, inside the picture."""
    x1, y1 = min(width - 1, max(0, round(box[0]))), min(height - 1, max(0, round(box[1])))
    return x1, y1, min(width, max(x1 + 1, round(box[2]))), min(height, max(y1 + 1, round(box[3])))
