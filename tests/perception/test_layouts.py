"""The layouts of ONNX detectors give the same rows for the same things."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wherewise.perception.layouts import Layout, rows_of, suppressed

SIZE = (64, 32)
WANTED = np.array([[10, 4, 30, 20, 0.9, 1], [40, 8, 60, 28, 0.6, 0]], np.float64)
CENTERS = np.array([[20, 12, 20, 16], [50, 18, 20, 20]], np.float64)
SCORES = np.array([[0.1, 0.9], [0.6, 0.2]], np.float64)


def outputs(layout: Layout) -> list[np.ndarray[Any, Any]]:
    match layout:
        case Layout.ROWS:
            return [WANTED[None]]
        case Layout.YOLO:
            near = np.concatenate([CENTERS, CENTERS[:1] + 1])
            scores = np.concatenate([SCORES, [[0.1, 0.7]]])
            return [np.concatenate([near, scores], axis=1).T[None]]
        case Layout.YOLO_OBJECTNESS:
            return [np.concatenate([CENTERS, [[1.0], [0.5]], SCORES * [[1.0], [2.0]]], axis=1)[None]]
        case Layout.DETR:
            return [np.log(SCORES / (1 - SCORES))[None], (CENTERS / [64, 32, 64, 32])[None]]
        case Layout.PARTS:
            return [WANTED[None, :, :4], WANTED[None, :, 5], WANTED[None, :, 4]]


@pytest.mark.parametrize("layout", list(Layout))
def test_every_layout_gives_the_same_rows(layout: Layout) -> None:
    found = rows_of([output.astype(np.float32) for output in outputs(layout)], layout, SIZE)
    assert found[np.argsort(-found[:, 4])] == pytest.approx(WANTED, abs=1e-4)


def test_the_outputs_of_detr_may_come_in_either_order() -> None:
    assert rows_of(outputs(Layout.DETR)[::-1], Layout.DETR, SIZE) == pytest.approx(WANTED, abs=1e-6)


@pytest.mark.parametrize("layout", list(Layout))
def test_other_shapes_are_refused(layout: Layout) -> None:
    with pytest.raises(ValueError, match=r"shapes.*Fix: export"):
        rows_of([np.zeros((2, 3, 5)), np.zeros((2, 3)), np.zeros((2, 3))], layout, SIZE)


def test_overlaps_are_removed_within_a_class_only() -> None:
    rows = np.array([[0, 0, 10, 10, 0.5, 0], [1, 0, 10, 10, 0.9, 0], [0, 0, 10, 10, 0.8, 1], [0, 0, 9, 9, 0.001, 2]])
    assert suppressed(rows).tolist() == [1, 2]
