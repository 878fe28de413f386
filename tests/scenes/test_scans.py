"""Reading room scans: what the files mean, and what is said when they are wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wherewise.samples.errors import DatasetError
from wherewise.scenes.annotated import Annotated, Guard, Refusal, admitted, split_of
from wherewise.scenes.boxes import gap, oriented_box
from wherewise.scenes.codec import scene_from_record, scene_to_record
from wherewise.scenes.exclusions import benchmark_scenes, read_exclusions, write_exclusions
from wherewise.scenes.scans import CONVENTIONS, ScanFiles, Scans, read_metadata

FIXTURES = Path(__file__).parent / "fixtures" / "scans"
SCANNET = FIXTURES / "scannet_meta_info_fixture.json"


def read(**changes: Any) -> dict[str, Annotated]:
    files = ScanFiles(**{"metadata": FIXTURES, **changes})
    return {item.key[1]: item for item in Scans(files=files)}


def test_all_three_sets_are_read_from_a_folder() -> None:
    items = read()
    assert list(items) == ["40000001", "40000002", "scene9001_00", "scene9001_01", "scene9002_00", "0a1b2c3d4e"]
    scene = items["scene9001_00"].scene
    assert scene.id == "scannet-scene9001_00"
    assert scene.source == "scannet"
    assert scene.units_known
    assert scene.complete
    assert not scene.views
    assert scene.facts["room_size"] == 12.5
    assert scene.facts["counts"] == {"chair": 2, "table": 1, "printer": 2}
    assert scene.facts["counts_differ"] == ["printer"]
    assert items["0a1b2c3d4e"].scene.source == "scannetpp"
    assert items["0a1b2c3d4e"].license == "LicenseRef-ScanNetPP-Terms-of-Use"


def test_boxes_keep_their_shape_whichever_way_their_axes_are_listed() -> None:
    things = {thing.id: thing for thing in read()["scene9001_00"].scene.objects}
    upright, tilted, table = things["chair-0"], things["chair-1"], things["table-0"]
    assert upright.axes is None
    assert upright.size == (0.5, 0.6, 0.9)
    assert upright.yaw == 0
    assert table.axes is None
    assert table.yaw == pytest.approx(math.degrees(math.atan2(0.6, 0.8)))
    # The steepest axis (0, 0.6, 0.8) of length 0.9 is the height; it leans by acos(0.8).
    assert tilted.size == (0.5, 0.6, 0.9)
    assert tilted.axes is not None
    assert np.allclose(tilted.axes[2], (0, 0.6, 0.8))
    assert np.linalg.det(np.array(tilted.axes)) == pytest.approx(1.0)
    corners = oriented_box(tilted).corners()
    assert corners[:, 2].max() == pytest.approx(0.45 * 0.8 + 0.3 * 0.6)
    assert corners[:, 0].max() == pytest.approx(-1.5 + 0.25)


def test_distances_are_those_of_the_closest_points() -> None:
    things = {thing.id: thing for thing in read()["scene9001_00"].scene.objects}
    # Upright chair: x >= 0.75; tilted chair: x <= -1.25; their shadows overlap in y and z only by corners.
    assert gap(things["chair-0"], things["chair-1"]) == pytest.approx(2.0, abs=0.05)
    assert gap(things["printer-0"], things["table-0"]) == 0.0


def test_scenes_survive_the_codec() -> None:
    for item in read().values():
        assert scene_from_record(scene_to_record(item.scene)) == item.scene


def test_scans_of_one_place_stay_together() -> None:
    items = read()
    assert items["scene9001_00"].place == items["scene9001_01"].place == "scannet/scene9001"
    assert items["40000001"].place != items["40000002"].place
    visited = read(places=FIXTURES / "places.csv")
    assert visited["40000001"].place == visited["40000002"].place == "arkitscenes/777001"


def test_splits_are_stable_and_have_their_shares() -> None:
    shares = {"train": 0.8, "test": 0.2}
    drawn = [split_of(f"scannet/scene{n:04d}", shares, 3) for n in range(2000)]
    assert 0.77 < drawn.count("train") / 2000 < 0.83
    assert drawn == [split_of(f"scannet/scene{n:04d}", shares, 3) for n in range(2000)]
    assert drawn != [split_of(f"scannet/scene{n:04d}", shares, 4) for n in range(2000)]


def test_videos_are_found_in_the_media_folder(tmp_path: Path) -> None:
    (tmp_path / "scannet").mkdir()
    (tmp_path / "scannet" / "scene9002_00.mp4").write_bytes(b"x")
    items = read(media_root=tmp_path)
    assert [item.media[0].path for item in items.values() if item.media] == ["scannet/scene9002_00.mp4"]


Spoil = Callable[[dict[str, Any]], None]


def broken(field: str, value: Any) -> Spoil:
    def spoil(scene: dict[str, Any]) -> None:
        at: Any = scene
        *way, last = field.split("/")
        for part in way:
            at = at[int(part) if part.isdigit() else part]
        if value is None:
            del at[last]
        else:
            at[last] = value

    return spoil


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (broken("room_size", None), "'room_size' is missing"),
        (broken("room_size", "12"), "room_size: expected a number, got '12'"),
        (broken("room_size", -1), "room_size: -1.0 is no floor area"),
        (broken("dataset", "scanet"), "dataset: 'scanet' is no scan set that is known"),
        (broken("dataset", "arkitscenes"), "'scene9001_00' is no scene id of arkitscenes"),
        (broken("object_counts/chair", -2), "object_counts.chair: -2 is no count"),
        (broken("object_counts/chair", True), "object_counts.chair: True is no count"),
        (broken("object_bbox/chair", {}), "object_bbox.chair: {} is no list"),
        (broken("object_bbox/chair/0/centroid", [1, 2]), "chair[0].centroid: expected 3 numbers"),
        (broken("object_bbox/chair/0/centroid", [1, 2, "3"]), "chair[0].centroid[2]: expected a number"),
        (broken("object_bbox/chair/1/axesLengths", [1, 0, 1]), "chair[1].axesLengths: [1.0, 0.0, 1.0] are no lengths"),
        (broken("object_bbox/chair/1/normalizedAxes", None), "chair[1].normalizedAxes: 'normalizedAxes' is missing"),
        (broken("object_bbox/chair/1/normalizedAxes", [1, 0, 0, 0, 2, 0, 0, 0, 1]), "not at right angles"),
        (broken("object_bbox/chair/0/min", [0.75, -0.3, -0.55]), "chair[0].min: the box ends 0.100 m away"),
    ],
)
def test_mistakes_are_located(tmp_path: Path, spoil: Spoil, told: str) -> None:
    table = json.loads(SCANNET.read_text())
    spoil(table["scene9001_00"])
    path = tmp_path / "scannet_meta_info.json"
    path.write_text(json.dumps(table))
    with pytest.raises(DatasetError) as caught:
        list(read_metadata(path, CONVENTIONS))
    assert str(path) in str(caught.value)
    assert "'scene9001_00'" in str(caught.value)
    assert told in str(caught.value)


def test_columns_taken_for_rows_are_found_out(tmp_path: Path) -> None:
    turned = [0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1]
    table = json.loads(SCANNET.read_text())
    table["scene9001_00"]["object_bbox"]["table"][0] |= {"normalizedAxes": turned, "min": [-0.88, 1.2, -0.45]}
    path = tmp_path / "scannet_meta_info.json"
    path.write_text(json.dumps(table))
    list(read_metadata(path, CONVENTIONS))  # a turn the other way has the same extent as long as the box is centred
    table["scene9001_00"]["object_bbox"]["chair"][1] |= {"max": [-1.25, 1.51, 0.54]}
    transposed = np.array(table["scene9001_00"]["object_bbox"]["chair"][1]["normalizedAxes"]).reshape(3, 3).T
    table["scene9001_00"]["object_bbox"]["chair"][1]["normalizedAxes"] = transposed.ravel().tolist()
    path.write_text(json.dumps(table))
    with pytest.raises(DatasetError, match=r"chair\[1\].max: the box ends .* write normalizedAxes by rows"):
        list(read_metadata(path, CONVENTIONS))


@pytest.mark.parametrize(("text", "told"), [("[1]", "instead of an object"), ('{"a": 1', "not valid JSON")])
def test_files_that_are_no_table_are_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "scannet_meta_info.json"
    path.write_text(text)
    with pytest.raises(DatasetError, match=told) as caught:
        list(Scans(files=ScanFiles(metadata=tmp_path)))
    assert str(path) in str(caught.value)


def test_a_scene_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("scannet_meta_info_a.json", "scannet_meta_info_b.json"):
        (tmp_path / name).write_text(SCANNET.read_text())
    with pytest.raises(DatasetError, match=r"the scene stands in .*_a\.json, too"):
        list(Scans(files=ScanFiles(metadata=tmp_path)))


def test_lists_of_excluded_scenes(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    assert write_exclusions([("scannet", "b"), ("scannet", "a")], path, title="two scenes") == 2
    assert path.read_text() == "# two scenes\nscannet/a\nscannet/b\n"
    assert read_exclusions([path]) == {("scannet", "a"), ("scannet", "b")}
    path.write_text("scannet/a  # seen\n\nscene0001_00\n")
    with pytest.raises(DatasetError, match="line 3: 'scene0001_00' is not dataset/scene"):
        read_exclusions([path])
    path.write_text("# nothing\n")
    with pytest.raises(DatasetError, match="the list is empty"):
        read_exclusions([path])
    with pytest.raises(DatasetError, match="there is no such list"):
        read_exclusions([tmp_path / "missing.txt"])


def test_the_list_comes_from_the_benchmarks_own_files(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"dataset": "scannet", "scene_name": "scene9001_00", "question": "?"}] * 3
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "test.parquet")
    lines = tmp_path / "test.jsonl"
    lines.write_text('{"dataset": "arkitscenes", "scene_name": "40000001"}\n\n')
    found = benchmark_scenes([tmp_path / "test.parquet", lines, FIXTURES / "scannet_meta_info_fixture.json"])
    assert {key for key in found if key[0] == "arkitscenes"} == {("arkitscenes", "40000001")}
    assert ("scannet", "scene9002_00") in found
    lines.write_text('{"dataset": "arkitscenes"}\n')
    with pytest.raises(DatasetError, match=r"test.jsonl:1: names no scene"):
        benchmark_scenes([lines])


def test_excluded_scenes_and_their_places_are_refused_and_counted() -> None:
    from collections import Counter

    scans = Scans(files=ScanFiles(metadata=FIXTURES, places=FIXTURES / "places.csv"))
    excluded = frozenset({("scannet", "scene9001_00"), ("arkitscenes", "40000002")})
    guard = Guard(excluded=excluded, places=frozenset(scans.place(*key) for key in excluded), media=False)
    tally: Counter[str] = Counter()
    kept = [item.key[1] for _, item in admitted(scans, guard, {"train": 1.0}, 0, tally)]
    assert kept == ["scene9002_00", "0a1b2c3d4e"]
    assert tally == {"scenes.read": 6, "scenes.excluded": 2, "scenes.excluded_place": 2}


def test_scenes_without_video_are_refused_and_counted(tmp_path: Path) -> None:
    from collections import Counter

    tally: Counter[str] = Counter()
    scans = Scans(files=ScanFiles(metadata=FIXTURES, media_root=tmp_path))
    assert not list(admitted(scans, Guard(), {"train": 1.0}, 0, tally))
    assert tally[f"scenes.{Refusal.NO_MEDIA}"] == 6
