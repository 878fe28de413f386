"""Near-duplicates: the same objects in the same places, however the scene is moved, turned or listed."""

from __future__ import annotations

import dataclasses
import math
import random
from collections import Counter
from pathlib import Path

from wherewise.scenes import Scene, SceneObject
from wherewise.scenes.annotated import Guard, admitted
from wherewise.scenes.duplicates import NearDuplicates, fingerprint
from wherewise.scenes.graphs import FlatObject, flat_scene
from wherewise.scenes.scans import ScanFiles, Scans

FIXTURES = Path(__file__).parent / "fixtures" / "scans"


def room(rng: random.Random, name: str, count: int = 6) -> Scene:
    def thing(index: int) -> SceneObject:
        return SceneObject(
            id=f"t{index}",
            index=index + 1,
            category=rng.choice(("chair", "table", "lamp")),
            center=(rng.uniform(0, 5), rng.uniform(0, 4), rng.uniform(0, 1)),
            size=(rng.uniform(0.3, 1), rng.uniform(0.3, 1), rng.uniform(0.3, 1)),
            yaw=rng.uniform(0, 360),
        )

    return Scene(id=name, objects=tuple(thing(index) for index in range(count)), views=())


def moved(scene: Scene, rng: random.Random, noise: float) -> Scene:
    """The scene turned and shifted as a whole, its objects renamed, reordered and nudged."""
    angle, dx, dy = rng.uniform(0, 2 * math.pi), rng.uniform(-9, 9), rng.uniform(-9, 9)
    cos, sin = math.cos(angle), math.sin(angle)

    def nudge(value: float) -> float:
        return value + rng.uniform(-noise, noise)

    def turn(thing: SceneObject, index: int) -> SceneObject:
        x, y, z = (nudge(value) for value in thing.center)
        width, depth, height = (nudge(value) for value in thing.size)
        return dataclasses.replace(
            thing,
            id=f"other{index}",
            center=(cos * x - sin * y + dx, sin * x + cos * y + dy, z),
            size=(width, depth, height),
            yaw=thing.yaw + math.degrees(angle),
        )

    things = [turn(thing, index) for index, thing in enumerate(scene.objects)]
    rng.shuffle(things)
    return dataclasses.replace(scene, id=scene.id + "-again", objects=tuple(things))


def test_a_scene_is_known_again_after_it_was_moved_and_nudged() -> None:
    rng = random.Random(1)
    guard = NearDuplicates(tolerance=0.05)
    scenes = [room(rng, f"room{n}") for n in range(200)]
    assert [guard.add(scene, "train") for scene in scenes] == [None] * 200
    for scene in scenes:
        found = guard.add(moved(scene, rng, 0.01), "val")
        assert found is not None
        assert (found.scene, found.split) == (scene.id, "train")


def test_a_scene_with_one_object_elsewhere_is_another() -> None:
    rng = random.Random(2)
    for n in range(50):
        guard = NearDuplicates(tolerance=0.05)
        scene = room(rng, f"room{n}")
        assert guard.add(scene, "train") is None
        x, y, z = scene.objects[0].center
        shifted = dataclasses.replace(scene.objects[0], center=(x + 0.6, y, z))
        assert guard.add(dataclasses.replace(scene, objects=(shifted, *scene.objects[1:])), "train") is None


def test_other_words_are_another_scene() -> None:
    scene = room(random.Random(3), "room")
    renamed = dataclasses.replace(scene.objects[0], color="red")
    other = dataclasses.replace(scene, objects=(renamed, *scene.objects[1:]))
    assert not fingerprint(scene).matches(fingerprint(other), 1.0)


def picture(name: str, boxes: list[tuple[float, float]]) -> Scene:
    objects = [
        FlatObject(id=f"o{i}", category="ball", color="red" if i == 0 else "blue", box=(x, y, x + 20, y + 20))
        for i, (x, y) in enumerate(boxes)
    ]
    return flat_scene(name, objects, width=200, height=100, source="test", complete=True)


def test_in_pictures_left_and_right_matter() -> None:
    guard = NearDuplicates()
    assert guard.add(picture("a", [(10, 10), (100, 50)]), "train") is None
    assert guard.add(picture("same", [(11, 10), (100, 51)]), "val") is not None
    assert guard.add(picture("mirrored", [(170, 10), (80, 50)]), "val") is None
    assert guard.add(picture("crossed", [(100, 10), (10, 50)]), "val") is None


def test_two_videos_of_one_room_are_refused() -> None:
    tally: Counter[str] = Counter()
    guard = Guard(media=False, duplicates=NearDuplicates(tolerance=0.05))
    kept = [item.key[1] for _, item in admitted(Scans(files=ScanFiles(metadata=FIXTURES)), guard, {"a": 1}, 0, tally)]
    assert "40000001" in kept
    assert "40000002" not in kept
    assert tally["scenes.near_duplicate"] == 1


def test_a_repeat_in_another_split_is_told_apart() -> None:
    shares = {"a": 1.0, "b": 1.0}
    items = [item for item in Scans(files=ScanFiles(metadata=FIXTURES)) if item.key[0] == "arkitscenes"]
    for seed in range(40):
        tally: Counter[str] = Counter()
        guard = Guard(media=False, duplicates=NearDuplicates(tolerance=0.05))
        list(admitted(items, guard, shares, seed, tally))
        if tally["scenes.near_duplicate_across_splits"]:
            return
    raise AssertionError("two places never fell into two splits")
