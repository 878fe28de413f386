"""What becomes of a reply: counts put right by the graph, refusals with their reasons."""

from __future__ import annotations

from typing import Any

import pytest

from wherewise.curate.counts import Counted, Uncounted, Vocabulary, counted, put_right
from wherewise.curate.graph import PictureGraph, picture_graph
from wherewise.curate.review import Candidate, Reason, Refused, plain, review
from wherewise.curate.tasks import Category, Written
from wherewise.curate.words import lemmas, number_in, singular, with_number
from wherewise.judge.schema import portable_schema, read_reply
from wherewise.scenes.graphs import clevr_scene, nlvr_scene, vg150_scene

OBJECTS = [
    {"id": "man.1", "bbox": [10, 10, 110, 210]},
    {"id": "woman.1", "bbox": [150, 10, 250, 210]},
    {"id": "woman.2", "bbox": [152, 12, 252, 212]},  # the same woman, boxed twice
    {"id": "child.1", "bbox": [260, 100, 320, 210]},
    {"id": "wine_glass.1", "bbox": [300, 220, 330, 280]},
    {"id": "glass.1", "bbox": [340, 220, 370, 280]},
    {"id": "bench.1", "bbox": [0, 200, 400, 300]},
    {"id": "trees.1", "bbox": [0, 0, 400, 100]},
    {"id": "tree.1", "bbox": [0, 0, 100, 100]},
    {"id": "ear.1", "bbox": [20, 20, 24, 24]},
]
RELATIONS = [
    {"subject": "man.1", "predicate": "sitting on", "object": "bench.1"},
    {"subject": "woman.1", "predicate": "next to", "object": "man.1"},
]


@pytest.fixture
def street() -> PictureGraph:
    """An annotation as people make it: not complete, one woman twice, a group, a tiny part."""
    row = {"image_id": 7, "objects": OBJECTS, "relationships": RELATIONS}
    return picture_graph(vg150_scene(row, width=400, height=300, name="vg150-7"))


@pytest.fixture
def shapes() -> PictureGraph:
    """A complete annotation: two yellow squares (one small), a blue square, a black circle."""
    boxes = [
        [_item("square", "Yellow", 10, 10, 30), _item("square", "#0099ff", 60, 10, 20)],
        [_item("square", "Yellow", 10, 10, 10)],
        [_item("circle", "Black", 10, 60, 30)],
    ]
    return picture_graph(nlvr_scene({"identifier": "9-0", "structured_rep": boxes, "sentence": "", "label": "true"}))


def known(*graphs: PictureGraph) -> Vocabulary:
    words = Vocabulary(nouns={"triangle", "dog"}, attributes={"green"})
    for graph in graphs:
        words.learn(graph)
    return words


def _item(shape: str, color: str, x: int, y: int, size: int) -> dict[str, Any]:
    return {"type": shape, "color": color, "x_loc": x, "y_loc": y, "size": size}


def written(question: str, *options: str, answer: str = "A", category: str = "count", rating: int = 7) -> Written:
    return Written.model_validate(
        {
            "question": question,
            "options": list(options) or ["2", "3"],
            "answer": answer,
            "category": category,
            "level": "easy",
            "rating": rating,
        }
    )


def reviewed(graph: PictureGraph, reply: Written, **settings: Any) -> Candidate | Refused:
    plain_settings: dict[str, Any] = {
        "name": "x",
        "words_known": known(graph),
        "asked": set(),
        "shares": [*Category],
        "min_share": 0.002,
        "complete_counts": False,
        "min_rating": 1,
    }
    return review(reply, graph, **(plain_settings | settings))


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        *[("buses", "bus"), ("glasses", "glass"), ("knives", "knife"), ("people", "person"), ("sheep", "sheep")],
        *[("cities", "city"), ("boxes", "box"), ("horses", "horse"), ("giraffes", "giraffe"), ("grass", "grass")],
        *[("sandwiches", "sandwich"), ("brushes", "brush"), ("shoes", "shoe"), ("ties", "tie"), ("bus", "bus")],
        *[("tomatoes", "tomato"), ("teeth", "tooth"), ("vases", "vase"), ("chairs", "chair"), ("dishes", "dish")],
    ],
)
def test_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_numbers_in_words_and_digits() -> None:
    assert [number_in(text) for text in ("12", "Seven dogs", "0", "no one", "3.5", "many", "", "1,000")] == [
        *(12, 7, 0, 0, None, None, None, None)
    ]
    assert with_number("Two dogs", 3) == "Three dogs"
    assert with_number("two", 30) == "30"
    assert lemmas("Are the women's buses red?")[:3] == ("are", "the", "woman")


@pytest.mark.parametrize(
    ("question", "number"),
    [
        ("How many yellow squares are there in the picture?", 2),
        ("How many squares are there?", 3),
        ("How many blue squares can you see in the image?", 1),
        ("How many circles are visible?", 1),
        ("What is the total number of small yellow squares in this image?", 1),
        ("How many objects are there?", 4),
        ("How many green triangles are there in the picture?", 0),
        ("How many black squares are there?", 0),
    ],
)
def test_a_complete_graph_is_counted(shapes: PictureGraph, question: str, number: int) -> None:
    count = counted(shapes, question, known(shapes))
    assert isinstance(count, Counted)
    assert count.number == number == len(count.things)


@pytest.mark.parametrize(
    ("question", "number"),
    [
        ("How many people are in the picture?", 3),
        ("How many women are there?", 1),
        ("How many glasses are there?", 2),
        ("How many wine glasses can be seen?", 1),
        ("How many benches are there?", 1),
    ],
)
def test_people_are_counted_once(street: PictureGraph, question: str, number: int) -> None:
    count = counted(street, question, known(street))
    assert isinstance(count, Counted), count
    assert count.number == number


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("How many people sitting on the bench are there?", "several things"),
        ("How many women wearing hats are there?", "wearing hat"),
        ("How many trees are there?", "groups"),
        ("How many objects are there in the picture?", "not everything is annotated"),
        ("How many dogs are there?", "nothing that is annotated"),
    ],
)
def test_what_the_graph_cannot_count(street: PictureGraph, question: str, why: str) -> None:
    count = counted(street, question, known(street))
    assert isinstance(count, Uncounted), count
    assert why in count.why
    refused = reviewed(street, written(question))
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NOT_COUNTABLE


@pytest.mark.parametrize("noun", ["towers", "grey boxes", "purple squares", "boxes with a triangle"])
def test_what_is_never_annotated_is_not_absent(shapes: PictureGraph, noun: str) -> None:
    count = counted(shapes, f"How many {noun} are there in the picture?", known(shapes))
    assert isinstance(count, Uncounted)


@pytest.mark.parametrize(
    ("options", "marked", "right"),
    [
        (("2", "3", "4"), 1, (("2", "3", "4"), 0)),  # another letter
        (("4", "3"), 1, (("4", "2"), 1)),  # another text
        (("two", "five"), 0, (("two", "five"), 0)),  # right as it is
        (("3 squares", "five squares"), 1, (("3 squares", "two squares"), 1)),
    ],
)
def test_put_right(options: tuple[str, ...], marked: int, right: tuple[tuple[str, ...], int]) -> None:
    assert put_right(options, marked, 2) == right


def test_a_wrong_count_is_put_right_and_said(shapes: PictureGraph) -> None:
    found = reviewed(shapes, written("How many yellow squares are there?", "3", "4", "2"))
    assert isinstance(found, Candidate)
    assert (found.options, found.marked) == (("3", "4", "2"), 2)
    assert found.corrected == {"options": ["3", "4", "2"], "answer": "3", "counted": 2}
    assert [thing.id for thing in found.evidence.objects] == ["square.1", "square.3"]
    right = reviewed(shapes, written("How many yellow squares are there?", "3", "2", answer="B"))
    assert isinstance(right, Candidate)
    assert right.corrected is None


def test_what_asks_for_a_number_is_counted_whatever_its_category(shapes: PictureGraph) -> None:
    found = reviewed(shapes, written("How many circles are there?", "3", "1", category="existence"))
    assert isinstance(found, Candidate)
    assert (found.category, found.options[found.marked]) == (Category.COUNT, "1")


def test_counts_of_complete_graphs_only(street: PictureGraph, shapes: PictureGraph) -> None:
    refused = reviewed(street, written("How many benches are there?"), complete_counts=True)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.NOT_COUNTABLE
    assert isinstance(reviewed(shapes, written("How many circles are there?"), complete_counts=True), Candidate)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (written("How many women are there?", "a few", "3"), Reason.COUNT_OPTIONS),
        (written("Where is the man?", "left", "right", answer="C", category="relation"), Reason.OPTIONS),
        (written("Where is the man?", "left", "Left", category="relation"), Reason.OPTIONS),
        (written("Where is the man?", "left", " ", category="relation"), Reason.OPTIONS),
        (written("The man is on the left.", "yes", "no", category="relation"), Reason.NO_QUESTION),
        (written("Where is man.1?", "left", "right", category="relation"), Reason.NAMES_ANNOTATION),
        (written("Is the bounding box of the man wide?", "yes", "no", category="size"), Reason.NAMES_ANNOTATION),
        (written("What is at [10, 10, 110, 210]?", "man", "bench", category="size"), Reason.NAMES_ANNOTATION),
        (written("Where is the dog?", "left", "right", category="relation"), Reason.NOT_IN_GRAPH),
        (written("Where is the man's ear?", "left", "right", category="relation"), Reason.NOT_SALIENT),
        (written("Is there a bench in the picture?", "No", "Yes", category="existence"), Reason.CONTRADICTS_GRAPH),
        (written("Are there any women?", "No, none", "Yes, one", category="existence"), Reason.CONTRADICTS_GRAPH),
    ],
)
def test_refusals(street: PictureGraph, reply: Written, reason: Reason) -> None:
    found = reviewed(street, reply)
    assert isinstance(found, Refused)
    assert found.reason is reason
    assert found.reply["question"] == reply.question


def test_existence_needs_a_complete_graph_to_contradict_a_yes(street: PictureGraph, shapes: PictureGraph) -> None:
    dog = reviewed(street, written("Is there a dog in the picture?", "Yes", "No", category="existence"))
    assert isinstance(dog, Candidate)
    triangle = reviewed(shapes, written("Is there a triangle in the picture?", "Yes", "No", category="existence"))
    assert isinstance(triangle, Refused)
    assert triangle.reason is Reason.CONTRADICTS_GRAPH


def test_settings_refuse(street: PictureGraph) -> None:
    reply = written("Where is the man in relation to the bench?", "on it", "behind it", category="relation")
    cases: list[tuple[dict[str, Any], Reason]] = [
        ({"asked": {plain("where is the man in relation to the BENCH")}}, Reason.REPEATED),
        ({"shares": [Category.COUNT]}, Reason.UNWANTED),
        ({"min_rating": 8}, Reason.RATING),
    ]
    for settings, reason in cases:
        found = reviewed(street, reply, **settings)
        assert isinstance(found, Refused)
        assert found.reason is reason
    kept = reviewed(street, reply)
    assert isinstance(kept, Candidate)
    assert {thing.id for thing in kept.evidence.objects} == {"man.1", "bench.1"}
    assert [(r.subject, r.predicate, r.object) for r in kept.evidence.relations] == [("man.1", "on", "bench.1")]


def test_letters_before_options_are_left_out(street: PictureGraph) -> None:
    reply = written("Where is the man?", "(A) left", "B. right", "c", answer="B", category="instance_location")
    found = reviewed(street, reply)
    assert isinstance(found, Candidate)
    assert found.options == ("left", "right", "c")


def test_the_text_of_a_graph_names_the_largest(street: PictureGraph) -> None:
    text = street.text(2)
    assert '"bench.1"' in text
    assert '"ear.1"' not in text
    assert '"objects_left_out": 8' in text
    assert street.digest() != street.text(2)


def test_clevr_words_are_attributes() -> None:
    import json
    from pathlib import Path

    path = Path(__file__).parents[1] / "scenes" / "fixtures" / "graphs" / "CLEVR_val_scenes.json"
    graph = picture_graph(clevr_scene(json.loads(path.read_text())["scenes"][0]))
    thing = graph.things[0]
    noun = " ".join([*thing.attributes, thing.category])
    count = counted(graph, f"How many {noun}s are there?", known(graph))
    assert isinstance(count, Counted)
    assert thing in count.things


@pytest.mark.parametrize(
    ("text", "category"),
    [('"REL_left"', "relation"), ('"Instance Location"', "instance_location"), ('"depth"', "depth")],
)
def test_replies_are_read_strictly_but_for_spelling(text: str, category: str) -> None:
    reply = '{"question": "Q?", "options": ["a", "b"], "answer": "(b)", "category": %s, "level": "hard", "rating": 3}'
    found = read_reply(Written, "Here it is: " + reply % text)
    assert isinstance(found, Written)
    assert (found.category, found.answer) == (category, "B")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"options": ["a"]}, "options"),
        ({"options": list("abcde")}, "options"),
        ({"rating": 11}, "rating"),
        ({"rating": "7"}, "rating"),
        ({"category": "colour"}, "category"),
        ({"answer": "E"}, "answer"),
        ({"note": "x"}, "note"),
    ],
)
def test_replies_of_another_form(change: dict[str, Any], problem: str) -> None:
    import json

    base = {"question": "Q?", "options": ["a", "b"], "answer": "A", "category": "size", "level": "hard", "rating": 3}
    found = read_reply(Written, json.dumps(base | change))
    assert isinstance(found, str)
    assert problem in found


def test_the_schema_is_strict() -> None:
    schema = portable_schema(Written)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["question", "options", "answer", "category", "level", "rating"]
    assert set(schema["properties"]["category"]["enum"]) == {str(category) for category in Category}
