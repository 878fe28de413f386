"""From what was drawn to the `Scene` that is handed out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wherewise.scenes.scene import Camera, Door, Pose, Room, Scene, SceneObject, View, Visibility
from wherewise.scenes.simulate.capture import Shutter
from wherewise.scenes.simulate.config import SimulateConfig
from wherewise.scenes.simulate.fixtures import BUILT_IN
from wherewise.scenes.simulate.placement import FRONTED, Layout, Placed
from wherewise.scenes.simulate.plan import Cut, RoomPlan, along
from wherewise.scenes.simulate.render import Geometry
from wherewise.scenes.simulate.world import Solid


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Shot:
    """What one camera sees, without colours.

    Attributes:
        camera: The camera.
        geometry: The pinhole's view.
        seen: How each object with a visible pixel is seen, by its index; through the lens if there is one.
        layout: Where everything stands at that moment.
        solid: The same as shapes.
    """

    camera: Camera
    geometry: Geometry
    seen: Mapping[int, Visibility]
    layout: Layout
    solid: Solid


def describe(
    config: SimulateConfig, seed: int, index: int, layout: Layout, shots: Sequence[Shot], shutter: Shutter | None
) -> Scene:
    """The exact scene of a drawn room and what its cameras see."""
    names = [f"o{number}" for number in range(1, len(layout.placed) + 1)]
    objects = tuple(
        SceneObject(
            id=name,
            index=number,
            category=item.model.category,
            center=_center(item),
            size=item.model.size,
            yaw=item.yaw,
            color=item.color,
            support=None if item.support is None else names[item.support],
            asset=item.model.id,
            front=_front(item),
            attributes={} if item.word is None else {"size": item.word},
        )
        for number, (name, item) in enumerate(zip(names, layout.placed, strict=True), start=1)
    )
    views = tuple(
        View(
            camera=shot.camera,
            visible={names[number - 1]: shot.seen[number] for number in sorted(shot.seen)},
            time=number_of / config.fps if config.frames else 0.0,
            poses={
                name: Pose(center=_center(now), yaw=now.yaw)
                for name, item, now in zip(names, layout.placed, shot.layout.placed, strict=True)
                if (now.x, now.y, now.z, now.yaw) != (item.x, item.y, item.z, item.yaw)
            },
        )
        for number_of, shot in enumerate(shots)
    )
    facts: dict[str, Any] = {"index": index}
    if layout.plan is not None:
        facts["built_in"] = [n for n, i in zip(names, layout.placed, strict=True) if i.model.mount == BUILT_IN]
    if shutter is not None:
        facts["distortion"] = shutter.distortion
    outline, rooms, doors = _floor(layout)
    return Scene(
        id=f"simulate-{seed}-{index}",
        objects=objects,
        views=views,
        room=outline,
        height=layout.height,
        source="simulate",
        seed=seed,
        facts=facts,
        pictures=config.frames == 0 and len(views) > 1,
        rooms=rooms,
        doors=doors,
    )


def _center(item: Placed) -> tuple[float, float, float]:
    return item.x, item.y, item.z + item.model.size[2] / 2


def _front(item: Placed) -> tuple[float, float, float] | None:
    """The model's -y in the world, where its front is plain to see."""
    if item.model.category not in FRONTED:
        return None
    turn = math.radians(item.yaw)
    return math.sin(turn), -math.cos(turn), 0.0


def _floor(layout: Layout) -> tuple[tuple[tuple[float, float], ...], tuple[Room, ...], tuple[Door, ...]]:
    """Outline, rooms if there are several, and doors."""
    if layout.plan is None:
        x, y = layout.width / 2, layout.depth / 2
        return ((-x, -y), (x, -y), (x, y), (-x, y)), (), ()
    plan = layout.plan
    notches = tuple(notch for room in plan.rooms for notch in room.notches)
    outline = RoomPlan(name="", kind="", box=plan.bounds(), notches=notches).outline()
    rooms = tuple(Room(name=room.name, floor=room.outline()) for room in plan.rooms) if len(plan.rooms) > 1 else ()
    doors = []
    for index, room in enumerate(plan.rooms):
        for opening in room.openings:
            joined = (room.name,) if opening.other is None else (room.name, plan.rooms[opening.other].name)
            again = opening.other is not None and opening.other < index
            if opening.cut is not Cut.WINDOW and not again:
                way = opening.cut is Cut.DOORWAY
                doors.append(Door(ends=along(room, opening), rooms=joined, open=way))
    return outline, rooms, tuple(doors)
