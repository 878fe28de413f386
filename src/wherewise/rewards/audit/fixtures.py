"""Questions of every answer kind and every evidence, for trying a reward without any data."""

from __future__ import annotations

from collections.abc import Sequence

from wherewise.samples import (
    Answer,
    Boolean,
    Box,
    Choice,
    Evidence,
    GraphObject,
    GridMap,
    Image,
    Number,
    Order,
    Point,
    Relation,
    Sample,
    SceneGraph,
    Text,
    Timeline,
    TimelineEvent,
)

WIDTH, HEIGHT = 640, 480
"""Size of the fixtures' picture in pixels."""


def _object(name: str, color: str, box: tuple[float, float, float, float], distance: float) -> GraphObject:
    return GraphObject(
        id=f"{color}_{name}",
        label=f"{color} {name}",
        box=box,
        distance=distance,
        attributes=(("category", name), ("color", color)),
    )


_OBJECTS = (
    _object("chair", "red", (60, 260, 160, 400), 2.2),
    _object("table", "blue", (300, 240, 470, 360), 3.1),
    _object("lamp", "green", (520, 60, 580, 200), 4.0),
)
_SCENE = SceneGraph(
    width=WIDTH,
    height=HEIGHT,
    objects=_OBJECTS,
    relations=(Relation(subject="red_chair", predicate="left of", object="blue_table"),),
    focus=("red_chair", "blue_table"),
)
_TIMELINE = Timeline(
    events=(
        TimelineEvent(label="A man opens the cabinet door", start=3, end=6),
        TimelineEvent(label="He carries a lamp to the desk", start=14, end=20),
        TimelineEvent(label="The dog jumps onto the sofa", start=31, end=33),
        TimelineEvent(label="He waters the plants", start=45, end=52),
    )
)
_MAP = GridMap(size=10, cells=(("chair", ((1, 2), (8, 8))), ("table", ((4, 6),)), ("lamp", ((9, 1),))))


def _sample(
    name: str,
    question: str,
    answer: Answer,
    *,
    task: str,
    options: Sequence[str] = (),
    evidence: Evidence | None = _SCENE,
    rationale: str | None = "I compare where the red chair and the blue table are.",
) -> Sample:
    return Sample(
        id=f"audit/{name}",
        media=(Image(path="audit.png", width=WIDTH, height=HEIGHT),),
        question=question,
        options=tuple(options),
        answer=answer,
        task=task,
        group="audit",
        evidence=evidence,
        rationale=rationale,
        source="audit",
    )


_SIDES = ("left", "right", "above", "below")
_WHERE = "Where is the red chair, seen from the blue table?"
_EVENTS = ("He carries a lamp", "He waters the plants", "The dog jumps", "He opens the door")

FIXTURES: tuple[Sample, ...] = (
    _sample("choice_a", _WHERE, Choice(letter="A", text="left"), task="left_right", options=_SIDES),
    _sample(
        "choice_c",
        "Where is the lamp, seen from the table?",
        Choice(letter="C", text="above"),
        task="above_below",
        options=_SIDES,
    ),
    _sample(
        "choice_b",
        "Which one is nearer, the table or the chair?",
        Choice(letter="B", text="red chair"),
        task="camera_distance",
        options=("blue table", "red chair"),
    ),
    _sample(
        "choice_behind",
        "Is the table in front of the chair or behind it?",
        Choice(letter="B", text="behind"),
        task="front_behind",
        options=("in front of", "behind"),
    ),
    _sample("count", "How many chairs are in the room?", Number(value=4), task="counting"),
    _sample("distance", "How far is the table from the chair?", Number(value=1.5, unit="m"), task="distance"),
    _sample("yes", "Is the chair left of the table?", Boolean(value=True), task="existence"),
    _sample("no", "Is the chair right of the table?", Boolean(value=False), task="existence"),
    _sample("text", "What does the man open?", Text(value="cabinet door"), task="open"),
    _sample("phrase", "Where does the lamp stand?", Text(value="on the wooden desk"), task="open"),
    _sample(
        "order",
        "In which order do they appear?",
        Order(items=("lamp", "table", "chair", "dog")),
        task="appearance_order",
        options=("chair", "dog", "lamp", "table"),
        evidence=None,
    ),
    _sample("box", "Where is the red chair?", Box(xyxy=_OBJECTS[0].box), task="box"),
    _sample("point", "Point at the blue table.", Point(xy=(385, 300)), task="point"),
    _sample("map", "Draw the room as a grid.", _MAP, task="map", evidence=_MAP),
    _sample(
        "map_choice",
        _WHERE,
        Choice(letter="B", text="right"),
        task="map_choice",
        options=_SIDES,
        evidence=_MAP,
        rationale="I put the objects on a grid.",
    ),
    _sample(
        "clip",
        "What happens first?",
        Choice(letter="D", text="He opens the door"),
        task="clip",
        options=_EVENTS,
        evidence=_TIMELINE,
        rationale="I go through the clip.",
    ),
)
"""Samples of all kinds; their pictures don't exist, since no reward looks at one."""
