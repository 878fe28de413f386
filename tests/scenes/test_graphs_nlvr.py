"""NLVR dev: counts and relations of the derived scenes against the raw JSON, the pictures, and what people said."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PILImage

from wherewise.samples.evidence import SceneGraph
from wherewise.scenes import Scene, SceneObject
from wherewise.scenes.graphs import GraphFiles, GraphFormat, Graphs

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "nlvr"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the NLVR dev set is not in {FOLDER}")

PAINT = {"yellow": (255, 255, 0), "black": (0, 0, 0), "blue": (0, 153, 255)}


@functools.cache
def scenes() -> tuple[Scene, ...]:
    files = GraphFiles(format=GraphFormat.NLVR, annotations=FOLDER / "dev.jsonl")
    return tuple(item.scene for item in Graphs(files=files))


@functools.cache
def raw() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(line) for line in (FOLDER / "dev.jsonl").read_text().splitlines())


def test_counts_agree_on_all_statements() -> None:
    assert len(scenes()) == len(raw()) == 989
    names = {"Yellow": "yellow", "Black": "black", "#0099ff": "blue"}
    for scene, record in zip(scenes(), raw(), strict=True):
        things = {thing.id: thing for thing in scene.objects}
        for ids, items in zip(scene.facts["boxes"], record["structured_rep"], strict=True):
            derived = Counter((things[i].color, things[i].category, things[i].size[0]) for i in ids)
            assert derived == Counter((names[item["color"]], item["type"], item["size"]) for item in items)


def test_relations_agree_on_all_statements() -> None:
    """Left, right, above and below between all pairs: the scene's boxes against the raw numbers."""
    pairs = 0
    for scene, record in zip(scenes(), raw(), strict=True):
        seen = scene.views[0].visible
        flat = [
            (150 * box + item["x_loc"], item["y_loc"], item["size"])
            for box, items in enumerate(record["structured_rep"])
            for item in items
        ]
        for i, (x1, y1, s1) in enumerate(flat):
            for j, (x2, y2, s2) in enumerate(flat):
                if i == j:
                    continue
                pairs += 1
                one, two = seen[scene.objects[i].id].box, seen[scene.objects[j].id].box
                assert one is not None
                assert two is not None
                assert (one[2] <= two[0]) == (x1 + s1 <= x2)
                assert (one[3] <= two[1]) == (y1 + s1 <= y2)
                first, second = scene.objects[i], scene.objects[j]
                assert (first.center[0] < second.center[0]) == (2 * x1 + s1 < 2 * x2 + s2)
                assert (first.center[2] > second.center[2]) == (2 * y1 + s1 < 2 * y2 + s2)
    assert pairs == 80_662


def test_pictures_agree_on_all_statements() -> None:
    """Pixels of each colour in each grey box of the picture: exact for squares, and within a rim for round ones."""
    for scene, record in zip(scenes(), raw(), strict=True):
        picture = np.asarray(PILImage.open(FOLDER / record["image"]).convert("RGB")).astype(int)
        things = {thing.id: thing for thing in scene.objects}
        for column, ids in enumerate(scene.facts["boxes"]):
            cell = picture[:, 150 * column : 150 * column + 100]
            for color, paint in PAINT.items():
                found = int((np.abs(cell - np.array(paint)).max(axis=2) < 100).sum())
                mine = [name for name in ids if things[name].color == color]
                told = sum(scene.views[0].visible[name].pixels for name in mine)
                if all(things[name].category == "square" for name in mine):
                    assert found == told
                else:
                    assert abs(found - told) <= 0.05 * told


def test_evidence_of_samples_lists_only_true_relations() -> None:
    from wherewise.questions import MarginsConfig
    from wherewise.questions.sampling import scene_graph

    checked = 0
    margins = MarginsConfig(min_pixels=40, min_pixel_share=0.0)
    for scene in scenes():
        graph = scene_graph(scene, tuple(thing.id for thing in scene.objects), margins)
        assert isinstance(graph, SceneGraph)
        boxes = {item.id: item.box for item in graph.objects}
        for relation in graph.relations:
            one, two = boxes[relation.subject], boxes[relation.object]
            axis = {"left_of": 0, "above": 1}[relation.predicate]
            assert one[axis] + one[axis + 2] < two[axis] + two[axis + 2]
            checked += 1
    assert checked > 1000


WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NUMBERS = {word: n for n, word in enumerate(WORDS)}
NUMBERS |= {"a": 1, "an": 1} | {str(n): n for n in range(10)}
MANY = r"(?:(?P<mode>exactly|only|at least|at most) )?(?P<n>\d|an?|one|two|three|four|five|six|seven)"
HUE = r"(?P<color>yellow|black|blue)"
THING = rf"(?:{HUE} )?(?P<noun>square|triangle|circle|item|object|block)s?"
BLOCKS = r"(?:(?P<mode2>exactly|at least|at most|only) )?(?P<n2>\w+)"
TEMPLATES = {
    "count": rf"there (?:is|are) {MANY} {THING}",
    "box": r"(?:there is a box|(?:at least )?one of the gr[ea]y (?:box|square)(?:es)?) "
    rf"(?:with|has|contains) {MANY} {THING}",
    "touch": rf"there (?:is|are) {MANY} {THING} (?:closely )?touching (?:the|an|a) "
    r"(?P<where>wall|edge|side|base|bottom|top)(?: of (?:a|the) box)?",
    "end": rf"there (?:is|are) {MANY} towers? (?:with|which has|that has|having) an? {HUE} block "
    r"(?:at|as|on|in) (?:the|its) (?P<where>base|top|bottom)",
    "end of tall": rf"there is (?P<n>a) {HUE} block (?:at|as) the (?P<where>base|top|bottom) of a tower with "
    rf"{BLOCKS} blocks?",
    "tall": rf"there (?:is|are) {MANY} towers? with {BLOCKS} (?:{HUE} )?blocks?",
}
"""Statements whose meaning needs no guess. "1 tower" is said for exactly one, "a tower" for at least one."""


def holds(count: int, mode: str | None, number: int) -> bool:
    if mode in ("exactly", "only"):
        return count == number
    return count <= number if mode == "at most" else count >= number


def truth(kind: str, said: dict[str, str | None], scene: Scene) -> bool | None:
    """Whether a statement is true of the scene; None where a number cannot be read."""
    things = {thing.id: thing for thing in scene.objects}
    boxes = [[things[name] for name in ids] for ids in scene.facts["boxes"]]
    color, noun, where = said.get("color"), said.get("noun"), said.get("where")
    shape = "square" if noun == "block" else None if noun in (None, "item", "object") else noun

    def fits(thing: SceneObject) -> bool:
        return color in (None, thing.color) and shape in (None, thing.category)

    def touches(thing: SceneObject, column: int) -> bool:
        box = scene.views[0].visible[thing.id].box
        assert box is not None
        sides = {"left": box[0] <= 150 * column, "right": box[2] >= 150 * column + 100, "top": box[1] <= 0}
        sides["base"] = sides["bottom"] = box[3] >= 100
        return sides[where] if where in sides else any(sides.values())

    def ends(tower: list[SceneObject]) -> bool:
        ordered = sorted(tower, key=lambda thing: thing.center[2])
        return (ordered[-1] if where == "top" else ordered[0]).color == color

    number, mode = NUMBERS[str(said["n"])], said.get("mode")
    second = said.get("n2")
    if second is not None and second not in NUMBERS:
        return None
    if kind == "count":
        return holds(sum(fits(thing) for box in boxes for thing in box), mode, number)
    if kind == "box":
        return any(holds(sum(map(fits, box)), mode, number) for box in boxes)
    if kind == "touch":
        count = sum(fits(thing) and touches(thing, column) for column, box in enumerate(boxes) for thing in box)
        return holds(count, mode, number)
    if kind == "end":
        told = "exactly" if mode is None and str(said["n"]).isdigit() else mode
        return holds(sum(map(ends, boxes)), told, number)
    height = NUMBERS[str(second)]
    if kind == "end of tall":
        return any(ends(tower) and holds(len(tower), said["mode2"] or "exactly", height) for tower in boxes)
    least = said["mode2"] or ("exactly" if color is None else "at least")
    return holds(sum(holds(sum(map(fits, tower)), least, height) for tower in boxes), mode, number)


def test_statements_read_by_template_have_the_truth_that_people_gave_them() -> None:
    agreed: Counter[str] = Counter()
    patterns = {kind: re.compile(pattern) for kind, pattern in TEMPLATES.items()}
    for scene, record in zip(scenes(), raw(), strict=True):
        words = " ".join(re.findall(r"[a-z0-9]+", record["sentence"].lower()))
        for kind, pattern in patterns.items():
            match = pattern.fullmatch(words)
            if match is None:
                continue
            found = truth(kind, match.groupdict(), scene)
            if found is not None:
                assert found == (record["label"] == "true"), (record["identifier"], record["sentence"])
                agreed[kind] += 1
            break
    assert sum(agreed.values()) == 313
    assert min(agreed.values()) >= 20
