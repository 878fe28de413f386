"""All families: what the table says of them, and what each asks of handmade scenes."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator

import pytest
from handmade import seen, still, thing
from handmade_rooms import ROOMS, camera, look, room

from wherewise.cli.main import run
from wherewise.questions import FAMILIES, TASKS, Question, QuestionsConfig, Rejection, to_sample
from wherewise.questions.catalogue import CATALOGUE, families_table, union_table
from wherewise.questions.config import BASIC, CLIPS, PICTURE, SETS, SPACE, VIEWS, MarginsConfig
from wherewise.questions.question import STRUCTURAL
from wherewise.questions.sight import Modality, modality
from wherewise.questions.verify.verdict import READERS
from wherewise.samples.answer import Boolean, Choice, GridMap, Number, Order
from wherewise.samples.validate import check_sample
from wherewise.scenes import Door, Pose, Relation, Room, Scene, View

CONFIG = QuestionsConfig(families=("all",), vocabulary=("piano", "bed", "cup"))
ONE = QuestionsConfig(phrasings="one")
SEEDS = {"view_order": 40, "annotated_relation": 30, "object_motion": 25, "object_speed": 20, "room_order": 20}


def asked_of(task: str, scene: Scene, config: QuestionsConfig = CONFIG, times: int = 4) -> list[Question]:
    found = []
    for number in range(times):
        drawn = FAMILIES[task](scene, random.Random(f"{task}/{scene.id}/{number}"), config)
        if isinstance(drawn, Question):
            found.append(drawn)
        elif drawn in STRUCTURAL:
            break
    return found


def rooms(task: str, least: int = 6) -> Iterator[Scene]:
    kinds = [kind for kind in ROOMS if _suits(kind, task)]
    for seed in range(SEEDS.get(task, least)):
        for kind in kinds:
            yield room(seed, kind)


def _suits(kind: str, task: str) -> bool:
    shown = {"image": Modality.IMAGE, "images": Modality.IMAGES, "changed": Modality.IMAGES}.get(kind, Modality.VIDEO)
    return shown in CATALOGUE[task].modalities


def answers(task: str, scene: Scene, config: QuestionsConfig = ONE, times: int = 60) -> dict[str, str]:
    """Question text to answer, over many draws."""
    return {question.text: question.key for question in asked_of(task, scene, config, times)}


def test_every_task_has_a_documented_family_a_row_and_a_check() -> None:
    assert tuple(FAMILIES) == TASKS == tuple(CATALOGUE)
    assert set(READERS) == set(TASKS)
    assert (*BASIC, *PICTURE, *SPACE, *VIEWS, *CLIPS) == TASKS
    assert all((family.__doc__ or "").strip() for family in FAMILIES.values())


def test_the_table_lists_modality_kinds_and_margins() -> None:
    lines = families_table(MarginsConfig(direction_angle=12)).splitlines()
    row = next(line for line in lines if "`relative_direction_hard`" in line)
    assert "| image, images, video | choice | direction_angle 12, " in row
    assert len([line for line in lines if "| `" in line]) == len(TASKS)
    for info in CATALOGUE.values():
        assert set(info.margins) <= set(MarginsConfig.model_fields)
    assert "| VSI route planning | `route_planning` |" in union_table()


def test_the_verb_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "families", "vsi"]) == 0
    printed = capsys.readouterr().out
    assert "`route_planning`" in printed
    assert "`left_right`" not in printed
    assert run(["data", "families", "vsj"]) == 2
    assert "did you mean 'vsi'" in capsys.readouterr().err


def test_sets_stand_for_families_and_basic_ones_are_the_default() -> None:
    assert QuestionsConfig().families == BASIC
    assert QuestionsConfig(families=("vsi", "left_right", "object_count")).families == (*SETS["vsi"], "left_right")
    assert QuestionsConfig(families=("all",)).families == TASKS
    assert all(set(tasks) <= set(TASKS) for tasks in SETS.values())


@pytest.mark.parametrize("task", [task for task in TASKS if task not in BASIC])
def test_each_family_asks_in_all_its_modalities_and_kinds(task: str) -> None:
    info = CATALOGUE[task]
    kinds: set[str] = set()
    shown: set[Modality] = set()
    config = CONFIG if task != "room_size" else CONFIG.model_copy(update={"margins": MarginsConfig(room_seen=0.2)})
    for scene in rooms(task):
        for number, question in enumerate(asked_of(task, scene, config)):
            kinds.add(question.answer.kind)
            shown.add(modality(scene))
            assert question.task == task
            assert question.key in question.cues
            assert not any(character.isdigit() for character in question.rationale), question.rationale
            if isinstance(question.answer, Choice):
                assert set(question.cues) == set(question.options)
                assert len(set(question.options)) == len(question.options) >= 2
            if isinstance(question.answer, Boolean):
                assert set(question.cues) == {"yes", "no"}
            if isinstance(question.answer, Number) and question.answer.unit is not None:
                assert question.answer.tolerance is not None
                assert question.reckoning is not None
            problems = [p for p in check_sample(to_sample(question, scene, (), number=number)) if p.field != "media"]
            assert problems == []
    assert kinds == set(info.kinds)
    assert shown == set(info.modalities)


def test_reasons_with_numbers_where_they_are_asked_for() -> None:
    scene = room(0, "image")
    question = next(q for q in asked_of("absolute_distance", scene, times=20))
    assert to_sample(question, scene, (), number=0).rationale == question.rationale
    metric = to_sample(question, scene, (), number=0, rationale="metric").rationale
    assert metric == question.reckoning
    assert metric is not None
    assert " m apart" in metric


@pytest.mark.parametrize("kind", ["choice", "number", "boolean", "order", "box", "point", "grid_map"])
def test_only_allowed_kinds_are_given(kind: str) -> None:
    config = QuestionsConfig.model_validate({"kinds": [kind]})
    for task, info in CATALOGUE.items():
        if task in BASIC:
            continue
        for shown in ("image", "changed", "video"):
            scene = room(3, shown)
            drawn = FAMILIES[task](scene, random.Random(1), config)
            assert not isinstance(drawn, Question) or drawn.answer.kind == kind
            assert kind in info.kinds or isinstance(drawn, Rejection)


def test_without_metres_only_what_the_picture_shows_is_asked() -> None:
    flat = [dataclasses.replace(room(seed, kind), units_known=False) for seed in range(3) for kind in ROOMS]
    asked = {task for scene in flat for task in TASKS if asked_of(task, scene)}
    assert asked >= {"left_right", "relation", "position_in_picture", "box_grounding", "temporal_order", "memory"}
    assert not asked & {task for task, info in CATALOGUE.items() if info.needs == "meters"}
    assert not asked & {"support", "height_above_floor", "fit", "route_planning", "floor_point", "room_size", "facing"}


def test_where_not_all_is_known_nothing_is_counted_or_missed() -> None:
    partial = [dataclasses.replace(room(seed, kind), complete=False) for seed in range(2) for kind in ROOMS]
    asked = {task for scene in partial for task in TASKS if asked_of(task, scene)}
    assert not asked & {"existence", "counting", "count_where", "object_count", "memory", "cumulative_count"}
    assert not asked & {"occlusion", "visible_share", "floor_point", "route_planning"}
    assert "left_right" in asked


def test_fields_that_a_scene_leaves_out_reject_with_their_reason() -> None:
    plain = still((thing(1, "chair", "red"), seen(80, 220)), (thing(2, "table"), seen(300, 160)))
    expected = {
        "facing": Rejection.NO_FRONT,
        "annotated_relation": Rejection.NO_RELATION,
        "object_moved": Rejection.NOT_PICTURES,
        "correspondence": Rejection.NOT_PICTURES,
        "timestamp": Rejection.NOT_A_CLIP,
        "camera_motion": Rejection.NOT_A_CLIP,
    }
    assert {task: FAMILIES[task](plain, random.Random(0), ONE) for task in expected} == expected
    clip = room(0, "video")
    expected = {
        "object_motion": Rejection.NO_MOTION,
        "object_speed": Rejection.NO_MOTION,
        "object_moved": Rejection.NO_MOTION,
        "object_change": Rejection.NO_MOTION,
        "rooms_visited": Rejection.NO_FLOOR,
        "relation": Rejection.NOT_A_STILL,
        "closest_view": Rejection.NOT_PICTURES,
    }
    assert {task: FAMILIES[task](clip, random.Random(0), ONE) for task in expected} == expected


# A room whose answers can be read off its numbers: the camera stands at the origin's wall and looks along +y.


def _study() -> Scene:
    chair = thing(1, "chair", "red", center=(-1.0, 3.0, 0.5), size=(0.5, 0.5, 1.0))
    table = thing(2, "table", center=(1.0, 4.0, 0.4), size=(1.2, 0.8, 0.8))
    vase = dataclasses.replace(thing(3, "vase", "blue", center=(1.0, 4.0, 1.05), size=(0.35, 0.35, 0.5)), support="o2")
    lamp = thing(4, "lamp", center=(-0.9, 5.4, 0.8), size=(0.3, 0.3, 1.6))
    chair = dataclasses.replace(chair, front=(1.0, 0.0, 0.0))
    scene = Scene(
        id="study",
        objects=(chair, table, vase, lamp),
        views=(View(camera=camera((0.0, 0.2, 1.4), 90.0), visible={}),),
        room=((-3.0, 0.0), (3.0, 0.0), (3.0, 6.0), (-3.0, 6.0)),
        height=2.5,
        relations=(Relation(subject="o3", predicate="on", object="o2"),),
    )
    return look(scene)


NUMBERS = QuestionsConfig(phrasings="one", kinds=("number", "boolean", "order", "box", "point", "grid_map"))
CHOICES = QuestionsConfig(phrasings="one", kinds=("choice",))
LENIENT = MarginsConfig(min_fraction=0.2)


@pytest.mark.parametrize(
    ("task", "config", "question", "answer"),
    [
        ("relation", CHOICES, "Is the lamp left of, right of, above or below the table in the picture?", "left"),
        ("relation_check", NUMBERS, "Is the red chair closer to the camera than the lamp?", "yes"),
        ("relation_check", NUMBERS, "Is the lamp in front of the red chair?", "no"),
        ("annotated_relation", NUMBERS, "Is the blue vase under the table?", "no"),
        ("count_where", NUMBERS, "How many chairs are to the left of the table in the picture?", "1"),
        (
            "depth_order",
            NUMBERS,
            "Sort these by their distance from the camera, nearest first: the lamp, the red chair, the table.",
            "red chair, table, lamp",
        ),
        (
            "clock_direction",
            CHOICES,
            "Seen from above, 12 o'clock is the camera's viewing direction. From the red chair, at what hour does the "
            "lamp lie?",
            "12 o'clock",
        ),
        (
            "facing",
            CHOICES,
            "Which way does the front of the red chair point: towards the camera, away from it, to the left or to the "
            "right of the picture?",
            "right",
        ),
        ("facing", NUMBERS, "Does the red chair face the lamp?", "no"),
        (
            "action_consequence",
            CHOICES,
            "If the camera turned left by 60 degrees on the spot, where would the table be?",
            "outside the picture",
        ),
        ("object_count", NUMBERS, "How many chairs are there in the picture?", "1"),
        (
            "absolute_distance",
            NUMBERS,
            "Measuring from the closest point of each object, what is the distance between the red chair and the lamp, "
            "in meters?",
            "2 m",
        ),
        (
            "axis_distance",
            NUMBERS,
            "By how many meters is the top of the lamp higher than the top of the table?",
            "0.8 m",
        ),
        (
            "relative_distance",
            CHOICES,
            "Measuring from the closest point of each object, which of these objects (table, red chair, blue vase) is "
            "the closest to the lamp?",
            "table",
        ),
        (
            "object_size",
            NUMBERS,
            "What is the length of the longest dimension (length, width, or height) of the table, measured in "
            "centimeters?",
            "120 cm",
        ),
        ("object_size", NUMBERS, "How tall is the lamp, in centimeters?", "160 cm"),
        (
            "relative_direction_easy",
            CHOICES,
            "If I am standing by the red chair and facing the lamp, is the table to the left or the right of the lamp?",
            "right",
        ),
        (
            "relative_direction_hard",
            CHOICES,
            "If I am standing by the table and facing the red chair, is the lamp to my front-left, front-right, "
            "back-left, or back-right?",
            "front-right",
        ),
        (
            "perspective",
            CHOICES,
            "From the point of view of the red chair, looking the way its front points, is the lamp to the left or to "
            "the right?",
            "left",
        ),
        ("support", CHOICES, "What does the blue vase stand on?", "table"),
        (
            "height_above_floor",
            NUMBERS,
            "How high above the floor is the bottom of the blue vase, in centimeters?",
            "80 cm",
        ),
        (
            "fit",
            NUMBERS,
            "Is the gap between the red chair and the lamp wide enough for a robot that is 150 cm wide?",
            "yes",
        ),
        (
            "turn_towards",
            CHOICES,
            "From where the picture was taken, which way should the camera turn to have the table straight ahead: left "
            "or right?",
            "right",
        ),
    ],
)
def test_answers_that_can_be_read_off(task: str, config: QuestionsConfig, question: str, answer: str) -> None:
    config = config.model_copy(update={"margins": LENIENT})
    assert answers(task, _study(), config, times=400)[question] == answer


def test_a_map_has_the_far_end_on_top() -> None:
    config = QuestionsConfig(kinds=("grid_map",), margins=LENIENT)
    for question in asked_of("cognitive_map", _study(), config, times=40):
        assert isinstance(question.answer, GridMap)
        cells = dict(question.answer.cells)
        if {"lamp", "red chair"} <= set(cells):
            assert cells["lamp"][0][1] == 0
            assert cells["red chair"][0][1] == 9
        if {"table", "red chair"} <= set(cells):
            assert cells["red chair"][0][0] < cells["table"][0][0]


def _walk() -> Scene:
    """Two seconds straight ahead and to the left, past a thing that moves to the right and one that is taken away."""
    chair = thing(1, "chair", "red", center=(-1.6, 4.2, 0.5), size=(0.5, 0.5, 1.0))
    ball = thing(2, "ball", center=(-0.9, 3.5, 0.15), size=(0.3, 0.3, 0.3))
    crate = thing(3, "crate", "blue", center=(0.3, 4.8, 0.3), size=(0.6, 0.6, 0.6))
    views = tuple(
        View(
            camera=camera((0.0, 0.5 + 0.1 * i, 1.4), 90.0 + 2 * i),
            visible={},
            time=i / 4,
            poses={"o2": Pose(center=(-0.9 + 0.08 * i, 3.5, 0.15), yaw=0.0)},
            gone=("o3",) if i < 5 else (),
        )
        for i in range(11)
    )
    kitchen = Room(name="kitchen", floor=((-3.0, 0.0), (3.0, 0.0), (3.0, 1.0), (-3.0, 1.0)))
    hall = Room(name="hall", floor=((-3.0, 1.0), (3.0, 1.0), (3.0, 6.0), (-3.0, 6.0)))
    return look(
        Scene(
            id="walk",
            objects=(chair, ball, crate),
            views=views,
            room=((-3.0, 0.0), (3.0, 0.0), (3.0, 6.0), (-3.0, 6.0)),
            rooms=(kitchen, hall),
            doors=(Door(ends=((-1.0, 1.0), (1.0, 1.0)), rooms=("kitchen", "hall")),),
        )
    )


@pytest.mark.parametrize(
    ("task", "config", "question", "answer"),
    [
        (
            "camera_motion",
            CHOICES,
            "From the beginning to the end of the video, in which direction did the camera mainly move: forward, "
            "backward, left or right?",
            "forward",
        ),
        (
            "camera_turn",
            CHOICES,
            "From the beginning to the end of the video, did the camera turn to the left or to the right?",
            "left",
        ),
        (
            "camera_turn",
            NUMBERS,
            "From the beginning to the end of the video, by how many degrees did the camera turn to the left?",
            "20 degrees",
        ),
        (
            "camera_displacement",
            NUMBERS,
            "From the beginning to the end of the video, how far did the camera get from where it began, in meters?",
            "1 m",
        ),
        ("object_moved", NUMBERS, "Does the ball stand at the same place all the time?", "no"),
        ("object_moved", NUMBERS, "Does the red chair stand at the same place all the time?", "yes"),
        (
            "object_motion",
            CHOICES,
            "Seen from the camera in the first frame, in which direction does the ball mainly move: left, right, "
            "towards the camera or away from it?",
            "right",
        ),
        (
            "object_speed",
            NUMBERS,
            "What is the average speed of the ball over the whole video, in centimeters per second?",
            "32 cm/s",
        ),
        ("rooms_visited", NUMBERS, "How many different rooms does the camera go through in the video?", "2"),
        ("memory", NUMBERS, "Does a red chair appear in the video?", "yes"),
        ("timestamp", NUMBERS, "At how many seconds into the video does the blue crate first come into view?", "1.2 s"),
    ],
)
def test_answers_of_a_walk(task: str, config: QuestionsConfig, question: str, answer: str) -> None:
    assert answers(task, _walk(), config, times=100)[question] == answer


def test_rooms_in_the_order_of_the_walk() -> None:
    found = asked_of("room_order", _walk(), NUMBERS)
    assert {question.answer for question in found} == {Order(items=("kitchen", "hall"))}


def test_what_came_between_the_first_and_the_last_view() -> None:
    found = answers("object_change", _walk(), CHOICES)
    assert set(found.values()) == {"blue crate"}
    assert all("not there in the first" in text for text in found)


def test_scans_are_asked_by_their_metadata() -> None:
    scan = dataclasses.replace(
        room(1, "scan"), room=(), facts={"room_size": 23.4, "floor_known": False, "counts_differ": ["chair"]}
    )
    assert answers("room_size", scan, NUMBERS) == {
        "What is the size of this room, in square meters?": "23.4 square meters"
    }
    assert not any("chairs" in text for text in answers("object_count", scan, NUMBERS))
    assert FAMILIES["support"](scan, random.Random(0), ONE) is Rejection.NO_FLOOR
    assert FAMILIES["cognitive_map"](scan, random.Random(0), ONE) is Rejection.NO_VIEW
