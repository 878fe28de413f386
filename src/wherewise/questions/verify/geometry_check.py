"""Stored visibility against pure geometry."""

from __future__ import annotations

import dataclasses

import numpy as np

from wherewise.questions.verify.measure import corners, distance_to_point
from wherewise.scenes import Scene


def check_scene(scene: Scene, *, pixels: float = 2.0, metres: float = 0.02) -> list[str]:
    """Check stored visibility against pure geometry: camera, oriented boxes, nothing rendered.

    Every visible box must lie within the projection of the object's oriented box, and every surface distance between
    the nearest and the farthest point of that box.

    Args:
        scene: The scene.
        pixels: Tolerance in the picture.
        metres: Tolerance in the room.

    Returns:
        The contradictions, in words; empty when all is well.
    """
    problems: list[str] = []
    for number, view in enumerate(scene.views):
        things = {
            thing.id: dataclasses.replace(thing, center=view.poses[thing.id].center, yaw=view.poses[thing.id].yaw)
            if thing.id in view.poses
            else thing
            for thing in scene.objects
        }
        camera = view.camera
        axes = np.array(camera.rotation, dtype=float)
        if not np.allclose(axes @ axes.T, np.eye(3), atol=1e-6) or np.linalg.det(axes) < 0:
            problems.append(f"view {number}: the camera's axes are not a rotation")
        for name, seen in view.visible.items():
            if name not in things:
                problems.append(f"view {number}: sees {name!r}, which is not in the scene")
                continue
            places_of = (corners(things[name]) - np.array(camera.position)) @ axes.T
            farthest = float(np.linalg.norm(places_of, axis=1).max())
            nearest = distance_to_point(things[name], np.array(camera.position))
            if seen.distance is not None and not nearest - metres <= seen.distance <= farthest + metres:
                problems.append(
                    f"view {number}: {name} is seen at {seen.distance:.3f} m, its box spans "
                    f"{nearest:.3f} to {farthest:.3f} m"
                )
            if seen.box is not None and places_of[:, 2].min() > 1e-3:
                places = (
                    places_of[:, :2] / places_of[:, 2:] * camera.focal + np.array([camera.width, camera.height]) / 2
                )
                low, high = places.min(axis=0), places.max(axis=0)
                x1, y1, x2, y2 = seen.box
                if (
                    x1 < low[0] - pixels
                    or y1 < low[1] - pixels
                    or x2 > high[0] + 1 + pixels
                    or y2 > high[1] + 1 + pixels
                ):
                    problems.append(
                        f"view {number}: {name} covers {seen.box}, its box projects to {low.round(1)}..{high.round(1)}"
                    )
    return problems
