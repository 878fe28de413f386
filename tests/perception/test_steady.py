"""A label must hold in every look; what only some looks find stays in doubt."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from painted import ColorDetector, paint

from wherewise.perception import Detection, Doubt, Picture, SortingConfig, sort_out
from wherewise.perception.steady import SteadyDetector

BOXES = {"red": (20, 30, 90, 120), "blue": (150, 60, 260, 200)}


class Fickle:
    """Says something else of a picture whose left half is brighter, and something of small pictures."""

    def __init__(self, plain: dict[str, float], mirrored: dict[str, float]) -> None:
        self.name, self.vocabulary, self.error = "fickle", ("dog", "cat", "cow"), 0.05
        self._said = plain, mirrored

    def detect(self, picture: Picture) -> list[Detection]:
        left, right = np.split(picture.mean(axis=(0, 2)), 2)
        said = self._said[0] if left.mean() >= right.mean() else self._said[1]
        box = (40.0, 20.0, 120.0, 100.0) if left.mean() >= right.mean() else (80.0, 20.0, 160.0, 100.0)
        return [Detection(label=label, score=score, box=box) for label, score in said.items()]


def lit() -> Picture:
    picture = np.full((120, 200, 3), 60, np.uint8)
    picture[:, :100] = 200
    return picture


def test_sure_things_keep_box_and_score() -> None:
    picture = paint(BOXES)
    plain = ColorDetector()
    steady = SteadyDetector(plain, looks=2)
    found = steady.detect(picture)
    assert plain.calls == 2
    assert [(each.label, each.box) for each in found] == [(e.label, e.box) for e in plain.detect(picture)]
    assert all(each.score == pytest.approx(0.9) for each in found)
    assert steady.vocabulary == plain.vocabulary
    assert steady.name != plain.name


def test_the_smaller_picture_gives_the_same_places() -> None:
    from wherewise.perception.steady import LOOKS

    picture = paint(BOXES, width=400, height=240)
    for look in LOOKS:
        found = {each.label: each.box for each in look(ColorDetector(), picture)}
        assert set(found) == {"apple", "cup"}
        assert found["apple"] == pytest.approx(BOXES["red"], abs=3)


@pytest.mark.parametrize(
    ("plain", "mirrored", "doubt"),
    [
        ({"dog": 0.6}, {"dog": 0.6}, None),
        ({"dog": 0.6}, {"dog": 0.6, "cat": 0.3}, Doubt.LABEL_AMBIGUOUS),
        ({"dog": 0.6}, {"dog": 0.6, "cat": 0.12}, None),
        ({"dog": 0.6}, {}, Doubt.LOW_SCORE),
        ({"dog": 0.6}, {"cow": 0.7}, Doubt.LOW_SCORE),
    ],
)
def test_a_rival_in_any_look_counts(plain: dict[str, float], mirrored: dict[str, float], doubt: Doubt | None) -> None:
    detector = SteadyDetector(Fickle(plain, mirrored), looks=2)
    things = sort_out(detector.detect(lit()), 200, 120, SortingConfig(), Counter())
    dog = next(thing for thing in things if thing.detection.label == "dog")
    assert dog.doubt is doubt or (doubt is Doubt.LOW_SCORE and dog.doubt is not None)
    named = {thing.detection.label for thing in things if thing.doubt is None}
    assert named == ({"dog"} if doubt is None else set())
    assert {thing.detection.label for thing in things} == set(plain) | set(mirrored), "nothing found may be absent"


def test_looks_are_two_or_three() -> None:
    with pytest.raises(ValueError, match="looks should be 2 to 3"):
        SteadyDetector(ColorDetector(), looks=4)
