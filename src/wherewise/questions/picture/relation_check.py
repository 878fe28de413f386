"""Does one of eight relations hold between A and B?"""

from __future__ import annotations

import random

from wherewise.questions.asking import decide, pick_kind
from wherewise.questions.config import MarginsConfig, QuestionsConfig
from wherewise.questions.geometry import depth_range, overlap_share
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.referring import Referent, depth_known, depth_margin, draw
from wherewise.scenes import Camera, Scene

TEMPLATES: dict[str, tuple[str, ...]] = {
    "left": ("Is the {a} to the left of the {b} in the picture?", "In the picture, is the {a} left of the {b}?"),
    "right": ("Is the {a} to the right of the {b} in the picture?", "In the picture, is the {a} right of the {b}?"),
    "above": ("Is the {a} above the {b} in the picture?", "In the picture, does the {a} appear above the {b}?"),
    "below": ("Is the {a} below the {b} in the picture?", "In the picture, does the {a} appear below the {b}?"),
    "in front": ("Is the {a} in front of the {b}?", "Seen from the camera, is the {a} in front of the {b}?"),
    "behind": ("Is the {a} behind the {b}?", "Seen from the camera, is the {a} behind the {b}?"),
    "closer": ("Is the {a} closer to the camera than the {b}?", "Is the {a} nearer to the camera than the {b}?"),
    "farther": ("Is the {a} farther from the camera than the {b}?", "Is the {a} more distant than the {b}?"),
}
OPPOSITE = {
    "left": "right",
    "right": "left",
    "above": "below",
    "below": "above",
    "in front": "behind",
    "behind": "in front",
    "closer": "farther",
    "farther": "closer",
}


def _plane(a: Referent, b: Referent, camera: Camera, margins: MarginsConfig, axis: int) -> str | None:
    size, least = ((camera.width, margins.horizontal_gap), (camera.height, margins.vertical_gap))[axis]
    shift = (a.center[axis] - b.center[axis]) / size
    shared = overlap_share((a.box[axis], a.box[axis + 2]), (b.box[axis], b.box[axis + 2]))
    agree = (a.box[axis] + a.box[axis + 2] < b.box[axis] + b.box[axis + 2]) == (shift < 0)
    if abs(shift) <= least or shared >= margins.max_overlap or not agree:
        return None
    return (("left", "right"), ("above", "below"))[axis][shift > 0]


def _depth(a: Referent, b: Referent, scene: Scene, margins: MarginsConfig) -> str | None:
    camera = scene.views[0].camera
    one, two = depth_range(camera, a.object), depth_range(camera, b.object)
    near = min(sum(one), sum(two)) / 2
    clear = abs(sum(one) - sum(two)) / 2 > depth_margin(scene, near, margins)
    if near <= 0 or not clear or (one[0] < two[0]) != (one[1] < two[1]) or (one[0] < two[0]) != (sum(one) < sum(two)):
        return None
    return "in front" if sum(one) < sum(two) else "behind"


def _range(a: Referent, b: Referent, scene: Scene, margins: MarginsConfig) -> str | None:
    if None in (a.seen.distance, b.seen.distance, a.seen.distance_far, b.seen.distance_far):
        return None
    near = (a.seen.distance or 0.0, b.seen.distance or 0.0)
    far = (a.seen.distance_far or 0.0, b.seen.distance_far or 0.0)
    clear = abs(near[0] - near[1]) > depth_margin(scene, min(near), margins)
    if not clear or (far[0] < far[1]) != (near[0] < near[1]):
        return None
    return "closer" if near[0] < near[1] else "farther"


def relation_check(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Left, right, above, below, in front, behind, closer, farther as yes/no questions.

    Each relation has the margins of the family that asks for it as a choice. No is the true opposite, never "neither".
    """
    if pick_kind(rng, config, ("boolean",)) is None:
        return Rejection.ANSWER_KIND
    drawn = draw(scene, rng, config.margins, 2)
    if isinstance(drawn, Rejection):
        return drawn
    view, (a, b) = drawn
    pairs = ("horizontal", "vertical", "depth", "range")
    pair = rng.choice(pairs if depth_known(scene) else pairs[:2])
    found: str | None
    if pair == "depth":
        found, reason = _depth(a, b, scene, config.margins), Rejection.MARGIN_DEPTH
    elif pair == "range":
        found, reason = _range(a, b, scene, config.margins), Rejection.MARGIN_DISTANCE
    elif pair == "vertical":
        found, reason = _plane(a, b, view.camera, config.margins, 1), Rejection.MARGIN_VERTICAL
    else:
        found, reason = _plane(a, b, view.camera, config.margins, 0), Rejection.MARGIN_HORIZONTAL
    if found is None:
        return reason
    asked = rng.choice((found, OPPOSITE[found]))
    ends = {"in front": "in front of", "closer": "closer than", "farther": "farther away than"}
    way = ends.get(found, f"{found} of" if pair == "horizontal" else found)
    first, second = (a, b) if asked in ("left", "above", "in front", "closer") else (b, a)
    return decide(
        "relation_check",
        phrase(TEMPLATES[asked], rng, config, a=a.name, b=b.name),
        asked == found,
        cues=(
            f"says {asked}",
            f"{pair}:{first.object.category}>{second.object.category}",
            f"{pair}+{first.object.category}",
            f"{pair}-{second.object.category}",
        ),
        focus=(a.object.id, b.object.id),
        rationale=f"The {a.name} is {way} the {b.name}.",
        facts={"label": pair, "subject": a.object.id, "object": b.object.id, "holds": found},
    )
