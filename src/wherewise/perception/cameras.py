"""Focal lengths of photographs: from the config, from Exif, from a depth backend, or assumed and said to be so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from PIL import Image as PILImage

from wherewise.perception.results import DepthMap, Intrinsics, Picture

FILM_DIAGONAL = math.hypot(36.0, 24.0)
"""Diagonal of a 35 mm negative in millimetres: what a 35 mm equivalent refers to."""
_EXIF_IFD, _FOCAL_35 = 0x8769, 0xA405


class PhotoCamera:
    """The best focal length that is known: the given one, Exif's 35 mm equivalent, the depth backend's, an assumed one.

    Args:
        focal: Focal length as a share of the longest side, if it is known for all pictures.
        assumed_view: Angle of view over the longest side, in degrees, where nothing is known.
    """

    def __init__(self, *, focal: float | None = None, assumed_view: float = 60.0) -> None:
        self.name = f"photo:{focal}:{assumed_view:g}"
        self._focal = focal
        self._assumed = 0.5 / math.tan(math.radians(assumed_view) / 2)

    def intrinsics(self, picture: Picture, exif: Mapping[str, float], depth: DepthMap | None) -> Intrinsics:
        """Focal length in pixels, with its usual error."""
        height, width = picture.shape[:2]
        longest = max(width, height)
        if self._focal is not None:
            return Intrinsics(focal=self._focal * longest, error=0.02, source="config")
        equivalent = exif.get("focal_35mm", 0.0)
        if equivalent > 0:
            return Intrinsics(focal=equivalent / FILM_DIAGONAL * math.hypot(width, height), error=0.05, source="exif")
        if depth is not None and depth.focal is not None:
            return Intrinsics(focal=depth.focal, error=0.1, source="depth")
        return Intrinsics(focal=self._assumed * longest, error=0.25, source="assumed")


def read_exif(path: Path) -> dict[str, float]:
    """``focal_35mm`` in millimetres, if the file says it."""
    with PILImage.open(path) as picture:
        equivalent = picture.getexif().get_ifd(_EXIF_IFD).get(_FOCAL_35)
    return {"focal_35mm": float(equivalent)} if equivalent else {}
