"""The gallery's content: complete, self-contained, honest about what it leaves out, safe whatever the data say."""

from __future__ import annotations

import base64
import dataclasses
import html.parser
import io
import json
from pathlib import Path
from typing import Any

import gallery_data
import numpy as np
import pytest
from gallery_data import EVIL, HEIGHT, WIDTH
from PIL import Image as PILImage
from test_report import evaluation

from wherewise.cli.main import run
from wherewise.reports import GalleryInputs, build_gallery
from wherewise.reports.floor_plan import outline, plan_record, view_of
from wherewise.reports.shots import depth_picture, id_color, id_picture
from wherewise.samples import Boolean, Image, Sample
from wherewise.samples.errors import DatasetError, InputError
from wherewise.samples.store import write_dataset
from wherewise.scenes.scene import Pose


class Page(html.parser.HTMLParser):
    """Tags, and the texts of the script blocks by id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: dict[str, str] = {}
        self._inside = ""
        self.feed(text)
        self.data: dict[str, Any] = json.loads(self.blocks["data"])
        self.rows: dict[str, dict[str, Any]] = {row["id"]: row for row in self.data["rows"]}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = (dict(attrs).get("id") or "") if tag == "script" else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.blocks[self._inside] = self.blocks.get(self._inside, "") + data

    def shots(self, name: str) -> list[dict[str, Any]]:
        """Shots of a sample."""
        return [shot for place in self.rows[name]["media"] for shot in self.data["media"][place]["shots"]]

    def picture(self, name: str) -> PILImage.Image:
        """A picture block, decoded."""
        kind, _, data = self.blocks[f"block-{name}"].partition(",")
        assert kind in ("data:image/jpeg;base64", "data:image/png;base64")
        return PILImage.open(io.BytesIO(base64.b64decode(data)))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gallery_data.write(tmp_path_factory.mktemp("data") / "rooms")


@pytest.fixture(scope="module")
def page(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Page:
    out = tmp_path_factory.mktemp("page") / "gallery.html"
    gallery = build_gallery(GalleryInputs(dataset=dataset, frames=4), out)
    assert (gallery.samples, gallery.total, gallery.with_pictures, gallery.unread) == (9, 9, 9, ())
    assert gallery.size == out.stat().st_size
    return Page(out.read_text(encoding="utf-8"))


def test_rows_hold_question_answer_and_where_they_come_from(page: Page) -> None:
    row = page.rows["still-left_right-0"]
    assert row["question"] == "Is the table left or right of the red chair?"
    assert (row["options"], row["letter"], row["answer"], row["kind"]) == (["left", "right"], "A", "left", "choice")
    assert (row["task"], row["split"], row["group"], row["seed"]) == ("left_right", "train", "still", "7")
    assert row["rationale"] == "The table is further left."
    assert row["relations"] == [["o2", "left_of", "o1"]]
    graph = page.data["graphs"][row["graph"]]
    assert graph["objects"][0] == ["o1", "red chair", [50, 10, 80, 50], 2.0]
    assert page.rows["still-box"]["gold"] == {"box": [50, 10, 80, 50]}
    assert page.rows["still-point"]["gold"] == {"point": [20, 40]}
    assert page.rows["clip-map"]["cells"] == {"size": 4, "cells": [["table", [[1, 2]]]]}
    assert page.data["timelines"][page.rows["clip-order"]["timeline"]][1] == ["red chair", 0.5, 2.75]


def test_margins_are_multiples_of_the_generators(page: Page) -> None:
    assert page.rows["still-left_right-0"]["margin"] == pytest.approx(4.0)
    assert page.rows["still-camera_distance-0"]["margin"] == pytest.approx(0.22 / 0.2, abs=1e-3)
    assert page.rows["clip-order"]["margin"] == 1.25
    assert "margin" not in page.rows["still-box"]


def test_pictures_and_frames_with_times_and_original_size(page: Page) -> None:
    (still,) = page.shots("still-left_right-0")
    assert still["size"] == [WIDTH, HEIGHT]
    assert page.picture(still["picture"]).size == (WIDTH, HEIGHT)
    assert still["picture"] == page.shots("still-box")[0]["picture"], "samples of a group share their picture"
    first, second = page.shots("pair-count")
    shades = [np.asarray(page.picture(shot["picture"]))[..., 2].mean() for shot in (first, second)]
    assert shades == pytest.approx([30, 200], abs=3)
    frames = page.shots("clip-order")
    assert [shot["time"] for shot in frames] == [0, 1, 1.75, 2.75]
    assert [np.asarray(page.picture(shot["picture"])).mean() for shot in frames] == pytest.approx(
        [0, 80, 140, 220], abs=6
    )


def test_scene_is_there_with_what_each_shown_view_sees(page: Page) -> None:
    scene = json.loads(page.blocks["block-" + page.rows["still-box"]["scene"]])
    assert scene["room"] == [[-2, -2], [2, -2], [2, 3], [-2, 3]]
    assert [thing["label"] for thing in scene["objects"]] == ["red chair", "table"]
    assert scene["cameras"] == [[0, -1, 0, 1, 0]]
    assert scene["seen"] == {"0": [[0, 50, 10, 80, 50, 0.8, 2.0], [1, 5, 20, 40, 60, 0.8, 2.5]]}
    assert scene["doors"] == [{"ends": [[-2, 0], [-2, 1]], "open": True}]
    assert scene["fov"] == pytest.approx(2 * np.degrees(np.arctan(48 / 80)), abs=0.06)
    clip = json.loads(page.blocks["block-" + page.rows["clip-order"]["scene"]])
    assert [shot["view"] for shot in page.shots("clip-order")] == [0, 4, 7, 11]
    assert sorted(clip["seen"], key=int) == ["0", "4", "7", "11"]
    assert len(clip["cameras"]) == 12
    assert [shot["view"] for shot in page.shots("pair-count")] == [0, 1]


def test_depth_and_ids_are_shown_where_there_is_a_sidecar(page: Page) -> None:
    (shot,) = page.shots("still-left_right-0")
    assert shot["span"] == pytest.approx([1.03, 3.97], abs=0.02)
    ids = page.picture(shot["ids"]).convert("RGB")
    assert ids.getpixel((60, 20)) == id_color(1)
    assert ids.getpixel((5, 5)) == id_color(0)
    depth = page.picture(shot["depth"]).convert("RGB")
    near, far = depth.getpixel((50, 2)), depth.getpixel((50, HEIGHT - 3))
    assert near[0] > near[2], "near is warm"
    assert far[2] > far[1], "far is cool"
    assert "depth" not in page.shots("clip-order")[0]


def test_counts_balance_and_refusals(page: Page) -> None:
    assert page.data["counts"]["val"] == {"object_count": 1, "correspondence": 1}
    balance = page.data["balance"]["left_right"]
    assert (balance["answers"], balance["letters"], balance["total"]) == ([["left", 1]], [["A", 1]], 1)
    assert page.data["rejections"][0] == ["questions.margin_depth", 12]


def test_text_of_the_data_never_becomes_markup(page: Page) -> None:
    row = page.rows["still-evil"]
    assert (row["question"], row["rationale"], row["facts"]["label"]) == (EVIL, EVIL, EVIL)
    tags = [tag for tag, _ in page.tags]
    assert "img" not in tags
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    scripts = [attrs for tag, attrs in page.tags if tag == "script"]
    assert len([attrs for attrs in scripts if "type" not in attrs]) == 1, "one script runs"
    assert all(attrs["type"] in ("text/plain", "application/json") for attrs in scripts if "type" in attrs)


def test_page_asks_nothing_of_the_outside(page: Page) -> None:
    assert not [tag for tag, _ in page.tags if tag in {"link", "iframe", "object", "embed", "base"}]
    assert not [attrs for _, attrs in page.tags if "src" in attrs or "href" in attrs]
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def many(count: int) -> list[Sample]:
    def one(i: int) -> Sample:
        task = "existence" if i % 10 else "counting"
        return Sample(
            id=f"s{i}",
            media=(Image(data=gallery_data.picture(i % 200)),),
            question="?",
            answer=Boolean(value=bool(i % 2)),
            task=task,
            group=f"g{i}",
            split="train" if i % 4 else "test",
        )

    return [one(i) for i in range(count)]


def test_limits_are_kept_and_said(tmp_path: Path) -> None:
    write_dataset(many(200), tmp_path / "d")
    inputs = GalleryInputs(dataset=tmp_path / "d", sample=50, media_limit=5)
    gallery = build_gallery(inputs, tmp_path / "g.html")
    text = (tmp_path / "g.html").read_text()
    page = Page(text)
    assert (gallery.samples, gallery.total) == (50, 200)
    assert len(page.rows) == 50
    carried = [row for row in page.data["rows"] if page.shots(row["id"])]
    assert gallery.with_pictures == len(carried)
    by_task = {task: sum(row["task"] == task for row in carried) for task in ("existence", "counting")}
    assert by_task["existence"] == 5
    assert 1 <= by_task["counting"] <= 5
    assert {row["split"] for row in carried} == {"train", "test"}
    assert "50 of 200 samples are here" in text
    assert "at most 5 samples of each task" in text
    assert page.data["balance"]["existence"]["total"] == 180, "balance is of the whole dataset"


def test_budget_is_kept_and_said_and_leaves_no_task_out(tmp_path: Path) -> None:
    write_dataset(many(60), tmp_path / "d")
    gallery = build_gallery(GalleryInputs(dataset=tmp_path / "d", budget=0.005), tmp_path / "g.html")
    text = (tmp_path / "g.html").read_text()
    page = Page(text)
    assert 2 <= gallery.with_pictures < 20
    assert sum(len(block) for name, block in page.blocks.items() if name.startswith("block-p")) < 8_000
    assert {row["task"] for row in page.data["rows"] if page.shots(row["id"])} == {"existence", "counting"}
    assert "the budget of 0.005 MB is spent" in text


def test_scenes_have_a_budget_too(dataset: Path, tmp_path: Path) -> None:
    build_gallery(GalleryInputs(dataset=dataset, budget=1e-9), tmp_path / "g.html")
    text = (tmp_path / "g.html").read_text()
    page = Page(text)
    assert sum(name.startswith("block-p") for name in page.blocks) == 8, "the first clip comes, then all is spent"
    assert "2 scenes are left out" in text
    assert {name for name, row in page.rows.items() if "scene" in row} == {"clip-order", "clip-map"}


def test_depth_and_ids_have_a_budget_of_their_own(tmp_path: Path) -> None:
    folder = gallery_data.write(tmp_path / "d")
    (folder / "sidecars" / "test").mkdir()
    gallery_data.write_sidecar(folder / "sidecars" / "test" / "clip.npz", views=12)
    build_gallery(GalleryInputs(dataset=folder, budget=0.02), tmp_path / "g.html")
    text = (tmp_path / "g.html").read_text()
    page = Page(text)
    assert all("depth" in shot and "ids" in shot for shot in page.shots("clip-order"))
    assert "depth" not in page.shots("still-box")[0]
    assert "Depth and ids of 1 scenes are left out" in text


def test_split_title_and_no_media(dataset: Path, tmp_path: Path) -> None:
    inputs = GalleryInputs(dataset=dataset, splits=("val",), title="a <b>", media_limit=0)
    gallery = build_gallery(inputs, tmp_path / "g.html")
    text = (tmp_path / "g.html").read_text()
    assert (gallery.samples, gallery.with_pictures) == (2, 0)
    assert "a &lt;b&gt;" in text
    assert "<b>" not in text.split("<script")[0]


def test_unreadable_media_are_told_and_only_refused_when_all_are(dataset: Path, tmp_path: Path) -> None:
    broken = [dataclasses.replace(s, media=(Image(path="gone.jpg"),)) for s in many(3)]
    write_dataset([*many(12)[3:], *broken], tmp_path / "d")
    gallery = build_gallery(GalleryInputs(dataset=tmp_path / "d"), tmp_path / "g.html")
    page = Page((tmp_path / "g.html").read_text())
    assert len(gallery.unread) == 3
    assert "gone.jpg" in gallery.unread[0]
    assert "gone.jpg" in page.data["media"][page.rows["s0"]["media"][0]]["error"]
    assert "3 samples have media that cannot be read" in str(gallery).replace("\n", " ")
    write_dataset(broken, tmp_path / "all")
    with pytest.raises(InputError, match=r"none of the media can be read.*gone\.jpg.*--root"):
        build_gallery(GalleryInputs(dataset=tmp_path / "all"), tmp_path / "g.html")


def test_broken_scene_line_is_named(tmp_path: Path) -> None:
    folder = gallery_data.write(tmp_path / "d")
    with (folder / "scenes-train.jsonl").open("a") as stream:
        stream.write('{"id": "still"}\n')
    with pytest.raises(DatasetError, match=r"scenes-train\.jsonl:3"):
        build_gallery(GalleryInputs(dataset=folder), tmp_path / "g.html")


def test_broken_sidecar_is_named_and_can_be_left_out(tmp_path: Path) -> None:
    folder = gallery_data.write(tmp_path / "d")
    (folder / "sidecars" / "train" / "still.npz").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(InputError, match=r"still\.npz.*--no-sidecars"):
        build_gallery(GalleryInputs(dataset=folder), tmp_path / "g.html")
    assert build_gallery(GalleryInputs(dataset=folder, sidecars=False), tmp_path / "g.html").with_pictures == 9


@pytest.mark.parametrize("change", [{"sample": 0}, {"frames": 0}, {"media_limit": -1}])
def test_limits_out_of_range_are_refused(dataset: Path, tmp_path: Path, change: dict[str, int]) -> None:
    with pytest.raises(InputError, match=next(iter(change))):
        build_gallery(GalleryInputs(dataset=dataset, **change), tmp_path / "g.html")  # type: ignore[arg-type]


def test_command_writes_a_gallery_beside_the_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = gallery_data.as_jsonl(tmp_path / "mine.jsonl")
    assert run(["view", str(file), "--quiet"]) == 0
    assert "1 of 1 samples, 1 with pictures" in capsys.readouterr().out
    assert list(Page((tmp_path / "mine.html").read_text()).rows) == ["mine-1"]
    assert run(["view", str(file), str(tmp_path)]) == 2
    assert run(["view", str(tmp_path)]) == 2
    assert "neither a dataset" in capsys.readouterr().err


def test_an_evaluation_has_a_manifest_and_is_no_dataset(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = evaluation(tmp_path / "eval", "left", correct=True)
    (folder / "manifest.json").write_text("{}")
    assert run(["view", str(folder), "--data", str(dataset), "--split", "train"]) == 0
    assert "report.html" in capsys.readouterr().out
    assert "Accuracy on unseen scenes" in (folder / "report.html").read_text()


def test_outline_of_a_turned_box_and_a_tilted_one() -> None:
    table = gallery_data.scene("s").objects[1]
    assert sorted(outline(table)) == [(-1.6, 1.6), (-1.6, 2.4), (-0.4, 1.6), (-0.4, 2.4)]
    axes = ((0.6, 0.0, 0.8), (0.0, 1.0, 0.0), (-0.8, 0.0, 0.6))
    tilted = outline(dataclasses.replace(table, axes=axes))
    half = (1.2 * 0.6 + 0.8 * 0.8) / 2
    assert (min(x for x, _ in tilted), max(x for x, _ in tilted)) == pytest.approx((-1 - half, -1 + half), abs=1e-3)


def test_what_moves_is_drawn_where_it_stands_then() -> None:
    clip = gallery_data.scene("c", views=3)
    views = (
        clip.views[0],
        dataclasses.replace(clip.views[1], poses={"o2": Pose(center=(0, 0, 0.4), yaw=90)}),
        dataclasses.replace(clip.views[2], gone=("o2",)),
    )
    record = plan_record(dataclasses.replace(clip, views=views), {0, 1, 2})
    assert record["objects"][1]["trail"] == [[-1, 2], [0, 0], [-1, 2]]
    assert record["objects"][0]["trail"] is None
    assert set(record["moved"]) == {"1", "2"}
    assert sorted(record["moved"]["1"]["o2"]) == [(-0.4, -0.6), (-0.4, 0.6), (0.4, -0.6), (0.4, 0.6)]
    assert record["moved"]["2"] == {"o2": []}


def test_a_shot_finds_its_view() -> None:
    still, pair, clip = (
        gallery_data.scene("a"),
        gallery_data.scene("b", views=2, pictures=True),
        gallery_data.scene("c", views=12),
    )
    assert view_of(still, medium=0, time=None) == 0
    assert [view_of(pair, medium=i, time=None) for i in (0, 1, 2)] == [0, 1, None]
    assert [view_of(clip, medium=0, time=t) for t in (0.0, 0.52, 2.75, 9.0)] == [0, 2, 11, None]
    assert view_of(clip, medium=0, time=None) is None


def test_depth_and_ids_without_anything_to_show() -> None:
    empty, low, high = depth_picture(np.zeros((4, 6), np.float32))
    assert np.asarray(PILImage.open(io.BytesIO(empty))).max() == 0
    assert (low, high) == (0, 1)
    wide = id_picture(np.full((10, 900), 700, np.int32))
    picture = PILImage.open(io.BytesIO(wide)).convert("RGB")
    assert picture.size[0] <= 288
    assert picture.getpixel((0, 0)) == id_color(700)
