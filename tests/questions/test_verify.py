from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from handmade import living_room, seen, tour

from wherewise.questions import Question, QuestionsConfig, ask, to_sample
from wherewise.questions.config import TASKS
from wherewise.questions.verify import check_scene, verify, verify_all
from wherewise.samples.answer import Boolean, Choice, Number
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
    assert set(tasks) == set(TASKS)


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
