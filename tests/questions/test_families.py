from __future__ import annotations

import dataclasses
import random

import pytest
from handmade import clip, living_room, seen, still, thing

from wherewise.questions import FAMILIES, MarginsConfig, Question, QuestionsConfig, Rejection, ask
from wherewise.questions.config import BASIC
from wherewise.samples.answer import Boolean, Choice, Number
from wherewise.scenes import Scene, Visibility

ONE = QuestionsConfig(phrasings="one")


def drawn(task: str, scene: Scene, config: QuestionsConfig = ONE, times: int = 60) -> list[Question | Rejection]:
    return [FAMILIES[task](scene, random.Random(seed), config) for seed in range(times)]


def asked(task: str, scene: Scene, config: QuestionsConfig = ONE, times: int = 60) -> dict[str, str]:
    """Question text to answer."""
    return {q.text: q.key for q in drawn(task, scene, config, times) if isinstance(q, Question)}


def pair(
    first: Visibility, second: Visibility, one: dict[str, object] | None = None, two: dict[str, object] | None = None
) -> Scene:
    a = thing(1, "chair", "red", **(one or {}))  # type: ignore[arg-type]
    b = thing(2, "table", "blue", **(two or {}))  # type: ignore[arg-type]
    return still((a, first), (b, second))


def only(task: str, scene: Scene, config: QuestionsConfig = ONE) -> set[Rejection]:
    """The reasons, where nothing is asked."""
    results = drawn(task, scene, config, 10)
    assert all(isinstance(result, Rejection) for result in results)
    return {result for result in results if isinstance(result, Rejection)}


def test_left_right_in_both_orders() -> None:
    answers = asked("left_right", living_room())
    assert answers["Is the red chair to the left or to the right of the blue table?"] == "left"
    assert answers["Is the blue table to the left or to the right of the red chair?"] == "right"
    assert answers["Is the lamp to the left or to the right of the red chair?"] == "right"


def test_above_below() -> None:
    answers = asked("above_below", living_room())
    assert answers["Is the lamp above or below the blue table in the picture?"] == "above"
    assert answers["Is the green chair above or below the lamp in the picture?"] == "below"


def test_front_behind() -> None:
    answers = asked("front_behind", living_room())
    assert answers["Is the red chair in front of or behind the blue table?"] == "in front"
    assert answers["Is the lamp in front of or behind the green chair?"] == "behind"


def test_camera_distance() -> None:
    answers = asked("camera_distance", living_room(), times=200)
    assert answers["Which is closer to the camera, the blue table or the red chair?"] == "red chair"
    assert answers["Which is farther from the camera, the blue table or the red chair?"] == "blue table"


def test_reference_distance() -> None:
    answers = asked("reference_distance", living_room(), times=400)
    # chair (-1, 2) to table (1, 4): far; green chair (2, 3) to table: near
    assert answers["Which is closer to the blue table, the red chair or the green chair?"] == "green chair"
    assert answers["Which is farther from the blue table, the green chair or the red chair?"] == "red chair"


def test_size() -> None:
    answers = asked("size", living_room(), times=200)
    assert answers["Which is larger, the green chair or the red chair?"] == "green chair"
    assert answers["Which is smaller, the green chair or the red chair?"] == "red chair"


def test_counting_counts_a_category_whatever_its_colour() -> None:
    questions = [q for q in drawn("counting", living_room()) if isinstance(q, Question)]
    answers = {q.text: q for q in questions}
    chairs = answers["How many chairs are in the picture?"]
    assert chairs.answer == Number(value=2.0)
    assert chairs.focus == ("o1", "o4")  # left to right
    assert answers["How many lamps are in the picture?"].answer == Number(value=1.0)


def test_counting_as_choice_has_neighbouring_numbers() -> None:
    config = QuestionsConfig(counting_answer="choice", count_options=4)
    for question in drawn("counting", living_room(), config):
        assert isinstance(question, Question)
        values = [int(option) for option in question.options]
        assert values == list(range(values[0], values[0] + 4))
        assert values[0] >= 1
        assert isinstance(question.answer, Choice)


def test_existence_yes_and_no() -> None:
    scene = living_room()
    answers = asked("existence", scene, times=300)
    assert answers["Is there a red chair in the picture?"] == "yes"
    assert answers["Is there a blue chair in the picture?"] == "no"  # blue and chairs are there, a blue chair is not
    assert "Is there a red lamp in the picture?" not in answers  # the lamp has no nameable colour; it may pass for red
    labels = {thing.label for thing in scene.objects}
    for text, answer in answers.items():
        named = text.removeprefix("Is there a ").removesuffix(" in the picture?")
        assert (answer == "yes") == (named in labels)


def test_existence_asks_for_things_out_of_sight_and_of_the_vocabulary() -> None:
    scene = still((thing(1, "lamp"), seen(100, 100)), (thing(2, "bed"), None))
    config = QuestionsConfig(phrasings="one", vocabulary=("piano", "table lamp"))
    answers = asked("existence", scene, config)
    assert answers == {
        "Is there a lamp in the picture?": "yes",
        "Is there a bed in the picture?": "no",
        "Is there a piano in the picture?": "no",
    }  # a table lamp might be the lamp


def test_existence_balance_within_the_family() -> None:
    words = [q.key for q in drawn("existence", living_room(), times=400) if isinstance(q, Question)]
    assert 0.4 < words.count("yes") / len(words) < 0.6


@pytest.mark.parametrize(
    ("task", "scene", "reason"),
    [
        ("left_right", pair(seen(200, 100), seen(219, 200)), Rejection.MARGIN_HORIZONTAL),
        ("left_right", pair(seen(200, 100, width=100), seen(245, 200, width=100)), Rejection.MARGIN_HORIZONTAL),
        ("above_below", pair(seen(100, 100), seen(300, 114)), Rejection.MARGIN_VERTICAL),
        ("camera_distance", pair(seen(100, 100, near=1.0), seen(300, 100, near=1.14)), Rejection.MARGIN_DISTANCE),
        ("camera_distance", pair(seen(100, 100, near=4.0), seen(300, 100, near=4.39)), Rejection.MARGIN_DISTANCE),
        (
            "camera_distance",
            pair(seen(100, 100, near=2.0, far=5.0), seen(300, 100, near=3.0, far=3.5)),
            Rejection.MARGIN_DISTANCE,
        ),
        (
            "front_behind",
            pair(
                seen(100, 100, near=2.0), seen(300, 100, near=3.0), {"center": (0, 3, 0.5)}, {"center": (1, 3.1, 0.5)}
            ),
            Rejection.MARGIN_DEPTH,
        ),
        (
            "front_behind",  # nearer by its middle, but its visible surface is farther
            pair(seen(100, 100, near=4.0), seen(300, 100, near=3.0), {"center": (0, 3, 0.5)}, {"center": (1, 4, 0.5)}),
            Rejection.MARGIN_DEPTH,
        ),
        (
            "size",
            pair(seen(100, 100), seen(300, 100), {"size": (1.0, 1.0, 1.0)}, {"size": (1.0, 1.0, 1.19)}),
            Rejection.MARGIN_SIZE,
        ),
        (
            "size",  # more volume, but shorter
            pair(seen(100, 100), seen(300, 100), {"size": (1.0, 1.0, 1.0)}, {"size": (0.1, 0.1, 2.0)}),
            Rejection.MARGIN_SIZE,
        ),
        ("left_right", pair(seen(100, 100, pixels=300), seen(300, 100)), Rejection.TOO_SMALL),
        ("left_right", pair(seen(100, 100, fraction=0.29), seen(300, 100)), Rejection.HIDDEN),
        ("left_right", still((thing(1, "chair"), seen(100, 100))), Rejection.TOO_FEW_OBJECTS),
        ("existence", still(), Rejection.TOO_FEW_OBJECTS),
        ("appearance_order", living_room(), Rejection.NOT_A_CLIP),
    ],
)
def test_margins_reject(task: str, scene: Scene, reason: Rejection) -> None:
    assert only(task, scene) == {reason}


@pytest.mark.parametrize(
    ("task", "scene"),
    [
        ("left_right", pair(seen(200, 100), seen(221, 200))),
        ("above_below", pair(seen(100, 100), seen(300, 121))),
        ("camera_distance", pair(seen(100, 100, near=1.0, far=1.2), seen(300, 100, near=1.16))),
        (
            "size",
            pair(seen(100, 100), seen(300, 100), {"size": (1.0, 1.0, 1.0)}, {"size": (1.0, 1.0, 1.21)}),
        ),
    ],
)
def test_just_outside_a_margin_is_asked(task: str, scene: Scene) -> None:
    assert all(isinstance(result, Question) for result in drawn(task, scene, times=10))


def test_margins_can_be_changed() -> None:
    scene = pair(seen(200, 100), seen(215, 200))
    loose = QuestionsConfig(margins=MarginsConfig(horizontal_gap=0.01, max_overlap=0.9))
    assert only("left_right", scene) == {Rejection.MARGIN_HORIZONTAL}
    assert asked("left_right", scene, loose)


def test_line_overlap_asks_for_a_line_of_sight() -> None:
    config = QuestionsConfig(margins=MarginsConfig(line_overlap=0.2))
    scene = pair(seen(100, 100, near=2.0), seen(300, 100, near=4.0), {"center": (0, 2, 0.5)}, {"center": (1, 4, 0.5)})
    assert asked("front_behind", scene)
    assert only("front_behind", scene, config) == {Rejection.NO_LINE_OF_SIGHT}


def test_reference_distance_needs_more_in_large_rooms() -> None:
    a = thing(1, "chair", center=(0.0, 2.0, 0.5), size=(0.2, 0.2, 0.2))
    b = thing(2, "table", center=(2.2, 2.0, 0.5), size=(0.2, 0.2, 0.2))
    reference = thing(3, "lamp", center=(1.0, 2.0, 0.5), size=(0.2, 0.2, 0.2))
    scene = still((a, seen(50, 100)), (b, seen(350, 100)), (reference, seen(200, 100)))
    named = {text for text in asked("reference_distance", scene, times=200) if "to the lamp," in text}
    assert named
    large = dataclasses.replace(scene, room=((0.0, 0.0), (8.0, 0.0), (8.0, 6.0), (0.0, 6.0)))
    assert not {text for text in asked("reference_distance", large, times=200) if "to the lamp," in text}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("chair", "red"), ("chair", "red")),
        (("chair", None), ("chair", "red")),
        (("table", "red"), ("coffee table", "red")),
        (("chair", None), ("armchair", None)),
    ],
)
def test_ambiguous_names_are_refused(first: tuple[str, str | None], second: tuple[str, str | None]) -> None:
    scene = still((thing(1, *first), seen(100, 100)), (thing(2, *second), seen(300, 100)))
    assert only("left_right", scene) == {Rejection.AMBIGUOUS_REFERENT}


def test_one_pixel_of_a_namesake_makes_a_name_ambiguous() -> None:
    glimpsed = seen(10, 10, pixels=1)
    scene = still(
        (thing(1, "chair", "red"), seen(100, 100)),
        (thing(2, "table", "red"), seen(300, 100)),
        (thing(3, "chair", "red"), glimpsed),
    )
    assert not asked("left_right", scene)
    assert "How many chairs are in the picture?" not in asked("counting", scene)


def test_counting_refuses_what_might_pass_for_the_category() -> None:
    scene = still((thing(1, "table"), seen(100, 100)), (thing(2, "coffee table"), seen(300, 100)))
    assert only("counting", scene) == {Rejection.AMBIGUOUS_REFERENT}


def test_counting_range() -> None:
    config = QuestionsConfig(margins=MarginsConfig(count_min=2))
    scene = still((thing(1, "table"), seen(100, 100)))
    assert only("counting", scene, config) == {Rejection.COUNT_OUT_OF_RANGE}


def _appearing(*starts: int, frames: int = 20) -> Scene:
    names = (("chair", "red"), ("table", "blue"), ("lamp", None))
    return clip(*((thing(i, *names[i]), [0] * start + [2000] * (frames - start)) for i, start in enumerate(starts)))


def test_appearance_order_of_two() -> None:
    config = QuestionsConfig(phrasings="one", order_lengths=(2,))
    answers = asked("appearance_order", _appearing(2, 8), config)
    assert answers["Which appears first in the video, the red chair or the blue table?"] == "red chair"
    assert answers["Which appears later in the video, the red chair or the blue table?"] == "blue table"


def test_appearance_order_of_three() -> None:
    config = QuestionsConfig(order_lengths=(3,))
    for question in drawn("appearance_order", _appearing(9, 0, 14), config):
        assert isinstance(question, Question)
        assert question.key == "blue table, red chair, lamp"
        assert len(set(question.options)) == 4


@pytest.mark.parametrize("gap", [0, 2])
def test_appearances_too_close_in_time_are_refused(gap: int) -> None:
    config = QuestionsConfig(order_lengths=(2,))
    assert only("appearance_order", _appearing(4, 4 + gap), config) == {Rejection.MARGIN_TIME}


def test_a_glimpse_before_the_other_appeared_spoils_the_order() -> None:
    config = QuestionsConfig(order_lengths=(2,))
    early = [0] * 4 + [2000] * 16
    glimpsed = [0, 1] + [0] * 10 + [2000] * 8
    scene = clip((thing(1, "chair"), early), (thing(2, "lamp"), glimpsed))
    assert only("appearance_order", scene, config) == {Rejection.MARGIN_TIME}


def test_a_flicker_is_no_appearance() -> None:
    config = QuestionsConfig(order_lengths=(2,))
    flicker = [0, 0, 2000, 2000] + [0] * 16
    scene = clip((thing(1, "chair"), [2000] * 20), (thing(2, "lamp"), flicker))
    assert only("appearance_order", scene, config) == {Rejection.TOO_FEW_OBJECTS}


def test_still_families_refuse_clips() -> None:
    for task in set(BASIC) - {"appearance_order"}:
        assert only(task, _appearing(2, 8)) == {Rejection.NOT_A_STILL}


def test_ask_is_a_function_of_the_random_state() -> None:
    first, second = (ask(living_room(), rng=random.Random(5), per_scene=50) for _ in range(2))
    assert first == second
    questions, refused = first
    assert len(questions) > 10
    assert refused[Rejection.NOT_A_CLIP] == 1
    assert ask(living_room(), rng=random.Random(6), per_scene=50)[0] != questions


def test_ask_takes_families_in_turns_and_repeats_nothing() -> None:
    questions, refused = ask(living_room(), rng=random.Random(5), per_scene=7)
    assert len({question.task for question in questions}) == 7
    assert refused[Rejection.SURPLUS] > 0
    everything, _ = ask(living_room(), rng=random.Random(5), per_scene=100)
    assert len({(q.task, q.text) for q in everything}) == len(everything)
    only_left, _ = ask(living_room(), rng=random.Random(5), families=["left_right"])
    assert {question.task for question in only_left} == {"left_right"}


def test_answers_options_and_cues_agree() -> None:
    for task in BASIC:
        for question in drawn(task, living_room(), QuestionsConfig(counting_answer="both")):
            if isinstance(question, Rejection):
                continue
            assert question.key in question.cues
            if isinstance(question.answer, Choice):
                assert set(question.cues) == set(question.options)
                assert question.options[question.answer.index] == question.answer.text
            if isinstance(question.answer, Boolean):
                assert set(question.cues) == {"yes", "no"}


def test_rationales_have_no_numbers() -> None:
    for task in BASIC:
        for question in drawn(task, living_room()):
            if isinstance(question, Question):
                assert not any(character.isdigit() for character in question.rationale)


def _mirrored(scene: Scene) -> Scene:
    """The same scene seen in a mirror."""
    (view,) = scene.views
    width = view.camera.width

    def flip(what: Visibility) -> Visibility:
        assert what.box is not None
        assert what.center is not None
        x1, y1, x2, y2 = what.box
        return dataclasses.replace(
            what, box=(width - x2, y1, width - x1, y2), center=(width - what.center[0], what.center[1])
        )

    objects = tuple(
        dataclasses.replace(item, center=(-item.center[0], item.center[1], item.center[2]), yaw=-item.yaw)
        for item in scene.objects
    )
    visible = {name: flip(what) for name, what in view.visible.items()}
    return dataclasses.replace(scene, objects=objects, views=(dataclasses.replace(view, visible=visible),))


@pytest.mark.parametrize("task", [task for task in BASIC if task != "appearance_order"])
def test_a_mirror_swaps_left_and_right_and_nothing_else(task: str) -> None:
    swap = {"left": "right", "right": "left"} if task == "left_right" else {}
    before, after = (asked(task, scene, times=200) for scene in (living_room(), _mirrored(living_room())))
    assert before
    assert after == {text: swap.get(answer, answer) for text, answer in before.items()}
