"""How ONNX detectors lay out what they found, brought to rows of ``x1, y1, x2, y2, score, class``."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Layout(StrEnum):
    """The outputs of a detector. Corners and centres are pixels of its input unless said otherwise."""

    ROWS = "rows"
    """One output ``(1, n, 6)``: corners, score, class."""
    YOLO = "yolo"
    """One output ``(1, 4 + c, n)``: centre, size, a score for each class (YOLOv8 to 11); overlaps are removed here."""
    YOLO_OBJECTNESS = "yolo_objectness"
    """One output ``(1, n, 5 + c)``: centre, size, objectness, a score for each class (YOLOv5 to v7)."""
    DETR = "detr"
    """Two outputs, told apart by their last side: class logits ``(1, n, c)``, whose sigmoids are the scores, and boxes
    ``(1, n, 4)`` as centre and size in shares of the picture (RT-DETR, RF-DETR)."""
    PARTS = "parts"
    """Three outputs: boxes ``(1, n, 4)`` as corners, classes ``(1, n)`` of whole numbers, scores ``(1, n)``."""


def rows_of(outputs: Sequence[NDArray[np.generic]], layout: Layout, size: tuple[int, int]) -> Array:
    """``(n, 6)`` rows of corners in input pixels, score and class, in the outputs' order.

    Args:
        outputs: What the model gave.
        layout: How it lies.
        size: Width and height of the input.

    Raises:
        ValueError: The outputs do not lie so.
    """
    first = np.asarray(outputs[0], dtype=np.float64)
    shapes = [tuple(output.shape) for output in outputs]
    if layout is Layout.ROWS:
        _check(
            first.ndim == 3 and first.shape[0] == 1 and first.shape[2] == 6, shapes, "rows of x1 y1 x2 y2 score class"
        )
        rows: Array = first[0]
        return rows
    if layout is Layout.YOLO:
        _check(first.ndim == 3 and first.shape[0] == 1 and first.shape[1] > 4, shapes, "(1, 4 + classes, n)")
        return _best(first[0, :4].T, first[0, 4:].T, suppress=True)
    if layout is Layout.YOLO_OBJECTNESS:
        _check(first.ndim == 3 and first.shape[0] == 1 and first.shape[2] > 5, shapes, "(1, n, 5 + classes)")
        return _best(first[0, :, :4], first[0, :, 5:] * first[0, :, 4:5], suppress=True)
    if layout is Layout.DETR:
        pair = len(outputs) >= 2 and all(len(shape) == 3 and shape[0] == 1 for shape in shapes[:2])
        _check(pair and 4 in (shapes[0][2], shapes[1][2]), shapes, "logits (1, n, classes) and boxes (1, n, 4)")
        second = np.asarray(outputs[1], dtype=np.float64)
        logits, boxes = (second, first) if shapes[0][2] == 4 else (first, second)
        scores = 1 / (1 + np.exp(-np.clip(logits[0], -50, 50)))
        return _best(boxes[0] * np.array([*size, *size]), scores, suppress=False)
    _check(len(outputs) >= 3 and shapes[0][-1] == 4, shapes, "boxes (1, n, 4), classes (1, n), scores (1, n)")
    numbers, scores = (np.asarray(output, dtype=np.float64).reshape(-1) for output in outputs[1:3])
    if not np.array_equal(numbers, np.round(numbers)):
        numbers, scores = scores, numbers
    return np.column_stack([first.reshape(-1, 4), scores, numbers])


def _check(fits: bool, shapes: Sequence[tuple[int, ...]], wanted: str) -> None:
    if not fits:
        raise ValueError(f"the outputs have the shapes {list(shapes)}. Fix: export {wanted}, or set detector.layout")


def _best(boxes: Array, scores: Array, *, suppress: bool) -> Array:
    """Rows of the best class of each box (centre and size)."""
    corners = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
    numbers = scores.argmax(axis=1)
    rows = np.column_stack([corners, scores.max(axis=1), numbers])
    return rows[suppressed(rows)] if suppress else rows


def suppressed(rows: Array, *, same: float = 0.5, floor: float = 0.01, most: int = 300) -> NDArray[np.int64]:
    """Places of the rows that no better row of their class overlaps, best first.

    Args:
        rows: ``(n, 6)``.
        same: Intersection over union from which two boxes are one.
        floor: Rows with a lower score are left out.
        most: Rows that are kept at most.
    """
    left = np.argsort(-rows[:, 4], kind="stable")
    left = left[rows[left, 4] >= floor]
    kept: list[int] = []
    while len(left) and len(kept) < most:
        best, others = left[0], left[1:]
        kept.append(int(best))
        low = np.maximum(rows[best, :2], rows[others, :2])
        high = np.minimum(rows[best, 2:4], rows[others, 2:4])
        common = np.prod(np.maximum(0, high - low), axis=1)
        areas = np.prod(rows[:, 2:4] - rows[:, :2], axis=1)
        overlap = common / np.maximum(1e-9, areas[best] + areas[others] - common)
        left = others[(overlap < same) | (rows[others, 5] != rows[best, 5])]
    return np.array(kept, dtype=np.int64)
