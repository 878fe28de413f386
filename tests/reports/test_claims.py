"""What replies claim, read for drawing, whatever they say."""

from __future__ import annotations

import json

import pytest

from wherewise.answers.coordinates import CODECS
from wherewise.reports.claims import MOST, claims_of_reply, truth_of

TENTHS, THOUSANDTHS = CODECS["tenths"], CODECS["norm1000"]


def test_a_point_claim_is_a_tenth_around_its_cell() -> None:
    claim = claims_of_reply("<scene>red chair (2,4,4); lamp (9,0)</scene><answer>left</answer>", TENTHS, (200, 100))
    assert claim == {
        "boxes": [
            {"label": "red chair", "box": [40.0, 40.0, 60.0, 50.0], "distance": 2.25},
            {"label": "lamp", "box": [180.0, 0.0, 200.0, 10.0]},
        ]
    }


def test_boxes_relations_and_answers_are_decoded_by_the_run_s_codec() -> None:
    graph = {
        "objects": [{"id": "chair", "bbox": [100, 200, 300, 400]}, {"id": "odd", "bbox": [1, 2]}, "?"],
        "relationships": [{"subject": "chair", "predicate": "left of", "object": "table"}, {"subject": "x"}],
    }
    text = f"<scene>{json.dumps(graph)}</scene><answer>[0, 500, 1000, 1000]</answer>"
    assert claims_of_reply(text, THOUSANDTHS, (200, 100)) == {
        "boxes": [
            {"label": "chair", "box": [20.0, 20.0, 60.0, 40.0]},
            {"label": "answer", "box": [0.0, 50.0, 200.0, 100.0]},
        ],
        "relations": [["chair", "left of", "table"]],
    }


def test_pixels_are_those_of_the_picture_as_the_model_saw_it() -> None:
    text = "<answer>[28, 28, 56, 56]</answer>"
    (seen,) = claims_of_reply(text, CODECS["pixels"], (200, 100), (56, 56))["boxes"]
    assert seen["box"] == [100.0, 50.0, 200.0, 100.0]
    (unknown,) = claims_of_reply(text, CODECS["pixels"], (200, 100))["boxes"]
    assert unknown["box"] == [28.0, 28.0, 56.0, 56.0]


def test_timelines_and_maps_are_claims_too() -> None:
    text = '<timeline>00:00.5-00:02 lamp</timeline><map>{"chair": [[1, 2]]}</map>'
    claim = claims_of_reply(text, TENTHS, None)
    assert claim["events"] == [{"label": "lamp", "start": 0.5, "end": 2.0}]
    assert claim["cells"] == [["chair", [[1, 2]]]]
    assert "boxes" not in claim


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<scene>",
        "<scene>{",
        "<scene>{" + '"a":[' * 9000,
        "(" * 50_000,
        "<scene>none</scene>",
        "\x00",
    ],
)
def test_what_is_no_claim_draws_nothing(text: str) -> None:
    assert claims_of_reply(text, TENTHS, (10, 10)) == {}


def test_a_reply_that_repeats_itself_is_cut() -> None:
    claim = claims_of_reply("<scene>" + "a (1,1); " * 5000, TENTHS, (10, 10))
    assert len(claim["boxes"]) == MOST


def test_truth_has_names_in_place_of_ids_and_the_gold_box() -> None:
    graph = {
        "objects": [
            {"id": "o1", "label": "chair", "box": [1, 2, 3, 4]},
            {"id": "o2", "label": "lamp", "box": [5, 6, 7, 8]},
        ],
        "relations": [{"subject": "o1", "predicate": "left_of", "object": "o2"}],
        "focus": ["o2"],
    }
    truth = truth_of(graph, "[1, 2, 3, 4]")
    assert truth["relations"] == [["chair", "left_of", "lamp"]]
    assert [box["focus"] for box in truth["boxes"]] == [False, True]
    assert truth["gold"] == {"box": [1.0, 2.0, 3.0, 4.0]}
    assert truth_of(None, "left") == {}
    assert truth_of({"kind": "grid_map", "size": 4, "cells": [["a", [[0, 1]]]]}) == {
        "cells": [["a", [[0, 1]]]],
        "grid": 4,
    }
