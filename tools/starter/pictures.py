"""Pictures of simulated rooms with a target for every visual token, rendered once and kept in shards.

A shard is ``pictures-00000.npz`` (JPEG bytes end to end and their offsets, token targets) beside
``pictures-00000.jsonl`` (one scene record a line). Both appear by rename, so a half-written shard is never read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wherewise.answers.coordinates import Frame, Tenths
from wherewise.scenes import Scene
from wherewise.scenes.codec import scene_from_record, scene_to_record
from wherewise.scenes.simulate import SimulateConfig, Simulated, encode_jpeg, simulate

TARGET_FIELDS = 5
"""Per visual token: category, colour, x tenth, y tenth, distance digit; -1 where no object fills the token."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One training picture: JPEG bytes, its scene, and token targets ``[rows * columns, TARGET_FIELDS]`` (int16)."""

    jpeg: bytes
    scene: Scene
    targets: np.ndarray


def token_targets(sim: Simulated, categories: Sequence[str], colors: Sequence[str], cell: int) -> np.ndarray:
    """What each ``cell x cell`` pixel token of the first view shows.

    The object with the most pixels of the token owns it, if it fills at least a sixth of it.
    """
    ids = sim.ids[0]
    height, width = ids.shape
    view = sim.scene.views[0]
    codec = Tenths()
    rows, columns = height // cell, width // cell
    out = np.full((rows, columns, TARGET_FIELDS), -1, np.int16)
    share = np.zeros((rows, columns), np.float32)
    for thing in sim.scene.objects:
        seen = view.visible.get(thing.id)
        if seen is None or seen.box is None:
            continue
        mask = (ids == thing.index).reshape(rows, cell, columns, cell).mean((1, 3))
        owns = (mask > share) & (mask >= 1 / 6)
        share = np.where(owns, mask, share)
        x1, y1, x2, y2 = seen.box
        place = codec.encode_point(((x1 + x2) / 2, (y1 + y2) / 2), Frame(width=width, height=height))
        distance = -1 if seen.distance is None else codec.encode_distance(seen.distance)
        color = colors.index(thing.color) if thing.color in colors else -1
        category = categories.index(thing.category) if thing.category in categories else -1
        out[owns] = (category, color, *place, distance)
    return out.reshape(rows * columns, TARGET_FIELDS)


def shard_paths(folder: Path, shard: int) -> tuple[Path, Path]:
    """The two files of a shard."""
    return folder / f"pictures-{shard:05d}.npz", folder / f"pictures-{shard:05d}.jsonl"


def render_shard(
    config: SimulateConfig,
    folder: Path,
    shard: int,
    *,
    seed: int,
    size: int,
    categories: Sequence[str],
    colors: Sequence[str],
    cell: int,
) -> None:
    """Renders pictures ``shard * size ...`` unless the shard is already there."""
    arrays, lines = shard_paths(folder, shard)
    if arrays.exists() and lines.exists():
        return
    jpegs, targets, records = [], [], []
    for index in range(shard * size, (shard + 1) * size):
        sim = simulate(config, seed, index)
        jpegs.append(np.frombuffer(encode_jpeg(sim.rgb[0], 92), np.uint8))
        targets.append(token_targets(sim, categories, colors, cell))
        records.append(json.dumps(scene_to_record(sim.scene)))
    temporary = lines.with_suffix(".tmp")
    temporary.write_text("\n".join(records) + "\n")
    os.replace(temporary, lines)
    temporary = arrays.with_suffix(".tmp")
    with temporary.open("wb") as handle:
        np.savez(
            handle,
            bytes=np.concatenate(jpegs),
            offsets=np.cumsum([0, *map(len, jpegs)]),
            targets=np.stack(targets),
        )
    os.replace(temporary, arrays)


def read_shard(folder: Path, shard: int) -> list[Picture]:
    """All pictures of a shard."""
    arrays, lines = shard_paths(folder, shard)
    with np.load(arrays) as data:
        raw, offsets, targets = data["bytes"], data["offsets"], data["targets"]
    records = lines.read_text().splitlines()
    return [
        Picture(
            jpeg=raw[offsets[i] : offsets[i + 1]].tobytes(),
            scene=scene_from_record(json.loads(record)),
            targets=targets[i],
        )
        for i, record in enumerate(records)
    ]
