"""Margins for scenes that were measured rather than known: widened by what the measurements usually are wrong by."""

from __future__ import annotations

import math

from wherewise.questions.config import MarginsConfig

LARGEST_THING = 0.5
"""Share of the picture's side that a large thing spans; errors are shares of a thing's sides."""


def widened(
    margins: MarginsConfig, *, box_error: float, mask_error: float = 0.0, depth_error: float = 0.0
) -> MarginsConfig:
    """Margins that measured scenes deserve.

    A place in the picture is wrong by the error of the box and of the mask, so the gaps between places grow by their
    sum in quadrature for a thing that spans half the picture, and boxes may overlap less by twice the error of a side.
    Depths and distances are wrong by `depth_error`; two of them must differ by twice that more.

    Args:
        margins: The margins for exact scenes.
        box_error: Usual error of a box's side, as a share of it.
        mask_error: Usual error of a mask's centroid, as a share of the box's sides.
        depth_error: Usual error of a depth, as a share of it; 0 where there is none.

    >>> widened(MarginsConfig(), box_error=0.08, mask_error=0.06).horizontal_gap
    0.1
    """
    shift = round(LARGEST_THING * math.hypot(box_error, mask_error), 4)
    return margins.model_copy(
        update={
            "horizontal_gap": round(margins.horizontal_gap + shift, 4),
            "vertical_gap": round(margins.vertical_gap + shift, 4),
            "max_overlap": round(max(0.05, margins.max_overlap - 2 * box_error), 4),
            "third_border": round(min(0.15, margins.third_border + shift), 4),
            "depth_ratio": round(margins.depth_ratio + 2 * depth_error, 4),
            "reference_gap": round(margins.reference_gap * (1 + 2 * depth_error / 0.1), 4),
            "reference_gap_large": round(margins.reference_gap_large * (1 + 2 * depth_error / 0.1), 4),
            "size_ratio": round(margins.size_ratio * (1 + 2 * (depth_error + box_error)), 4),
            "number_ratio": round(margins.number_ratio * (1 + 2 * depth_error), 4),
            "number_tolerance": round(min(1.0, max(margins.number_tolerance, 2 * depth_error)), 4),
        }
    )
