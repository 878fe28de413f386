"""Shapes of questions that would give themselves away, and what takes their place."""

from __future__ import annotations

import dataclasses
import math
import random

import pytest
from handmade import seen, still, thing
from handmade_rooms import room, scaled

from wherewise.questions import FAMILIES, Question, QuestionsConfig, Rejection, to_sample
from wherewise.questions.verify import verify
from wherewise.samples.answer import Boolean, Number
from wherewise.scenes import Scene, SceneObject, Visibility


def _small(number: int, category: str, color: str, size: str, u: float) -> tuple[SceneObject, Visibility]:
    return dataclasses.replace(thing(number, category, color), attributes={"size": size}), seen(u, 150)


def test_absent_things_have_as_many_words_as_present_ones() -> None:
    scene = still(
        _small(1, "circle", "blue", "large", 50),
        _small(2, "square", "blue", "small", 150),
        _small(3, "circle", "yellow", "small", 250),
        (thing(4, "lamp"), seen(350, 150)),
    )
    labels: dict[bool, set[str]] = {True: set(), False: set()}
    config = QuestionsConfig(vocabulary=("bed",))
    for seed in range(200):
        question = FAMILIES["existence"](scene, random.Random(seed), config)
        if isinstance(question, Question) and isinstance(question.answer, Boolean):
            labels[question.answer.value].add(question.facts["label"])
            assert verify(to_sample(question, scene, (), number=0), scene) is None
    assert labels[True] == {"large blue circle", "small blue square", "small yellow circle", "lamp"}
    assert labels[False] == {
        "large blue square",
        "large yellow circle",
        "small blue circle",
        "small yellow square",
        "bed",
    }


def test_depth_is_ordered_without_metres_and_at_any_scale() -> None:
    """A scene whose unit is anything gives the same questions as one that is seven times as large."""
    scene = dataclasses.replace(room(4, "image"), units_known=False)
    asked = 0
    for task in ("front_behind", "camera_distance", "depth_order", "relation_check"):
        for seed in range(20):
            one, other = (
                FAMILIES[task](each, random.Random(seed), QuestionsConfig()) for each in (scene, scaled(scene, 7.0))
            )
            if isinstance(one, Question) and isinstance(other, Question):
                assert (one.text, one.answer, one.options) == (other.text, other.answer, other.options)
                assert one.reckoning is None
                assert verify(to_sample(one, scene, (), number=0), scene) is None
                asked += 1
            else:
                assert one == other
    assert asked > 20


def test_pictures_without_depth_give_no_order_of_depth() -> None:
    scene = dataclasses.replace(room(4, "image"), units_known=False)
    (view,) = scene.views
    flat = {name: dataclasses.replace(what, distance=None, distance_far=None) for name, what in view.visible.items()}
    scene = dataclasses.replace(scene, views=(dataclasses.replace(view, visible=flat),))
    for task in ("front_behind", "camera_distance", "depth_order"):
        assert FAMILIES[task](scene, random.Random(1), QuestionsConfig()) is Rejection.NO_UNITS


@pytest.mark.parametrize("tilt", [0.0, 6.0, 30.0])
def test_height_of_a_box_that_is_turned_in_space(tilt: float) -> None:
    """The box's first side stands upright, but for the tilt: 90 cm high, 60 and 40 cm on the floor."""
    cos, sin = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    box = dataclasses.replace(
        thing(1, "printer", size=(0.9, 0.4, 0.6)), axes=((sin, 0.0, cos), (0.0, 1.0, 0.0), (-cos, 0.0, sin))
    )
    scene = Scene(id="scan", objects=(box,), views=())
    config = QuestionsConfig(kinds=("number",), phrasings="one")
    found: dict[str, float] = {}
    for seed in range(40):
        question = FAMILIES["object_size"](scene, random.Random(seed), config)
        if isinstance(question, Question) and isinstance(question.answer, Number):
            found[question.facts["label"]] = question.answer.value
            assert verify(to_sample(question, scene, (), number=0), scene) is None
    assert found == ({"longest": 90.0, "height": 90.0, "width": 60.0} if tilt < 10 else {"longest": 90.0})


def test_nobody_is_asked_whether_a_cup_is_larger_than_a_wardrobe() -> None:
    sizes = ((0.1, 0.1, 0.1), (0.4, 0.4, 0.4), (0.6, 0.6, 0.6), (0.9, 0.9, 0.9), (2.4, 2.4, 2.4))
    things = [thing(i, f"thing{'abcde'[i]}", size=size) for i, size in enumerate(sizes)]
    scene = still(*((item, seen(40 + 80 * i, 150)) for i, item in enumerate(things)))
    named: set[str] = set()
    for seed in range(60):
        question = FAMILIES["size_order"](scene, random.Random(seed), QuestionsConfig())
        if isinstance(question, Question):
            named.update(question.focus)
    assert named == {"o1", "o2", "o3"}


def test_what_is_said_to_carry_has_room_on_top() -> None:
    table = thing(1, "table", size=(1.2, 0.8, 0.8), center=(0, 3, 0.4))
    vase = dataclasses.replace(thing(2, "vase", size=(0.2, 0.2, 0.3), center=(0, 3, 0.95)), support="o1")
    rest = (
        thing(3, "desk", size=(1.2, 0.6, 0.7), center=(2, 3, 0.35)),
        thing(4, "wardrobe", size=(1.2, 0.6, 2.0), center=(-2, 3, 1.0)),
        thing(5, "ball", size=(0.1, 0.1, 0.1), center=(-1, 2, 0.05)),
    )
    scene = still(*((item, seen(40 + 70 * i, 150)) for i, item in enumerate((table, vase, *rest))))
    options: set[str] = set()
    for seed in range(60):
        question = FAMILIES["support"](scene, random.Random(seed), QuestionsConfig(kinds=("choice",)))
        if isinstance(question, Question) and "vase" in question.text:
            options.update(question.options)
    assert options == {"table", "desk", "floor"}
