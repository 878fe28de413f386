"""SpaceR's map reward (``OuyangKun10/SpaceR``: ``SG-RLVR.py`` with ``extract_map.py``)."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from wherewise.rewards.base import Completion
from wherewise.rewards.legacy.entry import LegacyReward, Params
from wherewise.rewards.legacy.from_samples import grid_map_of, lettered_answer
from wherewise.rewards.legacy.spatial_r1 import SpatialRow, answer_accuracy, answer_of, problem_type, truth_of
from wherewise.rewards.legacy.tags import first_block
from wherewise.rewards.score import Score
from wherewise.samples import Sample

GRID = 10
"""Cells along each side of the grid."""

Places = dict[str, list[tuple[int, int]]]
"""For each category its cells."""

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_KEY = re.compile(r"^[^\w\s]*([\w\s]+)[^\w\s]*$")
_WRAPPED = re.compile(r"^[<\[(]*(-?\d+(?:\.\d+)?)[>\])]*$")


class MapRow(SpatialRow):
    """A line of ``legacy.spatial_r1_map``."""

    cognitive_map: dict[str, list[list[int | float]]] = Field(
        description='write {"chair": [[x, y], ...]}, cells 0 to 9'
    )
    """The true map: category to cells ``[x, y]``."""
    problem_type: Literal["multiple choice", "numerical"] = Field(
        default="multiple choice", description="write multiple choice or numerical"
    )
    """How the answer is scored; only these two have a map."""


def _pair(value: Any) -> tuple[int, int] | None:
    """One cell out of what a reply may write for it: a pair, a pair in a list, or a text with two numbers."""
    if isinstance(value, str):
        value = _NUMBER.findall(value)[:2]
    if isinstance(value, (list, tuple)) and len(value) == 1 and isinstance(value[0], (list, tuple)):
        value = value[0]
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        return None
    numbers = []
    for item in value:
        if isinstance(item, str):
            wrapped = _WRAPPED.match(item.strip())
            if wrapped is None:
                return None
            item = float(wrapped[1])
        if not isinstance(item, (int, float)):
            return None
        numbers.append(int(item))
    return numbers[0], numbers[1]


def _from_table(table: Mapping[Any, Any], known: set[str]) -> Places:
    places: Places = {}
    for key, value in table.items():
        name = str(key).lower().strip()
        match = _KEY.match(name)
        name = match[1].strip() if match else name
        if name not in known:
            continue
        cells = [_pair(item) for item in value] if isinstance(value, list) else [_pair(value)]
        found = [cell for cell in cells if cell is not None]
        if found:
            places.setdefault(name, []).extend(found)
    return places


def _from_text(text: str, names: Sequence[str]) -> Places:
    """Numbers behind each category's name, in pairs; of overlapping names the one that reaches further counts."""
    spans = []
    for name in names:
        for match in re.finditer(rf"(?<![a-zA-Z]){re.escape(name)}(?![a-zA-Z])", text, re.IGNORECASE):
            spans.append((match.start(), -match.end(), name.lower()))
    kept: list[tuple[int, int, str]] = []
    for start, minus_end, name in sorted(spans, key=lambda span: span[:2]):
        if kept and start < kept[-1][1]:
            if -minus_end > kept[-1][1]:
                kept[-1] = (start, -minus_end, name)
            continue
        kept.append((start, -minus_end, name))
    places: Places = {}
    for i, (_, end, name) in enumerate(kept):
        upto = kept[i + 1][0] if i + 1 < len(kept) else len(text)
        numbers = [int(float(number)) for number in _NUMBER.findall(text[end:upto])]
        cells = list(zip(numbers[::2], numbers[1::2], strict=False))
        if cells:
            places.setdefault(name, []).extend(cells)
    return places


def read_map(text: str, names: Sequence[str]) -> Places:
    """The cells of the known categories that a map's text gives, by lower-case category.

    A Python literal of a dictionary (also as ``str{...}``) is taken as such; of any other text the numbers behind the
    names. Coordinates are cut to whole numbers.

    >>> read_map("{'Chair': [[1, 2.9]], 'cat': [[0, 0]]}", ["chair"]), read_map("chair at 1, 2; lamp (3,4)", ["lamp"])
    ({'chair': [(1, 2)]}, {'lamp': [(3, 4)]})

    Raises:
        OverflowError: A coordinate is infinite.
        ValueError: A coordinate is NaN.
    """
    names = [name for name in names if name]
    text = text.strip()
    literal = text
    if text.startswith("str{") and text.endswith("}"):
        inner = text[4:-1].strip()
        literal = inner if inner.startswith("{") and inner.endswith("}") else text
    if not text or not names:
        return {}
    if literal.startswith("{") and literal.endswith("}"):
        try:
            table = ast.literal_eval(literal)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            table = None
        if isinstance(table, dict):
            return _from_table(table, {name.lower() for name in names})
    return _from_text(text, names)


def map_score(
    predicted: Mapping[str, Sequence[Sequence[float]]], truth: Mapping[str, Sequence[Sequence[float]]]
) -> float:
    """Mean over the true cells' categories, weighted by their number of cells.

    A category: cells matched greedily, closest pair first, each pair ``max(0, 1 - distance / (10 sqrt 2))``, over the
    larger of both numbers of cells. Categories that aren't true cost nothing. Two empty maps are 1.

    Raises:
        TypeError: The true map has categories without any cell and the predicted one has cells.
    """
    total = sum(map(len, truth.values()))
    if not total:
        if predicted:
            raise TypeError("the seed's code fails where the truth has no cells and the prediction does")
        return 1.0
    earned = 0.0
    for name, gold in truth.items():
        ours = predicted.get(name, ())
        if not ours or not gold:
            continue
        pairs = sorted((math.dist(a, b), i, j) for i, a in enumerate(ours) for j, b in enumerate(gold))
        used_ours: set[int] = set()
        used_gold: set[int] = set()
        credit = 0.0
        for distance, i, j in pairs:
            if i not in used_ours and j not in used_gold:
                credit += max(0.0, 1 - distance / (GRID * math.sqrt(2)))
                used_ours.add(i)
                used_gold.add(j)
        earned += credit / max(len(ours), len(gold)) * len(gold)
    return earned / total


def with_map(row: MapRow, params: Params) -> Score:
    """Accuracy plus the map's score, if the answer is right (or its MRA above .5) and the reply has a ``<map>``.

    A map that scores 0 makes the whole reward 0. Accuracy is ``legacy.spatial_r1_accuracy``'s, the map's score
    `map_score` of `read_map`. Greatest value 2.

    Source: ``accuracy_reward`` of ``SG-RLVR.py``, ``calculate_prediction_score`` and ``extract_map_data`` of
    ``extract_map.py``. What is wrong with it: a bad map takes a right answer's reward away while no map keeps it; a
    guess in the middle of the grid earns about .7; the categories are given in the prompt, surplus ones cost nothing; a
    category with a capital letter in the data can never be met.

    Parts: ``accuracy``, ``map`` (0 where there is none).
    """
    right = answer_accuracy(answer_of(row.completion), truth_of(row.ground_truth), row.problem_type)
    parts = {"accuracy": right, "map": 0.0}
    earned = right == 1.0 if row.problem_type == "multiple choice" else right > 0.5
    if not earned or "<map>" not in row.completion or "</map>" not in row.completion:
        return Score(value=right, parts=parts, note="" if earned else "the answer is wrong: the map doesn't count")
    text = (first_block(row.completion, "map") or "").strip()
    try:
        parts["map"] = map_score(read_map(text, list(row.cognitive_map)), row.cognitive_map)
    except (OverflowError, TypeError, ValueError) as error:
        return Score(value=0.0, parts=parts, note=f"the seed's code counts 0 for an exception: {error}")
    if parts["map"] <= 0:
        return Score(value=0.0, parts=parts, note="a map that scores 0 takes the answer's reward away")
    return Score(value=right + parts["map"], parts=parts)


def _row_of(completion: Completion, sample: Sample) -> MapRow | str:
    truth, kind = grid_map_of(sample), problem_type(sample)
    if truth is None:
        return "it has no grid map"
    if kind != "multiple choice" and kind != "numerical":
        return f"an answer of kind {sample.answer.kind} has no map reward"
    return MapRow(
        completion=completion.text,
        ground_truth=lettered_answer(sample, "{letter}"),
        cognitive_map={name.lower(): [list(cell) for cell in cells] for name, cells in truth.cells},
        problem_type=kind,
    )


def _write(sample: Sample, think: str) -> str:
    truth = grid_map_of(sample)
    cells = {name.lower(): [list(cell) for cell in cells] for name, cells in truth.cells} if truth else {}
    drawn = f" <map>{cells}</map>" if cells else ""
    return f"<think>{think}{drawn}</think>\n<answer>{lettered_answer(sample, '{letter}')}</answer>"


REWARDS = (
    LegacyReward(
        name="legacy.spatial_r1_map",
        source="OuyangKun10/SpaceR: SpaceR-SG-RLVR/src/r1-v/src/open_r1/SG-RLVR.py, extract_map.py",
        summary="SpaceR: accuracy plus a grid map's score; a map that scores 0 erases both",
        row=MapRow,
        params=Params,
        score=with_map,
        row_of=_row_of,
        write=_write,
    ),
)
"""What this module adds to the legacy rewards."""
