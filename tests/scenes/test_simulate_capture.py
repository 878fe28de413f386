"""The lens, the sensor, and depth and ids as files."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from test_simulate import digest, ray

from wherewise.scenes.simulate import (
    Capture,
    Material,
    SimulateConfig,
    distort,
    encode_sidecar,
    read_sidecar,
    simulate,
    undistort,
)
from wherewise.scenes.simulate.fixtures import box, build
from wherewise.scenes.simulate.generate import Simulated, draft
from wherewise.scenes.simulate.placement import Layout, Placed
from wherewise.scenes.simulate.render import make_camera, see, visibility
from wherewise.scenes.simulate.world import build_solid

ROOM = SimulateConfig(width=128, height=96, objects=(8, 12), room=(4.0, 5.5))
LENS = ROOM.model_copy(update={"capture": Capture(distortion=(0.3, 0.3))})


@pytest.mark.parametrize("k", [0.0, 0.1, 0.5])
def test_the_lens_has_an_inverse_and_keeps_the_corners(k: float) -> None:
    for u, v in [(0.0, 0.0), (128.0, 96.0), (64.0, 48.0), (10.5, 70.25), (90.0, 3.0)]:
        x, y = distort(*undistort(u, v, 128, 96, k), 128, 96, k)
        assert (x, y) == pytest.approx((u, v), abs=1e-9)
    assert undistort(0.0, 0.0, 128, 96, k) == pytest.approx((0.0, 0.0))
    # straight lines bulge: the middle of the top edge shows what lies further down in the pinhole's picture
    assert undistort(64.0, 0.0, 128, 96, k)[1] == pytest.approx(48 - 48 * (1 + k * 0.36) / (1 + k))


def test_ids_and_depth_through_the_lens_are_where_the_things_are() -> None:
    for index in range(4):
        made, plain = simulate(LENS, 2, index), simulate(ROOM, 2, index)
        assert made.scene.facts["distortion"] == 0.3
        (view,) = made.scene.views
        assert view.camera == plain.scene.views[0].camera
        for name, seen in view.visible.items():
            thing = made.scene.object(name)
            spots = np.argwhere(made.ids[0] == thing.index)
            assert seen.pixels == len(spots) <= seen.amodal_pixels
            assert seen.box == (*spots.min(0)[::-1], *(spots.max(0)[::-1] + 1))
            for row, column in spots[::11]:
                u, v = undistort(column + 0.5, row + 0.5, 128, 96, 0.3)
                # the pinhole's pixel that this one shows
                u, v = math.floor(u) + 0.5, math.floor(v) + 0.5
                at = np.array(view.camera.position) + ray(view.camera, u, v) * made.depth[0][row, column]
                local = complex(at[0] - thing.center[0], at[1] - thing.center[1])
                local *= complex(math.cos(math.radians(-thing.yaw)), math.sin(math.radians(-thing.yaw)))
                assert abs(local.real) <= thing.size[0] / 2 + 2e-3
                assert abs(local.imag) <= thing.size[1] / 2 + 2e-3


def test_a_thing_at_the_edge_is_less_seen_through_the_lens() -> None:
    less = 0
    for index in range(6):
        made, plain = simulate(LENS, 2, index).scene, simulate(ROOM, 2, index).scene
        for name, seen in made.views[0].visible.items():
            whole = plain.views[0].visible[name]
            assert seen.fraction <= whole.fraction + 1e-9
            less += seen.fraction < whole.fraction - 0.02
    assert less >= 3


def test_a_box_alone_covers_its_amodal_pixels_through_the_lens() -> None:
    cube = build("cube", "box", [box((0, 0, 0), (0.5, 0.5, 0.5), 0)], [Material(color=(200, 0, 0), texture=-1)])
    layout = Layout(width=6, depth=6, height=2.5, placed=(Placed(model=cube, x=0.3, y=0, z=0, yaw=20),))
    solid = build_solid(layout)
    seen = visibility(solid, see(solid, make_camera(200, 160, 70, (0, -2.2, 1.0), (0, 0, 0.4))), 0.25)[1]
    assert seen.fraction == 1
    assert seen.pixels == seen.amodal_pixels > 1000


def flat(made: Simulated) -> np.ndarray:
    return made.rgb[0][made.ids[0] == 0].astype(float)


def test_noise_exposure_and_jpeg_do_what_they_say() -> None:
    def with_(**fields: object) -> Simulated:
        return simulate(ROOM.model_copy(update={"capture": Capture.model_validate(fields)}), 2, 0)

    plain = simulate(ROOM, 2, 0)
    assert np.array_equal(with_().rgb[0], plain.rgb[0])
    dark = with_(exposure=(0.5, 0.5))
    assert flat(dark).mean() == pytest.approx(flat(plain).mean() / 2, abs=0.6)
    noisy = with_(noise=(8, 8))
    mid = np.abs(plain.rgb[0].astype(int) - 128) < 20
    assert (noisy.rgb[0].astype(float) - plain.rgb[0])[mid].std() == pytest.approx(8, rel=0.12)
    rough, fine = (with_(jpeg=(quality, quality)).rgb[0].astype(float) - plain.rgb[0] for quality in (15, 95))
    assert np.abs(rough).mean() > 2 * np.abs(fine).mean() > 0
    for made in (dark, noisy):
        assert np.array_equal(made.ids[0], plain.ids[0])
        assert np.array_equal(made.depth[0], plain.depth[0])
        assert made.scene.objects == plain.scene.objects
    assert digest(with_(noise=(3, 9), jpeg=(20, 80))) == digest(with_(noise=(3, 9), jpeg=(20, 80)))


def test_every_frame_has_other_noise() -> None:
    config = SimulateConfig(
        width=64, height=48, objects=(3, 6), frames=2, fps=50, motion="turn", capture=Capture(noise=(6, 6))
    )
    first, second = simulate(config, 0, 0).rgb
    calm = [draft(config, 0, 0).shots[k].geometry.owner for k in (0, 1)]
    still = calm[0] == calm[1]
    assert (first.astype(int) - second)[still].std() > 4


def test_sidecar_keeps_depth_to_half_a_millimetre_and_ids_exactly(tmp_path: Path) -> None:
    made = simulate(ROOM.model_copy(update={"frames": 3, "fps": 2.0}), 1, 0)
    data = encode_sidecar(made)
    assert encode_sidecar(made) == data
    (tmp_path / "scene.npz").write_bytes(data)
    back = read_sidecar(tmp_path / "scene.npz")
    assert np.abs(back.depth - np.stack(made.depth)).max() <= 0.00051
    assert np.array_equal(back.ids, np.stack(made.ids))
    assert back.times.tolist() == [0.0, 0.5, 1.0]
    for i, view in enumerate(made.scene.views):
        assert tuple(back.position[i]) == view.camera.position
        assert back.rotation[i].tolist() == [list(row) for row in view.camera.rotation]
        assert back.focal[i] == view.camera.focal


def test_sidecar_depth_of_a_box_is_its_distance() -> None:
    """A wall-parallel cube seen straight on: its near face is a plane of one depth, known without the renderer."""
    cube = build("cube", "box", [box((0, 0, 0), (0.6, 0.6, 0.6), 0)], [Material(color=(200, 0, 0), texture=-1)])
    layout = Layout(width=6, depth=6, height=2.5, placed=(Placed(model=cube, x=0, y=0, z=0, yaw=0),))
    solid = build_solid(layout)
    view = see(solid, make_camera(120, 90, 60, (0.0, -2.0, 0.3), (0.0, 0.0, 0.3)))
    made = simulate(ROOM.model_copy(update={"width": 120, "height": 90}), 0, 0)
    stored = Simulated(scene=made.scene, rgb=made.rgb, depth=(view.depth,), ids=(view.ids,), rejections={})
    back = read_sidecar(encode_sidecar(stored))
    face = back.ids[0] == 1
    assert face.sum() == pytest.approx((0.6 * view.camera.focal / 1.7) ** 2, rel=0.05)
    assert np.abs(back.depth[0][face] - 1.7).max() <= 0.00051
    # the back wall, one and a half cubes behind
    wall = ~face & (np.abs(np.arange(90)[:, None] - 35) < 5)
    assert np.abs(back.depth[0][wall & (np.abs(np.arange(120)[None] - 60) < 50)] - 5.0).max() <= 0.00051


def test_a_file_that_is_no_sidecar_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", depth=np.zeros((1, 2, 2)))
    with pytest.raises(ValueError, match=r"other.npz: lacks focal, ids"):
        read_sidecar(tmp_path / "other.npz")
