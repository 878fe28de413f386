"""Focal lengths of photographs: from the config, from Exif, from a depth backend, or assumed and said to be so."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from pathlib import Path

from PIL import Image as PILImage

from wherewise.media.errors import MediaError
from wherewise.perception.results import DepthMap, Intrinsics, Picture

FILM_DIAGONAL = math.hypot(36.0, 24.0)
"""Diagonal of a 35 mm negative in millimetres: what a 35 mm equivalent refers to."""
FOCAL_ERROR = {"config": 0.02, "exif": 0.05, "depth": 0.1, "assumed": 0.25}
"""Usual error of a focal length by where it comes from, as a share of it."""
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
            return Intrinsics(focal=self._focal * longest, error=FOCAL_ERROR["config"], source="config")
        equivalent = exif.get("focal_35mm", 0.0)
        if equivalent > 0:
            return Intrinsics(
                focal=equivalent / FILM_DIAGONAL * math.hypot(width, height), error=FOCAL_ERROR["exif"], source="exif"
            )
        if depth is not None and depth.focal is not None:
            return Intrinsics(focal=depth.focal, error=FOCAL_ERROR["depth"], source="depth")
        return Intrinsics(focal=self._assumed * longest, error=FOCAL_ERROR["assumed"], source="assumed")


def read_exif(path: Path) -> dict[str, float]:
    """``focal_35mm`` in millimetres, if the file says it.

    Raises:
        MediaError: The file or its Exif part is damaged.
    """
    try:
        with PILImage.open(path) as picture:
            equivalent = picture.getexif().get_ifd(_EXIF_IFD).get(_FOCAL_35)
        focal = float(equivalent) if equivalent else 0.0
    except (
        OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ZeroDivisionError, struct.error,
        PILImage.DecompressionBombError,
    ) as error:  # fmt: skip
        raise MediaError(
            f"its Exif part cannot be read: {error}", fix="save the picture again, or drop it", file=path.name
        ) from error
    return {"focal_35mm": focal} if 0 < focal < math.inf else {}
