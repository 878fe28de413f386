"""Homes, walks, several pictures and moving things: checked from the scene's own numbers and the pictures."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from pydantic import ValidationError
from test_simulate import boundary, contains, corners, digest, polygon, ray

from wherewise.scenes import Camera, Scene, SceneObject
from wherewise.scenes.simulate import (
    Capture,
    Home,
    Motion,
    Shape,
    SimulateConfig,
    Simulated,
    Walk,
    load_catalogue,
    simulate,
    survey,
)
from wherewise.scenes.simulate.choice import LARGER, SMALLER
from wherewise.scenes.simulate.freespace import find_way, free_places, reach
from wherewise.scenes.simulate.generate import draft
from wherewise.scenes.simulate.plan import THICKNESS, Plan, draw_plan, inward

HOME = SimulateConfig(
    width=128, height=96, objects=(10, 18), room=(3.2, 5.0), alike=0.6, home=Home(rooms=(1, 4), entrance=1, lamps=1)
)
WALK = HOME.model_copy(update={"width": 64, "height": 48, "frames": 32, "fps": 4.0, "motion": Motion.WALK})


@pytest.fixture(scope="module")
def homes() -> list[Simulated]:
    return [simulate(HOME, 5, index) for index in range(10)]


@pytest.fixture(scope="module")
def walks() -> list[Simulated]:
    jitter = WALK.model_copy(update={"walk": Walk(jitter=1.0)})
    return [simulate(config, 6, index) for config in (WALK, jitter) for index in range(4)]


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    drawn = (
        draw_plan(Home(rooms=(1, 4), shapes=(Shape.L, Shape.T)), (3.0, 5.5), "abcdef", np.random.default_rng(seed))
        for seed in range(120)
    )
    return [plan for plan in drawn if plan is not None]


def area(shape: tuple[tuple[float, float], ...]) -> float:
    """Shoelace formula; > 0 counter-clockwise."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise([*shape, shape[0]])) / 2


def built_in(scene: Scene) -> set[str]:
    return set(scene.facts["built_in"])


def furniture(scene: Scene) -> list[SceneObject]:
    return [thing for thing in scene.objects if thing.id not in built_in(scene)]


def floors(scene: Scene) -> list[tuple[tuple[float, float], ...]]:
    return [room.floor for room in scene.rooms] or [scene.room]


def inside(shape: tuple[tuple[float, float], ...], x: float, y: float) -> bool:
    """Crossing number."""
    odd = False
    for (ax, ay), (bx, by) in itertools.pairwise([*shape, shape[0]]):
        if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
            odd = not odd
    return odd


def test_plans_have_all_shapes_and_true_areas(plans: list[Plan]) -> None:
    assert len(plans) > 60
    rooms = [room for plan in plans for room in plan.rooms]
    assert {len(plan.rooms) for plan in plans} == {1, 2, 3, 4}
    assert {len(room.outline()) for room in rooms} == {4, 6, 8}
    for room in rooms:
        x0, y0, x1, y1 = room.box
        left_out = sum((n[2] - n[0]) * (n[3] - n[1]) for n in room.notches)
        assert area(room.outline()) == pytest.approx((x1 - x0) * (y1 - y0) - left_out)
        assert room.area() == pytest.approx(area(room.outline()))
        for wall, (a, b) in enumerate(room.walls()):
            n = inward(room, wall)
            middle = ((a[0] + b[0]) / 2 + 0.01 * n[0], (a[1] + b[1]) / 2 + 0.01 * n[1])
            assert room.holds(*middle)
            assert inside(room.outline(), *middle)


def test_rooms_of_a_plan_keep_a_wall_between_and_are_joined(plans: list[Plan]) -> None:
    for plan in plans:
        for one, two in itertools.combinations(plan.rooms, 2):
            dx = max(one.box[0] - two.box[2], two.box[0] - one.box[2])
            dy = max(one.box[1] - two.box[3], two.box[1] - one.box[3])
            assert max(dx, dy) >= THICKNESS - 1e-9
        joined = {0}
        for _ in plan.rooms:
            joined |= {r for _, a, b in plan.doorways() if joined & {a, b} for r in (a, b)}
        assert joined == set(range(len(plan.rooms)))
        for (a, b, c, d), one_index, two_index in plan.doorways():
            assert sorted((c - a, d - b)) == pytest.approx([THICKNESS, 0.9])
            across = (0.05 + THICKNESS) if c - a < d - b else 0.0
            along = 0.0 if across else 0.05 + THICKNESS
            x, y = (a + c) / 2, (b + d) / 2
            sides = {plan.room_at(x + across, y + along), plan.room_at(x - across, y - along)}
            assert sides == {one_index, two_index}


def test_furniture_is_in_one_room_and_out_of_every_way(homes: list[Simulated]) -> None:
    for made in homes:
        scene = made.scene
        for thing in furniture(scene):
            points = [*polygon(thing), *(complex(p) for p in boundary(thing)[::5])]
            assert any(all(inside(floor, p.real, p.imag) for p in points) for floor in floors(scene)), thing
            assert thing.center[2] + thing.size[2] / 2 <= scene.height
            for door in scene.doors:
                middle = complex(*np.mean(door.ends, axis=0))
                # half of the way that stays free, on both sides
                assert min(abs(boundary(thing) - middle)) > 0.3 or thing.center[2] - thing.size[2] / 2 > 1.5


def test_nothing_intersects_in_homes(homes: list[Simulated]) -> None:
    for made in homes:
        for one, two in itertools.combinations(furniture(made.scene), 2):
            low = max(one.center[2] - one.size[2] / 2, two.center[2] - two.size[2] / 2)
            high = min(one.center[2] + one.size[2] / 2, two.center[2] + two.size[2] / 2)
            if high < low or one.support == two.id or two.support == one.id:
                continue
            first, second = boundary(one), boundary(two)
            assert not any(contains(polygon(two), complex(p)) for p in first[::4])
            assert not any(contains(polygon(one), complex(p)) for p in second[::4])
            assert np.abs(first[:, None] - second[None]).min() >= 0.03 - 1e-9


def test_what_stands_on_something_touches_its_top(homes: list[Simulated]) -> None:
    """The child's underside is the height of its host's highest point in the picture's own geometry, to 1.3 cm."""
    seen = 0
    for made in homes:
        for thing in furniture(made.scene):
            bottom = thing.center[2] - thing.size[2] / 2
            model = load_catalogue().models[thing.asset]
            if thing.support is None:
                assert bottom == pytest.approx(0, abs=1e-9) or model.mount != "floor"
                continue
            host = made.scene.object(thing.support)
            factor = host.size[2] / load_catalogue().models[host.asset].size[2]
            points = load_catalogue().models[host.asset].points * factor
            turn = complex(math.cos(math.radians(-host.yaw)), math.sin(math.radians(-host.yaw)))
            local = (complex(*thing.center[:2]) - complex(*host.center[:2])) * turn
            radius = min(thing.size[:2]) / 2
            under = points[np.abs(points[:, 0] + 1j * points[:, 1] - local) < radius]
            top = load_catalogue().models[host.asset].support
            assert top is not None
            assert bottom == pytest.approx(top[4] * factor)
            assert len(under) == 0 or under[:, 2].max() <= bottom + 0.013
            seen += 1
    assert seen >= 3


def test_walls_and_floors_have_analytic_depth(homes: list[Simulated]) -> None:
    """What is not an object lies on a floor or ceiling, or where no room is: on a wall or within one."""
    checked = 0
    for made in homes:
        (view,) = made.scene.views
        for row, column in itertools.product(range(2, 96, 7), range(2, 128, 7)):
            if made.ids[0][row, column]:
                continue
            at = np.array(view.camera.position)
            x, y, z = at + ray(view.camera, column + 0.5, row + 0.5) * made.depth[0][row, column]
            if min(abs(z), abs(made.scene.height - z)) < 1e-3:
                continue
            nearest = 9.0
            for floor in floors(made.scene):
                for (ax, ay), (bx, by) in itertools.pairwise([*floor, floor[0]]):
                    t = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)
                    t = min(1.0, max(0.0, t))
                    nearest = min(nearest, math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)))
            # inside a wall: the sides of a doorway or of a window's hole
            between = nearest < 0.17 and not any(inside(floor, x, y) for floor in floors(made.scene))
            assert nearest < 2e-3 or between, (made.scene.id, row, column, x, y, z)
            checked += 1
    assert checked > 500


def test_windows_doors_and_lamps_are_objects_that_fill_their_boxes(homes: list[Simulated]) -> None:
    """Every pixel with their id lies in their box, they are as visible as the ids say, and nothing is seen behind."""
    kinds = set()
    for made in homes:
        (view,) = made.scene.views
        for name in built_in(made.scene) & set(view.visible):
            thing, seen = made.scene.object(name), view.visible[name]
            mask = made.ids[0] == thing.index
            assert seen.pixels == mask.sum()
            assert seen.pixels <= seen.amodal_pixels
            for row, column in np.argwhere(mask)[::5]:
                at = np.array(view.camera.position)
                at = at + ray(view.camera, column + 0.5, row + 0.5) * made.depth[0][row, column]
                local = complex(at[0] - thing.center[0], at[1] - thing.center[1])
                local *= complex(math.cos(math.radians(-thing.yaw)), math.sin(math.radians(-thing.yaw)))
                assert abs(local.real) <= thing.size[0] / 2 + 2e-3
                assert abs(local.imag) <= thing.size[1] / 2 + 2e-3
                assert abs(at[2] - thing.center[2]) <= thing.size[2] / 2 + 2e-3
            kinds.add(thing.category)
    assert {"window", "door"} <= kinds


def test_a_window_hides_and_is_hidden_like_anything_else(homes: list[Simulated]) -> None:
    shares = [
        seen.fraction
        for made in homes
        for name, seen in made.scene.views[0].visible.items()
        if made.scene.object(name).category == "window"
    ]
    assert len(shares) >= 4
    assert any(share > 0.8 for share in shares)
    assert any(share < 0.6 for share in shares)


def test_like_things_differ_in_size_or_colour() -> None:
    by_size = by_color = 0
    for index in range(14):
        scene = simulate(HOME.model_copy(update={"alike": 1.0, "home": Home(rooms=(1, 1))}), 9, index).scene
        words = {thing.attributes.get("size"): thing for thing in scene.objects}
        if "small" in words or "large" in words:
            small, large = words["small"], words["large"]
            assert small.asset == large.asset
            assert np.array(large.size) / np.array(small.size) == pytest.approx(LARGER / SMALLER)
            assert (small.label.split()[0], large.label.split()[0]) == ("small", "large")
            assert sum(thing.category == small.category for thing in scene.objects) == 2
            by_size += 1
            continue
        kinds: dict[str, list[str | None]] = {}
        for thing in scene.objects:
            kinds.setdefault(thing.category, []).append(thing.color)
        by_color += any(len(c) >= 2 and None not in c and len(set(c)) == len(c) for c in kinds.values())
    assert by_size >= 3
    assert by_color >= 3


def test_fronts_are_level_unit_vectors_away_from_the_wall(homes: list[Simulated]) -> None:
    at_wall = {"sofa", "fridge", "wardrobe", "toilet", "cupboard", "bookcase", "cabinet", "sink", "oven"}
    count = 0
    for made in homes:
        for thing in furniture(made.scene):
            if thing.category in {"ball", "barrel", "plant", "table", "lamp", "bed"}:
                assert thing.front is None
            if thing.category not in at_wall:
                continue
            assert thing.front is not None
            assert thing.front[2] == 0
            assert math.hypot(*thing.front) == pytest.approx(1)
            reach_back = thing.size[1] / 2 + 0.08
            x, y = (thing.center[k] - reach_back * thing.front[k] for k in range(2))
            assert not any(inside(floor, x, y) for floor in floors(made.scene)), thing
            count += 1
    assert count >= 5


def outside_of_all_boxes(scene: Scene, camera: Camera, poses: dict[str, complex], margin: float) -> None:
    for thing in scene.objects:
        center = poses.get(thing.id, complex(*thing.center[:2]))
        local = complex(*camera.position[:2]) - center
        local *= complex(math.cos(math.radians(-thing.yaw)), math.sin(math.radians(-thing.yaw)))
        away = max(
            abs(local.real) - thing.size[0] / 2,
            abs(local.imag) - thing.size[1] / 2,
            abs(camera.position[2] - thing.center[2]) - thing.size[2] / 2,
        )
        assert away > margin, (scene.id, thing, camera.position)


def test_cameras_are_never_in_a_thing_or_a_wall(homes: list[Simulated], walks: list[Simulated]) -> None:
    for made in homes + walks:
        for view in made.scene.views:
            outside_of_all_boxes(made.scene, view.camera, {}, 0.1)
            x, y, z = view.camera.position
            assert 0.3 < z < made.scene.height
            spots = [(x + dx, y + dy) for dx in (-0.1, 0.1) for dy in (-0.1, 0.1)]
            for u, v in spots:
                free = any(inside(floor, u, v) for floor in floors(made.scene))
                for door in made.scene.doors:
                    (ax, ay), (bx, by) = door.ends
                    t = ((u - ax) * (bx - ax) + (v - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)
                    off = abs((u - ax) * (by - ay) - (v - ay) * (bx - ax)) / math.dist(*door.ends)
                    free |= door.open and 0 < t < 1 and off < THICKNESS + 1e-9
                assert free, (made.scene.id, view.time, u, v)


def test_walks_keep_their_speed_and_turn_no_faster_than_allowed(walks: list[Simulated]) -> None:
    for made in walks[:4]:
        cameras = [view.camera for view in made.scene.views]
        assert len({camera.position[2] for camera in cameras}) == 1
        steps = [math.dist(a.position, b.position) * WALK.fps for a, b in itertools.pairwise(cameras)]
        assert max(steps) <= WALK.walk.speed[1] + 1e-6
        assert np.mean(steps) >= 0.85 * WALK.walk.speed[0]
        for a, b in itertools.pairwise(cameras):
            yaws = [math.degrees(math.atan2(c.rotation[2][1], c.rotation[2][0])) for c in (a, b)]
            assert abs((yaws[1] - yaws[0] + 180) % 360 - 180) <= WALK.walk.turn / WALK.fps + 1e-6
    assert len({camera.position[2] for camera in (view.camera for view in walks[4].scene.views)}) > 10


def test_walks_go_through_doorways(walks: list[Simulated]) -> None:
    visited = []
    for made in walks:
        places = [view.camera.position for view in made.scene.views]
        visited.append(
            len({k for k, floor in enumerate(floors(made.scene)) for x, y, _ in places if inside(floor, x, y)})
        )
    assert max(visited) >= 2


def test_every_frame_has_its_own_amodal_visibility(walks: list[Simulated]) -> None:
    for made in walks[:2]:
        for view, ids in zip(made.scene.views, made.ids, strict=True):
            assert set(np.unique(ids)) - {0} == {made.scene.object(name).index for name in view.visible}
            for name, seen in view.visible.items():
                assert seen.pixels == (ids == made.scene.object(name).index).sum()
                assert seen.pixels <= seen.amodal_pixels
                assert 0 < seen.fraction <= 1


def test_several_pictures_share_what_they_show() -> None:
    config = HOME.model_copy(update={"views": (2, 4)})
    for index in range(5):
        made = simulate(config, 7, index)
        views = made.scene.views
        assert made.scene.pictures
        assert 2 <= len(views) == len(made.rgb) == len(made.ids) <= 4
        assert [view.time for view in views] == [0.0] * len(views)
        least = config.min_pixels * config.width * config.height
        well = [
            {n for n, s in view.visible.items() if s.pixels >= least and s.fraction >= config.min_fraction}
            for view in views
        ]
        for i in range(1, len(views)):
            assert well[i] & set().union(*well[:i])
            assert all(
                math.dist(views[i].camera.position, other.camera.position) >= 0.5
                or np.dot(views[i].camera.rotation[2], other.camera.rotation[2]) <= math.cos(math.radians(20)) + 1e-9
                for other in views[:i]
            )


def test_moving_things_move_as_their_poses_say() -> None:
    config = SimulateConfig(
        width=96, height=72, objects=(6, 9), room=(4.5, 6), frames=24, fps=4, moving=(1, 2), motion=Motion.TURN
    )
    total = 0
    for index in range(3):
        made = simulate(config, 8, index)
        scene = made.scene
        movers = {name for view in scene.views for name in view.poses}
        assert 1 <= len(movers) <= 2
        assert not scene.views[0].poses
        before: dict[str, complex] = {}
        for view, ids, depth in zip(scene.views, made.ids, made.depth, strict=True):
            now = {name: complex(*pose.center[:2]) for name, pose in view.poses.items()}
            outside_of_all_boxes(scene, view.camera, now, 0.05)
            for name in movers:
                thing = scene.object(name)
                place = now.get(name, complex(*thing.center[:2]))
                assert abs(place - before.get(name, place)) * config.fps < 1.01
                before[name] = place
                for row, column in np.argwhere(ids == thing.index)[::9]:
                    at = np.array(view.camera.position)
                    at = at + ray(view.camera, column + 0.5, row + 0.5) * depth[row, column]
                    local = complex(at[0], at[1]) - place
                    local *= complex(math.cos(math.radians(-thing.yaw)), math.sin(math.radians(-thing.yaw)))
                    assert abs(local.real) <= thing.size[0] / 2 + 2e-3
                    assert abs(local.imag) <= thing.size[1] / 2 + 2e-3
                    total += 1
        for name in movers:
            thing = scene.object(name)
            assert abs(before[name] - complex(*thing.center[:2])) >= 0.59
            assert thing.support is None
    assert total > 20


def test_ways_keep_their_clearance_from_all_things() -> None:
    layout = draft(HOME, 5, 1).layout
    free = free_places(layout, 0.2, 1.8)
    places = reach(free, 0.3)[0]
    rng = np.random.default_rng(0)
    for _ in range(5):
        a, b = (free.at(*places[int(i)]) for i in rng.integers(len(places), size=2))
        way = find_way(free, a, b, 0.3)
        assert way is not None
        assert way[0] == pytest.approx(a)
        assert way[-1] == pytest.approx(b)
        for point in way:
            for item in layout.placed:
                if item.z >= 1.8:
                    continue
                local = complex(point[0] - item.x, point[1] - item.y)
                local *= complex(math.cos(math.radians(-item.yaw)), math.sin(math.radians(-item.yaw)))
                dx = max(0.0, abs(local.real) - item.model.size[0] / 2)
                dy = max(0.0, abs(local.imag) - item.model.size[1] / 2)
                assert math.hypot(dx, dy) > 0.3 - 0.15
        assert all(math.dist(p, q) < 0.15 for p, q in itertools.pairwise(way))


def test_homes_are_the_same_every_time(homes: list[Simulated]) -> None:
    assert digest(simulate(HOME, 5, 2)) == digest(homes[2])


def test_boxes_of_homes_enclose_the_pixels(homes: list[Simulated]) -> None:
    for made in homes:
        (view,) = made.scene.views
        for name, seen in view.visible.items():
            points = [view.camera.project(corner) for corner in corners(made.scene.object(name))]
            if seen.box is None or any(point is None for point in points):
                continue
            us, vs = zip(*(point for point in points if point), strict=True)
            assert min(us) - 0.6 <= seen.box[0]
            assert max(us) + 0.6 >= seen.box[2]
            assert min(vs) - 0.6 <= seen.box[1]
            assert max(vs) + 0.6 >= seen.box[3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"home": {"rooms": (3, 5)}}, "home.rooms"),
        ({"home": {"shapes": ()}}, "home.shapes"),
        ({"home": {}, "furnish": False}, "don't go together"),
        ({"home": {}, "framing": "objects"}, "framing"),
        ({"views": (2, 3), "frames": 8}, "ask for a clip"),
        ({"moving": (1, 1)}, "set frames"),
        ({"walk": {"speed": (2, 1)}}, "walk.speed"),
        ({"capture": {"jpeg": (90, 20)}}, "capture.jpeg"),
        ({"capture": {"distortion": (0, 2)}}, "capture.distortion"),
    ],
)
def test_mistakes_in_the_new_options_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SimulateConfig.model_validate(change)


@pytest.mark.parametrize("change", [{}, {"capture": Capture(distortion=(0.2, 0.2))}, {"views": (2, 3)}])
def test_a_survey_gives_the_same_scene_without_pictures(change: dict[str, object]) -> None:
    config = HOME.model_copy(update=change)
    assert survey(config, 5, 3) == simulate(config, 5, 3).scene
