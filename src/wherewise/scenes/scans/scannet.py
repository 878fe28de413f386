"""ScanNet: what its scene metadata mean.

Source: ``data/meta_info/scannet_meta_info_val.json`` of vision-x-nyu/thinking-in-space (VSI-Bench), checked on all 88
scenes of that file:

* lengths are metres, z points up; the origin is the scan's own, so the floor is not at z = 0;
* ``normalizedAxes`` are the axes of the box row by row, right-handed and orthonormal (with rows ``min`` and ``max`` are
  reproduced to 1e-15 m, with columns they are off by up to 1.6 m);
* the boxes are the smallest around the points of an instance, so they are tilted: half of them by more than 20 degrees;
* ``object_counts`` may differ from the number of boxes, where classes were merged or an instance has no box.

A scene id is ``scene<place>_<scan>``: ``scene0704_00`` and ``scene0704_01`` are two scans of the same room.
"""

from __future__ import annotations

import re

from wherewise.scenes.scans.conventions import Convention

SCANNET = Convention(
    dataset="scannet",
    scene_id=re.compile(r"scene\d{4}_\d{2}"),
    place=lambda scene: scene.partition("_")[0],
    license="LicenseRef-ScanNet-Terms-of-Use",
    terms="ScanNet Terms of Use, signed to get the scans",
)
