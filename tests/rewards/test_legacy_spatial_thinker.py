"""SpatialThinker's scene-graph reward against values worked out by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wherewise.rewards import Score
from wherewise.rewards.legacy import LEGACY
from wherewise.rewards.legacy.spatial_thinker import mapped_ciou
from wherewise.samples.errors import DatasetError

SGG = LEGACY["legacy.spatial_sgg"]
MAN = {"id": "man.1", "bbox": [0, 0, 50, 50]}
BIKE = {"id": "bike.1", "bbox": [50, 50, 100, 100]}
BEHIND = {"subject": "man.1", "predicate": "behind", "object": "bike.1"}
ANSWER = "(A) behind"


def scene(*objects: Any, relations: Any = ()) -> str:
    return json.dumps({"objects": list(objects), "relationships": list(relations)})


def reply(body: str, answer: str = ANSWER) -> str:
    return f"<observe>o</observe><scene>{body}</scene><think>t</think><answer>{answer}</answer>"


def score(text: str, truth: str | None = None, **params: str) -> Score:
    """Against a man in the upper left and a bike in the lower right quarter of 100 x 100 pixels."""
    truth = truth or f"<scene>{scene(MAN, BIKE, relations=[BEHIND])}</scene>\n<answer>{ANSWER}</answer>"
    row = {"completion": text, "ground_truth": truth, "image_size": [100, 100]}
    return SGG.score_row(row, SGG.params(**params))


def parts(text: str, truth: str | None = None) -> list[float]:
    found = score(text, truth).parts
    return [found[name] for name in ("format", "count", "accuracy", "spatial")]


PERFECT = scene(MAN, BIKE, relations=[BEHIND])


def test_perfect_reply() -> None:
    # F = 1, N = .7 + .3, A = 1, S = 1 (up to the epsilon of 1e-7): .1 + .2 + .5 + .2
    assert parts(reply(PERFECT)) == pytest.approx([1, 1, 1, 1], abs=1e-5)
    assert score(reply(PERFECT)).value == pytest.approx(1.0, abs=1e-5)


def test_order_of_blocks_and_text_around_them_are_free() -> None:
    shuffled = (
        f"hm <answer>{ANSWER}</answer><think>t</think> so <scene>{PERFECT}</scene></scene><observe></observe> end"
    )
    assert score(shuffled).value == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        reply(PERFECT).replace("<observe>o</observe>", ""),  # a block is missing
        reply(PERFECT) + "<think>",  # an opening tag twice
        reply(PERFECT).replace("</answer>", ""),  # never closed
        reply("{}"),  # an empty object
        reply("[]"),  # no object
        reply('{"objects": [}'),  # no JSON
        reply(scene({"id": "man.1", "bbox": [0, 0, 1, 1], "color": "red"})),  # a key more
        reply(scene({"id": "man.1"})),  # a key less
        reply(scene({"id": "man", "bbox": [0, 0, 1, 1]})),  # no number in the id
        reply(scene({"id": "red man.1", "bbox": [0, 0, 1, 1]})),  # a space in the id
        reply(scene({"id": "man.1", "bbox": [0, 0, 1]})),  # three numbers
        reply(scene({"id": "man.1", "bbox": [0, 0, 1, "1"]})),  # a text among them
        reply(scene(MAN, MAN)),  # an id twice
        reply(scene(MAN, relations=[{"subject": "man.1", "predicate": "by"}])),  # half a relation
        reply(scene(MAN, relations=[{"subject": "man", "predicate": "by", "object": "x.1"}])),  # no id
        reply('{"objects": null, "relationships": []}'),  # no list
    ],
)
def test_bad_format_makes_everything_zero(text: str) -> None:
    assert parts(text) == [0, 0, 0, 0]
    assert score(text).value == 0.0


def test_what_the_format_lets_pass() -> None:
    # Relations may name objects that aren't there and have more keys; booleans are numbers to Python.
    odd = scene({"id": "man.1", "bbox": [0, 0, True, 50]}, relations=[{**BEHIND, "object": "moon.7", "sure": 1}])
    assert parts(reply(odd))[0] == 1.0
    # A missing list of relations is an empty one; a missing list of objects passes too, but counts nothing: N = 0.
    assert parts(reply('{"relationships": []}')) == [1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (scene(MAN, BIKE), 0.7),  # 2 of 2 objects, 0 of 1 relations: .7 * 1 + .3 * (1 - 1 / 1)
        (scene(MAN, relations=[BEHIND]), 0.65),  # 1 of 2 objects: .7 * .5 + .3 * 1
        (scene(MAN, BIKE, {"id": "x.1", "bbox": [0, 0, 1, 1]}, relations=[BEHIND] * 2), 0.35),  # .7 * .5 + .3 * 0
        (scene(*[{"id": f"x.{i}", "bbox": [0, 0, 1, 1]} for i in range(5)], relations=[BEHIND]), 0.3),  # clipped at 0
    ],
)
def test_count(body: str, count: float) -> None:
    assert parts(reply(body))[1] == pytest.approx(count)


def test_count_without_true_relations_is_that_of_the_objects() -> None:
    truth = f"<scene>{scene(MAN, BIKE)}</scene><answer>{ANSWER}</answer>"
    assert parts(reply(scene(MAN, relations=[BEHIND] * 9)), truth)[1] == 0.5
    # Without any true object: max(0, 1 - 1 / max(0, 1)) = 0 for one, 1 for none.
    empty = f"<scene>{scene(relations=[])}</scene><answer>{ANSWER}</answer>"
    assert parts(reply(scene(MAN)), empty)[1] == 0.0
    assert parts(reply(scene()), empty)[1] == 1.0


@pytest.mark.parametrize(
    ("answer", "right"),
    [("(A) behind", 1), (" (a) BEHIND ", 1), ("A", 0), ("(A)", 0), ("behind", 0), ("(A)  behind", 0), ("(B) front", 0)],
)
def test_accuracy_wants_letter_and_text(answer: str, right: float) -> None:
    found = score(reply(PERFECT, answer))
    assert found.parts["accuracy"] == right
    # Wrong: .1 + .2, and the boxes count for nothing (lexicographic gate).
    assert found.value == pytest.approx(1.0 if right else 0.3, abs=1e-5)
    assert found.parts["spatial"] == pytest.approx(right, abs=1e-5)


def test_a_truth_without_answer_makes_an_empty_answer_right() -> None:
    assert parts(reply(PERFECT, ""), f"<scene>{PERFECT}</scene>")[2] == 1.0


def test_mapped_ciou() -> None:
    # Opposite quarters: IoU 0, d^2 = .25 + .25, c^2 = 2, equal shapes: CIoU = -.25, mapped (1 - .25) / 2.
    assert mapped_ciou([0, 0, 0.5, 0.5], [0.5, 0.5, 1, 1]) == pytest.approx(0.375, abs=1e-6)
    # The left half of the square: IoU .5; d^2 / c^2 = .0625 / 2; v = 4 / pi^2 (atan .5 - atan 1)^2 = .0419564;
    # alpha = v / (.5 + v) = .0774179; CIoU = .5 - .03125 - .0032482 = .4655018.
    assert mapped_ciou([0, 0, 1, 1], [0, 0, 0.5, 1]) == pytest.approx((0.4655018 + 1) / 2, abs=1e-6)
    # A box upside down isn't rejected: IoU 0, equal centres, v = 4 / pi^2 (atan 1 - atan -1)^2 = 1 with (w, h) = (1,
    # -1); alpha = 1 / (1 + 1): CIoU = -.5.
    assert mapped_ciou([0, 0, 1, 1], [0, 1, 1, 0]) == pytest.approx(0.25, abs=1e-6)


def test_boxes_that_miss_still_earn() -> None:
    # Each box where the other one is, labels exact: the cost of the right labels is 2 * 0 + (1 - .375), of the wrong
    # ones 2 * 1 + 0, so that labels win and both pairs earn .375.
    swapped = scene({**MAN, "bbox": BIKE["bbox"]}, {**BIKE, "bbox": MAN["bbox"]}, relations=[BEHIND])
    found = score(reply(swapped))
    assert found.parts["spatial"] == pytest.approx(0.375, abs=1e-5)
    assert found.value == pytest.approx(0.1 + 0.2 + 0.5 + 0.2 * 0.375, abs=1e-5)


def test_labels_steer_the_matching_only() -> None:
    nameless = scene({**MAN, "id": "cat.1"}, {**BIKE, "id": "dog.1"}, relations=[BEHIND])
    assert score(reply(nameless)).parts["spatial"] == pytest.approx(1.0, abs=1e-5)


def test_missing_objects_earn_nothing_and_surplus_ones_cost_nothing() -> None:
    assert score(reply(scene(MAN))).parts["spatial"] == pytest.approx(0.5, abs=1e-5)
    more = [{"id": f"tree.{i}", "bbox": [0, 0, 100, 100]} for i in range(8)]
    assert score(reply(scene(MAN, BIKE, *more))).parts["spatial"] == pytest.approx(1.0, abs=1e-5)
    # Relations are computed and ignored.
    assert score(reply(scene(MAN, BIKE))).parts["spatial"] == pytest.approx(1.0, abs=1e-5)


def test_scenes_without_objects() -> None:
    empty = f"<scene>{scene()}</scene><answer>{ANSWER}</answer>"
    assert parts(reply(scene()), empty)[3] == 1.0
    assert parts(reply(scene(MAN)), empty)[3] == 0.0
    # With true relations but no true objects the seed's sum over nothing is 1 whatever is predicted.
    odd = f"<scene>{scene(relations=[BEHIND])}</scene><answer>{ANSWER}</answer>"
    assert parts(reply(scene(MAN)), odd)[3] == 1.0
    assert parts(reply(scene()))[3] == 0.0


def test_similarity_by_embedding() -> None:
    # "bicycle" is near "bike" and not equal to it; either way each true object is matched, the boxes decide.
    near = scene(MAN, {**BIKE, "id": "bicycle.1"}, relations=[BEHIND])
    assert score(reply(near), similarity="embedding").value == pytest.approx(1.0, abs=1e-5)


def test_a_box_that_is_no_number_cannot_be_judged() -> None:
    body = '{"objects": [{"id": "man.1", "bbox": [NaN, 0, 1, 1]}], "relationships": []}'
    found = score(reply(body))
    assert found.value is None
    assert "exception" in found.note


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_size": [100]}, "image_size"),
        ({"image_size": None}, "image_size"),
        ({"ground_thruth": 1}, "ground_thruth: unknown field. Fix: did you mean 'ground_truth'"),
        ({"seen": 1}, "seen: unknown field. Fix: legacy.spatial_sgg takes completion, ground_truth, image_size"),
        ({"ground_truth": f"<scene>{scene({'id': 'man.1'})}</scene>", "completion": reply(PERFECT)}, "the true scene"),
    ],
)
def test_wrong_rows_are_refused(change: dict[str, Any], message: str) -> None:
    row = {"completion": "", "ground_truth": "", "image_size": [100, 100], **change}
    with pytest.raises(DatasetError, match=message):
        SGG.score_row(row)
    with pytest.raises(DatasetError, match="completion: the field is missing"):
        SGG.score_row({"ground_truth": "", "image_size": [1, 1]})
