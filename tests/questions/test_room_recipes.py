"""Each shipped room recipe asks families that fit its media."""

from __future__ import annotations

from pathlib import Path

import pytest

from wherewise.cli.config import load_config
from wherewise.cli.data import DatasetConfig
from wherewise.questions.dataset import Job, make_scenes

RECIPES = sorted((Path(__file__).parents[2] / "recipes" / "rooms").glob("*.yaml"))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_gives_questions(recipe: Path) -> None:
    config = load_config(DatasetConfig, recipe).value
    small = config.simulate.model_copy(update={"width": 160, "height": 160, "frames": min(config.simulate.frames, 24)})
    job = Job(simulate=small, questions=config.questions, seed=1, jpeg_quality=80)
    made = [scene for scene in make_scenes(job, range(3)) if scene.scene is not None]
    assert made
    assert any(scene.candidates for scene in made), [scene.refused for scene in made]
