"""Where is everything, on a map seen from above?"""

from __future__ import annotations

import math
import random
from collections import defaultdict

from wherewise.questions.asking import pick_kind
from wherewise.questions.config import QuestionsConfig
from wherewise.questions.geometry import ahead, upright_camera
from wherewise.questions.question import Question, Rejection, phrase
from wherewise.questions.sight import Modality, draw_known, modality
from wherewise.samples.answer import GridMap, answer_text
from wherewise.scenes import Camera, Scene, SceneObject

TEMPLATES = (
    "Draw a map of the room from above on a {n} x {n} grid. Up on the map is {up}. The map just covers the centers of "
    "these objects: {x}. Give the cell of each.",
    "On a {n} x {n} grid seen from above, which just covers their centers, where are these objects: {x}? Up is {up}.",
)
UP: dict[Modality, str] = {
    Modality.IMAGE: "the way the camera looks",
    Modality.IMAGES: "the way the camera looks in the first picture",
    Modality.VIDEO: "the way the camera looks in the first frame",
}


def plan(things: list[SceneObject], camera: Camera, size: int) -> dict[str, tuple[int, int]]:
    """Cell ``(column, row)`` of each object's centre; row 0 is the far end, as the camera sees it."""
    angle = math.radians(ahead(camera) - 90)
    cos, sin = math.cos(angle), math.sin(angle)
    places = {t.id: (cos * t.center[0] + sin * t.center[1], -sin * t.center[0] + cos * t.center[1]) for t in things}
    xs, ys = zip(*places.values(), strict=True)
    side = max(max(xs) - min(xs), max(ys) - min(ys), 1e-6)
    left, top = (max(xs) + min(xs) - side) / 2, (max(ys) + min(ys) + side) / 2

    def cell(value: float) -> int:
        return min(size - 1, max(0, int(value / side * size)))

    return {name: (cell(x - left), cell(top - y)) for name, (x, y) in places.items()}


def cognitive_map(scene: Scene, rng: random.Random, config: QuestionsConfig) -> Question | Rejection:
    """Cells of three to six objects on a square map that just covers their centres.

    Up is the heading of the first view's camera. The objects span at least 1 m.
    """
    if pick_kind(rng, config, ("grid_map",)) is None:
        return Rejection.ANSWER_KIND
    if not scene.views:
        return Rejection.NO_VIEW
    drawn = draw_known(scene, rng, config.margins, rng.choice((3, 4, 5, 6)))
    if isinstance(drawn, Rejection):
        return drawn
    camera = scene.views[0].camera
    if not upright_camera(camera):
        return Rejection.MARGIN_DIRECTION
    if max(math.dist(a.center[:2], b.center[:2]) for a in drawn for b in drawn) < 1.0:
        return Rejection.MARGIN_DISTANCE
    size = config.margins.grid
    cells: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for name, cell in plan(drawn, camera, size).items():
        cells[scene.object(name).label].append(cell)
    answer = GridMap(size=size, cells=tuple((label, tuple(places)) for label, places in cells.items()))
    names = ", ".join(thing.label for thing in drawn)
    first = min(drawn, key=lambda thing: math.dist(thing.center[:2], camera.position[:2]))
    return Question(
        task="cognitive_map",
        text=phrase(TEMPLATES, rng, config, n=str(size), x=names, up=UP[modality(scene)]),
        answer=answer,
        focus=tuple(thing.id for thing in drawn),
        rationale=f"Seen from above, the {first.label} is nearest to where the camera stands first.",
        cues={answer_text(answer): ()},
        facts={"size": size},
        evidence=answer if modality(scene) is not Modality.IMAGE else None,
    )
