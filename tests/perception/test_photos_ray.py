"""Photographs looked at by Ray give the scenes of one process. Needs ``wherewise[ray]``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from painted import ColorDetector, paint, save
from test_photos import ROOT, backends, photos

from wherewise.workers import Engine


@pytest.fixture
def ray_workers_see_the_tests(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'wherewise[ray]'")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "src"), str(Path(__file__).parent)]))
    yield
    ray.shutdown()


@pytest.mark.engine
@pytest.mark.usefixtures("ray_workers_see_the_tests")
@pytest.mark.parametrize("gpus", [0.0, 0.5])
def test_ray_gives_the_scenes_of_one_process(tmp_path: Path, gpus: float) -> None:
    import ray

    if gpus:  # cards are numbers to Ray's bookkeeping: actors are placed as on a machine that has one
        ray.init(address="local", num_cpus=2, num_gpus=1, include_dashboard=False, log_to_driver=False)
    for number in range(5):
        save(paint({"red": (20 + 9 * number, 30, 80 + 9 * number, 90)}), tmp_path / "in" / f"{number}.png")
    alone = list(photos(tmp_path, ColorDetector()))
    shared = photos(tmp_path, counted := ColorDetector())
    shared.keep, shared.workers, shared.recipe = tmp_path / "seen2", 2, backends
    shared.engine, shared.gpus = Engine.RAY, gpus
    assert [item.scene for item in shared] == [item.scene for item in alone]
    assert counted.calls == 0
