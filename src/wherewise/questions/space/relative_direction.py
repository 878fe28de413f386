"""Standing at A and facing B, where is C? (VSI-Bench: relative direction, easy, medium and hard)."""

from __future__ import annotations

import random
from collections.abc import Sequence

from wherewise.questions.asking import choose, pick_kind, shuffled, side_cues
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import bearing, corners, flat_distance, heading
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import draw_known
from wherewise.scenes import Scene, SceneObject

EASY = (
    "If I am standing by the {a} and facing the {b}, is the {c} to the left or the right of the {b}?",
    "Someone stands at the {a} and looks at the {b}. Is the {c} to their left or to their right?",
)
MEDIUM = (
    "If I am standing by the {a} and facing the {b}, is the {c} to my left, right, or back? "
    "An object is to my back if I would have to turn at least 135 degrees in order to face it.",
    "Someone stands at the {a} and looks at the {b}. Is the {c} to their left, to their right, or at their back, "
    "which means a turn of 135 degrees or more to face it?",
)
HARD = (
    "If I am standing by the {a} and facing the {b}, is the {c} to my front-left, front-right, back-left, or "
    "back-right?",
    "Someone stands at the {a} and looks at the {b}. In which of the four quadrants is the {c}: front-left, "
    "front-right, back-left, or back-right?",
)
LEFT_RIGHT = ("left", "right")
SIDES = ("left", "right", "back")
QUADRANTS = ("front-left", "front-right", "back-left", "back-right")
BORDERS: dict[tuple[str, ...], tuple[float, ...]] = {
    LEFT_RIGHT: (0.0, 180.0),
    SIDES: (0.0, 135.0, -135.0),
    QUADRANTS: (0.0, 90.0, 180.0, -90.0),
}
"""Angles to the left of the line of sight at which the answer changes."""


def sector(angle: float, words: Sequence[str]) -> str:
    """The word for an angle to the left of the line of sight, in degrees."""
    side = "left" if angle > 0 else "right"
    if tuple(words) == LEFT_RIGHT:
        return side
    if tuple(words) == SIDES:
        return "back" if abs(angle) >= 135 else side
    return f"{'front' if abs(angle) < 90 else 'back'}-{side}"


def direction(
    a: SceneObject, b: SceneObject, c: SceneObject, words: tuple[str, ...], config: QuestionsConfig
) -> tuple[str, float] | Rejection:
    """The word for C seen from A facing B, and the angle to the left of the line of sight."""
    margins = config.margins
    pairs = ((a, b), (a, c), (b, c))
    if not all(margins.direction_near <= flat_distance(p, q) <= margins.direction_far for p, q in pairs):
        return Rejection.MARGIN_DISTANCE
    sight = heading(a.center[:2], b.center[:2])
    angle = bearing(heading(a.center[:2], c.center[:2]), sight)
    if any(abs(bearing(angle, border)) < margins.direction_angle for border in BORDERS[words]):
        return Rejection.MARGIN_DIRECTION
    word = sector(angle, words)
    spots = [bearing(heading(a.center[:2], corner[:2]), sight) for corner in corners(c)]
    if sum(sector(spot, words) != word for spot in spots) > margins.corner_votes:
        return Rejection.MARGIN_DIRECTION
    return word, angle


def _ask(
    task: str,
    templates: tuple[str, ...],
    words: tuple[str, ...],
    scene: Scene,
    rng: random.Random,
    config: QuestionsConfig,
) -> Question | Rejection:
    if pick_kind(rng, config, ("choice",)) is None:
        return Rejection.ANSWER_KIND
    drawn = draw_known(scene, rng, config.margins, 3)
    if isinstance(drawn, Rejection):
        return drawn
    a, b, c = drawn
    found = direction(a, b, c, words, config)
    if isinstance(found, Rejection):
        return found
    word, angle = found
    side = "left" if angle > 0 else "right"
    return choose(
        task,
        phrase(templates, rng, config, a=a.label, b=b.label, c=c.label),
        shuffled(words, rng),
        word,
        words=words,
        cues={each: side_cues(each, a, b, c) for each in words},
        focus=(a.id, b.id, c.id),
        rationale=f"Standing at the {a.label} with the {b.label} straight ahead, the {c.label} is at the {word}.",
        reckoning=f"From the {a.label}, the {c.label} is {abs(angle):.0f} degrees to the {side} of the {b.label}.",
        facts={"angle": angle},
    )


def relative_direction_easy(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Left or right.

    Centres seen from above decide; all pairs are `direction_near` to `direction_far` apart, the direction is
    `direction_angle` away from every border, and at most `corner_votes` corners of C lie in another sector.
    """
    return _ask("relative_direction_easy", EASY, LEFT_RIGHT, scene, rng, config)


def relative_direction_medium(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Left, right, or back (a turn of 135 degrees or more); margins as for the easy level."""
    return _ask("relative_direction_medium", MEDIUM, SIDES, scene, rng, config)


def relative_direction_hard(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """One of four quadrants; margins as for the easy level, at both borders of the quadrant."""
    return _ask("relative_direction_hard", HARD, QUADRANTS, scene, rng, config)
