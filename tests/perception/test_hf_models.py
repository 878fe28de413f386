"""Each transformers backend on a tiny random model of its real class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from painted import paint
from tiny_models import WORDS, depth_anything, depth_pro, grounding_dino, owlv2, sam2, zoedepth

pytest.importorskip("transformers")
pytestmark = pytest.mark.slow
PICTURE = paint({"red": (20, 30, 90, 120), "blue": (150, 60, 260, 200)})


@pytest.fixture(autouse=True)
def shim() -> None:
    import torch

    from wherewise.models.torchvision_shim import ensure_torchvision

    ensure_torchvision()
    torch.manual_seed(0)


@pytest.mark.parametrize("make", [grounding_dino, owlv2])
def test_a_detector_gives_boxes_of_its_vocabulary_inside_the_picture(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from wherewise.perception.hf_models import OpenVocabularyDetector

    backend = OpenVocabularyDetector(make(tmp_path), WORDS, floor=0.001)
    found = backend.detect(PICTURE)
    assert found
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    for each in found:
        assert each.label in WORDS
        assert 0 <= each.box[0] < each.box[2] <= 320
        assert 0 <= each.box[1] < each.box[3] <= 240
    assert backend.detect(PICTURE) == found


def test_a_segmenter_gives_a_mask_a_box_and_stays_in_it(tmp_path: Path) -> None:
    from wherewise.perception.hf_models import SamSegmenter

    backend = SamSegmenter(sam2(tmp_path))
    masks = backend.masks(PICTURE, [(20, 30, 90, 120), (150, 60, 260, 200)])
    assert masks.shape == (2, 240, 320)
    assert masks.dtype == np.bool_
    assert not masks[0][:, 100:].any()
    assert not masks[1][:, :140].any()
    assert backend.masks(PICTURE, []).shape == (0, 240, 320)


@pytest.mark.parametrize("make", [lambda f: depth_anything(f, metric=True), zoedepth, depth_pro])
def test_a_metric_depth_is_positive_and_as_large_as_the_picture(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from wherewise.perception.hf_models import TransformersDepth

    found = TransformersDepth(make(tmp_path), error=0.12).depth(PICTURE)
    assert found.metric
    assert found.error == 0.12
    assert found.values.shape == (240, 320)
    known = found.values[np.isfinite(found.values)]
    assert len(known)
    assert (known > 0).all()
    assert (found.focal is not None) == (make is depth_pro)


def test_a_relative_depth_is_turned_round(tmp_path: Path) -> None:
    """Depth Anything's relative output grows towards the camera; a `DepthMap` grows away from it."""
    from wherewise.perception.hf_models import TransformersDepth

    found = TransformersDepth(depth_anything(tmp_path, metric=False)).depth(PICTURE)
    assert not found.metric
    assert (found.values < -0.5).all()


def test_another_family_is_refused(tmp_path: Path) -> None:
    from wherewise.perception.hf_models import OpenVocabularyDetector
    from wherewise.samples.errors import InputError

    with pytest.raises((InputError, ValueError), match=r"Fix|Unrecognized"):
        OpenVocabularyDetector(depth_anything(tmp_path, metric=False), WORDS)
