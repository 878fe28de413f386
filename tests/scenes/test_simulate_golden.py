"""Scenes and pictures that may never change: a trained model ships that learnt from them.

The digests were recorded before the simulator had its later options. They cover all that a scene said then and every
pixel of its pictures; a field that `Scene` gained since is left out of them.
"""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from wherewise.scenes.simulate import SimulateConfig, Simulated, simulate

ROOT = Path(__file__).parents[2]
GOLDEN: dict[str, dict[str, str]] = json.loads((Path(__file__).parent / "simulate_golden.json").read_text())
CONFIGS = (
    "recipes/demo/data.yaml",
    "tools/starter/pictures.json",
    "recipes/rooms/stills.yaml",
    "recipes/rooms/clips.yaml",
)


def config_of(name: str) -> SimulateConfig:
    data = yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))
    return SimulateConfig.model_validate(data.get("simulate", data))


def scene_digest(made: Simulated) -> str:
    scene = made.scene
    record: list[Any] = [scene.id, scene.room, scene.height, scene.source, scene.seed, scene.facts["index"]]
    for thing in scene.objects:
        record.append((thing.id, thing.index, thing.category, thing.center, thing.size, thing.yaw))
        record.append((thing.color, thing.support, thing.asset))
    for view in scene.views:
        camera = view.camera
        record.append((view.time, camera.width, camera.height, camera.focal, camera.position, camera.rotation))
        for name, seen in view.visible.items():
            record.append((name, seen.pixels, seen.amodal_pixels, seen.fraction, seen.box, seen.center))
            record.append((seen.distance, seen.distance_far))
    return hashlib.sha256(repr(record).encode()).hexdigest()


def picture_digest(made: Simulated) -> str:
    out = hashlib.sha256()
    for group in (made.rgb, made.depth, made.ids):
        for picture in group:
            out.update(np.ascontiguousarray(picture).tobytes())
    return out.hexdigest()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the digests were recorded on x86_64")
@pytest.mark.parametrize("name", CONFIGS)
def test_scenes_and_pictures_are_the_recorded_ones(name: str) -> None:
    config = config_of(name)
    for key, digests in GOLDEN[name].items():
        seed, index = (int(word) for word in key.split("/"))
        made = simulate(config, seed, index)
        assert scene_digest(made) == digests["scene"], (name, key)
        assert picture_digest(made) == digests["pictures"], (name, key)
