"""In which part of the picture is A?"""

from __future__ import annotations

import random

from wherewise.questions.asking import choose, decide, pick_kind, word_cues
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import draw, referents
from wherewise.scenes import Scene, SceneObject

CHOICE = (
    "In which part of the picture is the {a}?",
    "Where in the picture is the {a}, if it is cut into three columns and three rows?",
)
CHECK = ("Is the {a} in the {p} part of the picture?", "Is the {a} found at the {p} of the picture?")
ROWS, COLUMNS = ("top", "middle", "bottom"), ("left", "center", "right")


def _words(column: int, row: int) -> str:
    return "center" if (column, row) == (1, 1) else f"{ROWS[row]} {COLUMNS[column]}"


def _others(column: int, row: int, choices: int, rng: random.Random) -> list[tuple[int, int]]:
    """Wrong ninths: the other corners of a rectangle of four, or any, so that none of the options stands out."""
    if choices < 4:
        rest = [(c, r) for c in range(3) for r in range(3) if (c, r) != (column, row)]
        return rng.sample(rest, choices - 1)
    across = rng.choice([c for c in range(3) if c != column])
    along = rng.choice([r for r in range(3) if r != row])
    return [(across, row), (column, along), (across, along)]


def _cues(word: str, thing: SceneObject) -> tuple[str, ...]:
    """A ninth as an answer, and its row and its column."""
    row, column = word.split(" ") if " " in word else ("middle", "center")
    return word_cues(word, thing) + word_cues(f"row {row}", thing) + word_cues(f"column {column}", thing)


def _cells(scene: Scene, config: QuestionsConfig) -> list[tuple[int, int]]:
    """The ninths of all things that can be named: a wrong place is asked for as often as things are there."""
    view = scene.views[0]
    size = (view.camera.width, view.camera.height)
    found = referents(scene, view, config.margins)[0]
    spots = [[min(2, int(3 * item.center[axis] / size[axis])) for axis in (0, 1)] for item in found]
    return [(spot[0], spot[1]) for spot in spots]


def position_in_picture(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """The ninth of the picture that holds the centroid of the visible pixels.

    The centroid must lie at least `third_border` away from the lines between the ninths, and so must the centre of the
    box, in the same ninth. The options are the corners of a rectangle of ninths. Asked for yes or no, the wrong ninth
    is one where another thing is.
    """
    kind = pick_kind(rng, config, ("choice", "boolean"))
    if kind is None:
        return Rejection.ANSWER_KIND
    drawn = draw(scene, rng, config.margins, 1)
    if isinstance(drawn, Rejection):
        return drawn
    view, (a,) = drawn
    size = (view.camera.width, view.camera.height)
    middle = [(a.box[axis] + a.box[axis + 2]) / 2 / size[axis] for axis in (0, 1)]
    place = [a.center[axis] / size[axis] for axis in (0, 1)]
    cells = [(int(place[axis] * 3), int(middle[axis] * 3)) for axis in (0, 1)]
    near_line = any(abs(share - line / 3) < config.margins.third_border for share in place for line in (1, 2))
    if near_line or any(one != two for one, two in cells):
        return Rejection.MARGIN_POSITION
    column, row = cells[0][0], cells[1][0]
    truth = _words(column, row)
    wrong = [_words(*cell) for cell in _others(column, row, config.choices, rng)]
    focus, rationale = (a.object.id,), f"The {a.name} is in the {truth} of the picture."
    facts = {"object": a.object.id, "center": list(a.center)}
    if kind == "boolean":
        holds = rng.random() < 0.5
        elsewhere = [_words(*cell) for cell in _cells(scene, config) if cell != (column, row)]
        asked = truth if holds else rng.choice(elsewhere or wrong)
        text = phrase(CHECK, rng, config, a=a.name, p=asked)
        return decide(
            "position_in_picture",
            text,
            holds,
            cues=(*_cues(asked, a.object), *word_cues("it", a.object)),
            focus=focus,
            rationale=rationale,
            facts=facts,
        )
    options = [truth, *wrong]
    rng.shuffle(options)
    return choose(
        "position_in_picture",
        phrase(CHOICE, rng, config, a=a.name),
        options,
        truth,
        cues={word: _cues(word, a.object) for word in options},
        focus=focus,
        rationale=rationale,
        facts=facts,
    )
