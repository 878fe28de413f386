"""Which rooms the camera goes through."""

from __future__ import annotations

from wherewise.questions.geometry import border_gap, inside
from wherewise.questions.question import Rejection
from wherewise.questions.sight import frames
from wherewise.scenes import Scene

INDOORS = 0.3
"""The camera is in a room when it is so far inside its walls, in metres."""


def visits(scene: Scene) -> list[str] | Rejection:
    """Names of the rooms in which the camera is, in order, without repeats in a row."""
    views = frames(scene)
    if isinstance(views, Rejection):
        return views
    if not scene.units_known or not scene.rooms:
        return Rejection.NO_FLOOR
    seen: list[str] = []
    glimpsed: set[str] = set()
    for view in views:
        spot = view.camera.position[:2]
        for room in scene.rooms:
            if not inside(spot, room.floor):
                continue
            glimpsed.add(room.name)
            if border_gap(spot, room.floor) >= INDOORS and (not seen or seen[-1] != room.name):
                seen.append(room.name)
    return seen if glimpsed == set(seen) else Rejection.MARGIN_ROOM
