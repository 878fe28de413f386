"""Annotated pictures as scenes: what has boxes in the picture and no depth.

The scene stands in the picture's plane: x to the right, z upwards, both in pixels, y = 0; `Scene.units_known` is
False, so nothing metric is asked. The camera is the one that maps this plane to the picture pixel by pixel. How far
away things are is not known, so a `Visibility` has no distances.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wherewise.samples.evidence import Relation
from wherewise.scenes.scene import Camera, Scene, SceneObject, View, Visibility


@dataclass(frozen=True, kw_only=True, slots=True)
class FlatObject:
    """One object of an annotated picture.

    Attributes:
        id: Unique within the picture.
        category: Singular noun.
        box: ``(x1, y1, x2, y2)`` in pixels.
        color: Colour word, or None.
        attributes: Further words, see `SceneObject.attributes`.
        share: Share of the box that the object fills, for shapes that are known.
        pixels: Visible pixels where they are known; otherwise box times share.
    """

    id: str
    category: str
    box: tuple[float, float, float, float]
    color: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    share: float = 1.0
    pixels: int | None = None


def plane_camera(width: int, height: int) -> Camera:
    """The camera that maps the plane y = 0 to the picture: ``(x, z)`` is seen at ``(x, height - z)``."""
    return Camera(
        width=width,
        height=height,
        focal=float(width),
        position=(width / 2, -float(width), height / 2),
        rotation=((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
    )


def flat_scene(
    name: str,
    objects: Sequence[FlatObject],
    *,
    width: int,
    height: int,
    source: str,
    complete: bool,
    relations: Sequence[Relation] = (),
    facts: Mapping[str, Any] | None = None,
) -> Scene:
    """The scene of an annotated picture.

    Args:
        name: Id of the scene.
        objects: What is annotated in the picture.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
        source: Name of the dataset.
        complete: Whether everything that can be seen is annotated.
        relations: Annotated relations, by object ids.
        facts: Anything else; plain JSON values.
    """
    things, visible = [], {}
    for index, item in enumerate(objects, start=1):
        x1, y1, x2, y2 = item.box
        center = (x1 + x2) / 2, (y1 + y2) / 2
        things.append(
            SceneObject(
                id=item.id,
                index=index,
                category=item.category,
                center=(center[0], 0.0, height - center[1]),
                size=(x2 - x1, 0.0, y2 - y1),
                yaw=0.0,
                color=item.color,
                attributes=item.attributes,
            )
        )
        pixels = item.pixels if item.pixels is not None else round((x2 - x1) * (y2 - y1) * item.share)
        if pixels > 0:
            visible[item.id] = Visibility(
                pixels=pixels,
                amodal_pixels=pixels,
                fraction=1.0,
                box=(round(x1), round(y1), round(x2), round(y2)),
                center=center,
            )
    return Scene(
        id=name,
        objects=tuple(things),
        views=(View(camera=plane_camera(width, height), visible=visible),),
        source=source,
        facts=dict(facts or {}),
        units_known=False,
        complete=complete,
        relations=tuple(relations),
    )
