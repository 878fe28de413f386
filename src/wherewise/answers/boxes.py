"""How well boxes agree: overlap (IoU), and its generalised and complete forms; points in boxes and masks.

Boxes are ``[x1, y1, x2, y2]`` in any one unit. A box is degenerate when a side ``x2 - x1`` or ``y2 - y1`` is not above
`MIN_SIDE`, or a coordinate is beyond `MAX_COORDINATE` or no number: it covers nothing, so every pair with one scores
the measure's infimum (`WORST_IOU`, `WORST_GIOU`, `WORST_CIOU`), never better than a real box that is only far away. A
degenerate box doesn't even match itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

MIN_SIDE = 1e-12
"""Sides up to this are empty; their areas would drown in rounding."""
MAX_COORDINATE = 1e12
"""Coordinates beyond this, either way, are no place in a picture; their squares would overflow."""
WORST_IOU = 0.0
"""IoU of boxes that don't meet, and of any pair with a degenerate box."""
WORST_GIOU = -1.0
"""Infimum of GIoU; the value of any pair with a degenerate box."""
WORST_CIOU = -1.5
"""Infimum of CIoU (overlap 0, centre term 1, aspect term 1/2); the value of any pair with a degenerate box."""


def _is_box(box: Sequence[float]) -> bool:
    if len(box) != 4:
        raise ValueError(f"a box is [x1, y1, x2, y2], got {len(box)} numbers")
    inside = all(-MAX_COORDINATE <= value <= MAX_COORDINATE for value in box)
    return inside and box[2] - box[0] > MIN_SIDE and box[3] - box[1] > MIN_SIDE


def _overlap(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """``(IoU, union)`` of two real boxes."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    shared = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union, union


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union, in [0, 1]; 0 with a degenerate box.

    >>> iou([0, 0, 2, 2], [1, 0, 3, 2]), iou([0, 0, 0, 2], [0, 0, 0, 2])
    (0.3333333333333333, 0.0)
    """
    return _overlap(a, b)[0] if _is_box(a) and _is_box(b) else WORST_IOU


def giou(a: Sequence[float], b: Sequence[float]) -> float:
    """Generalised IoU, in (-1, 1]: ``IoU - (C - U) / C``, C the area of the box around both (Rezatofighi et al. 2019).

    >>> giou([0, 0, 1, 1], [0, 0, 1, 1]), giou([0, 0, 1, 1], [2, 0, 3, 1])
    (1.0, -0.3333333333333333)
    """
    if not (_is_box(a) and _is_box(b)):
        return WORST_GIOU
    overlap, union = _overlap(a, b)
    around = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return overlap - (around - union) / around


def ciou(a: Sequence[float], b: Sequence[float]) -> float:
    """Complete IoU, in (-1.5, 1] (Zheng et al., "Distance-IoU Loss", AAAI 2020).

    ``IoU - d^2 / c^2 - alpha v`` with d the distance of the centres, c the diagonal of the box around both,
    ``v = 4 / pi^2 (atan(w_a / h_a) - atan(w_b / h_b))^2`` and ``alpha = v / (1 - IoU + v)``. The 2021 version of the
    paper sets alpha to 0 where IoU < .5; this is the 2020 one, as in torchvision's ``complete_box_iou``.

    >>> ciou([0, 0, 2, 2], [0, 0, 2, 2]), round(ciou([0, 0, 1, 1], [2, 0, 3, 1]), 6), ciou([0, 0, 0, 0], [0, 0, 1, 1])
    (1.0, -0.4, -1.5)
    """
    if not (_is_box(a) and _is_box(b)):
        return WORST_CIOU
    overlap, _ = _overlap(a, b)
    diagonal = (max(a[2], b[2]) - min(a[0], b[0])) ** 2 + (max(a[3], b[3]) - min(a[1], b[1])) ** 2
    apart = ((a[0] + a[2] - b[0] - b[2]) / 2) ** 2 + ((a[1] + a[3] - b[1] - b[3]) / 2) ** 2
    shape = 4 / math.pi**2 * (math.atan2(a[2] - a[0], a[3] - a[1]) - math.atan2(b[2] - b[0], b[3] - b[1])) ** 2
    weight = shape / (1 - overlap + shape) if shape > 0 else 0.0
    return overlap - apart / diagonal - weight * shape


class _Pairs:
    """Terms of all pairs of ``(n, 4)`` and ``(m, 4)`` boxes, each ``(n, m)``."""

    def __init__(self, a: npt.ArrayLike, b: npt.ArrayLike) -> None:
        first, second = _boxes(a), _boxes(b)
        self.real = _real(first)[:, None] & _real(second)[None, :]
        # Degenerate boxes are replaced so that no arithmetic warns; their pairs are overwritten in `settle`.
        unit = np.array([0.0, 0.0, 1.0, 1.0])
        self.a = np.where(_real(first)[:, None], first, unit)[:, None, :]
        self.b = np.where(_real(second)[:, None], second, unit)[None, :, :]
        shared = (np.minimum(self.a[..., 2:], self.b[..., 2:]) - np.maximum(self.a[..., :2], self.b[..., :2])).clip(0)
        sides_a, sides_b = self.a[..., 2:] - self.a[..., :2], self.b[..., 2:] - self.b[..., :2]
        meet: Array = shared.prod(-1)
        self.union: Array = sides_a.prod(-1) + sides_b.prod(-1) - meet
        self.iou: Array = meet / self.union
        self.around = np.maximum(self.a[..., 2:], self.b[..., 2:]) - np.minimum(self.a[..., :2], self.b[..., :2])
        self.angle = np.arctan2(sides_a[..., 0], sides_a[..., 1]) - np.arctan2(sides_b[..., 0], sides_b[..., 1])

    def settle(self, values: Array, worst: float) -> Array:
        return np.where(self.real, values, worst)


def _boxes(boxes: npt.ArrayLike) -> Array:
    array = np.asarray(boxes, dtype=np.float64)
    if array.size == 0:
        return array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise ValueError(f"boxes are an (n, 4) array, got shape {array.shape}")
    return array


def _real(boxes: Array) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = np.all(np.abs(boxes) <= MAX_COORDINATE, axis=1)
    inside &= np.all(boxes[:, 2:] - boxes[:, :2] > MIN_SIDE, axis=1)
    return inside


def _pairwise(value: Callable[[_Pairs], Array], worst: float, a: npt.ArrayLike, b: npt.ArrayLike) -> Array:
    with np.errstate(all="ignore"):
        pairs = _Pairs(a, b)
        return pairs.settle(value(pairs), worst)


def pairwise_iou(a: npt.ArrayLike, b: npt.ArrayLike) -> Array:
    """`iou` of every pair: ``(n, 4)`` and ``(m, 4)`` to ``(n, m)`` float64.

    >>> pairwise_iou([[0, 0, 2, 2]], [[0, 0, 2, 2], [2, 2, 3, 3]]).tolist()
    [[1.0, 0.0]]
    """
    return _pairwise(lambda pairs: pairs.iou, WORST_IOU, a, b)


def pairwise_giou(a: npt.ArrayLike, b: npt.ArrayLike) -> Array:
    """`giou` of every pair: ``(n, 4)`` and ``(m, 4)`` to ``(n, m)`` float64."""

    def value(pairs: _Pairs) -> Array:
        around: Array = pairs.around.prod(-1)
        result: Array = pairs.iou - (around - pairs.union) / around
        return result

    return _pairwise(value, WORST_GIOU, a, b)


def pairwise_ciou(a: npt.ArrayLike, b: npt.ArrayLike) -> Array:
    """`ciou` of every pair: ``(n, 4)`` and ``(m, 4)`` to ``(n, m)`` float64."""

    def value(pairs: _Pairs) -> Array:
        diagonal = (pairs.around**2).sum(-1)
        centres = (pairs.a[..., :2] + pairs.a[..., 2:] - pairs.b[..., :2] - pairs.b[..., 2:]) / 2
        shape = 4 / math.pi**2 * pairs.angle**2
        weight = np.divide(shape, 1 - pairs.iou + shape, out=np.zeros_like(shape), where=shape > 0)
        result: Array = pairs.iou - (centres**2).sum(-1) / diagonal - weight * shape
        return result

    return _pairwise(value, WORST_CIOU, a, b)


def point_in_box(point: Sequence[float], box: Sequence[float]) -> bool:
    """True if the point is in the box or on its border; no point is in a degenerate box.

    >>> point_in_box((2, 1), (0, 0, 2, 2)), point_in_box((3, 1), (0, 0, 2, 2))
    (True, False)
    """
    return _is_box(box) and box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]


def point_in_mask(point: Sequence[float], mask: npt.NDArray[Any]) -> bool:
    """True if the pixel that holds the point is set; points outside the mask are not in it.

    Args:
        point: ``(x, y)`` in pixels; pixel ``(c, r)`` covers ``c <= x < c + 1``, ``r <= y < r + 1``.
        mask: ``(height, width)``; nonzero means inside.

    >>> point_in_mask((1.5, 0.2), np.array([[0, 1]])), point_in_mask((2.0, 0.0), np.array([[0, 1]]))
    (True, False)
    """
    if mask.ndim != 2:
        raise ValueError(f"a mask is (height, width), got shape {mask.shape}")
    x, y = point[0], point[1]
    if not (0 <= x < mask.shape[1] and 0 <= y < mask.shape[0]):
        return False
    return bool(mask[int(y), int(x)])
