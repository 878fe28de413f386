"""What must and must not change in a scene that is mirrored, scaled, seen from elsewhere, thinned out, reversed."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Iterable

import pytest
from handmade_rooms import ROOMS, backwards, camera, look, mirrored, room, scaled, without

from wherewise.questions import FAMILIES, TASKS, Question, QuestionsConfig
from wherewise.questions.catalogue import CATALOGUE
from wherewise.questions.config import SPACE, AnswerKind
from wherewise.questions.question import STRUCTURAL
from wherewise.questions.sight import Modality
from wherewise.samples.answer import Answer, Box, Choice, GridMap, Number, Order, Point
from wherewise.scenes import Scene

SEEDS = {
    "view_order": 30,
    "annotated_relation": 30,
    "object_motion": 30,
    "object_speed": 20,
    "room_order": 16,
    "route_planning": 10,
    "occlusion": 8,
}
SWAP = {"left": "right", "right": "left"}
Asked = dict[str, Question]


def mirrored_question(text: str) -> str:
    """The text with left for right, unless it names both, as alternatives."""
    return text if len(set(re.findall(r"\b(?:left|right)\b", text))) != 1 else swapped(text)


def swapped(text: str) -> str:
    return re.sub(r"\b(left|right)\b", lambda hit: SWAP[hit.group()], text)


def config_for(task: str) -> QuestionsConfig:
    """Numbers rather than choices among numbers: options are drawn, the truth is not."""
    kinds = CATALOGUE[task].kinds
    open_kinds: tuple[AnswerKind, ...] = tuple(kind for kind in kinds if kind != "choice")
    wanted = open_kinds if {"number", "order"} & set(open_kinds) else kinds
    return QuestionsConfig(phrasings="one", kinds=wanted, vocabulary=("piano", "bed"), counting_answer="number")


def asked(task: str, scene: Scene, times: int = 12) -> Asked:
    found: Asked = {}
    for number in range(times):
        drawn = FAMILIES[task](scene, random.Random(f"{task}/{number}"), config_for(task))
        if isinstance(drawn, Question):
            found[drawn.text] = drawn
        elif drawn in STRUCTURAL:
            break
    return found


def scenes(task: str, least: int = 4) -> Iterable[Scene]:
    for seed in range(SEEDS.get(task, least)):
        for kind in ROOMS:
            shown = {"image": Modality.IMAGE, "images": Modality.IMAGES, "changed": Modality.IMAGES}
            if shown.get(kind, Modality.VIDEO) in CATALOGUE[task].modalities:
                yield room(seed, kind)


def plain(answer: Answer) -> object:
    """What is compared: the text of a choice, not its letter."""
    if isinstance(answer, Choice):
        return answer.text
    if isinstance(answer, GridMap):
        return {label: list(places) for label, places in answer.cells}
    return answer


def in_a_mirror(answer: Answer, width: int) -> object:
    match answer:
        case Choice(text=text) if text.endswith("o'clock"):
            hour = int(text.split(" ")[0])
            return f"{(12 - hour) % 12 or 12} o'clock"
        case Choice(text=text):
            return swapped(text)
        case Box(xyxy=(x1, y1, x2, y2)):
            return Box(xyxy=(width - x2, y1, width - x1, y2))
        case Point(xy=(x, y)):
            return Point(xy=(round(width - x, 1), y))
        case GridMap(size=size, cells=cells):
            return {label: [(size - 1 - column, row) for column, row in places] for label, places in cells}
    return answer


@pytest.mark.parametrize("task", [task for task in TASKS if task not in ("box_3d", "correspondence")])
def test_a_mirror_swaps_left_and_right_and_nothing_else(task: str) -> None:
    """Not asked here: the two families whose texts hold coordinates."""
    compared = 0
    for scene in scenes(task):
        width = scene.views[0].camera.width if scene.views else 0
        before, after = asked(task, scene), asked(task, mirrored(scene))
        for text, question in before.items():
            other = after.get(mirrored_question(text))
            if other is not None:
                got, expected = plain(other.answer), in_a_mirror(question.answer, width)
                if isinstance(got, Point) and isinstance(expected, Point):
                    assert got.xy == pytest.approx(expected.xy, abs=0.2)
                elif isinstance(question.answer, GridMap):
                    assert _cells_apart(got, expected) <= 1
                else:
                    assert got == expected, text
                compared += 1
    assert compared >= 2


def _cells_apart(one: object, two: object) -> int:
    """Largest difference of a cell: a place on the line between two cells may fall on either side of it."""
    assert isinstance(one, dict)
    assert isinstance(two, dict)
    assert set(one) == set(two)
    return max(
        max(abs(a[0] - b[0]), abs(a[1] - b[1]))
        for label in one
        for a, b in zip(sorted(one[label]), sorted(two[label]), strict=True)
    )


THRESHOLDS = ("proximity", "reach", "fit", "box_3d")
"""Ask for lengths that are written in the question, or among options that do not scale."""
LENGTHS = {"m": 1.25, "cm": 1.25, "cm/s": 1.25, "square meters": 1.25**2}


@pytest.mark.parametrize("task", [task for task in TASKS if task not in THRESHOLDS])
def test_scaling_scales_lengths_and_keeps_relations(task: str) -> None:
    compared = 0
    for scene in scenes(task):
        before, after = asked(task, scene), asked(task, scaled(scene, 1.25))
        for text in set(before) & set(after):
            answer, other = before[text].answer, after[text].answer
            if isinstance(answer, Number) and answer.unit in LENGTHS and isinstance(other, Number):
                factor = LENGTHS[answer.unit]
                assert after[text].facts["value"] == pytest.approx(factor * before[text].facts["value"], rel=1e-9)
            elif isinstance(answer, GridMap):
                assert _cells_apart(plain(other), plain(answer)) <= 1
            else:
                assert plain(other) == plain(answer), text
            compared += 1
    assert compared >= 2


FROM_THE_CAMERA = ("cognitive_map", "turn_towards", "perspective", "room_size")


@pytest.mark.parametrize("task", [task for task in SPACE if task not in FROM_THE_CAMERA])
def test_another_camera_sees_the_same_room(task: str) -> None:
    compared = 0
    for seed in range(12):
        scene = room(seed, "image")
        eye = camera((1.2, 0.4, 1.9), 105.0, -18.0)
        moved = look(dataclasses.replace(scene, views=(dataclasses.replace(scene.views[0], camera=eye),)))
        before, after = asked(task, scene, 20), asked(task, moved, 20)
        for text in set(before) & set(after):
            # What is counted is what is in view.
            if task != "object_count" or set(before[text].focus) == set(after[text].focus):
                assert plain(after[text].answer) == plain(before[text].answer), text
                compared += 1
    assert compared >= 2


@pytest.mark.parametrize("task", TASKS)
def test_removing_what_is_not_named_keeps_the_answer(task: str) -> None:
    compared = 0
    for scene in scenes(task, 3):
        before = asked(task, scene, 30)
        for question in list(before.values())[:3]:
            said = " ".join((question.text, *question.options)).lower()
            spare = [
                item.id
                for item in scene.objects
                if item.id not in question.focus and item.category not in said and item.label not in said
            ]
            for name in spare[:2]:
                after = asked(task, without(scene, name), 30)
                if question.text in after:
                    assert plain(after[question.text].answer) == plain(question.answer), question.text
                    compared += 1
    assert compared >= 2 or task in ("view_order", "annotated_relation", "room_order")


def test_a_reversed_clip_has_the_reversed_order() -> None:
    compared = 0
    for seed in range(12):
        scene = room(seed, "video")
        before, after = asked("temporal_order", scene, 40), asked("temporal_order", backwards(scene), 40)
        orders = {frozenset(q.answer.items): q for q in after.values() if isinstance(q.answer, Order)}
        for question in before.values():
            assert isinstance(question.answer, Order)
            other = orders.get(frozenset(question.answer.items))
            if other is None:
                continue
            coming, went = "first come" in question.text, "last seen" in other.text
            if coming == went:
                assert isinstance(other.answer, Order)
                assert other.answer.items == question.answer.items[::-1]
                compared += 1
    assert compared >= 3


def test_a_reversed_clip_turns_the_other_way_and_swaps_first_and_last() -> None:
    turns = times = 0
    for seed in range(8):
        scene = room(seed, "video")
        end = scene.views[-1].time
        reverse = backwards(scene)
        for text, question in asked("camera_turn", scene).items():
            other = asked("camera_turn", reverse).get(mirrored_question(text))
            if other is not None and isinstance(question.answer, Number):
                assert plain(other.answer) == question.answer
                turns += 1
        after = asked("timestamp", reverse, 30)
        for text, question in asked("timestamp", scene, 30).items():
            other = after.get(text.replace("does the", "is the").replace("first come into view", "last in view"))
            if "first" in text and other is not None:
                assert other.facts["time"] == pytest.approx(end - question.facts["time"])
                times += 1
    assert turns >= 2
    assert times >= 2
