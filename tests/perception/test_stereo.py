"""Depth questions on the Middlebury motorcycle, whose true disparity scikit-image ships; boxes set by hand."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from wherewise.perception import Backends, Detection, GroundConfig, Picture, SortingConfig, read_photograph
from wherewise.perception.cameras import PhotoCamera
from wherewise.perception.depth_files import DepthFiles
from wherewise.perception.grabcut import GrabCutSegmenter
from wherewise.questions.config import MarginsConfig, QuestionsConfig
from wherewise.questions.generate import candidates
from wherewise.questions.widened import widened

THINGS = {
    "headlight": ((506, 122, 562, 188), (540, 155)),
    "fuel tank": ((345, 160, 488, 250), (400, 215)),
    "front wheel": ((515, 290, 684, 452), (525, 340)),
    "rear wheel": ((122, 238, 280, 404), (140, 300)),
    "engine": ((335, 245, 480, 378), (390, 330)),
    "wooden bench": ((42, 106, 284, 195), (160, 118)),
    "yellow can": ((400, 56, 419, 92), (408, 75)),
    "cardboard carton": ((527, 30, 602, 98), (560, 65)),
    "red crate": ((520, 181, 616, 253), (580, 230)),
    "door": ((180, 0, 300, 110), (230, 60)),
}
"""Box of each thing, and a pixel of its surface."""


class HandBoxes:
    """The boxes that a person drew."""

    name, vocabulary, error = "hand", tuple(THINGS), 0.02

    def detect(self, picture: Picture) -> list[Detection]:
        return [Detection(label=label, score=1.0, box=box) for label, (box, _) in THINGS.items()]


@pytest.mark.parametrize("masks", [True, False])
def test_every_depth_question_has_the_order_of_the_true_disparity(masks: bool, tmp_path: Path) -> None:
    data = pytest.importorskip("skimage.data", reason="scikit-image, which ships the stereo pair, is not installed")
    if masks:
        pytest.importorskip("cv2", reason="opencv-python-headless is not installed")
    left, _, disparity = data.stereo_motorcycle()
    np.save(tmp_path / "motorcycle.npy", disparity)
    # Calibration as the data set gives it for this size: focal length and offset in pixels, baseline in metres.
    depth = DepthFiles(tmp_path, baseline=0.193001, focal=994.978, offset=31.086)
    scene = read_photograph(
        "motorcycle",
        left,
        Backends(
            detector=HandBoxes(), camera=PhotoCamera(), depth=depth, segmenter=GrabCutSegmenter() if masks else None
        ),
        sorting=SortingConfig(mask_shift=0.4),
        ground=GroundConfig(),
        file="motorcycle.png",
        exif={},
        tally=(tally := Counter()),
    )
    assert tally["ground.found"] == 1
    assert 0.5 < scene.views[0].camera.position[2] < 2.0
    margins = widened(MarginsConfig(min_pixel_share=0.001), box_error=0.02, mask_error=0.08, depth_error=0.01)
    families = ("depth_order", "camera_distance", "front_behind")
    config = QuestionsConfig(families=families, attempts=200, margins=margins, kinds=("choice", "order"))
    found, _ = candidates(scene, families=families, rng=random.Random(0), config=config)
    near = {label: float(disparity[y, x]) for label, (_, (x, y)) in THINGS.items()}
    assert np.isfinite(list(near.values())).all()
    category = {thing.id: thing.category for thing in scene.objects}
    asked: Counter[str] = Counter()
    for task, questions in found.items():
        for question in questions:
            named = [near[category[name]] for name in question.focus]
            if task == "front_behind":
                assert question.key.endswith("in front" if named[0] > named[1] else "behind"), question.text
            elif task == "camera_distance":
                best = (max if question.facts["asks_closer"] else min)(named)
                answer = next(label for label in near if question.key.endswith(label))
                assert near[answer] == best, question.text
            else:
                told = sorted((label for label in near if label in question.key), key=question.key.index)
                assert len(told) == len(named)
                ranked = sorted(told, key=near.__getitem__, reverse=question.facts["label"] == "near")
                assert told == ranked, question.text
            asked[task] += 1
    print(dict(asked))
    assert asked["depth_order"] >= 10
    assert asked["camera_distance"] >= 10
