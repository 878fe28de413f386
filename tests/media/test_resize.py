"""The resize rule equals that of transformers, whose function is read from its source so that torch is not needed."""

from __future__ import annotations

import ast
import importlib.util
import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wherewise.media import smart_resize, smart_resize_video


def official(module: str) -> Callable[..., tuple[int, int]]:
    spec = importlib.util.find_spec("transformers")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("transformers is not installed")
    path = Path(spec.submodule_search_locations[0]) / "models" / module
    if not path.is_file():
        pytest.skip(f"this transformers has no {module}")
    tree = ast.parse(path.read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "smart_resize"]
    assert tree.body, f"{module} has no smart_resize"
    names: dict[str, Any] = {"math": math}
    exec(compile(tree, str(path), "exec"), names)
    function: Callable[..., tuple[int, int]] = names["smart_resize"]
    return function


def outcome(function: Callable[..., tuple[int, int]], *args: int, **options: int) -> tuple[int, int] | str:
    try:
        return function(*args, **options)
    except ValueError:
        return "refused"


def test_pictures_as_transformers() -> None:
    reference = official("qwen2_vl/image_processing_qwen2_vl.py")
    rng = random.Random(0)
    refused = 0
    for _ in range(5000):
        height, width = (round(math.exp(rng.uniform(0, 9.5))) for _ in range(2))
        low = rng.choice([56 * 56, 28 * 28, 256 * 256, 65536])
        options = {"factor": rng.choice([28, 32, 16]), "min_pixels": low, "max_pixels": low * rng.choice([4, 64, 256])}
        ours = outcome(smart_resize, height, width, **options)
        assert ours == outcome(reference, height, width, **options), (height, width, options)
        refused += ours == "refused"
    assert 0 < refused < 2500
    assert smart_resize(480, 640) == reference(480, 640)


def test_clips_as_transformers() -> None:
    reference = official("qwen3_vl/video_processing_qwen3_vl.py")
    rng = random.Random(1)
    for _ in range(5000):
        frames = rng.choice([1, 2, 3, 5, 8, 31, 64, 512])
        height, width = (round(math.exp(rng.uniform(1, 8))) for _ in range(2))
        low = rng.choice([128 * 128, 112 * 112, 4096])
        options = {"factor": rng.choice([28, 32]), "min_pixels": low, "max_pixels": low * rng.choice([8, 512, 2048])}
        ours = outcome(smart_resize_video, frames, height, width, **options)
        assert ours == outcome(reference, frames, height, width, **options), (frames, height, width, options)


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (-3, 5)])
def test_impossible_sizes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1 x 1"):
        smart_resize(*size)
    with pytest.raises(ValueError, match="at least 1 x 1"):
        smart_resize_video(4, *size)


def test_long_strips_and_too_few_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="longer than 200:1"):
        smart_resize(10, 2001)
    with pytest.raises(ValueError, match="1 frames are fewer than the 2"):
        smart_resize_video(1, 64, 64)
