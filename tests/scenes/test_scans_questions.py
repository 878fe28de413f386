"""VSI questions about the real scans, each answer worked out again from the metadata file alone."""

from __future__ import annotations

import functools
import itertools
import json
import math
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from wherewise.questions import Question, QuestionsConfig
from wherewise.questions.generate import candidates
from wherewise.samples.answer import Choice, Number
from wherewise.scenes.scans import ScanFiles, Scans

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "vsi_meta"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the scene metadata of VSI-Bench are not in {FOLDER}")

Box = dict[str, Any]


@functools.cache
def asked() -> tuple[list[tuple[Question, dict[str, Any]]], Counter[str]]:
    """Every clear question of all scenes, with the raw entry of its scene, and the reasons of the others."""
    raw = {name: entry for path in FOLDER.glob("*.json") for name, entry in json.loads(path.read_text()).items()}
    config = QuestionsConfig(families=("vsi",), attempts=4)
    found, refused = [], Counter[str]()
    for item in Scans(files=ScanFiles(metadata=FOLDER)):
        rng = random.Random(item.scene.id)
        questions, why_not = candidates(item.scene, families=config.families, rng=rng, config=config)
        found += [(question, raw[item.key[1]]) for question in itertools.chain(*questions.values())]
        refused.update({str(reason): count for reason, count in why_not.items()})
    return found, refused


def of(task: str) -> list[tuple[Question, dict[str, Any]]]:
    return [(question, entry) for question, entry in asked()[0] if question.task == task]


def box(entry: dict[str, Any], name: str) -> Box:
    """The box in the file that an object's id means: category and place in its list."""
    category, _, number = name.rpartition("-")
    found: Box = entry["object_bbox"][category.replace("-", " ")][int(number)]
    return found


def value(question: Question) -> float:
    """The number that a question's answer says."""
    if isinstance(question.answer, Number):
        return question.answer.value
    assert isinstance(question.answer, Choice)
    return float(question.answer.text.split()[0])


def closest(first: Box, second: Box) -> float:
    """Distance of two boxes as a bounded least-squares problem over a point in each."""
    (c1, m1), (c2, m2) = (
        (np.array(b["centroid"]), np.array(b["normalizedAxes"]).reshape(3, 3).T * np.array(b["axesLengths"]) / 2)
        for b in (first, second)
    )
    matrix = np.concatenate([m1, -m2], axis=1)
    found = lsq_linear(matrix, c2 - c1, bounds=(-1, 1), method="bvls", tol=1e-14)
    return float(np.linalg.norm(matrix @ found.x - (c2 - c1)))


def test_every_type_is_asked_or_refused_for_a_reason() -> None:
    made = Counter(question.task for question, _ in asked()[0])
    assert all(made[task] >= 150 for task in ("object_count", "absolute_distance", "object_size"))
    assert made["relative_distance"] >= 50
    assert made["room_size"] == 238
    assert all(made[f"relative_direction_{level}"] >= 100 for level in ("easy", "medium", "hard"))
    assert made["route_planning"] == made["appearance_order"] == 0  # these need a floor plan, and camera poses
    assert asked()[1]["no_floor"] == 238
    assert asked()[1]["not_a_clip"] == 238


def test_counts_are_those_of_the_metadata() -> None:
    for question, entry in of("object_count"):
        category = question.focus[0].rpartition("-")[0].replace("-", " ")
        assert value(question) == entry["object_counts"][category] == len(entry["object_bbox"][category])


def test_room_sizes_are_those_of_the_metadata() -> None:
    for question, entry in of("room_size"):
        assert value(question) == round(entry["room_size"], 1)


def test_object_sizes_are_those_of_the_metadata() -> None:
    checked = 0
    for question, entry in of("object_size"):
        if "longest" in question.text.partition("?")[0] and "horizontal" not in question.text:
            assert value(question) == round(max(box(entry, question.focus[0])["axesLengths"]) * 100)
            checked += 1
    assert checked >= 100


def test_only_single_instances_are_named() -> None:
    for question, entry in asked()[0]:
        if question.task in ("object_count", "room_size"):
            continue
        for name in question.focus:
            category = name.rpartition("-")[0].replace("-", " ")
            assert len(entry["object_bbox"][category]) == 1


def test_absolute_distances_agree_with_a_quadratic_program() -> None:
    for question, entry in of("absolute_distance"):
        exact = closest(*(box(entry, name) for name in question.focus))
        assert 0.2 <= exact <= 10
        assert abs(value(question) - exact) <= 0.05 + 1e-6


def test_relative_distances_agree_with_a_quadratic_program() -> None:
    for question, entry in of("relative_distance"):
        reference, *rivals = question.focus
        distances = {name: closest(box(entry, name), box(entry, reference)) for name in rivals}
        ranked = sorted(rivals, key=lambda name: distances[name])
        assert isinstance(question.answer, Choice)
        assert question.answer.text == ranked[0].rpartition("-")[0].replace("-", " ")
        assert distances[ranked[0]] >= 0.15
        least = 0.30 if entry["room_size"] > 40 else 0.15
        assert distances[ranked[1]] - distances[ranked[0]] > least


def word_for(angle: float, level: str) -> str:
    """The answer for a turn to the left by `angle` degrees, written out again."""
    side = "left" if math.sin(math.radians(angle)) > 0 else "right"
    if level == "easy":
        return side
    if level == "medium":
        return "back" if math.cos(math.radians(angle)) <= math.cos(math.radians(135)) else side
    return ("front-" if math.cos(math.radians(angle)) > 0 else "back-") + side


BORDERS = {"easy": (0, 180), "medium": (0, 135, 225), "hard": (0, 90, 180, 270)}


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_directions_keep_ten_degrees_and_win_the_vote_of_the_corners(level: str) -> None:
    turn: Callable[[complex, complex], float] = lambda a, b: math.degrees(np.angle(b / a))  # noqa: E731
    for question, entry in of(f"relative_direction_{level}"):
        boxes = [box(entry, name) for name in question.focus]
        a, b, c = (complex(each["centroid"][0], each["centroid"][1]) for each in boxes)
        angle = turn(b - a, c - a)
        assert isinstance(question.answer, Choice)
        assert question.answer.text == word_for(angle, level)
        assert all(abs((angle - border + 180) % 360 - 180) >= 10 - 1e-9 for border in BORDERS[level])
        assert all(0.3 <= abs(p - q) <= 5 for p, q in ((a, b), (a, c), (b, c)))
        axes = np.array(boxes[2]["normalizedAxes"]).reshape(3, 3) * np.array(boxes[2]["axesLengths"])[:, None] / 2
        corners = [c + complex(*(np.array(signs) @ axes)[:2]) for signs in itertools.product((-1, 1), (-1, 1), (-1, 1))]
        votes = sum(word_for(turn(b - a, corner - a), level) != question.answer.text for corner in corners)
        assert votes <= 2
