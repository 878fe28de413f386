"""The simulator's scenes, checked by code that shares nothing with it but the data it hands out."""

from __future__ import annotations

import hashlib
import itertools
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from wherewise.scenes import Camera, SceneObject
from wherewise.scenes.simulate import (
    PALETTE,
    Framing,
    Motion,
    SimulateConfig,
    Simulated,
    SimulationError,
    encode_jpeg,
    load_catalogue,
    simulate,
)

FREE = SimulateConfig(
    width=96,
    height=80,
    framing=Framing.OBJECTS,
    furnish=False,
    objects=(2, 5),
    tint=1,
    distinct_colors=True,
    min_fraction=0.4,
    min_pixels=0.01,
)
ROOM = SimulateConfig(width=128, height=96, objects=(10, 16), room=(4.0, 6.0), supersample=2)


@pytest.fixture(scope="module")
def free() -> list[Simulated]:
    return [simulate(FREE, 3, index) for index in range(10)]


@pytest.fixture(scope="module")
def rooms() -> list[Simulated]:
    return [simulate(ROOM, 4, index) for index in range(8)]


@pytest.fixture(scope="module")
def everything(free: list[Simulated], rooms: list[Simulated]) -> list[Simulated]:
    return free + rooms


def digest(made: Simulated) -> str:
    out = hashlib.sha256(repr(made.scene).encode())
    for group in (made.rgb, made.depth, made.ids):
        for picture in group:
            out.update(picture.tobytes())
    return out.hexdigest()


PROGRAM = """
import sys
from test_simulate import FREE, ROOM, digest
from wherewise.scenes.simulate import simulate
print(*[digest(simulate(config, 11, index)) for config in (FREE, ROOM) for index in (0, 5)])
"""


def test_same_seed_gives_the_same_bytes_in_two_processes() -> None:
    folder = str(Path(__file__).parent)
    code = f"import sys; sys.path.insert(0, {folder!r})\n" + PROGRAM
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # in another order, so that nothing depends on what was drawn before
    here = {
        (config.width, i): digest(simulate(config, 11, i)) for config, i in ((ROOM, 5), (FREE, 5), (ROOM, 0), (FREE, 0))
    }
    assert other.stdout.split() == [here[config.width, i] for config in (FREE, ROOM) for i in (0, 5)]


def test_different_seeds_and_indices_differ() -> None:
    assert len({digest(simulate(FREE, seed, index)) for seed in (1, 2) for index in (0, 1)}) == 4


def test_supersampling_changes_colours_only() -> None:
    fine = simulate(FREE.model_copy(update={"supersample": 2}), 3, 0)
    plain = simulate(FREE, 3, 0)
    assert np.array_equal(fine.ids[0], plain.ids[0])
    assert np.array_equal(fine.depth[0], plain.depth[0])
    assert fine.scene == plain.scene
    assert not np.array_equal(fine.rgb[0], plain.rgb[0])
    assert np.abs(fine.rgb[0].astype(int) - plain.rgb[0]).mean() < 6


def polygon(thing: SceneObject, grow: float = 0.0) -> list[complex]:
    turn = complex(math.cos(math.radians(thing.yaw)), math.sin(math.radians(thing.yaw)))
    w, d = thing.size[0] / 2 + grow, thing.size[1] / 2 + grow
    return [complex(*thing.center[:2]) + turn * complex(x, y) for x, y in ((-w, -d), (w, -d), (w, d), (-w, d))]


def contains(shape: list[complex], point: complex) -> bool:
    crosses = [((b - a).conjugate() * (point - a)).imag for a, b in itertools.pairwise([*shape, shape[0]])]
    return all(value >= 0 for value in crosses)


def boundary(thing: SceneObject) -> np.ndarray:
    shape = polygon(thing)
    steps = np.linspace(0, 1, 40)
    return np.concatenate([a + (b - a) * steps for a, b in itertools.pairwise([*shape, shape[0]])])


def test_nothing_intersects(everything: list[Simulated]) -> None:
    """Points along every outline lie outside the other outlines and 3 cm away, unless one thing carries the other."""
    for made in everything:
        for one, two in itertools.combinations(made.scene.objects, 2):
            low = max(one.center[2] - one.size[2] / 2, two.center[2] - two.size[2] / 2)
            high = min(one.center[2] + one.size[2] / 2, two.center[2] + two.size[2] / 2)
            if high < low or one.support == two.id or two.support == one.id:
                continue
            if abs(complex(*one.center[:2]) - complex(*two.center[:2])) > sum(one.size[:2]) + sum(two.size[:2]):
                continue
            first, second = boundary(one), boundary(two)
            assert not any(contains(polygon(two), complex(p)) for p in first[::4]), (made.scene.id, one, two)
            assert not any(contains(polygon(one), complex(p)) for p in second[::4]), (made.scene.id, one, two)
            assert np.abs(first[:, None] - second[None]).min() >= 0.03 - 1e-9


def test_everything_is_inside_the_room_and_stands_on_something(everything: list[Simulated]) -> None:
    for made in everything:
        xs, ys = zip(*made.scene.room, strict=True)
        for thing in made.scene.objects:
            shape = polygon(thing)
            assert all(min(xs) < p.real < max(xs) and min(ys) < p.imag < max(ys) for p in shape)
            bottom = thing.center[2] - thing.size[2] / 2
            assert thing.center[2] + thing.size[2] / 2 < made.scene.height
            if thing.support is None:
                assert bottom == pytest.approx(0, abs=1e-9)
                continue
            host = made.scene.object(thing.support)
            top = load_catalogue().models[host.asset].support
            assert top is not None
            assert bottom == pytest.approx(host.center[2] - host.size[2] / 2 + top[4])
            assert all(contains(polygon(host), p) for p in shape)


def test_furnished_rooms_put_things_on_things(rooms: list[Simulated]) -> None:
    assert sum(thing.support is not None for made in rooms for thing in made.scene.objects) >= 5


def test_visibility_matches_the_id_picture(everything: list[Simulated]) -> None:
    for made in everything:
        (view,) = made.scene.views
        ids = made.ids[0]
        assert set(np.unique(ids)) - {0} == {made.scene.object(name).index for name in view.visible}
        for name, seen in view.visible.items():
            mask = ids == made.scene.object(name).index
            rows, columns = np.nonzero(mask)
            assert seen.pixels == mask.sum() > 0
            assert seen.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            assert seen.center == pytest.approx((columns.mean() + 0.5, rows.mean() + 0.5))
            assert seen.pixels <= seen.amodal_pixels <= ids.size
            assert 0 < seen.fraction <= 1
            assert seen.distance is not None
            assert seen.distance_far is not None
            assert 0 < seen.distance <= seen.distance_far


def corners(thing: SceneObject) -> list[tuple[float, float, float]]:
    return [
        (p.real, p.imag, thing.center[2] + dz) for p in polygon(thing) for dz in (-thing.size[2] / 2, thing.size[2] / 2)
    ]


def test_oriented_boxes_enclose_the_pixels(everything: list[Simulated]) -> None:
    """The projected oriented box encloses the visible box, and an unhidden object fills most of it."""
    tight = 0
    for made in everything:
        (view,) = made.scene.views
        for name, seen in view.visible.items():
            points = [view.camera.project(corner) for corner in corners(made.scene.object(name))]
            if any(point is None for point in points):
                continue
            us, vs = zip(*(point for point in points if point), strict=True)
            assert seen.box is not None
            assert min(us) - 0.6 <= seen.box[0]
            assert min(vs) - 0.6 <= seen.box[1]
            assert max(us) + 0.6 >= seen.box[2]
            assert max(vs) + 0.6 >= seen.box[3]
            inside = min(us) > 0 and min(vs) > 0 and max(us) < view.camera.width and max(vs) < view.camera.height
            if inside and seen.fraction == 1:
                area = (seen.box[2] - seen.box[0]) * (seen.box[3] - seen.box[1])
                assert area > 0.4 * (max(us) - min(us)) * (max(vs) - min(vs)) - 30
                tight += 1
    assert tight >= 8


def ray(camera: Camera, u: float, v: float) -> np.ndarray:
    x, y = (u - camera.width / 2) / camera.focal, (v - camera.height / 2) / camera.focal
    rows = np.array(camera.rotation)
    return rows[0] * x + rows[1] * y + rows[2]


def test_depth_of_the_empty_room_is_analytic(everything: list[Simulated]) -> None:
    """Pixels without an object lie on the floor, a wall or the ceiling, to a tenth of a millimetre."""
    for made in everything:
        (view,) = made.scene.views
        camera, depth, ids = view.camera, made.depth[0], made.ids[0]
        half = np.array(made.scene.room[2])
        for row, column in itertools.product(range(3, camera.height, 17), range(3, camera.width, 13)):
            if ids[row, column]:
                continue
            x, y, z = np.array(camera.position) + ray(camera, column + 0.5, row + 0.5) * depth[row, column]
            distances = (abs(half[0] - abs(x)), abs(half[1] - abs(y)), abs(z), abs(made.scene.height - z))
            assert min(distances) < 1e-4 * max(1, depth[row, column])


def test_depth_of_objects_lies_in_their_boxes(everything: list[Simulated]) -> None:
    for made in everything:
        (view,) = made.scene.views
        for name in view.visible:
            thing = made.scene.object(name)
            rows, columns = np.nonzero(made.ids[0] == thing.index)
            for row, column in list(zip(rows, columns, strict=True))[::7]:
                at = np.array(view.camera.position)
                at = at + ray(view.camera, column + 0.5, row + 0.5) * made.depth[0][row, column]
                local = complex(at[0] - thing.center[0], at[1] - thing.center[1])
                local *= complex(math.cos(math.radians(-thing.yaw)), math.sin(math.radians(-thing.yaw)))
                assert abs(local.real) <= thing.size[0] / 2 + 2e-3
                assert abs(local.imag) <= thing.size[1] / 2 + 2e-3
                assert abs(at[2] - thing.center[2]) <= thing.size[2] / 2 + 2e-3


def test_a_hidden_object_has_a_lower_fraction() -> None:
    """The same room seen with and without what stands before an object."""
    from wherewise.scenes.simulate.placement import Layout, Placed
    from wherewise.scenes.simulate.render import make_camera, see, visibility
    from wherewise.scenes.simulate.world import build_solid

    models = load_catalogue().models
    ball = Placed(model=models["basketball"], x=0, y=0.5, z=0, yaw=0)
    crate = Placed(model=models["crate"], x=0.3, y=-0.5, z=0, yaw=0)
    camera = make_camera(200, 200, 60, (0.0, -2.0, 0.3), (0.0, 0.0, 0.15))
    seen = {}
    for name, items in (("free", (ball,)), ("hidden", (ball, crate))):
        solid = build_solid(Layout(width=5, depth=5, height=2.5, placed=items))
        seen[name] = visibility(solid, see(solid, camera))[1]
    assert seen["free"].fraction == 1
    assert seen["free"].amodal_pixels == seen["hidden"].amodal_pixels == seen["free"].pixels
    assert 0.2 < seen["hidden"].fraction < 0.9
    assert seen["hidden"].fraction == pytest.approx(seen["hidden"].pixels / seen["free"].pixels)
    # a ball of 23.8 cm at 2.5 m covers pi/4 (f d / z)^2 pixels
    assert seen["free"].pixels == pytest.approx(math.pi / 4 * (camera.focal * 0.238 / 2.5) ** 2, rel=0.04)


def test_part_outside_the_picture_counts_as_not_seen() -> None:
    from wherewise.scenes.simulate.placement import Layout, Placed
    from wherewise.scenes.simulate.render import make_camera, see, visibility
    from wherewise.scenes.simulate.world import build_solid

    ball = Placed(model=load_catalogue().models["basketball"], x=0, y=0, z=0, yaw=0)
    solid = build_solid(Layout(width=6, depth=6, height=2.5, placed=(ball,)))
    focal = 100 / math.tan(math.radians(30))
    edge = 2.0 * 100 / focal  # the right border of the picture cuts the ball in half
    seen = visibility(solid, see(solid, make_camera(200, 200, 60, (-edge, -2.0, 0.119), (-edge, 0.0, 0.119))))[1]
    assert seen.fraction == pytest.approx(0.5, abs=0.06)
    assert seen.amodal_pixels == seen.pixels


def test_every_object_is_well_seen_in_objects_framing(free: list[Simulated]) -> None:
    for made in free:
        (view,) = made.scene.views
        assert len(view.visible) == len(made.scene.objects)
        assert 2 <= len(made.scene.objects) <= 5
        for seen in view.visible.values():
            assert seen.fraction >= FREE.min_fraction
            assert seen.pixels >= FREE.min_pixels * FREE.width * FREE.height


def test_tinted_objects_have_distinct_colours_that_show(free: list[Simulated]) -> None:
    right = total = 0
    for made in free:
        colors = [thing.color for thing in made.scene.objects]
        assert None not in colors
        assert len(set(colors)) == len(colors)
        for thing in made.scene.objects:
            if thing.color not in {"red", "green", "blue"}:
                continue
            mean = made.rgb[0][made.ids[0] == thing.index].mean(0)
            total += 1
            right += int(mean.argmax()) == ("red", "green", "blue").index(thing.color)
    assert right == total >= 3


def test_restrictions_hold() -> None:
    config = FREE.model_copy(
        update={
            "categories": ("chair", "ball"),
            "palette": ("red", "blue"),
            "distinct_colors": False,
            "objects": (2, 3),
        }
    )
    for index in range(4):
        made = simulate(config, 0, index)
        assert {thing.category for thing in made.scene.objects} <= {"chair", "ball"}
        assert {thing.color for thing in made.scene.objects} <= {"red", "blue"}
        assert 2 <= len(made.scene.objects) <= 3


def test_no_tint_means_no_colour_word() -> None:
    made = simulate(FREE.model_copy(update={"tint": 0.0, "distinct_colors": False}), 0, 0)
    assert all(thing.color is None for thing in made.scene.objects)


@pytest.mark.parametrize("motion", list(Motion))
def test_clips_have_one_view_a_frame_and_true_times(motion: Motion) -> None:
    framing = Framing.OBJECTS if motion is Motion.ORBIT else Framing.ROOM
    config = SimulateConfig(
        width=64, height=48, frames=12, fps=6, motion=motion, framing=framing, furnish=motion is not Motion.ORBIT,
        objects=(4, 8) if motion is not Motion.ORBIT else (2, 3), room=(4.5, 6),
    )  # fmt: skip
    made = simulate(config, 2, 0)
    assert len(made.rgb) == len(made.depth) == len(made.ids) == len(made.scene.views) == 12
    assert [view.time for view in made.scene.views] == pytest.approx([i / 6 for i in range(12)])
    places = [np.array(view.camera.position) for view in made.scene.views]
    ways = [np.array(view.camera.rotation[2]) for view in made.scene.views]
    steps = [float(np.linalg.norm(b - a)) for a, b in itertools.pairwise(places)]
    turns = [math.degrees(math.acos(min(1.0, float(a @ b)))) for a, b in itertools.pairwise(ways)]
    assert sum(turns) > 20
    assert max(turns) < 30
    assert (sum(steps) == 0) == (motion is Motion.TURN)
    assert max(steps) < 2.5 * 6 / config.fps
    for picture, view in zip(made.ids, made.scene.views, strict=True):
        assert set(np.unique(picture)) - {0} == {made.scene.object(name).index for name in view.visible}
    assert not np.array_equal(made.rgb[0], made.rgb[-1])


def test_cameras_are_level_and_orthonormal(everything: list[Simulated]) -> None:
    for made in everything:
        camera = made.scene.views[0].camera
        rotation = np.array(camera.rotation)
        assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(rotation) == pytest.approx(1)
        assert rotation[0, 2] == 0
        assert rotation[1, 2] < 0
        fov = math.degrees(2 * math.atan(max(camera.width, camera.height) / 2 / camera.focal))
        assert 55 <= fov <= 80
        assert 1.2 <= camera.position[2] <= 1.8


def test_pictures_are_neither_dark_nor_burnt(everything: list[Simulated]) -> None:
    for made in everything:
        grey = made.rgb[0].mean(2)
        assert 60 < grey.mean() < 225
        assert (grey > 252).mean() < 0.12
        assert (grey < 4).mean() < 0.35


def test_impossible_scenes_are_refused_with_reasons() -> None:
    config = FREE.model_copy(update={"min_pixels": 0.6, "max_attempts": 5, "objects": (2, 2)})
    with pytest.raises(SimulationError, match=r"seed 0, index 7 in 5 rooms \(.*too_small \d+"):
        simulate(config, 0, 7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objects": (5, 2)}, "min <= max"),
        ({"categories": ("chair", "unicorn")}, "unicorn"),
        ({"palette": ("red", "mauve")}, "mauve"),
        ({"palette": ("red",), "distinct_colors": True, "tint": 1, "objects": (2, 3)}, "distinct colours"),
        ({"colour": "red"}, "colour"),
        ({"room": (5, 4)}, "shortest <= longest"),
    ],
)
def test_config_mistakes_are_named(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SimulateConfig.model_validate(change)


def test_jpeg_round_trip(free: list[Simulated]) -> None:
    import io

    from PIL import Image

    data = encode_jpeg(free[0].rgb[0], 95)
    back = np.asarray(Image.open(io.BytesIO(data)))
    assert back.shape == free[0].rgb[0].shape
    assert np.abs(back.astype(int) - free[0].rgb[0]).mean() < 4
    assert encode_jpeg(free[0].rgb[0], 95) == data


def test_palette_words_are_plain() -> None:
    assert {"red", "green", "blue", "yellow", "orange", "purple", "pink", "brown", "white", "black"} <= set(PALETTE)
