"""Text overlap on worked examples, against plain dynamic programming, and in time."""

from __future__ import annotations

import importlib.util
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherewise.answers.overlap import (
    common_subsequence,
    edit_distance,
    rouge,
    set_f1,
    wer,
    word_edit_similarity,
    words,
)
from wherewise.samples.errors import InputError

TEXTS = st.text(alphabet="abc", max_size=80)


def plain_tables(a: str, b: str) -> tuple[int, int]:
    """Edit distance and longest common subsequence by their textbook tables."""
    edit = [[i + j if i * j == 0 else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    common = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a, start=1):
        for j, y in enumerate(b, start=1):
            edit[i][j] = min(edit[i - 1][j] + 1, edit[i][j - 1] + 1, edit[i - 1][j - 1] + (x != y))
            common[i][j] = common[i - 1][j - 1] + 1 if x == y else max(common[i - 1][j], common[i][j - 1])
    return edit[-1][-1], common[-1][-1]


@settings(max_examples=200, deadline=None)
@given(a=TEXTS, b=TEXTS)
def test_bit_vectors_equal_the_tables(a: str, b: str) -> None:
    assert (edit_distance(a, b), common_subsequence(a, b)) == plain_tables(a, b)


def test_word_error_rate() -> None:
    assert wer("the cat sat", "the cat sat") == 0
    assert wer("the cat", "the cat sat") == pytest.approx(1 / 3)
    assert wer("a b c d e", "x") == 5  # may exceed 1
    assert wer("", "") == 0
    assert wer("one two", "") == 2  # no reference: every word is one error
    assert wer("Cat", "cat") == 1  # as written


def test_lexical_overlap_of_dora() -> None:
    assert words("It's a RED, red chair!") == ["it", "s", "a", "red", "red", "chair"]
    assert set_f1("the big tree", "the tall tree") == pytest.approx(2 / 3)
    assert word_edit_similarity("the big tree", "the tall tree") == pytest.approx(2 / 3)
    assert word_edit_similarity("tree", "the tall tree") == pytest.approx(1 / 3)
    assert (set_f1("", "tree"), word_edit_similarity("", "tree")) == (0.0, 0.0)


# hypothesis, reference, then rouge1, rouge2, rougeL of rouge-score 0.1.2, without and with its stemmer
ROUGE = [
    (
        "the red chair is left of the table",
        "A red chair stands to the left of the blue table.",
        [0.736842105, 0.352941176, 0.631578947],
        [0.736842105, 0.352941176, 0.631578947],
    ),
    ("running dogs quickly jumped", "the dog runs and jumps quick", [0.0, 0.0, 0.0], [0.6, 0.0, 0.4]),
    ("", "a chair", [0.0, 0.0, 0], [0.0, 0.0, 0]),
    ("lamp", "lamp", [1.0, 0.0, 1.0], [1.0, 0.0, 1.0]),
    ("Don't move: 2.5 m", "don t move 2 5 metres", [0.833333333, 0.8, 0.833333333], [0.833333333, 0.8, 0.833333333]),
    ("左 left", "left", [1.0, 0.0, 1.0], [1.0, 0.0, 1.0]),
]


@pytest.mark.parametrize(("hypothesis", "reference", "unstemmed", "stemmed"), ROUGE)
def test_rouge_equals_rouge_score(
    hypothesis: str, reference: str, unstemmed: list[float], stemmed: list[float]
) -> None:
    assert list(rouge(hypothesis, reference).values()) == pytest.approx(unstemmed)
    if importlib.util.find_spec("nltk") is None:
        with pytest.raises(InputError, match=r"pip install 'wherewise\[rouge\]'"):
            rouge(hypothesis, reference, stem=True)
    else:
        assert list(rouge(hypothesis, reference, stem=True).values()) == pytest.approx(stemmed)


def test_long_texts_against_a_sentence_are_quick() -> None:
    reference = "the red chair is left of the blue table"
    long = "the chair " * 50_000
    start = time.process_time()
    assert wer(long, reference) > 1000
    assert 0 < rouge(long, reference)["rougeL"] < 0.01
    assert word_edit_similarity(long, reference) < 0.01
    assert time.process_time() - start < 5
