"""ScanNet++: what its scene metadata mean.

Source: the schema is that of ``data/meta_info`` of vision-x-nyu/thinking-in-space (VSI-Bench), which describes the
scenes of its three scan sets in the same way; the annotations of ScanNet++ itself hold ``obb.centroid``,
``axesLengths`` and ``normalizedAxes`` in the frame of ``mesh_aligned_0.05.ply``: metres, z up. Axes stand row by row,
as in the other two; a file that has them otherwise is found out by its ``min`` and ``max``.

A scene id is ten hexadecimal digits, one for each place.
"""

from __future__ import annotations

import re

from wherewise.scenes.scans.conventions import Convention

SCANNETPP = Convention(
    dataset="scannetpp",
    scene_id=re.compile(r"[0-9a-f]{10}"),
    place=lambda scene: scene,
    license="LicenseRef-ScanNetPP-Terms-of-Use",
    terms="ScanNet++ Terms of Use, accepted to get the scans",
)
