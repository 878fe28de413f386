"""Each transformers backend on a tiny random model of its real class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from painted import paint
from tiny_models import (
    WORDS,
    depth_anything,
    depth_pro,
    florence2,
    grounding_dino,
    owlv2,
    qwen3_vl,
    rf_detr,
    sam2,
    sam3,
    zoedepth,
)

from wherewise.perception import Picture

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


def test_a_detector_with_its_own_categories_leaves_out_what_stands_for_nothing(tmp_path: Path) -> None:
    from wherewise.perception.hf_models import LabelledDetector

    backend = LabelledDetector(rf_detr(tmp_path), floor=0.001)
    assert backend.vocabulary == WORDS
    found = backend.detect(PICTURE)
    assert found
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    for each in found:
        assert each.label in WORDS
        assert 0 <= each.box[0] < each.box[2] <= 320
        assert 0 <= each.box[1] < each.box[3] <= 240
    assert backend.detect(PICTURE) == found


def test_an_open_detector_looks_for_tags_too(tmp_path: Path) -> None:
    from wherewise.perception.hf_models import OpenVocabularyDetector
    from wherewise.perception.naming import TaggedDetector

    class Tags:
        name = "tags"

        def tags(self, picture: Picture) -> list[str]:
            return ["cup", "banana", "apple"]

        def caption(self, picture: Picture) -> str:
            return ""

        def captions(self, picture: Picture, boxes: object, masks: object) -> list[str]:
            return []

    plain = OpenVocabularyDetector(owlv2(tmp_path), ("apple", "pear"), floor=0.001)
    tagged = TaggedDetector(plain, Tags())
    assert tagged.vocabulary == ("apple", "pear")
    assert tagged.detect(PICTURE) == plain.find(PICTURE, ("apple", "pear", "cup", "banana"))
    assert tagged.detect(PICTURE) != plain.detect(PICTURE)
    assert plain.find(PICTURE, ()) == []


@pytest.mark.parametrize(("make", "version"), [(sam2, 2), (sam3, 3)])
def test_a_segmenter_gives_a_mask_a_box_and_stays_in_it(make, version, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    from wherewise.perception.hf_models import SamSegmenter

    backend = SamSegmenter(make(tmp_path), version=version)
    assert backend.name.startswith(f"sam{version}")
    masks = backend.masks(PICTURE, [(20, 30, 90, 120), (150, 60, 260, 200)])
    assert masks.shape == (2, 240, 320)
    assert masks.dtype == np.bool_
    assert masks.any()
    assert not masks[0][:, 100:].any()
    assert not masks[1][:, :140].any()
    assert backend.masks(PICTURE, []).shape == (0, 240, 320)


@pytest.mark.parametrize("kind", ["chat", "florence2"])
def test_a_describer_gives_a_text_a_thing(kind: str, tmp_path: Path) -> None:
    """A random model says nothing sensible, but it says it through its real processor and `generate`."""
    from wherewise.perception.describers import ChatDescriber, FlorenceDescriber

    backend = (
        ChatDescriber(qwen3_vl(tmp_path), longest=6)
        if kind == "chat"
        else FlorenceDescriber(florence2(tmp_path), longest=6, beams=2)
    )
    boxes = [(20.0, 30.0, 90.0, 120.0), (150.0, 60.0, 260.0, 200.0)]
    masks = np.zeros((2, 240, 320), np.bool_)
    masks[0, 30:120, 20:90] = masks[1, 60:200, 150:260] = True
    said = backend.captions(PICTURE, boxes, masks)
    assert len(said) == 2
    assert all(isinstance(text, str) and "<loc" not in text for text in said)
    assert isinstance(backend.caption(PICTURE), str)
    assert all(tag == tag.lower() for tag in backend.tags(PICTURE))
    assert backend.captions(PICTURE, boxes, masks) == said
    assert backend.captions(PICTURE, [], masks[:0]) == []


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
