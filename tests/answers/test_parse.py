"""The parser on hard cases, arbitrary text and long adversarial text."""

from __future__ import annotations

import math
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherewise.answers import KINDS, parse
from wherewise.answers.numbers import read_number
from wherewise.samples import TimelineEvent

OPTIONS = ["chair", "table", "sofa", "lamp"]


def test_letter_and_text_that_disagree_are_flagged() -> None:
    parsed = parse("choice", "<answer>(B) chair</answer>", options=OPTIONS)
    assert parsed.value == "B"
    assert parsed.conflicts


def test_repeated_answers_that_disagree_are_flagged() -> None:
    parsed = parse("choice", "<answer>A</answer><answer>B</answer>", options=OPTIONS)
    assert parsed.value == "B"
    assert parsed.conflicts == ("several answers; the last one counts",)
    assert not parse("choice", "<answer>B</answer> <answer>B</answer>", options=OPTIONS).conflicts


def test_rules_are_named() -> None:
    rules = {
        "<answer>B</answer>": "tag/letter",
        "<answer>B": "open_tag/letter",
        "\\boxed{B}": "boxed/letter",
        '{"answer": "B"}': "json/letter",
        "<think>x</think>B": "after_reasoning/letter",
        "the second option": "whole/ordinal",
        "table.": "whole/text",
        "I choose the table.": "whole/unique_text",
        "The answer is (B).": "whole/declared_letter",
        "The answer is the table.": "whole/declared_text",
        "A, B": "whole/several_letters",
        "none of these": "whole/none_of",
        "either the chair or the sofa": "whole/hedge",
        "E": "whole/letter_out_of_range",
        "<think>B": "unfinished",
        "<answer> </answer>": "tag/empty",
        "<answer>$LETTER</answer>": "tag/placeholder",
    }
    assert {text: parse("choice", text, options=OPTIONS).rule for text in rules} == rules
    numbers = {"3 to 5": "whole/range", "at least 3": "whole/bound", "3 s": "whole/other_unit", "2 or": "whole/number"}
    assert {text: parse("number", text, unit="m").rule for text in numbers} == numbers


def test_evidence_and_answer_are_told_apart() -> None:
    both = '<map>{"chair": [[1, 2]]}</map><answer>{"chair": [[3, 4]]}</answer>'
    assert parse("grid_map", both).value == (("chair", ((3, 4),)),)
    evidence = parse("grid_map", '<map>{"chair": [[1, 2]]}</map><answer>B</answer>')
    assert (evidence.value, evidence.rule) == ((("chair", ((1, 2),)),), "block/map")
    told = parse("timeline", "<timeline>00:01 a</timeline><answer>at 00:09 the lamp</answer>")
    assert told.value == (TimelineEvent(label="a", start=1.0, end=1.0),)
    assert parse("grid_map", '<think><map>{"chair": [[1, 2]]}</map></think><answer>B</answer>').value is None


def test_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown answer kind 'mcq'"):
        parse("mcq", "A")


FRAGMENTS = st.sampled_from(
    ["<think>", "</think>", "<answer>", "</answer>", "<scene>", "(", ")", "A", "B", " or ", "answer is", "not",
     "1,000", "1/", "e9", "-", "\\boxed{", "}", '"answer":', "option", "twenty", "hundred ", "dozen ", "and", "5 ft",
     "½", "答案", ".", "\n", " ", "<map>", "</map>", "{", '"a": ', "[1, 2]", "(1,", "00:03", "-00:05", ";",
     "<timeline>", "</timeline>", "是", "はい", "the second", "no chairs", "x1=",
     "2,5", "十", "\u0301", "\ud800", "\\frac{1}{2}"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    text=st.one_of(
        st.text(),
        st.lists(FRAGMENTS, max_size=30).map("".join),
        st.builds(lambda piece, times: "".join(piece) * times, st.lists(FRAGMENTS, max_size=3), st.integers(1, 400)),
    ),
    options=st.lists(st.text(max_size=8), max_size=5),
    unit=st.sampled_from([None, "m", "s", "chairs"]),
)
def test_no_text_raises_and_letters_are_in_range(kind: str, text: str, options: list[str], unit: str | None) -> None:
    parsed = parse(kind, text, options=options, unit=unit)
    assert parsed == parse(kind, text, options=options, unit=unit)
    if kind == "choice" and options and parsed.value is not None:
        assert parsed.value in "ABCDE"[: len(options)]
    if kind == "number" and parsed.value is not None:
        assert math.isfinite(parsed.value)


REASONS = (
    "I think it is the {}.", "{}", "The answer is {}.", "La respuesta es {}.", "Not the lampshade but the {}.",
    "<think>A? B? C?</think><answer>{}</answer>", "Looking around, I see a rug. Therefore, the {} is nearest.",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(order=st.permutations(range(4)), pick=st.integers(0, 3), reason=st.sampled_from(REASONS))
def test_permuting_options_permutes_the_letter(order: list[int], pick: int, reason: str) -> None:
    options = [OPTIONS[i] for i in order]
    parsed = parse("choice", reason.format(OPTIONS[pick]), options=options)
    assert options["ABCD".index(str(parsed.value))] == OPTIONS[pick]
    # and a letter is a letter, whatever stands behind it
    assert parse("choice", f"The answer is ({'ABCD'[pick]})", options=options).value == "ABCD"[pick]


ADVERSARIAL = [
    "<think>", "<answer>", "</think>", "\\boxed{", "the answer is ", "(A) ", "A, ", "not ", "answer to ",
    "A is ", "1,111,", "9", "1 ", "twenty ", "hundred and ", "option A shows ", "so is ", "1/2 ",
    "\"answer\": \"", "chair ", "no ", "-", "[1,", " ", "therefore ", "e", "the best option that ",
    "A) chair, ", "答案", "\n\n", "yes or ", "5 ft ", "{", "<", "(", "=", "<answer>A</answer>", "<map>", '"a": [',
    "00:01-", "dozen ", "one hundred ", "million ",
    "\u0316\u0301", "1,1,1,", "x=1,", "\\frac{1}{", '"answer": "\\', "十百", "the second ", "at least ", "\ud800",
]  # fmt: skip


@pytest.mark.parametrize("unit_text", ADVERSARIAL)
def test_time_is_linear(unit_text: str) -> None:
    for kind in KINDS:
        small, large = (unit_text * (size // len(unit_text)) for size in (2_000, 16_000))
        times = []
        for text in (small, large):
            start = time.process_time()
            parse(kind, text, options=OPTIONS, unit="m")
            times.append(time.process_time() - start)
        # 8 times the text: quadratic time would take 64 times as long
        assert times[1] < 24 * times[0] + 0.1, (kind, times)


def test_numbers_longer_than_pythons_limit() -> None:
    assert read_number("9" * 5000, None).value is None


def test_room_works_without_torch() -> None:
    code = "import sys; import wherewise.answers, wherewise.rewards; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
