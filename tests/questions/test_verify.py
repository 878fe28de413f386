from __future__ import annotations

import dataclasses
import itertools
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from handmade import living_room, seen, tour
from handmade_rooms import ROOMS, room

from wherewise.questions import Question, QuestionsConfig, ask, to_sample
from wherewise.questions.config import BASIC, TASKS
from wherewise.questions.generate import candidates
from wherewise.questions.verify import check_scene, verify, verify_all
from wherewise.samples.answer import Boolean, Box, Choice, GridMap, Number, Order, Point
from wherewise.samples.sample import Sample
from wherewise.scenes import Scene
from wherewise.scenes.codec import scene_from_record, scene_to_record
from wherewise.scenes.simulate import SimulateConfig, simulate

ALL = QuestionsConfig(per_scene=100, counting_answer="both", vocabulary=("piano", "bed", "cup"))


def samples_of(scene: Scene, seeds: int = 10) -> Iterator[Sample]:
    for seed in range(seeds):
        questions, _ = ask(scene, rng=random.Random(seed), config=ALL)
        for number, question in enumerate(questions):
            yield to_sample(question, scene, (), number=number)


def spoilt(sample: Sample) -> Sample:
    """The same sample with a wrong answer."""
    match sample.answer:
        case Boolean(value=value):
            return dataclasses.replace(sample, answer=Boolean(value=not value))
        case Number(value=value):
            return dataclasses.replace(sample, answer=Number(value=value + 1))
        case Choice() as choice:
            index = (choice.index + 1) % len(sample.options)
            return dataclasses.replace(sample, answer=Choice(letter="ABCD"[index], text=sample.options[index]))
        case Order(items=items):
            return dataclasses.replace(sample, answer=Order(items=items[::-1]))
        case Box(xyxy=(x1, y1, x2, y2)):
            return dataclasses.replace(sample, answer=Box(xyxy=(x1, y1, x2 + 3, y2)))
        case Point(xy=(x, y)):
            return dataclasses.replace(sample, answer=Point(xy=(x, y + 3)))
        case GridMap(size=size, cells=cells):
            moved = tuple((label, tuple((size - 1 - c, r) for c, r in places)) for label, places in cells)
            return dataclasses.replace(sample, answer=GridMap(size=size, cells=moved))
    raise AssertionError(sample.answer)


def test_right_answers_pass_and_wrong_ones_do_not() -> None:
    tasks = Counter[str]()
    for scene in (living_room(), tour()):
        for sample in samples_of(scene):
            assert verify(sample, scene) is None
            problem = verify(spoilt(sample), scene)
            assert problem is not None
            assert problem.sample == sample.id
            tasks[sample.task] += 1
    assert set(tasks) == set(BASIC)


def test_facts_are_not_believed() -> None:
    scene = living_room()
    for sample in samples_of(scene, 2):
        assert verify(dataclasses.replace(sample, facts={}), scene) is None


def test_a_swapped_scene_is_noticed() -> None:
    scene = living_room()
    (view,) = scene.views
    swapped = dict(view.visible)
    swapped["o1"], swapped["o2"] = swapped["o2"], swapped["o1"]
    other = dataclasses.replace(scene, views=(dataclasses.replace(view, visible=swapped),))
    count, problems = verify_all((s for s in samples_of(scene, 3)), {scene.id: other})
    assert count > len(problems) > 0
    assert {problem.task for problem in problems} >= {"left_right", "camera_distance"}


def test_missing_scenes_and_unknown_tasks_are_disagreements() -> None:
    sample = next(samples_of(living_room(), 1))
    assert verify_all([sample], {})[1][0].problem.startswith("no scene")
    strange = verify(dataclasses.replace(sample, task="smell"), living_room())
    assert strange is not None
    assert "smell" in strange.problem
    other = verify(dataclasses.replace(sample, group="elsewhere"), living_room())
    assert other is not None


def test_ambiguous_words_are_a_disagreement() -> None:
    scene = living_room()
    sample = next(s for s in samples_of(scene, 5) if s.task == "left_right" and "red chair" in s.question)
    twin = dataclasses.replace(scene.objects[0], id="o9", index=9)
    (view,) = scene.views
    crowded = dataclasses.replace(
        scene,
        objects=(*scene.objects, twin),
        views=(dataclasses.replace(view, visible={**view.visible, "o9": seen(10, 10)}),),
    )
    problem = verify(sample, crowded)
    assert problem is not None
    assert "may mean 2 objects" in problem.problem


def _simulated(count: int, side: int) -> Iterator[tuple[Scene, list[Question]]]:
    config = SimulateConfig.model_validate({"width": side, "height": side})
    for index in range(count):
        scene = simulate(config, 11, index).scene
        yield scene, ask(scene, rng=random.Random(index), config=ALL)[0]


def _disagreements(wanted: int, side: int) -> tuple[int, list[str]]:
    problems: list[str] = []
    count = 0
    for scene, questions in _simulated(wanted, side):
        problems += check_scene(scene)
        stored = scene_from_record(scene_to_record(scene))
        assert stored == scene
        for number, question in enumerate(questions):
            problem = verify(to_sample(question, scene, (), number=number), stored)
            problems += [str(problem)] if problem else []
            count += 1
        if count >= wanted:
            break
    return count, problems


def test_simulated_answers_agree() -> None:
    count, problems = _disagreements(300, 160)
    assert count >= 300
    assert problems == []


@pytest.mark.slow
def test_ten_thousand_simulated_answers_agree() -> None:
    count, problems = _disagreements(10_000, 224)
    assert count >= 10_000
    assert problems == []


def test_check_scene_notices_impossible_boxes_and_distances() -> None:
    scene = simulate(SimulateConfig.model_validate({"width": 128, "height": 128}), 11, 0).scene
    assert check_scene(scene) == []
    (view,) = scene.views
    name, what = max(view.visible.items(), key=lambda item: item[1].pixels)
    assert what.box is not None
    assert what.distance is not None
    for wrong in (
        dataclasses.replace(what, distance=what.distance + 10),
        dataclasses.replace(what, box=(what.box[0] - 60, what.box[1], what.box[2] + 60, what.box[3])),
    ):
        broken = dataclasses.replace(scene, views=(dataclasses.replace(view, visible={**view.visible, name: wrong}),))
        assert len(check_scene(broken)) == 1


EVERYTHING = QuestionsConfig(families=("all",), attempts=3, vocabulary=("piano", "bed", "cup"), counting_answer="both")


def _all_families(scene: Scene, seed: int, attempts: int = 3) -> Iterator[Sample]:
    config = EVERYTHING.model_copy(update={"attempts": attempts})
    found, _ = candidates(scene, families=config.families, rng=random.Random(seed), config=config)
    for task, questions in found.items():
        for number, question in enumerate(questions):
            assert question.task == task
            yield to_sample(question, scene, (), number=number)


def test_all_families_agree_on_handmade_rooms_and_no_wrong_answer_passes() -> None:
    tasks = Counter[str]()
    for seed in range(5):
        for kind in ROOMS:
            scene = room(seed, kind)
            assert check_scene(scene, pixels=3.0) == []
            for sample in _all_families(scene, seed):
                assert verify(sample, scene) is None
                assert verify(spoilt(sample), scene) is not None, sample
                tasks[sample.task] += 1
    assert set(tasks) >= set(TASKS) - {"view_order", "annotated_relation", "object_motion", "object_speed"}


def test_rare_families_agree() -> None:
    tasks = Counter[str]()
    rare = ("view_order", "annotated_relation", "object_motion", "object_speed", "room_order")
    for seed in range(40):
        for kind in ("image", "images", "moving", "tour"):
            scene = room(seed, kind)
            found, _ = candidates(scene, families=rare, rng=random.Random(seed), config=EVERYTHING)
            for questions in found.values():
                sample = to_sample(questions[0], scene, (), number=0)
                assert verify(sample, scene) is None
                assert verify(spoilt(sample), scene) is not None, sample
                tasks[sample.task] += 1
    assert set(tasks) == set(rare)


@pytest.mark.slow
def test_fifty_thousand_answers_of_all_families_agree() -> None:
    """Simulated stills and clips, the clips' frames as sets of pictures, and handmade rooms."""
    sizes: dict[str, dict[str, object]] = {
        "still": {"width": 192, "height": 160, "objects": [6, 12]},
        "clip": {"width": 128, "height": 112, "objects": [6, 12], "frames": 24, "fps": 3},
    }
    tasks = Counter[str]()
    problems: list[str] = []
    for index in itertools.count():
        rng = random.Random(index)
        scenes = [room(index, kind) for kind in ROOMS]
        for setting in sizes.values():
            scenes.append(simulate(SimulateConfig.model_validate(setting), 5, index).scene)
        clip = scenes[-1]
        chosen = sorted(rng.sample(range(len(clip.views)), rng.choice((2, 2, 3, 4))))
        views = tuple(clip.views[number] for number in chosen)
        scenes.append(dataclasses.replace(clip, id=f"{clip.id}-pictures", views=views, pictures=True))
        for scene in scenes:
            stored = scene_from_record(scene_to_record(scene))
            assert stored == scene
            for sample in _all_families(scene, index, attempts=6):
                problem = verify(sample, stored)
                problems += [str(problem)] if problem else []
                tasks[sample.task] += 1
        if tasks.total() >= 50_000:
            break
    assert problems == []
    assert set(tasks) == set(TASKS)
    print(dict(tasks))
