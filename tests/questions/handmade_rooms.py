"""Rooms with all that a scene can know, drawn from a seed: fronts, supports, rooms and doors, motion, several views.

What a camera sees is worked out from the corners of the boxes: the visible box is the cut projection of the corners,
pixels are its area less what nearer boxes cover.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import random
from collections.abc import Mapping, Sequence

from handmade import thing

from wherewise.scenes import Camera, Door, Pose, Relation, Room, Scene, SceneObject, View, Visibility

WIDTH, HEIGHT, FOCAL = 400, 300, 260.0
KITCHEN: tuple[tuple[float, float], ...] = ((-3.0, 0.0), (3.0, 0.0), (3.0, 6.0), (-3.0, 6.0))
STUDY: tuple[tuple[float, float], ...] = ((3.0, 0.0), (7.0, 0.0), (7.0, 6.0), (3.0, 6.0))
FRONTS = ("chair", "sofa", "bed", "television")
KINDS: tuple[tuple[str, tuple[float, float, float]], ...] = (
    ("chair", (0.5, 0.5, 0.9)),
    ("table", (1.2, 0.8, 0.75)),
    ("sofa", (1.8, 0.9, 0.8)),
    ("lamp", (0.3, 0.3, 1.5)),
    ("bed", (1.5, 2.0, 0.5)),
    ("plant", (0.4, 0.4, 0.8)),
    ("television", (0.9, 0.3, 0.6)),
    ("ball", (0.3, 0.3, 0.3)),
    ("stool", (0.35, 0.35, 0.45)),
    ("crate", (0.6, 0.4, 0.4)),
)
COLORS = ("red", "blue", "green", "white", None)


def camera(position: tuple[float, float, float], heading: float, pitch: float = -12.0, focal: float = FOCAL) -> Camera:
    """A camera that looks along a heading (degrees counter-clockwise from x), tilted up by `pitch` degrees."""
    h, p = math.radians(heading), math.radians(pitch)
    forward = (math.cos(h) * math.cos(p), math.sin(h) * math.cos(p), math.sin(p))
    right = (math.sin(h), -math.cos(h), 0.0)
    down = (
        forward[1] * right[2] - forward[2] * right[1],
        forward[2] * right[0] - forward[0] * right[2],
        forward[0] * right[1] - forward[1] * right[0],
    )
    return Camera(width=WIDTH, height=HEIGHT, focal=focal, position=position, rotation=(right, down, forward))


def corners(item: SceneObject) -> list[tuple[float, float, float]]:
    cos, sin = math.cos(math.radians(item.yaw)), math.sin(math.radians(item.yaw))
    w, d, h = (length / 2 for length in item.size)
    x, y, z = item.center
    return [(x + cos * u - sin * v, y + sin * u + cos * v, z + t) for u in (-w, w) for v in (-d, d) for t in (-h, h)]


def _nearest(item: SceneObject, place: tuple[float, float, float]) -> float:
    cos, sin = math.cos(math.radians(item.yaw)), math.sin(math.radians(item.yaw))
    dx, dy, dz = (place[i] - item.center[i] for i in range(3))
    local = (cos * dx + sin * dy, -sin * dx + cos * dy, dz)
    return math.sqrt(sum(max(0.0, abs(v) - s / 2) ** 2 for v, s in zip(local, item.size, strict=True)))


def seen_by(eye: Camera, objects: Sequence[SceneObject]) -> dict[str, Visibility]:
    """What a camera sees of some objects."""
    found: dict[str, tuple[SceneObject, tuple[float, ...], tuple[int, int, int, int], float]] = {}
    for item in objects:
        spots = [eye.project(corner) for corner in corners(item)]
        if any(spot is None for spot in spots):
            continue
        us, vs = zip(*(spot for spot in spots if spot is not None), strict=True)
        whole = (min(us), min(vs), max(us), max(vs))
        box = (
            max(0, math.ceil(whole[0])),
            max(0, math.ceil(whole[1])),
            min(eye.width, math.floor(whole[2])),
            min(eye.height, math.floor(whole[3])),
        )
        if box[2] - box[0] >= 2 and box[3] - box[1] >= 2:
            found[item.id] = (item, whole, box, _nearest(item, eye.position))
    visible: dict[str, Visibility] = {}
    for name, (item, whole, box, near) in found.items():
        area = (box[2] - box[0]) * (box[3] - box[1])
        covered = 0
        for other, (_, _, rival, closer) in found.items():
            if other != name and closer < near:
                wide = min(box[2], rival[2]) - max(box[0], rival[0])
                high = min(box[3], rival[3]) - max(box[1], rival[1])
                covered = max(covered, max(0, wide) * max(0, high))
        pixels = max(0, area - covered)
        if not pixels:
            continue
        visible[name] = Visibility(
            pixels=pixels,
            amodal_pixels=area,
            fraction=pixels / ((whole[2] - whole[0]) * (whole[3] - whole[1])),
            box=box,
            center=((box[0] + box[2]) / 2, (box[1] + box[3]) / 2),
            distance=near,
            distance_far=max(math.dist(corner, eye.position) for corner in corners(item)),
        )
    return visible


def look(scene: Scene) -> Scene:
    """The scene with what its cameras see, whatever they saw before."""
    views = []
    for view in scene.views:
        there = [
            dataclasses.replace(item, center=pose.center, yaw=pose.yaw) if (pose := view.poses.get(item.id)) else item
            for item in scene.objects
            if item.id not in view.gone
        ]
        views.append(dataclasses.replace(view, visible=seen_by(view.camera, there)))
    return dataclasses.replace(scene, views=tuple(views))


def _place(rng: random.Random, low: tuple[float, float], high: tuple[float, float], count: int) -> list[SceneObject]:
    objects: list[SceneObject] = []
    while len(objects) < count:
        category, size = rng.choice(KINDS)
        scale = rng.uniform(0.8, 1.25)
        size = (size[0] * scale, size[1] * scale, size[2] * scale)
        reach = math.hypot(size[0], size[1]) / 2
        x = rng.uniform(low[0] + reach, high[0] - reach)
        y = rng.uniform(low[1] + reach, high[1] - reach)
        if any(
            math.hypot(x - other.center[0], y - other.center[1]) < 0.1 + reach + math.hypot(*other.size[:2]) / 2
            for other in objects
        ):
            count -= rng.random() < 0.05
            continue
        yaw = rng.choice((0.0, 90.0, 180.0, rng.uniform(0, 360)))
        item = thing(
            len(objects) + 1,
            category,
            rng.choice(COLORS),
            center=(x, y, size[2] / 2),
            size=size,
            yaw=yaw,
        )
        if category in FRONTS:
            angle = math.radians(yaw - 90)
            item = dataclasses.replace(item, front=(math.cos(angle), math.sin(angle), 0.0))
        objects.append(item)
    return objects


def _topped(rng: random.Random, objects: list[SceneObject]) -> list[SceneObject]:
    """The objects with cups on the tables and a clock on the wall."""
    number = len(objects)
    found = list(objects)
    for item in objects:
        if item.category in ("table", "crate") and rng.random() < 0.7:
            number += 1
            size = (0.12, 0.12, rng.uniform(0.15, 0.3))
            top = item.center[2] + item.size[2] / 2
            found.append(
                dataclasses.replace(
                    thing(number, "vase", rng.choice(COLORS), center=(*item.center[:2], top + size[2] / 2), size=size),
                    support=item.id,
                )
            )
    return found


def room(seed: int, kind: str = "image") -> Scene:
    """A random room.

    Args:
        seed: Seed.
        kind: ``image``, ``images``, ``video``, ``moving`` (a clip in which one thing moves and one goes), ``changed``
            (the same in two pictures), ``tour`` (through two rooms), or ``scan`` (no views).
    """
    rng = random.Random(f"{kind}/{seed}")
    objects = _topped(rng, _place(rng, (-2.9, 1.6), (2.9, 5.9), rng.randint(6, 9)))
    views: list[View] = []
    rooms: tuple[Room, ...] = ()
    doors: tuple[Door, ...] = ()
    outline = KITCHEN
    if kind == "image":
        views = [View(camera=camera((rng.uniform(-1, 1), 0.3, 1.6), 90 + rng.uniform(-15, 15)), visible={})]
    elif kind in ("images", "changed"):
        for _ in range(2 if kind == "changed" else rng.choice((2, 2, 3, 4))):
            spot = (rng.uniform(-2, 2), rng.uniform(0.2, 1.2), rng.uniform(1.4, 1.7))
            views.append(View(camera=camera(spot, 90 + rng.uniform(-40, 40)), visible={}))
    elif kind in ("video", "moving"):
        start, turn = 90 + rng.uniform(-60, 60), rng.uniform(-90, 90) * (kind == "video")
        go = (rng.uniform(-1, 1), rng.uniform(-0.3, 0.5))
        for i in range(20):
            t = i / 19
            spot = (go[0] * t, 0.8 + go[1] * t, 1.5)
            views.append(View(camera=camera(spot, start + turn * t), visible={}, time=i / 2))
    elif kind == "tour":
        more = _place(rng, (3.6, 1.6), (6.9, 5.9), 3)
        number = len(objects)
        moved = [dataclasses.replace(m, id=f"o{number + i}", index=number + i) for i, m in enumerate(more, start=1)]
        objects = [*objects, *moved]
        rooms = (Room(name="kitchen", floor=KITCHEN), Room(name="study", floor=STUDY))
        doors = (Door(ends=((3.0, 0.3), (3.0, 1.3)), rooms=("kitchen", "study")),)
        outline = ((-3.0, 0.0), (7.0, 0.0), (7.0, 6.0), (-3.0, 6.0))
        far = rng.choice((2.0, 6.0, 6.0))
        for i in range(24):
            x = -1.5 + (far + 1.5) * i / 23
            views.append(View(camera=camera((x, 0.8, 1.5), 60 + 2 * i), visible={}, time=i / 2))
        if rng.random() < 0.5:
            views = [dataclasses.replace(b, time=a.time) for a, b in zip(views, reversed(views), strict=True)]
    if kind in ("moving", "changed"):
        mover, goer = rng.sample(objects, 2)
        heading = rng.uniform(0, 2 * math.pi)
        way = (rng.uniform(0.4, 1.5) * math.cos(heading), rng.uniform(0.4, 1.5) * math.sin(heading))
        last = len(views) - 1
        views = [
            dataclasses.replace(
                view,
                poses={
                    mover.id: Pose(
                        center=(
                            mover.center[0] + way[0] * i / last,
                            mover.center[1] + way[1] * i / last,
                            mover.center[2],
                        ),
                        yaw=mover.yaw,
                    )
                },
                gone=(goer.id,) if (i <= last / 2) == (seed % 2 == 0) else (),
            )
            for i, view in enumerate(views)
        ]
    relations = [
        Relation(subject=item.id, predicate="on", object=item.support) for item in objects if item.support is not None
    ]
    for a, b in itertools.pairwise(objects):
        if rng.random() < 0.5:
            near = a.center[1] < b.center[1]
            relations.append(Relation(subject=a.id, predicate="in_front_of" if near else "behind", object=b.id))
    return look(
        Scene(
            id=f"{kind}-{seed}",
            objects=tuple(objects),
            views=tuple(views),
            room=outline,
            height=2.6,
            source="handmade",
            pictures=kind in ("images", "changed"),
            rooms=rooms,
            doors=doors,
            relations=tuple(relations),
        )
    )


ROOMS = ("image", "images", "video", "moving", "changed", "tour", "scan")


def mirrored(scene: Scene) -> Scene:
    """The same scene seen in a mirror: x of the world and of every picture is turned round."""

    def flip(point: tuple[float, float, float]) -> tuple[float, float, float]:
        return -point[0], point[1], point[2]

    def eye(cam: Camera) -> Camera:
        right, down, forward = cam.rotation
        back = flip(right)
        return dataclasses.replace(
            cam,
            position=flip(cam.position),
            rotation=((-back[0], -back[1], -back[2]), flip(down), flip(forward)),
        )

    def what(seen: Visibility, width: int) -> Visibility:
        assert seen.box is not None
        assert seen.center is not None
        x1, y1, x2, y2 = seen.box
        return dataclasses.replace(
            seen, box=(width - x2, y1, width - x1, y2), center=(width - seen.center[0], seen.center[1])
        )

    def floor(polygon: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        return tuple((-x, y) for x, y in reversed(polygon))

    objects = tuple(
        dataclasses.replace(
            item,
            center=flip(item.center),
            yaw=-item.yaw,
            front=None if item.front is None else flip(item.front),
        )
        for item in scene.objects
    )
    views = tuple(
        dataclasses.replace(
            view,
            camera=eye(view.camera),
            visible={name: what(seen, view.camera.width) for name, seen in view.visible.items()},
            poses={name: Pose(center=flip(pose.center), yaw=-pose.yaw) for name, pose in view.poses.items()},
        )
        for view in scene.views
    )
    rooms = tuple(dataclasses.replace(each, floor=floor(each.floor)) for each in scene.rooms)
    doors = tuple(dataclasses.replace(each, ends=(floor(each.ends)[0], floor(each.ends)[1])) for each in scene.doors)
    return dataclasses.replace(scene, objects=objects, views=views, room=floor(scene.room), rooms=rooms, doors=doors)


def scaled(scene: Scene, by: float) -> Scene:
    """The same pictures of a scene that is so many times as large."""

    def grow(point: tuple[float, float, float]) -> tuple[float, float, float]:
        return point[0] * by, point[1] * by, point[2] * by

    def what(visible: Mapping[str, Visibility]) -> dict[str, Visibility]:
        return {
            name: dataclasses.replace(
                seen,
                distance=None if seen.distance is None else seen.distance * by,
                distance_far=None if seen.distance_far is None else seen.distance_far * by,
            )
            for name, seen in visible.items()
        }

    objects = tuple(dataclasses.replace(item, center=grow(item.center), size=grow(item.size)) for item in scene.objects)
    views = tuple(
        dataclasses.replace(
            view,
            camera=dataclasses.replace(view.camera, position=grow(view.camera.position)),
            visible=what(view.visible),
            poses={name: Pose(center=grow(pose.center), yaw=pose.yaw) for name, pose in view.poses.items()},
        )
        for view in scene.views
    )
    return dataclasses.replace(
        scene,
        objects=objects,
        views=views,
        room=tuple((x * by, y * by) for x, y in scene.room),
        rooms=tuple(
            dataclasses.replace(each, floor=tuple((x * by, y * by) for x, y in each.floor)) for each in scene.rooms
        ),
    )


def without(scene: Scene, name: str) -> Scene:
    """The scene without one object, which nobody sees any more; what it hid stays hidden."""
    views = tuple(
        dataclasses.replace(view, visible={key: seen for key, seen in view.visible.items() if key != name})
        for view in scene.views
    )
    objects = tuple(item for item in scene.objects if item.id != name)
    relations = tuple(each for each in scene.relations if name not in (each.subject, each.object))
    return dataclasses.replace(scene, objects=objects, views=views, relations=relations)


def backwards(scene: Scene) -> Scene:
    """The clip played backwards."""
    end = scene.views[-1].time
    views = tuple(dataclasses.replace(view, time=end - view.time) for view in reversed(scene.views))
    return dataclasses.replace(scene, views=views)
