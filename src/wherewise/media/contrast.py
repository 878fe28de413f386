"""Contrast of colours as WCAG 2 defines it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

READABLE = 4.5
"""Least contrast of readable text (WCAG 2.2, success criterion 1.4.3, level AA)."""

_SHARES = np.array([0.2126, 0.7152, 0.0722])


def luminance(colour: ArrayLike) -> NDArray[np.float64]:
    """Relative luminance of sRGB colours.

    Args:
        colour: [..., 3], 0 to 255.

    Returns:
        [...], 0 (black) to 1 (white).

    >>> float(luminance((255, 255, 255)))
    1.0
    """
    value = np.asarray(colour, dtype=np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    found: NDArray[np.float64] = np.asarray((linear * _SHARES).sum(axis=-1).round(12))
    return found


def contrast(one: ArrayLike, other: ArrayLike) -> NDArray[np.float64]:
    """Contrast of two luminances: 1 (equal) to 21 (black and white).

    >>> float(contrast(1.0, 0.0))
    21.0
    """
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    ratio: NDArray[np.float64] = (np.maximum(first, second) + 0.05) / (np.minimum(first, second) + 0.05)
    return np.asarray(ratio.round(9))
