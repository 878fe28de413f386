"""Samples of every answer kind, built by hand and by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

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
    Sample,
    SceneGraph,
    Text,
    Timeline,
    TimelineEvent,
)

CHAIR = GraphObject(
    id="chair_1",
    label="red chair",
    box=(90.0, 150.0, 130.0, 190.0),
    distance=2.2,
    attributes=(("category", "chair"), ("color", "red")),
)
TABLE = GraphObject(
    id="table_1",
    label="blue table",
    box=(210.0, 180.0, 250.0, 220.0),
    distance=3.1,
    attributes=(("category", "table"), ("color", "blue")),
)
GRAPH = SceneGraph(width=320, height=320, objects=(CHAIR, TABLE), focus=("chair_1", "table_1"))


GRID = GridMap(size=10, cells=(("red chair", ((1, 2), (3, 4))), ("blue table", ((9, 0),))))
TIMELINE = Timeline(
    events=(
        TimelineEvent(label="the red chair comes into view", start=3.2, end=5.0),
        TimelineEvent(label="a door opens", start=65.0, end=65.0),
    )
)
EVIDENCE: dict[str, Evidence] = {"scene_graph": GRAPH, "grid_map": GRID, "timeline": TIMELINE}
"""What each style writes down."""


def make_sample(answer: Answer | None = None, options: tuple[str, ...] = (), **changes: object) -> Sample:
    if answer is None:
        options = options or ("left", "right")
        answer = Choice(letter="A", text=options[0])
    fields: dict[str, object] = {
        "id": "s1",
        "media": (Image(path="a.png", width=320, height=320),),
        "question": "Is the red chair left or right of the blue table?",
        "answer": answer,
        "options": options,
        "task": "left_right",
        "group": "g1",
        "evidence": GRAPH,
        "rationale": "The chair is further left than the table.",
    }
    return Sample(**(fields | changes))  # type: ignore[arg-type]


WORDS = st.sampled_from(
    "red blue chair table sofa lamp left right front-left big small door window three seven".split()  # noqa: SIM905
)
PHRASES = st.lists(WORDS, min_size=1, max_size=3).map(" ".join)


LABELS = st.one_of(PHRASES, st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable()))
CELLS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=3).map(tuple)
GRIDS = st.lists(st.tuples(LABELS, CELLS), max_size=4, unique_by=lambda item: item[0]).map(
    lambda cells: GridMap(size=10, cells=tuple(cells))
)
SECONDS = st.integers(0, 80_000).map(lambda tenths: tenths / 10)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    events = []
    for label in draw(st.lists(PHRASES, max_size=4)):
        start, end = sorted((draw(SECONDS), draw(SECONDS)))
        events.append(TimelineEvent(label=label, start=start, end=end))
    return Timeline(events=tuple(sorted(events, key=lambda event: (event.start, event.end))))


@st.composite
def any_sample(draw: st.DrawFn) -> Sample:
    kind = draw(st.sampled_from(["choice", "number", "boolean", "text", "order", "box", "point", "grid_map"]))
    options: tuple[str, ...] = ()
    answer: Answer
    if kind == "choice":
        options = tuple(draw(st.lists(PHRASES, min_size=2, max_size=5, unique_by=lambda text: text.replace("-", " "))))
        index = draw(st.integers(0, len(options) - 1))
        answer = Choice(letter="ABCDE"[index], text=options[index])
    elif kind == "number":
        unit = draw(st.sampled_from([None, "m", "s", "deg"]))
        answer = Number(value=draw(st.floats(allow_nan=False, allow_infinity=False)), unit=unit)
    elif kind == "boolean":
        answer = Boolean(value=draw(st.booleans()))
    elif kind == "text":
        answer = Text(value=draw(PHRASES))
    elif kind == "order":
        answer = Order(items=tuple(draw(st.lists(PHRASES, min_size=2, max_size=4, unique=True))))
    elif kind == "grid_map":
        answer = draw(GRIDS)
    else:
        x, y = draw(st.integers(0, 300)), draw(st.integers(0, 300))
        answer = Point(xy=(x, y)) if kind == "point" else Box(xyxy=(x, y, x + 20, y + 15))
    return make_sample(answer, options)
