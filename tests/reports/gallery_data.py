"""A small dataset on disk with all that a gallery shows: pictures, a clip, scenes, a sidecar, bad text."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image as PILImage

from wherewise.media import encode_video
from wherewise.samples import (
    Boolean,
    Box,
    Choice,
    GraphObject,
    GridMap,
    Image,
    Number,
    Point,
    Relation,
    Sample,
    SceneGraph,
    Timeline,
    TimelineEvent,
    Video,
)
from wherewise.samples.store import write_dataset
from wherewise.scenes.codec import write_scenes
from wherewise.scenes.scene import Camera, Door, Room, Scene, SceneObject, View, Visibility

EVIL = '<img src=x onerror="window.evil=1"></script><script>window.evil=2</script><!-- "quoted" & \u2028 \u00fc'
WIDTH, HEIGHT = 96, 64
MARGINS = {"horizontal_gap": 0.05, "depth_gap": 0.15, "depth_ratio": 0.1}


def picture(shade: int = 120) -> bytes:
    """A JPEG with a gradient."""
    array = np.full((HEIGHT, WIDTH, 3), shade, np.uint8)
    array[:, :, 0] = np.linspace(0, 255, WIDTH, dtype=np.uint8)
    out = io.BytesIO()
    PILImage.fromarray(array).save(out, "JPEG")
    return out.getvalue()


def clip(frames: int = 12) -> bytes:
    """An MP4 whose frames differ."""
    array = np.stack([np.full((HEIGHT, WIDTH, 3), 20 * i, np.uint8) for i in range(frames)])
    return encode_video(array, 4.0)


def camera(x: float, y: float) -> Camera:
    """A camera that looks along +y."""
    return Camera(
        width=WIDTH,
        height=HEIGHT,
        focal=80.0,
        position=(x, y, 1.5),
        rotation=((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
    )


def scene(group: str, *, views: int = 1, pictures: bool = False) -> Scene:
    """A room with two things; every view sees the first, every second one also the second."""
    chair = SceneObject(id="o1", index=1, category="chair", color="red", center=(1, 2, 0.5), size=(0.5, 0.4, 1), yaw=30)
    table = SceneObject(id="o2", index=2, category="table", center=(-1, 2, 0.4), size=(1.2, 0.8, 0.8), yaw=0)

    def seen(box: tuple[int, int, int, int], distance: float) -> Visibility:
        return Visibility(pixels=200, amodal_pixels=250, fraction=0.8, box=box, distance=distance)

    return Scene(
        id=group,
        objects=(chair, table),
        views=tuple(
            View(
                camera=camera(0.1 * i, -1),
                visible={"o1": seen((50, 10, 80, 50), 2.0)}
                | ({"o2": seen((5, 20, 40, 60), 2.5)} if i % 2 == 0 else {}),
                time=0.25 * i,
            )
            for i in range(views)
        ),
        room=((-2, -2), (2, -2), (2, 3), (-2, 3)),
        rooms=(Room(name="room 1", floor=((-2, -2), (2, -2), (2, 3), (-2, 3))),),
        doors=(Door(ends=((-2, 0), (-2, 1)), rooms=("room 1",)),),
        pictures=pictures,
    )


GRAPH = SceneGraph(
    width=WIDTH,
    height=HEIGHT,
    objects=(
        GraphObject(id="o1", label="red chair", box=(50, 10, 80, 50), distance=2.0),
        GraphObject(id="o2", label="table", box=(5, 20, 40, 60), distance=2.5),
    ),
    relations=(Relation(subject="o2", predicate="left_of", object="o1"),),
    focus=("o1", "o2"),
)


def samples() -> list[Sample]:
    """One of each kind of sample, media as bytes or as files."""
    still = Image(data=picture(), width=WIDTH, height=HEIGHT)
    video = Video(path="media/clip.mp4", fps=4.0, duration=3.0)
    choice = Choice(letter="A", text="left")
    return [
        Sample(
            id="still-left_right-0",
            media=(still,),
            question="Is the table left or right of the red chair?",
            options=("left", "right"),
            answer=choice,
            task="left_right",
            group="still",
            evidence=GRAPH,
            rationale="The table is further left.",
            facts={"subject": "o2", "object": "o1", "shift": -0.2, "overlap": 0.0},
            source="simulate",
            license="CC0-1.0",
            seed=7,
        ),
        Sample(
            id="still-camera_distance-0",
            media=(still,),
            question="Which is closer to the camera, the red chair or the table?",
            options=("red chair", "table"),
            answer=Choice(letter="A", text="red chair"),
            task="camera_distance",
            group="still",
            evidence=GRAPH,
            facts={"near": [2.0, 2.22], "objects": ["o1", "o2"]},
        ),
        Sample(
            id="still-evil",
            media=(still,),
            question=EVIL,
            answer=Boolean(value=True),
            task="existence",
            group="still",
            rationale=EVIL,
            facts={"label": EVIL},
        ),
        Sample(
            id="still-box",
            media=(still,),
            question="Where is the chair?",
            answer=Box(xyxy=(50, 10, 80, 50)),
            task="box_grounding",
            group="still",
        ),
        Sample(
            id="still-point",
            media=(still,),
            question="Point at the table.",
            answer=Point(xy=(20, 40)),
            task="point_grounding",
            group="still",
        ),
        Sample(
            id="pair-count",
            media=(Image(path="media/a.jpg"), Image(path="media/b.jpg")),
            question="How many chairs are there?",
            answer=Number(value=1),
            task="object_count",
            group="pair",
            split="val",
            facts={"label": "chair", "count": 1},
        ),
        Sample(
            id="pair-match",
            media=(Image(path="media/a.jpg"), Image(path="media/b.jpg")),
            question="In the second picture an object is at [50, 10, 80, 50]. Which box shows it in the first?",
            options=("[5, 20, 40, 60]", "[50, 10, 80, 50]"),
            answer=Choice(letter="B", text="[50, 10, 80, 50]"),
            task="correspondence",
            group="pair",
            split="val",
            facts={"label": "1 0", "object": "o1"},
        ),
        Sample(
            id="clip-order",
            media=(video,),
            question="Which appears first, the red chair or the table?",
            options=("red chair", "table"),
            answer=Choice(letter="B", text="table"),
            task="appearance_order",
            group="clip",
            split="test",
            evidence=Timeline(
                events=(
                    TimelineEvent(label="table", start=0, end=1),
                    TimelineEvent(label="red chair", start=0.5, end=2.75),
                )
            ),
            facts={"margin": 1.25},
        ),
        Sample(
            id="clip-map",
            media=(video,),
            question="Make a map.",
            answer=GridMap(size=4, cells=(("table", ((1, 2),)),)),
            task="cognitive_map",
            group="clip",
            split="test",
        ),
    ]


def write(folder: Path) -> Path:
    """The dataset with its scenes and one sidecar."""
    (folder / "media").mkdir(parents=True)
    (folder / "media" / "a.jpg").write_bytes(picture(30))
    (folder / "media" / "b.jpg").write_bytes(picture(200))
    (folder / "media" / "clip.mp4").write_bytes(clip())
    write_dataset(
        samples(),
        folder,
        generator={"name": "simulate", "config": {"questions": {"margins": MARGINS}}},
        rejections={"questions.margin_depth": 12, "questions.hidden": 3, "scenes.crowded": 1},
    )
    write_scenes([scene("still"), scene("elsewhere")], folder / "scenes-train.jsonl")
    write_scenes([scene("pair", views=2, pictures=True)], folder / "scenes-val.jsonl")
    write_scenes([scene("clip", views=12)], folder / "scenes-test.jsonl")
    (folder / "sidecars" / "train").mkdir(parents=True)
    write_sidecar(folder / "sidecars" / "train" / "still.npz", views=1)
    return folder


def write_sidecar(path: Path, *, views: int) -> None:
    """Depth from 1 m at the top to 4 m at the bottom, and the chair's box as its id, in every view."""
    depth = np.linspace(1000, 4000, WIDTH * HEIGHT).reshape(1, HEIGHT, WIDTH).astype(np.uint16)
    ids = np.zeros((1, HEIGHT, WIDTH), np.uint16)
    ids[:, 10:50, 50:80] = 1
    np.savez_compressed(
        path,
        depth=depth.repeat(views, 0),
        ids=ids.repeat(views, 0),
        times=np.arange(views) / 4,
        focal=np.full(views, 80.0),
        position=np.zeros((views, 3)),
        rotation=np.zeros((views, 3, 3)),
    )


def as_jsonl(path: Path) -> Path:
    """One hand-written record with its picture as a file beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / "p.jpg").write_bytes(picture())
    record = {
        "id": "mine-1",
        "media": [{"type": "image", "path": "p.jpg"}],
        "question": "Is it there?",
        "answer": {"kind": "boolean", "value": True},
        "task": "existence",
        "group": "mine",
    }
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")
    return path
