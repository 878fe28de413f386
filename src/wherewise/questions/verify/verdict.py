"""Stored answers against recomputed ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from wherewise.questions.verify import basic, clips, picture, space, views
from wherewise.questions.verify.case import Case, ClearSight, Found, Unreadable
from wherewise.samples.answer import Boolean, Box, Choice, GridMap, Number, Order, Point, Text
from wherewise.samples.sample import Sample
from wherewise.scenes import Scene

READERS: dict[str, Callable[[Case], Found]] = {
    **basic.READERS,
    **picture.READERS,
    **space.READERS,
    **views.READERS,
    **clips.READERS,
}
"""Task name to the check that recomputes its answer."""
HALF_STEPS: dict[str | None, float] = {
    "m": 0.05,
    "cm": 0.5,
    "s": 0.05,
    "degrees": 0.5,
    "cm/s": 0.5,
    "square meters": 0.05,
    None: 0.0,
}
"""Half of the last digit that is written in each unit."""
PIXELS = 1.0
"""Largest difference of a box or point, in pixels."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Disagreement:
    """A sample whose stored answer is not what the verifier finds.

    Attributes:
        sample: Id of the sample.
        task: Its task.
        problem: What differs, in words.
    """

    sample: str
    task: str
    problem: str


def verify(sample: Sample, scene: Scene, *, sight: ClearSight | None = None) -> Disagreement | None:
    """Recompute a sample's answer.

    Args:
        sample: The sample.
        scene: The scene that it was made from.
        sight: From when an object of a clip counts as having appeared; defaults where None.

    Returns:
        What is wrong, or None when stored and recomputed answers agree.
    """

    def wrong(problem: str) -> Disagreement:
        return Disagreement(sample=sample.id, task=sample.task, problem=problem)

    if sample.group != scene.id:
        return wrong(f"belongs to scene {sample.group!r}, not {scene.id!r}")
    if sample.task not in READERS:
        return wrong(f"no check is known for task {sample.task!r}")
    if isinstance(sample.answer, Choice):
        letter, text = sample.answer.letter, sample.answer.text
        if sample.options["ABCDEFGH".index(letter)] != text:
            return wrong(f"letter {letter} is not {text!r}")
    if isinstance(sample.answer, Text):
        return wrong(f"answers of kind {sample.answer.kind!r} are not checked")
    try:
        found = READERS[sample.task](Case(sample=sample, scene=scene, sight=sight or ClearSight()))
    except Unreadable as problem:
        return wrong(str(problem))
    if _agree(sample, found):
        return None
    return wrong(f"stored answer {_stored(sample)!r}, recomputed {found!r}: {sample.question}")


def _stored(sample: Sample) -> object:
    match sample.answer:
        case Choice(text=text):
            return text
        case Boolean(value=truth):
            return truth
        case Number(value=value, unit=unit):
            return f"{value:g}" if unit is None else f"{value:g} {unit}"
        case Order(items=items):
            return items
        case Box(xyxy=numbers) | Point(xy=numbers):
            return numbers
        case GridMap(cells=cells):
            return cells
    return sample.answer


def _agree(sample: Sample, found: Found) -> bool:
    match sample.answer:
        case Choice(text=text):
            if isinstance(found, float):
                return _is_nearest(text, sample.options, found)
            return found == text or (isinstance(found, tuple) and ", ".join(map(str, found)) == text)
        case Boolean(value=truth):
            return found is truth
        case Number(value=value, unit=unit):
            if unit not in HALF_STEPS or not isinstance(found, float):
                return False
            return abs(value - found) <= HALF_STEPS[unit] + 1e-6
        case Order(items=items):
            return found == items
        case Box(xyxy=numbers) | Point(xy=numbers):
            if not isinstance(found, tuple) or len(found) != len(numbers):
                return False
            return all(abs(float(str(a)) - b) <= PIXELS for a, b in zip(found, numbers, strict=True))
        case GridMap(cells=cells):
            return found == {label: list(places) for label, places in cells}
    return False


def _is_nearest(text: str, options: tuple[str, ...], value: float) -> bool:
    """Whether an option's number is the value, up to rounding, and nearer to it than any other option's."""
    numbers = {option: re.match(r"-?\d+(?:\.(\d+))?", option) for option in options}
    hit = numbers[text]
    if hit is None or any(each is None for each in numbers.values()):
        return False
    step = 0.5 * 10 ** -len(hit.group(1) or "")
    away = {option: abs(float(each.group()) - value) for option, each in numbers.items() if each is not None}
    return away[text] <= step + 1e-6 and away[text] == min(away.values())


def verify_all(
    samples: Iterable[Sample], scenes: Mapping[str, Scene], *, sight: ClearSight | None = None
) -> tuple[int, list[Disagreement]]:
    """Check many samples, see `verify`.

    Returns:
        How many were checked, and the disagreements; a sample without its scene counts as one.
    """
    found: list[Disagreement] = []
    count = 0
    for count, sample in enumerate(samples, start=1):  # noqa: B007
        if sample.group not in scenes:
            found.append(Disagreement(sample=sample.id, task=sample.task, problem=f"no scene {sample.group!r}"))
            continue
        problem = verify(sample, scenes[sample.group], sight=sight)
        if problem is not None:
            found.append(problem)
    return count, found
