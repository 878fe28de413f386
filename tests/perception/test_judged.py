"""Questions about real photographs against a list that was judged by looking at them."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from wherewise.cli.main import run
from wherewise.perception.onnx_detector import DEFAULT_WEIGHTS
from wherewise.samples import answer_text
from wherewise.samples.store import read_dataset

HERE = Path(__file__).parent
BLINK = HERE.parents[1].parent / "shared" / "data" / "blink"
JUDGED = json.loads((HERE / "judged_photos.json").read_text(encoding="utf-8"))
WEIGHTS = Path(os.environ.get("WHEREWISE_DETECTOR", DEFAULT_WEIGHTS))
"""Made by ``tools/convert_detector.py``."""


def pictures(folder: Path, names: set[str]) -> None:
    """Write those photographs of BLINK."""
    folder.mkdir()
    for prefix, task in (("blink", "Spatial_Relation"), ("depth", "Relative_Depth")):
        for row in pq.read_table(BLINK / task / "val-00000-of-00001.parquet").to_pylist():
            name = f"{prefix}_{int(row['idx'].split('_')[-1]):03d}"
            if name in names:
                opened = Image.open(io.BytesIO(row["image_1"]["bytes"])).convert("RGB")
                opened.save(folder / f"{name}.jpg", quality=95)


@pytest.mark.slow
def test_nineteen_of_twenty_questions_are_answered_rightly(tmp_path: Path) -> None:
    for package in ("onnxruntime", "cv2"):
        pytest.importorskip(package, reason=f"{package} is not installed: pip install 'wherewise[photos]'")
    if not WEIGHTS.is_file() or not BLINK.is_dir():
        pytest.skip("needs the converted detector (or WHEREWISE_DETECTOR) and BLINK beside the repository")
    judged = {(item["photo"], item["question"], item["answer"]): item["right"] for item in JUDGED["blink"]}
    pictures(tmp_path / "in", {item["photo"] for item in JUDGED["blink"]})
    families = sorted({item["task"] for item in JUDGED["blink"]})
    config = {
        "folder": str(tmp_path / "in"),
        "out": str(tmp_path / "out"),
        "splits": {"train": 1.0},
        "near_duplicates": None,
        "backends": {"detector": {"weights": str(WEIGHTS)}},
        "questions": {"families": families, "per_scene": 20, "per_task": 4, "attempts": 24, "balance": False},
    }
    (tmp_path / "photos.yaml").write_text(yaml.safe_dump(config))
    assert run(["data", "photos", str(tmp_path / "photos.yaml"), "--quiet"]) == 0
    right = wrong = unknown = 0
    for sample in read_dataset(tmp_path / "out"):
        key = (Path(sample.media[0].path or "").stem, sample.question, answer_text(sample.answer))
        verdict = judged.get(key)
        right, wrong, unknown = right + (verdict is True), wrong + (verdict is False), unknown + (verdict is None)
    print({"right": right, "wrong": wrong, "not judged": unknown})
    assert right + wrong >= 60, "too few questions of the list are asked: the list is out of date"
    assert right >= 0.95 * (right + wrong)
