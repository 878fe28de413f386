"""A dataset without its flagged samples: the rest is whole, and nothing of the old one changes."""

from __future__ import annotations

import json
from pathlib import Path

import gallery_data
import pytest

from wherewise.cli.main import run
from wherewise.media import validate_dataset
from wherewise.samples.manifest import file_sha256, read_manifest
from wherewise.samples.store import read_dataset
from wherewise.scenes.codec import read_scenes


def flags(path: Path, *ids: str) -> Path:
    path.write_text("".join(json.dumps({"id": each, "note": "bad"}) + "\n" for each in ids), encoding="utf-8")
    return path


def ids(folder: Path) -> set[str]:
    return {sample.id for sample in read_dataset(folder)}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return gallery_data.write(tmp_path / "rooms")


def test_flagged_samples_are_left_out_and_the_rest_comes_along(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: file_sha256(path) for path in dataset.rglob("*") if path.is_file()}
    out = tmp_path / "clean"
    file = flags(tmp_path / "flags.jsonl", "still-evil", "pair-count", "pair-match")
    assert run(["data", "drop", str(dataset), "--flags", str(file), "--out", str(out)]) == 0
    assert "6 samples; 3 flagged ones dropped" in capsys.readouterr().out
    assert ids(out) == ids(dataset) - {"still-evil", "pair-count", "pair-match"}
    assert validate_dataset(out, out).ok
    manifest = read_manifest(out)
    assert manifest.generator["dropped"] == ["pair-count", "pair-match", "still-evil"]
    assert manifest.generator["name"] == "simulate"
    assert manifest.rejections == {
        "questions.margin_depth": 12,
        "questions.hidden": 3,
        "scenes.crowded": 1,
        "flagged": 3,
    }
    assert [scene.id for scene in read_scenes(out / "scenes-train.jsonl")] == ["still"]
    assert manifest.generator["scenes"]["scenes-train.jsonl"] == file_sha256(out / "scenes-train.jsonl")
    assert not (out / "scenes-val.jsonl").exists()
    assert sorted(path.name for path in (out / "media").iterdir()) == ["clip.mp4"]
    assert (out / "sidecars" / "train" / "still.npz").is_file()
    assert {path: file_sha256(path) for path in dataset.rglob("*") if path.is_file()} == before


def test_a_second_round_adds_up(dataset: Path, tmp_path: Path) -> None:
    for source, name, out in (("rooms", "still-evil", "a"), ("a", "still-box", "b")):
        file = flags(tmp_path / "flags.jsonl", name)
        assert run(["data", "drop", str(tmp_path / source), "--flags", str(file), "--out", str(tmp_path / out)]) == 0
    assert read_manifest(tmp_path / "b").rejections["flagged"] == 2
    assert len(ids(tmp_path / "b")) == 7


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"id": "nobody"}\n', "1 of 1 flagged samples are not in it"),
        ('{"id": "still-box"}\n{"note": "?"}\n', "flags.jsonl:2"),
        ("not json\n", "flags.jsonl:1"),
        ("\n", "nothing is flagged"),
    ],
)
def test_wrong_flags_are_named_and_nothing_is_written(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, says: str
) -> None:
    (tmp_path / "flags.jsonl").write_text(content, encoding="utf-8")
    out = tmp_path / "clean"
    assert run(["data", "drop", str(dataset), "--flags", str(tmp_path / "flags.jsonl"), "--out", str(out)]) == 2
    assert says in capsys.readouterr().err
    assert not (out / "manifest.json").exists()


def test_neither_itself_nor_nothing(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = flags(tmp_path / "flags.jsonl", *ids(dataset))
    assert run(["data", "drop", str(dataset), "--flags", str(file), "--out", str(dataset)]) == 2
    assert "is the dataset itself" in capsys.readouterr().err
    assert run(["data", "drop", str(dataset), "--flags", str(file), "--out", str(tmp_path / "none")]) == 2
    assert "no samples to write" in capsys.readouterr().err


def test_a_jsonl_file_becomes_a_dataset(tmp_path: Path) -> None:
    file = gallery_data.as_jsonl(tmp_path / "in" / "mine.jsonl")
    record = json.loads(file.read_text())
    with file.open("a") as stream:
        stream.write(json.dumps(record | {"id": "mine-2"}) + "\n")
    listed = flags(tmp_path / "flags.jsonl", "mine-1")
    assert run(["data", "drop", str(file), "--flags", str(listed), "--out", str(tmp_path / "out")]) == 0
    assert ids(tmp_path / "out") == {"mine-2"}
    assert validate_dataset(tmp_path / "out", tmp_path / "out").ok
