"""ARKitScenes: what its scene metadata mean.

Source: ``data/meta_info/arkitscenes_meta_info_val.json`` of vision-x-nyu/thinking-in-space (VSI-Bench), checked on
all 150 scenes of that file:

* lengths are metres, z points up (the ARKit frame after alignment); the floor is not at z = 0;
* ``normalizedAxes`` are the axes of the box row by row, as in the annotations of ARKitScenes (``segments.obbAligned``);
* the boxes were drawn upright: of 99 in 100 the vertical axis leans by less than 5 degrees;
* ``object_counts`` equal the number of boxes.

A scene id is a ``video_id``, eight digits. Several videos show the same place: apple/ARKitScenes lists the
``visit_id`` of every ``video_id`` in ``raw/raw_train_val_splits.csv``; give that file as ``places`` to keep a place
in one split. Without it every video counts as a place of its own.
"""

from __future__ import annotations

import re

from wherewise.scenes.scans.conventions import Convention

ARKITSCENES = Convention(
    dataset="arkitscenes",
    scene_id=re.compile(r"\d{8}"),
    place=lambda scene: scene,
    license="LicenseRef-ARKitScenes",
    terms="LICENSE file of apple/ARKitScenes",
)
