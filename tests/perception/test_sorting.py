from __future__ import annotations

from collections import Counter

from wherewise.perception import Detection, Doubt, SortingConfig, sort_out


def found(label: str, score: float, *box: float) -> Detection:
    return Detection(label=label, score=score, box=(box[0], box[1], box[2], box[3]))


def doubts(*detections: Detection, **changes: float) -> tuple[list[tuple[str, float, Doubt | None]], Counter[str]]:
    tally: Counter[str] = Counter()
    things = sort_out(detections, 200, 100, SortingConfig(**changes), tally)
    return [(t.detection.label, t.detection.score, t.doubt) for t in things], tally


def test_a_duplicate_is_merged_into_the_better_one() -> None:
    listed, tally = doubts(found("dog", 0.6, 12, 10, 52, 50), found("dog", 0.8, 10, 10, 50, 50))
    assert listed == [("dog", 0.8, None)]
    assert tally == {"objects.merged": 1}


def test_two_things_of_one_label_stay_two() -> None:
    listed, _ = doubts(found("dog", 0.8, 10, 10, 50, 50), found("dog", 0.7, 100, 10, 140, 50))
    assert [doubt for _, _, doubt in listed] == [None, None]


def test_two_likely_labels_of_one_box_are_both_in_doubt() -> None:
    listed, tally = doubts(found("dog", 0.8, 10, 10, 50, 50), found("cat", 0.6, 10, 12, 50, 50))
    assert [doubt for _, _, doubt in listed] == [Doubt.LABEL_AMBIGUOUS, Doubt.LABEL_AMBIGUOUS]
    assert tally == {"objects.label_ambiguous": 2}


def test_an_unlikely_label_of_the_same_box_is_overruled() -> None:
    listed, _ = doubts(found("dog", 0.9, 10, 10, 50, 50), found("cat", 0.2, 10, 12, 50, 50))
    assert listed == [("dog", 0.9, None), ("cat", 0.2, Doubt.LABEL_OVERRULED)]


def test_a_low_score_and_a_part_of_a_group_are_in_doubt() -> None:
    listed, _ = doubts(
        found("person", 0.9, 10, 10, 150, 90),
        found("person", 0.8, 20, 20, 50, 80),
        found("kite", 0.3, 160, 10, 190, 30),
    )
    assert [doubt for _, _, doubt in listed] == [None, Doubt.NESTED, Doubt.LOW_SCORE]


def test_what_reaches_over_three_sides_is_cut_off() -> None:
    listed, _ = doubts(found("bed", 0.9, 0, 20, 200, 100))
    assert listed[0][2] is Doubt.CUT_OFF
    listed, _ = doubts(found("bed", 0.9, 0, 20, 200, 100), borders=3)
    assert listed[0][2] is None
