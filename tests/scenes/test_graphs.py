"""Annotated pictures as scenes: each published layout, and what is said when a file is wrong."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PILImage

from wherewise.questions.verify import check_scene
from wherewise.samples.errors import DatasetError
from wherewise.samples.evidence import Relation
from wherewise.scenes import Scene
from wherewise.scenes.annotated import Annotated
from wherewise.scenes.codec import scene_from_record, scene_to_record
from wherewise.scenes.graphs import GraphFiles, GraphFormat, Graphs
from wherewise.scenes.graphs.records import CHUNK, array_items
from wherewise.scenes.graphs.solids import Solid, draw_solids

FIXTURES = Path(__file__).parent / "fixtures" / "graphs"
PATHS = {
    GraphFormat.VISUAL_GENOME: FIXTURES / "visual_genome",
    GraphFormat.VG150: FIXTURES / "vg150.jsonl",
    GraphFormat.CLEVR: FIXTURES / "CLEVR_val_scenes.json",
    GraphFormat.NLVR: FIXTURES / "nlvr.jsonl",
}


def read(layout: GraphFormat, path: Path | None = None, **changes: Any) -> list[Annotated]:
    return list(Graphs(files=GraphFiles(format=layout, annotations=path or PATHS[layout], **changes)))


@pytest.mark.parametrize("layout", list(GraphFormat))
def test_scenes_have_no_units_and_survive_the_codec(layout: GraphFormat) -> None:
    items = read(layout)
    assert items
    for item in items:
        assert not item.scene.units_known
        assert item.key[0] == layout
        assert scene_from_record(scene_to_record(item.scene)) == item.scene


@pytest.mark.parametrize("layout", [GraphFormat.VISUAL_GENOME, GraphFormat.VG150, GraphFormat.NLVR])
def test_the_camera_of_a_flat_scene_sees_the_boxes_where_they_are(layout: GraphFormat) -> None:
    for item in read(layout):
        scene = item.scene
        view = scene.views[0]
        assert check_scene(scene, pixels=0.51) == []
        for thing in scene.objects:
            box = view.visible[thing.id].box
            assert box is not None
            center = view.camera.project(thing.center)
            assert center is not None
            assert np.allclose(center, ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), atol=0.51)


def test_visual_genome() -> None:
    first, second = read(GraphFormat.VISUAL_GENOME)
    scene = first.scene
    assert first.place == "visual_genome/11"
    assert not scene.complete
    assert [(thing.id, thing.category) for thing in scene.objects] == [
        ("101", "man"),
        ("102", "bike"),
        ("103", "tree"),
        ("104", "basket"),  # only in relationships.json
    ]
    assert scene.views[0].visible["103"].box == (0, 0, 85, 100)  # cut at the picture's edge
    assert scene.relations == (
        Relation(subject="101", predicate="next_to", object="102"),
        Relation(subject="104", predicate="on", object="102"),
    )
    assert second.scene.objects == ()


def test_vg150_as_lists_and_as_text() -> None:
    first, second = (item.scene for item in read(GraphFormat.VG150))
    assert [thing.category for thing in first.objects] == ["man", "bike", "street light"]
    assert first.relations == (Relation(subject="man.1", predicate="behind", object="bike.1"),)
    assert [thing.id for thing in second.objects] == ["cat.1", "hat.1"]
    assert second.relations[0].predicate == "looking_at"
    assert read(GraphFormat.VG150)[0].place == "visual_genome/285657"


def test_vg150_as_parquet_with_the_picture_inside(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    PILImage.new("RGB", (320, 200), "white").save(stream, "PNG")
    rows = [
        {
            "image_id": "7",
            "image": {"bytes": stream.getvalue(), "path": None},
            "objects": '[{"id": "dog.1", "bbox": [5, 5, 100, 90]}]',
            "relationships": "[]",
        }
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")
    (item,) = read(GraphFormat.VG150, tmp_path)
    assert (item.scene.views[0].camera.width, item.scene.views[0].camera.height) == (320, 200)
    assert item.media[0].data == stream.getvalue()


def test_clevr_camera_and_pictures() -> None:
    (item,) = read(GraphFormat.CLEVR)
    scene = item.scene
    camera = scene.views[0].camera
    # The fixture's pixels were computed for this camera and rounded.
    assert camera.focal == pytest.approx(525, rel=0.01)
    assert np.allclose(camera.position, (-8.6337, -4.9847, 5.1488), atol=0.1)
    assert [thing.label for thing in scene.objects][:2] == ["large red metal cube", "small blue rubber sphere"]
    assert scene.objects[0].yaw == pytest.approx(math.degrees(1.0))
    assert scene.complete
    assert set(scene.views[0].visible) == {thing.id for thing in scene.objects}
    assert check_scene(scene, pixels=2.0) == []


def test_clevr_relations_are_those_of_the_file_and_of_the_geometry() -> None:
    (item,) = read(GraphFormat.CLEVR)
    table = json.loads(PATHS[GraphFormat.CLEVR].read_text())["scenes"][0]
    names = [thing.id for thing in item.scene.objects]
    held = {(r.subject, r.predicate, r.object) for r in item.scene.relations}
    words = {"left": "left_of", "right": "right_of", "front": "in_front_of", "behind": "behind"}
    computed = set()
    for way, word in words.items():
        for i, one in enumerate(table["objects"]):
            for j, two in enumerate(table["objects"]):
                shift = np.array(two["3d_coords"]) - np.array(one["3d_coords"])
                if i != j and float(shift @ np.array(table["directions"][way])) > 0.2:
                    computed.add((names[j], word, names[i]))
    assert held == computed


def test_clevr_with_the_wrong_size_of_picture_is_refused() -> None:
    with pytest.raises(DatasetError, match=r"scenes\[0\].*no camera of 320 x 240 pixels fits"):
        read(GraphFormat.CLEVR, size=(320, 240))


def test_solids_hide_each_other() -> None:
    (item,) = read(GraphFormat.CLEVR)
    camera = item.scene.views[0].camera
    ahead = np.array(camera.rotation[2])
    near, far = (tuple(float(v) for v in np.array(camera.position) + d * ahead) for d in (5.0, 8.0))
    ball = Solid(kind="sphere", center=(near[0], near[1], near[2]), half=0.5, yaw=0.0, name="ball")
    cube = Solid(kind="cube", center=(far[0], far[1], far[2]), half=0.5, yaw=20.0, name="cube")
    alone, both = draw_solids([ball], camera), draw_solids([ball, cube], camera)
    assert both["ball"] == alone["ball"]
    assert alone["ball"].fraction == 1.0
    # A ball of radius r at distance d covers pi (f r)^2 / (d^2 - r^2) pixels in the middle of the picture.
    assert alone["ball"].pixels == pytest.approx(math.pi * (camera.focal * 0.5) ** 2 / (25 - 0.25), rel=0.02)
    assert "cube" not in both or both["cube"].fraction < 0.5
    assert draw_solids([cube], camera)["cube"].fraction == 1.0
    beside = Solid(kind="cylinder", center=(near[0], near[1], near[2] - 40), half=0.5, yaw=0.0, name="away")
    assert draw_solids([beside], camera) == {}


def test_nlvr() -> None:
    first, second = read(GraphFormat.NLVR)
    scene = first.scene
    assert [thing.label for thing in scene.objects] == [
        "large black triangle",
        "small blue circle",
        "medium yellow square",
    ]
    assert scene.views[0].visible["box-1-item-0"].box == (190, 80, 210, 100)
    assert scene.views[0].visible["box-0-item-0"].pixels == 450
    assert scene.facts["boxes"] == [["box-0-item-0", "box-0-item-1"], ["box-1-item-0"], []]
    assert scene.facts["statement"] == "There is exactly one black triangle."
    assert first.place == second.place == "nlvr/9001"
    assert scene.complete


def spoiled(layout: GraphFormat, tmp_path: Path, change: Any) -> list[Annotated]:
    """Read a copy of a fixture in which `change` altered the parsed data."""
    source = PATHS[layout]
    if layout in (GraphFormat.NLVR, GraphFormat.VG150):
        rows = [json.loads(line) for line in source.read_text().splitlines()]
        change(rows)
        path = tmp_path / source.name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return read(layout, path)
    if layout is GraphFormat.CLEVR:
        table = json.loads(source.read_text())
        change(table["scenes"])
        path = tmp_path / source.name
        path.write_text(json.dumps(table))
        return read(layout, path)
    files = {file.stem: json.loads(file.read_text()) for file in source.iterdir()}
    change(files)
    for name, content in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    return read(layout, tmp_path)


def at(*path: str | int, value: Any) -> Any:
    def change(data: Any) -> None:
        for part in path[:-1]:
            data = data[part]
        if value is None:
            del data[path[-1]]
        else:
            data[path[-1]] = value

    return change


NLVR, VG150, CLEVR, VG = GraphFormat.NLVR, GraphFormat.VG150, GraphFormat.CLEVR, GraphFormat.VISUAL_GENOME


@pytest.mark.parametrize(
    ("layout", "change", "told"),
    [
        (NLVR, at(1, "structured_rep", 0, 0, "color", value="red"), "nlvr.jsonl:2: structured_rep[0][0].color: 'red'"),
        (NLVR, at(0, "structured_rep", 1, 0, "x_loc", value=90), "structured_rep[1][0]: (90, 80) of size 20 leaves"),
        (NLVR, at(0, "structured_rep", value=[[]]), "structured_rep: expected a list of 3"),
        (NLVR, at(0, "identifier", value=None), "nlvr.jsonl:1: identifier: expected text"),
        (VG150, at(0, "objects", 0, "id", value="man"), "vg150.jsonl:1: objects[0].id: 'man' is not name.number"),
        (VG150, at(0, "objects", 1, "bbox", value=[5, 5, 5, 9]), "objects[1].bbox: [5.0, 5.0, 5.0, 9.0] has no area"),
        (VG150, at(0, "objects", 1, "bbox", value=[600, 5, 900, 9]), "lies outside the picture of 640 x 480"),
        (
            VG150,
            at(0, "relationships", 0, "object", value="car.1"),
            "relationships[0].object: there is no object 'car.1'",
        ),
        (VG150, at(1, "objects", value="[{]"), "vg150.jsonl:2: objects: not valid JSON"),
        (VG150, at(1, "width", value=None), "vg150.jsonl:2: width, height: the picture's size is not known"),
        (CLEVR, at(0, "objects", 2, "shape", value="cone"), "'scenes[0]': objects[2].shape: 'cone' is no shape"),
        (CLEVR, at(0, "objects", 1, "3d_coords", value=[1, 2]), "objects[1].3d_coords: expected a list of 3"),
        (CLEVR, at(0, "relationships", "left", 0, value=[9]), "relationships.left[0]: 9 is no object"),
        (CLEVR, at(0, "objects", 0, "pixel_coords", value=[20, 300, 11.0]), "no camera of 480 x 320 pixels fits"),
        (
            VG,
            at("objects", 0, "objects", 1, "x", value="a"),
            "objects.json: sample 'item 0': objects[1].x: expected a number",
        ),
        (VG, at("objects", 0, "objects", 1, "names", value=[]), "objects[1].names: [] are no names"),
        (
            VG,
            at("relationships", 1, "image_id", value=99),
            "'item 1': image_id: relationships.json has picture 99 here",
        ),
        (VG, at("image_data", 1, "image_id", value=99), "image_data.json does not have it"),
    ],
)
def test_mistakes_are_located(tmp_path: Path, layout: GraphFormat, change: Any, told: str) -> None:
    with pytest.raises(DatasetError) as caught:
        spoiled(layout, tmp_path, change)
    assert told in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_long_arrays_are_read_piece_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "long.json"
    items = [{"n": n, "text": "x" * (n % 7 * 1000)} for n in range(1200)]
    assert len(json.dumps(items)) > 3 * CHUNK
    for indent in (None, 1):
        path.write_text(json.dumps(items, indent=indent))
        assert [item for _, item in array_items(path)] == items
    path.write_text(json.dumps(items)[:-100])
    with pytest.raises(DatasetError, match=r"item 1199: .* nothing comes after it"):
        list(array_items(path))
    path.write_text('{"a": 1}')
    with pytest.raises(DatasetError, match="does not begin with"):
        list(array_items(path))


def test_pictures_are_looked_for_under_the_media_root(tmp_path: Path) -> None:
    (tmp_path / "VG_100K_2").mkdir()
    PILImage.new("RGB", (500, 400)).save(tmp_path / "VG_100K_2" / "11.jpg")
    first, second = read(GraphFormat.VISUAL_GENOME, media_root=tmp_path)
    assert (first.media[0].path, first.media[0].width) == ("VG_100K_2/11.jpg", 500)
    assert second.media == ()


def test_a_flat_scene_has_no_distances() -> None:
    scene: Scene = read(GraphFormat.NLVR)[0].scene
    assert all(seen.distance is None for seen in scene.views[0].visible.values())
