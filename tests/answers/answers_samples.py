"""Samples of every answer kind, built by hand and by hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from wherewise.samples import (
    Answer,
    Boolean,
    Box,
    Choice,
    GraphObject,
    Image,
    Number,
    Order,
    Point,
    Sample,
    SceneGraph,
    Text,
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


@st.composite
def any_sample(draw: st.DrawFn) -> Sample:
    kind = draw(st.sampled_from(["choice", "number", "boolean", "text", "order", "box", "point"]))
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
    else:
        x, y = draw(st.integers(0, 300)), draw(st.integers(0, 300))
        answer = Point(xy=(x, y)) if kind == "point" else Box(xyxy=(x, y, x + 20, y + 15))
    return make_sample(answer, options)
