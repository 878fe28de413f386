"""``data graphs`` from config to dataset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image as PILImage

from wherewise.cli.main import run
from wherewise.samples.evidence import SceneGraph
from wherewise.samples.manifest import read_manifest
from wherewise.samples.sample import Sample
from wherewise.samples.store import read_dataset

FIXTURES = Path(__file__).parent / "fixtures" / "graphs"
METRIC = {"camera_distance", "reference_distance", "front_behind", "size"}
ALL = "[existence, counting, left_right, above_below, front_behind, camera_distance, reference_distance, size]"


def make(folder: Path, layout: str, annotations: Path, pictures: dict[str, tuple[int, int]], **changes: str) -> int:
    for name, size in pictures.items():
        path = folder / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PILImage.new("RGB", size, "white").save(path)
    settings = {
        "questions.families": ALL,
        "questions.balance": "false",
        "questions.margins.min_pixels": "40",
        "questions.margins.min_pixel_share": "0.0005",
        "splits": "{train: 1.0}",
        **changes,
    }
    path = folder / "graphs.yaml"
    path.write_text(
        f"format: {layout}\nannotations: {annotations}\nmedia_root: {folder / 'pictures'}\n"
        f"out: {folder / 'out'}\nexclude: []\n"
    )
    return run(["data", "graphs", str(path), *(f"{key}={value}" for key, value in settings.items()), "--quiet"])


def samples(folder: Path) -> list[Sample]:
    return list(read_dataset(folder / "out"))


def check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["data", "validate", str(folder / "out"), "--root", str(folder / "pictures")]) == 0
    assert "0 disagreements" in capsys.readouterr().out


def test_complete_pictures_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = {"images/dev-9001-0-0.png": (400, 100), "images/3/dev-9001-1-0.png": (400, 100)}
    assert make(tmp_path, "nlvr", FIXTURES / "nlvr.jsonl", pictures) == 0
    made = samples(tmp_path)
    assert {sample.task for sample in made} >= {"counting", "left_right", "above_below", "existence"}
    assert not METRIC & {sample.task for sample in made}
    assert all(isinstance(sample.evidence, SceneGraph) for sample in made)
    assert read_manifest(tmp_path / "out").rejections["questions.no_units"] == 2 * len(METRIC)
    check(tmp_path, capsys)


def test_free_annotation_is_not_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = {"VG_100K_2/11.jpg": (500, 400), "VG_100K/12.jpg": (320, 240)}
    assert make(tmp_path, "visual_genome", FIXTURES / "visual_genome", pictures) == 0
    made = samples(tmp_path)
    assert {sample.task for sample in made} <= {"left_right", "above_below"}
    rejections = read_manifest(tmp_path / "out").rejections
    assert rejections["questions.not_complete"] == 2
    assert rejections["scenes.no_objects"] == 1
    check(tmp_path, capsys)


def test_clevr_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make(tmp_path, "clevr", FIXTURES / "CLEVR_val_scenes.json", {"CLEVR_val_000000.png": (480, 320)}) == 0
    assert {sample.task for sample in samples(tmp_path)} >= {"counting", "left_right"}
    check(tmp_path, capsys)


def test_the_same_picture_twice_is_used_once(tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (FIXTURES / "nlvr.jsonl").read_text().splitlines()]
    again = rows[0] | {"identifier": "9002-0", "sentence": "There is a blue circle."}
    path = tmp_path / "twice.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in (*rows, again)))
    pictures = {"images/dev-9001-0-0.png": (400, 100), "images/3/dev-9001-1-0.png": (400, 100)}
    assert make(tmp_path, "nlvr", path, pictures) == 0
    assert read_manifest(tmp_path / "out").rejections["scenes.near_duplicate"] == 1
    assert {sample.group for sample in samples(tmp_path)} <= {"nlvr-9001-0", "nlvr-9001-1"}


def test_excluded_pictures_are_refused(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("visual_genome/11\n")
    pictures = {"VG_100K_2/11.jpg": (500, 400)}
    assert make(tmp_path, "visual_genome", FIXTURES / "visual_genome", pictures, exclude=f"[{listed}]") == 2
    # VG150 is a part of Visual Genome: the list of one keeps the picture out of the other.
    listed.write_text("visual_genome/285657\n")
    pictures = {"285657.jpg": (640, 480), "285658.jpg": (500, 333)}
    assert make(tmp_path, "vg150", FIXTURES / "vg150.jsonl", pictures, exclude=f"[{listed}]") == 0
    assert read_manifest(tmp_path / "out").rejections["scenes.excluded_place"] == 1
