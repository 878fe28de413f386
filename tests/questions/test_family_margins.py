"""Cases inside the margins are refused, with their reason."""

from __future__ import annotations

import dataclasses
import math
import random

import pytest
from handmade import thing
from handmade_rooms import camera, look, room

from wherewise.questions import FAMILIES, MarginsConfig, Question, QuestionsConfig, Rejection
from wherewise.scenes import Scene, SceneObject, View

LENIENT = MarginsConfig(min_fraction=0.1)
CONFIG = QuestionsConfig(phrasings="one", margins=LENIENT)


def results(task: str, scene: Scene, config: QuestionsConfig = CONFIG, times: int = 60) -> list[Question | Rejection]:
    return [FAMILIES[task](scene, random.Random(seed), config) for seed in range(times)]


def scan(*objects: SceneObject) -> Scene:
    return Scene(id="scan", objects=objects, views=())


def around(angle: float, size: float = 0.2) -> Scene:
    """A at the origin, B straight ahead (+x), C at an angle to the left of that; all 2 m from A."""
    c = (2 * math.cos(math.radians(angle)), 2 * math.sin(math.radians(angle)), 0.5)
    return scan(
        thing(1, "ball", center=(0.0, 0.0, 0.5), size=(0.2, 0.2, 0.2)),
        thing(2, "lamp", center=(2.0, 0.0, 0.5), size=(0.2, 0.2, 0.2)),
        thing(3, "sofa", center=c, size=(size, size, 0.5)),
    )


def from_ball(task: str, scene: Scene) -> set[str]:
    """Answers to where the sofa is, from the ball, facing the lamp."""
    start = ("If I am standing by the ball and facing the lamp",)
    return {q.key for q in results(task, scene, times=120) if isinstance(q, Question) and q.text.startswith(start)}


@pytest.mark.parametrize(
    ("task", "angle", "answer"),
    [
        ("relative_direction_easy", 9, None),
        ("relative_direction_easy", 15, "left"),
        ("relative_direction_easy", -15, "right"),
        ("relative_direction_easy", 171, None),
        ("relative_direction_easy", 165, "left"),
        ("relative_direction_medium", 120, "left"),
        ("relative_direction_medium", 130, None),
        ("relative_direction_medium", 150, "back"),
        ("relative_direction_medium", -150, "back"),
        ("relative_direction_medium", 175, "back"),
        ("relative_direction_medium", 5, None),
        ("relative_direction_hard", 85, None),
        ("relative_direction_hard", 95, None),
        ("relative_direction_hard", 75, "front-left"),
        ("relative_direction_hard", 105, "back-left"),
        ("relative_direction_hard", -105, "back-right"),
        ("relative_direction_hard", -175, None),
    ],
)
def test_directions_keep_ten_degrees_from_every_border(task: str, angle: float, answer: str | None) -> None:
    assert from_ball(task, around(angle)) == ({answer} if answer else set())


@pytest.mark.parametrize(("size", "asked"), [(0.6, True), (3.0, False)])
def test_corners_vote(size: float, asked: bool) -> None:
    # 25 degrees off straight ahead; a sofa of 3 m reaches far over the line of sight.
    assert bool(from_ball("relative_direction_easy", around(25, size))) is asked


@pytest.mark.parametrize(("away", "asked"), [(0.25, False), (1.0, True), (5.5, False)])
def test_directions_need_some_distance(away: float, asked: bool) -> None:
    scene = around(60)
    lamp = dataclasses.replace(scene.objects[1], center=(away, 0.0, 0.5))
    moved = dataclasses.replace(scene, objects=(scene.objects[0], lamp, scene.objects[2]))
    assert bool(from_ball("relative_direction_easy", moved)) is asked


@pytest.mark.parametrize(("gap", "asked"), [(0.1, False), (0.5, True), (11.0, False)])
def test_distances_are_neither_tiny_nor_huge(gap: float, asked: bool) -> None:
    scene = scan(
        thing(1, "ball", center=(0.0, 0.0, 0.5), size=(1, 1, 1)),
        thing(2, "lamp", center=(1.0 + gap, 0.0, 0.5), size=(1, 1, 1)),
    )
    assert any(isinstance(each, Question) for each in results("absolute_distance", scene)) is asked
    if not asked:
        assert set(results("absolute_distance", scene)) == {Rejection.MARGIN_DISTANCE}


@pytest.mark.parametrize(("second", "asked"), [(1.1, False), (1.3, True)])
def test_the_nearest_is_clearly_nearest(second: float, asked: bool) -> None:
    def at(number: int, name: str, x: float) -> SceneObject:
        return thing(number, name, center=(x, 0.0, 0.1), size=(0.2, 0.2, 0.2))

    scene = scan(at(1, "ball", 0.0), at(2, "lamp", 1.2), at(3, "sofa", -(0.2 + second)), at(4, "bed", 5.0))
    config = QuestionsConfig(phrasings="one", margins=MarginsConfig(reference_gap=0.2))
    texts = [q.text for q in results("relative_distance", scene, config, 200) if isinstance(q, Question)]
    assert any("closest to the ball" in text for text in texts) is asked


def test_room_size_needs_the_floor_in_view() -> None:
    scene = room(0, "image")
    near = dataclasses.replace(scene, views=(View(camera=camera((0.0, 3.0, 1.5), 90.0), visible={}),))
    assert FAMILIES["room_size"](look(near), random.Random(0), CONFIG) is Rejection.MARGIN_ROOM
    wide = dataclasses.replace(scene, views=(View(camera=camera((0.0, -2.0, 2.5), 90.0, -35, 120.0), visible={}),))
    assert isinstance(FAMILIES["room_size"](look(wide), random.Random(0), CONFIG), Question)


@pytest.mark.parametrize(
    ("step", "asked"), [((0.0, 0.2), False), ((0.0, 0.6), True), ((0.4, 0.6), False), ((0.2, 0.6), True)]
)
def test_camera_motion_has_a_main_direction(step: tuple[float, float], asked: bool) -> None:
    views = [
        View(camera=camera((step[0] * i, 0.5 + step[1] * i, 1.5), 90.0), visible={}, time=float(i)) for i in (0, 1)
    ]
    scene = look(dataclasses.replace(room(0, "image"), views=tuple(views)))
    drawn = FAMILIES["camera_motion"](scene, random.Random(0), CONFIG)
    assert isinstance(drawn, Question) if asked else drawn is Rejection.MARGIN_MOTION


@pytest.mark.parametrize(("turn", "asked"), [(10.0, False), (20.0, True), (160.0, False)])
def test_turns_between_pictures(turn: float, asked: bool) -> None:
    views = [View(camera=camera((0.0, 0.5, 1.5), 90.0 + turn * i), visible={}) for i in (0, 1)]
    scene = look(dataclasses.replace(room(0, "image"), views=tuple(views), pictures=True))
    config = QuestionsConfig(kinds=("choice",))
    drawn = FAMILIES["camera_turn"](scene, random.Random(0), config)
    assert isinstance(drawn, Question) if asked else drawn is Rejection.MARGIN_MOTION


@pytest.mark.parametrize("size", [30, 34, 200])
def test_robots_fit_or_not_by_a_margin(size: int) -> None:
    scene = scan(
        thing(1, "ball", center=(0.0, 0.0, 0.5), size=(1, 1, 1)),
        thing(2, "lamp", center=(1.0 + size / 100, 0.0, 0.5), size=(1, 1, 1)),
    )
    for question in results("fit", scene):
        if isinstance(question, Question):
            width = question.facts["width"]
            assert max(width / size, size / width) >= 1.2
            assert (question.key == "yes") == (width < size)


def test_hidden_things_are_hidden_by_the_only_one_that_can() -> None:
    front = thing(1, "crate", center=(0.0, 2.5, 0.4), size=(0.6, 0.4, 0.8))
    back = thing(2, "sofa", center=(0.3, 4.0, 0.5), size=(1.6, 0.6, 1.0))
    others = [
        thing(3, "lamp", center=(-1.6, 4.0, 0.5), size=(0.3, 0.3, 1.0)),
        thing(4, "ball", center=(2.2, 4.5, 0.3), size=(0.6, 0.6, 0.6)),
    ]
    scene = look(
        Scene(
            id="hidden",
            objects=(front, back, *others),
            views=(View(camera=camera((0.0, 0.0, 1.4), 90.0), visible={}),),
            room=((-3.0, 0.0), (3.0, 0.0), (3.0, 6.0), (-3.0, 6.0)),
        )
    )
    config = QuestionsConfig(phrasings="one", kinds=("choice",), margins=MarginsConfig(hidden_share=0.1))
    found = {q.text: q.key for q in results("occlusion", scene, config) if isinstance(q, Question)}
    assert found == {"Which object hides a part of the sofa?": "crate"}
    beside = dataclasses.replace(others[0], center=(0.9, 2.5, 0.5))
    crowded = look(dataclasses.replace(scene, objects=(front, back, beside, others[1])))
    found = {q.text for q in results("occlusion", crowded, config) if isinstance(q, Question)}
    assert "Which object hides a part of the sofa?" not in found


def test_times_keep_away_from_the_clips_ends() -> None:
    for seed in range(6):
        scene = room(seed, "video")
        end = scene.views[-1].time
        for drawn in results("timestamp", scene, times=10):
            if isinstance(drawn, Question):
                assert 0.5 <= drawn.facts["time"] <= end - 0.5


def test_namesakes_of_another_size_can_be_told_apart() -> None:
    small = dataclasses.replace(thing(1, "ball", center=(0.0, 0.0, 0.1)), attributes={"size": "small"})
    large = dataclasses.replace(thing(2, "ball", center=(3.0, 0.0, 0.1)), attributes={"size": "large"})
    found = [q for q in results("absolute_distance", scan(small, large)) if isinstance(q, Question)]
    assert found
    assert "the small ball" in found[0].text
    twins = scan(dataclasses.replace(small, attributes={}), dataclasses.replace(large, attributes={}))
    assert set(results("absolute_distance", twins)) == {Rejection.AMBIGUOUS_REFERENT}


def test_words_of_the_questions_themselves_are_no_names() -> None:
    scene = scan(thing(1, "camera", center=(0.0, 0.0, 0.1)), thing(2, "ball", center=(3.0, 0.0, 0.1)))
    assert set(results("absolute_distance", scene)) == {Rejection.AMBIGUOUS_REFERENT}


def test_routes_go_round_what_stands_in_the_way() -> None:
    corners = ((-3.0, 0.0), (3.0, 0.0), (3.0, 6.0), (-3.0, 6.0))
    names = ("ball", "lamp", "crate")
    places = ((-2.0, 1.0), (2.0, 1.0), (2.0, 5.0))
    items = [
        thing(i, n, center=(*p, 0.2), size=(0.3, 0.3, 0.4))
        for i, (n, p) in enumerate(zip(names, places, strict=True), 1)
    ]
    scene = Scene(id="open", objects=tuple(items), views=(), room=corners)
    found = {q.text: q.key for q in results("route_planning", scene, times=200) if isinstance(q, Question)}
    way = "navigate to the crate. You will perform the following actions"
    step = "Go forward until the lamp. 3. [please fill in] 4. Go forward until the crate."
    routes = {key for text, key in found.items() if "beginning at the ball" in text and way in text and step in text}
    assert routes == {"turn right, turn left"}  # facing the crate
    wall = thing(9, "sofa", center=(0.0, 1.5, 0.4), size=(0.2, 3.0, 0.8))
    blocked = dataclasses.replace(scene, objects=(*items, wall))
    found = {q.text: q.key for q in results("route_planning", blocked, times=200) if isinstance(q, Question)}
    assert not any(
        "beginning at the ball" in text and "1. [please fill in] 2. Go forward until the lamp." in text
        for text in found
    )
