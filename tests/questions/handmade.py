"""Scenes written by hand, whose answers can be read off their numbers."""

from __future__ import annotations

from wherewise.scenes import Camera, Scene, SceneObject, View, Visibility

CAMERA = Camera(
    width=400,
    height=300,
    focal=300.0,
    position=(0.0, 0.0, 1.4),
    rotation=((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
)
"""Looks along +y of the world: image x is world x, image y is world -z, depth is world y."""


def thing(
    number: int,
    category: str,
    color: str | None = None,
    *,
    center: tuple[float, float, float] = (0.0, 3.0, 0.5),
    size: tuple[float, float, float] = (0.5, 0.5, 1.0),
    yaw: float = 0.0,
) -> SceneObject:
    return SceneObject(id=f"o{number}", index=number, category=category, color=color, center=center, size=size, yaw=yaw)


def seen(
    u: float,
    v: float,
    *,
    width: int = 40,
    height: int = 40,
    near: float = 3.0,
    far: float = 3.4,
    pixels: int = 1500,
    fraction: float = 0.9,
) -> Visibility:
    return Visibility(
        pixels=pixels,
        amodal_pixels=pixels,
        fraction=fraction,
        box=(round(u - width / 2), round(v - height / 2), round(u + width / 2), round(v + height / 2)),
        center=(float(u), float(v)),
        distance=near,
        distance_far=far,
    )


def still(*items: tuple[SceneObject, Visibility | None], name: str = "room") -> Scene:
    return Scene(
        id=name,
        objects=tuple(item for item, _ in items),
        views=(View(camera=CAMERA, visible={item.id: what for item, what in items if what is not None}),),
        room=((-3.0, 0.0), (3.0, 0.0), (3.0, 6.0), (-3.0, 6.0)),
        height=2.5,
        seed=1,
    )


def clip(*items: tuple[SceneObject, list[int]], fps: float = 2.0, name: str = "clip") -> Scene:
    """Each object with its visible pixels in every frame."""
    frames = len(items[0][1])
    views = tuple(
        View(
            camera=CAMERA,
            visible={item.id: seen(100, 100, pixels=pixels[i]) for item, pixels in items if pixels[i]},
            time=i / fps,
        )
        for i in range(frames)
    )
    return Scene(id=name, objects=tuple(item for item, _ in items), views=views)


def living_room() -> Scene:
    """Four things, all clear of each other in every way that is asked."""
    return still(
        (thing(1, "chair", "red", center=(-1.0, 2.0, 0.5)), seen(80, 220, near=1.9, far=2.3)),
        (
            thing(2, "table", "blue", center=(1.0, 4.0, 0.4), size=(1.6, 0.9, 0.8)),
            seen(300, 160, near=3.6, far=4.4),
        ),
        (thing(3, "lamp", center=(0.0, 5.5, 0.8), size=(0.3, 0.3, 1.6)), seen(200, 90, near=5.2, far=5.7)),
        (
            thing(4, "chair", "green", center=(2.2, 2.9, 0.6), size=(0.9, 0.9, 1.3)),
            seen(370, 270, near=2.8, far=3.3),
        ),
    )


def tour() -> Scene:
    """A clip in which four things come into view one after the other, five frames apart."""
    names = (("chair", "red"), ("table", "blue"), ("lamp", None), ("bed", "green"))
    return clip(*((thing(i, *names[i]), [0] * (5 * i) + [2000] * (30 - 5 * i)) for i in range(4)))
