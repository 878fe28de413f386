"""Timestamps read back by tesseract after the model's resize."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from wherewise.media import smart_resize
from wherewise.media.overlay import OverlayConfig, clock, draw_overlay
from wherewise.media.reading import shrink

SIZES = ((240, 320), (360, 640), (448, 448), (720, 1280), (1080, 1920), (640, 360))
BUDGETS = (50_176, 100_352, 151_200, 401_408)
"""Pixels of a frame; the second and third are those of SpaceR and Video-R2."""


def grounds(height: int, width: int, rng: np.random.Generator) -> dict[str, NDArray[np.uint8]]:
    rows, columns = np.mgrid[:height, :width]
    flat = {"light": (245, 245, 245), "dark": (12, 12, 12), "red": (200, 20, 20)}
    found = {name: np.broadcast_to(np.array(c, np.uint8), (height, width, 3)).copy() for name, c in flat.items()}
    found["noise"] = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    found["checks"] = np.repeat(((((columns // 6 + rows // 6) % 2) * 255).astype(np.uint8))[..., None], 3, axis=2)
    return found


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_timestamps_are_read_back_after_the_resize(tmp_path: Path) -> None:
    rng, times = np.random.default_rng(0), random.Random(1)
    config = OverlayConfig()
    wanted: list[tuple[str, str]] = []
    for height, width in SIZES:
        for name, ground in grounds(height, width, rng).items():
            for budget in BUDGETS:
                for factor in (28, 32):
                    for _ in range(2):
                        second = times.randrange(6 * 3600)
                        drawn = draw_overlay(shrink(ground[None], budget), [second], config)[0]
                        rows, columns = smart_resize(*drawn.shape[:2], factor=factor, max_pixels=budget)
                        seen = Image.fromarray(drawn).resize((columns, rows), Image.Resampling.BICUBIC)
                        box = plate(drawn, shrink(ground[None], budget)[0])
                        scale = (columns / drawn.shape[1], rows / drawn.shape[0]) * 2
                        crop = seen.crop(tuple(round(side * by) for side, by in zip(box, scale, strict=True)))
                        crop = crop.convert("L").resize((crop.width * 3, crop.height * 3), Image.Resampling.BICUBIC)
                        crop.save(tmp_path / f"{len(wanted):04}.png")
                        wanted.append((f"{name} {width}x{height} {budget} {factor}", clock(second)))
    listed = tmp_path / "list.txt"
    listed.write_text("".join(f"{tmp_path}/{number:04}.png\n" for number in range(len(wanted))))
    command = ["tesseract", str(listed), "-", "--psm", "7", "-c", "tessedit_char_whitelist=0123456789:"]
    environment = os.environ | {"OMP_THREAD_LIMIT": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    read = [page.strip() for page in done.stdout.split("\f")][: len(wanted)]
    wrong = [(what, text, got) for (what, text), got in zip(wanted, read, strict=True) if got != text]
    print(f"{len(wanted) - len(wrong)} of {len(wanted)} timestamps read back; wrong: {wrong}")
    assert len(wanted) >= 300
    assert len(wrong) <= 0.02 * len(wanted), wrong


def plate(drawn: NDArray[np.uint8], plain: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """The box that the overlay changed."""
    changed = (drawn != plain).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
