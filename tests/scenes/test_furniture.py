"""The furniture pack: size, credits and geometry."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from wherewise.scenes.simulate import load_catalogue, placement
from wherewise.scenes.simulate.furniture import read_pack

ASSETS = Path(__file__).parents[2] / "src/wherewise/scenes/simulate/assets"


def test_pack_is_small() -> None:
    assert (ASSETS / "furniture.pack").stat().st_size <= 3_000_000


def test_notice_names_every_model_with_its_author_and_licence() -> None:
    notice = (ASSETS / "NOTICE.md").read_text(encoding="utf-8")
    assert "Sweet Home 3D" in notice
    for model in load_catalogue().models.values():
        assert model.creator
        assert model.licence == "CC0-1.0"
        row = rf"\| .*\(`{re.escape(model.id)}`\) \| {model.category} \| {re.escape(model.creator)} \| CC0-1.0 \|"
        assert re.search(row, notice), model.id


def test_categories_are_many_clean_and_unambiguous() -> None:
    words = load_catalogue().categories()
    assert len(words) >= 40
    assert all(re.fullmatch(r"[a-z]+( [a-z]+)?", word) for word in words)


def test_models_fill_their_boxes_and_stand_on_the_floor() -> None:
    for model in load_catalogue().models.values():
        low, high = model.points.min(0), model.points.max(0)
        size = np.array(model.size)
        assert low[2] == pytest.approx(0, abs=0.02 * size[2] + 0.002), model.id
        assert np.all(high - low <= size + 1e-4), model.id
        assert np.all(high - low >= 0.9 * size), model.id
        assert 0.03 < size.max() < 3.0
        assert np.allclose(np.linalg.norm(model.normals, axis=1), 1, atol=1e-5)
        assert model.faces.min() >= 0
        assert model.faces.max() < len(model.points)
        assert model.face_materials.max() < len(model.materials)
        assert len(model.faces) <= 12_000


def test_supports_are_flat_tops_inside_the_model() -> None:
    supports = [model for model in load_catalogue().models.values() if model.support]
    assert len(supports) >= 8
    for model in supports:
        assert model.support is not None
        x0, y0, x1, y1, z = model.support
        assert -model.size[0] / 2 - 1e-6 <= x0 < x1 <= model.size[0] / 2 + 1e-6
        assert -model.size[1] / 2 - 1e-6 <= y0 < y1 <= model.size[1] / 2 + 1e-6
        assert 0.2 < z <= model.size[2] + 1e-3
        inside = model.points[
            (model.points[:, 0] > x0 + 0.03)
            & (model.points[:, 0] < x1 - 0.03)
            & (model.points[:, 1] > y0 + 0.03)
            & (model.points[:, 1] < y1 - 0.03)
        ]
        assert len(inside) == 0 or inside[:, 2].max() <= z + 0.013, model.id


def test_other_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="not a furniture pack"):
        read_pack(b"PK\x03\x04 something else")


def test_placement_rules_name_categories_that_exist() -> None:
    words = set(load_catalogue().categories())
    assert set(placement.AT_WALL | placement.ON_TOP | placement.ONCE).union(*placement.ROOMS.values()) <= words
