"""`docs/simulator.md` says what the code says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from wherewise.scenes.simulate import SimulateConfig, load_catalogue

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/simulator.md").read_text(encoding="utf-8")


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import document_simulator

    yield document_simulator
    sys.modules.pop("document_simulator", None)


def test_the_table_of_settings_is_the_models(tool) -> None:  # type: ignore[no-untyped-def]
    _, rest = PAGE.split(tool.START)
    assert rest.split(tool.END)[0].strip() == tool.table().strip(), "run python tools/document_simulator.py"
    for _, model in tool.MODELS:
        assert set(tool.docstrings(model)) == set(model.model_fields)


def test_pictures_are_there_and_small(tool) -> None:  # type: ignore[no-untyped-def]
    shown = re.findall(r"\]\(images/(\w+)\.jpg\)", PAGE)
    assert shown == list(tool.LOOKS)
    for name in shown:
        assert 5_000 < (ROOT / "docs/images" / f"{name}.jpg").stat().st_size <= 60_000
    for fields, _, _ in tool.LOOKS.values():
        SimulateConfig.model_validate(fields)


def test_the_numbers_of_models_are_true() -> None:
    for name in ("core", "full"):
        catalogue = load_catalogue(name)
        said = re.search(rf"`furniture: {name}` (?:has )?(\d+)(?: models)? in\s+(\d+)", PAGE)
        assert said is not None
        assert (int(said[1]), int(said[2])) == (len(catalogue.models), len(catalogue.categories()))


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "recipes/rooms").glob("*.yaml")))
def test_recipes_are_valid_and_named_in_the_docs(name: str) -> None:
    import yaml

    data = yaml.safe_load((ROOT / "recipes/rooms" / name).read_text(encoding="utf-8"))
    SimulateConfig.model_validate(data["simulate"])
    assert name in PAGE
