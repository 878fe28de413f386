"""Where is A in space, in the camera's frame?"""

from __future__ import annotations

import math
import random

from wherewise.questions.asking import choose, pick_kind
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import upright_camera
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import draw
from wherewise.scenes import Scene, SceneObject

PLACE = (
    "In meters, with x to the right, y down and z forward from the camera, where is the center of the {a}?",
    "Give the 3D position (x right, y down, z forward from the camera, in meters) of the center of the {a}.",
)
BOX = (
    "Which 3D box encloses the {a}? Center as x right, y down, z forward from the camera, size as width x depth x "
    "height, in meters.",
    "In the camera's frame (x right, y down, z forward, meters), what is the center and size of the box "
    "(width x depth x height) that encloses the {a}?",
)


def _cues(text: str, thing: SceneObject) -> tuple[str, ...]:
    """What the numbers say: how far ahead and aside things usually are, and how large things of a kind."""
    place, _, sides = text.partition("), ")
    x, _, z = (float(value) for value in place.strip("()").split(", "))
    cues = [f"z{z:.1f}", f"z {round(z)}", f"z {round(z)} {thing.category}", f"x {x:.1f}", f"x {round(x)}"]
    cues += [f"xz {round(x)} {round(z)}", f"off {abs(x) > 0.6 * z}"]
    if sides:
        lengths = [float(value) for value in sides.split(" x ")]
        for name, value in zip(("width", "depth", "height"), lengths, strict=True):
            size = round(math.log(max(value, 0.01)) / math.log(1.3))
            cues += [f"{name} {size}", f"{name} {size} {thing.category}", f"{name} {value:.2f} {thing.category}"]
    return tuple(cues)


def box_3d(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Centre of an object's box in the camera's frame, with or without the box's size.

    Options lie on a grid around the truth, which is at a random corner of it: each is shifted along the line of sight,
    shifted across it, or scaled in size.
    """
    if pick_kind(rng, config, ("choice",)) is None:
        return Rejection.ANSWER_KIND
    if not scene.units_known:
        return Rejection.NO_UNITS
    drawn = draw(scene, rng, config.margins, 1)
    if isinstance(drawn, Rejection):
        return drawn
    view, (a,) = drawn
    if not upright_camera(view.camera) or a.object.axes is not None:
        return Rejection.MARGIN_DIRECTION
    center = view.camera.to_camera(a.object.center)
    if center[2] < 1.2:
        return Rejection.MARGIN_DISTANCE
    whole = rng.random() < 0.5
    # A square of options: truth at a random corner, so that no corner is likelier.
    along, across = rng.choice((-0.9, 0.9)), rng.choice((-0.8, 0.8))
    size = a.object.size
    scale = rng.choice((1.5, 1 / 1.5))
    options: list[str] = []
    for far in (0, 1):
        for other in (0, 1):
            place = (center[0] + (0.0 if whole else other * across), center[1], center[2] + far * along)
            sides = tuple(length * (scale if whole and other else 1.0) for length in size)
            if place[2] < 0.3:
                return Rejection.MARGIN_DISTANCE
            text = f"({place[0]:.1f}, {place[1]:.1f}, {place[2]:.1f})"
            options.append(f"{text}, {sides[0]:.2f} x {sides[1]:.2f} x {sides[2]:.2f}" if whole else text)
    truth = options[0]
    order = rng.sample(options, 4)
    if len(set(options)) < 4:
        return Rejection.NO_DISTRACTORS
    return choose(
        "box_3d",
        phrase(BOX if whole else PLACE, rng, config, a=a.name),
        order,
        truth,
        cues={text: _cues(text, a.object) for text in options},
        focus=(a.object.id,),
        rationale=f"The place of the {a.name} in the picture gives its direction, its size there its distance.",
        reckoning=f"The center of the {a.name} is {center[0]:.1f} m to the right, {center[1]:.1f} m down and "
        f"{center[2]:.1f} m forward.",
        facts={"label": "box" if whole else "place", "center": list(center), "size": list(size)},
    )
