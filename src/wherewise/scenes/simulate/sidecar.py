"""Depth and instance ids beside the pictures: one ``.npz`` a scene, the same bytes for the same scene.

Arrays: ``depth`` (T, H, W) uint16 millimetres along the optical axis, 0 where it is 65.535 m or more; ``ids``
(T, H, W) uint16, `SceneObject.index` and 0 for the room; ``times`` (T,) float64 seconds; ``focal`` (T,) pixels;
``position`` (T, 3) metres; ``rotation`` (T, 3, 3), rows = the camera's x, y, z axes in the world.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wherewise.samples.errors import DatasetError
from wherewise.scenes.arrays import load_arrays
from wherewise.scenes.simulate.generate import Simulated

MILLIMETRES = 1000.0
FIELDS = ("depth", "ids", "times", "focal", "position", "rotation")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sidecar:
    """What `encode_sidecar` stored.

    Attributes:
        depth: (T, H, W) float32 metres along the optical axis; 0 where too far to store.
        ids: (T, H, W) int32.
        times: (T,) seconds.
        focal: (T,) pixels.
        position: (T, 3) metres.
        rotation: (T, 3, 3).
    """

    depth: NDArray[np.float32]
    ids: NDArray[np.int32]
    times: NDArray[np.float64]
    focal: NDArray[np.float64]
    position: NDArray[np.float64]
    rotation: NDArray[np.float64]


def encode_sidecar(made: Simulated) -> bytes:
    """Depth, ids and cameras of a scene as the bytes of an ``.npz`` file."""
    millimetres = np.round(np.stack(made.depth) * MILLIMETRES)
    views = made.scene.views
    out = io.BytesIO()
    np.savez_compressed(
        out,
        depth=np.where(millimetres < 65_535, millimetres, 0).astype(np.uint16),
        ids=np.stack(made.ids).astype(np.uint16),
        times=np.array([view.time for view in views]),
        focal=np.array([view.camera.focal for view in views]),
        position=np.array([view.camera.position for view in views]),
        rotation=np.array([view.camera.rotation for view in views]),
    )
    return out.getvalue()


def read_sidecar(source: Path | bytes) -> Sidecar:
    """A stored sidecar.

    Raises:
        DatasetError: The file is damaged or lacks one of `FIELDS`.
    """
    data = load_arrays(source)
    missing = sorted(name for name in FIELDS if name not in data or data[name].dtype.kind not in "uif")
    if missing:
        raise DatasetError(
            f"lacks {', '.join(missing)}",
            file=str(source) if isinstance(source, Path) else "sidecar",
            fix="make it again",
        )
    return Sidecar(
        depth=(data["depth"] / np.float32(MILLIMETRES)).astype(np.float32),
        ids=data["ids"].astype(np.int32),
        times=data["times"],
        focal=data["focal"],
        position=data["position"],
        rotation=data["rotation"],
    )
