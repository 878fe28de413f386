"""Distance from a camera to an object's box."""

from __future__ import annotations

import numpy as np

from wherewise.scenes import Camera, SceneObject
from wherewise.scenes.boxes import oriented_box


def camera_gap(camera: Camera, thing: SceneObject) -> float:
    """Distance from the camera to the nearest point of the object's box, in metres."""
    return float(oriented_box(thing).distance_to(np.array([camera.position], dtype=np.float64))[0])
