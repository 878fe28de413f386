"""Multiples of the margin: known values, and no question that the families ask lies inside its margin."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from wherewise.questions import QuestionsConfig
from wherewise.questions.generate import candidates
from wherewise.reports.clearance import MEASURES, clearance
from wherewise.scenes.simulate import SimulateConfig, survey

MARGINS = QuestionsConfig().margins.model_dump()


@pytest.mark.parametrize(
    ("task", "facts", "expected"),
    [
        ("left_right", {"shift": -0.2}, 4.0),
        ("above_below", {"shift": 0.05}, 1.0),
        ("camera_distance", {"near": [3.0, 2.0]}, 5.0),
        ("front_behind", {"depths": [[1.0, 2.0], [2.0, 3.0]], "surfaces": [1.0, 1.3]}, 2.0),
        ("reference_distance", {"distances": [1.0, 0.7]}, 2.0),
        ("size", {"volumes": [1.44, 1.0], "longest": [1.2, 1.0]}, 1.0),
        ("relative_direction_easy", {"angle": -170.0}, 1.0),
        ("relative_direction_medium", {"angle": 120.0}, 1.5),
        ("relative_direction_hard", {"angle": 70.0}, 2.0),
        ("clock_direction", {"clockwise": 32.0}, 2.6),
        ("proximity", {"distance": 1.44, "asked": 1.0}, 2.0),
        ("appearance_order", {"times": [0.0, 4.0, 5.5]}, 1.5),
    ],
)
def test_known_multiples(task: str, facts: dict[str, object], expected: float) -> None:
    assert clearance(task, facts, MARGINS) == pytest.approx(expected)


def test_a_record_may_say_its_own_margin() -> None:
    assert clearance("mine", {"margin": 1.5}, {}) == 1.5
    assert clearance("mine", {"margin": float("nan")}, {}) is None


def test_nothing_is_made_up() -> None:
    assert clearance("left_right", {"shift": -0.2}, {}) is None
    assert clearance("left_right", {"other": 1}, MARGINS) is None
    assert clearance("left_right", {"shift": "far"}, MARGINS) is None
    assert clearance("left_right", {"shift": 0.2}, MARGINS | {"horizontal_gap": 0.0}) is None
    assert clearance("counting", {"count": 3}, MARGINS) is None


def test_no_asked_question_lies_inside_its_margin() -> None:
    config = QuestionsConfig(families=("all",))
    still = SimulateConfig(width=160, height=160, objects=(8, 14))
    found: Counter[str] = Counter()
    for index in range(3):
        scene = survey(still, 5, index)
        asked, _ = candidates(scene, families=config.families, rng=random.Random(index), config=config)
        for task, questions in asked.items():
            for question in questions:
                times = clearance(task, question.facts, MARGINS)
                if times is not None:
                    found[task] += 1
                    assert times >= 1, f"{task}: {question.text} {question.facts}"
    assert len(found) >= 10, found
    assert set(found) <= set(MEASURES)
