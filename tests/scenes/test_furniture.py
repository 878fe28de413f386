"""The furniture pack: size, credits and geometry."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from wherewise.scenes.simulate import SimulateConfig, choice, load_catalogue, placement
from wherewise.scenes.simulate.furniture import read_pack

ASSETS = Path(__file__).parents[2] / "src/wherewise/scenes/simulate/assets"


def test_pack_is_small() -> None:
    assert sum(path.stat().st_size for path in ASSETS.glob("*.pack")) <= 3_000_000


def test_notice_names_every_model_with_its_author_and_licence() -> None:
    notice = (ASSETS / "NOTICE.md").read_text(encoding="utf-8")
    assert "Sweet Home 3D" in notice
    for model in load_catalogue("full").models.values():
        assert model.creator
        assert model.licence == "CC0-1.0"
        row = rf"\| .*\(`{re.escape(model.id)}`\) \| {model.category} \| {re.escape(model.creator)} \| CC0-1.0 \|"
        assert re.search(row, notice), model.id


def test_categories_are_many_clean_and_unambiguous() -> None:
    words = load_catalogue().categories()
    assert len(words) >= 40
    assert all(re.fullmatch(r"[a-z]+( [a-z]+)?", word) for word in words)


def test_models_fill_their_boxes_and_stand_on_the_floor() -> None:
    for model in load_catalogue("full").models.values():
        low, high = model.points.min(0), model.points.max(0)
        size = np.array(model.size)
        assert low[2] == pytest.approx(0, abs=0.02 * size[2] + 0.002), model.id
        assert np.all(high - low <= size + 1e-4), model.id
        assert np.all(high - low >= 0.9 * size), model.id
        assert 0.03 < size.max() < 3.0, model.id
        assert np.allclose(np.linalg.norm(model.normals, axis=1), 1, atol=1e-5)
        assert model.faces.min() >= 0
        assert model.faces.max() < len(model.points)
        assert model.face_materials.max() < len(model.materials)
        assert len(model.faces) <= 12_000


def test_supports_are_flat_tops_inside_the_model() -> None:
    supports = [model for model in load_catalogue("full").models.values() if model.support]
    assert len(supports) >= 8
    for model in supports:
        assert model.support is not None
        x0, y0, x1, y1, z = model.support
        assert -model.size[0] / 2 - 1e-4 <= x0 < x1 <= model.size[0] / 2 + 1e-4  # stored to a tenth of a millimetre
        assert -model.size[1] / 2 - 1e-4 <= y0 < y1 <= model.size[1] / 2 + 1e-4
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
    words = set(load_catalogue("full").categories())
    named = placement.AT_WALL | placement.ON_TOP | placement.FRONTED | choice.ONCE
    assert set(named).union(*choice.ROOMS.values()) <= words


def test_full_set_adds_to_the_core_and_changes_none_of_it() -> None:
    core, full = load_catalogue(), load_catalogue("full")
    assert len(full.models) >= len(core.models) + 45
    for name, model in core.models.items():
        assert full.models[name] == model or np.array_equal(full.models[name].points, model.points)
        assert full.models[name].materials == model.materials
    assert np.array_equal(full.textures[: len(core.textures)], core.textures)
    for model in full.models.values():
        assert all(-1 <= material.texture < len(full.textures) for material in model.materials)


def test_what_hangs_says_so() -> None:
    by_mount: dict[str, set[str]] = {}
    for model in load_catalogue("full").models.values():
        by_mount.setdefault(model.mount, set()).add(model.category)
        assert (model.elevation > 0) == (model.mount == "wall")
    assert {"wall cabinet", "clock", "towel rack"} <= by_mount["wall"]
    assert by_mount["ceiling"] == {"ceiling fan", "ceiling lamp"}
    assert all(model.mount == "floor" for model in load_catalogue().models.values())


def test_a_pack_of_ones_own_is_read_by_path(tmp_path: Path) -> None:
    (tmp_path / "own.pack").write_bytes((ASSETS / "more.pack").read_bytes())
    config = SimulateConfig(furniture=str(tmp_path / "own.pack"), categories=("cupcake", "pool table"))
    assert config.categories == ("cupcake", "pool table")
    with pytest.raises(ValidationError, match="cupcake"):
        SimulateConfig(categories=("cupcake",))
    with pytest.raises(FileNotFoundError):
        SimulateConfig(furniture=str(tmp_path / "none.pack"), categories=("cupcake",))
