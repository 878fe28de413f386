"""The parser on hard cases, arbitrary text and long adversarial text."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherewise.answers import KINDS, parse
from wherewise.answers.numbers import read_number

DATA = Path(__file__).parents[2].parent / "shared" / "data"
OPTIONS = ["chair", "table", "sofa", "lamp"]


def test_extraction_cases() -> None:
    path = DATA / "extraction_cases.json"
    if not path.is_file():
        pytest.skip(f"no {path.name} beside the checkout")
    kinds = {"mcq": "choice", "number": "number", "yesno": "boolean"}
    booleans = {"yes": True, "no": False, None: None}
    wrong = []
    for case in json.loads(path.read_text()):
        kind = kinds[case["kind"]]
        expected = booleans[case["expected"]] if kind == "boolean" else case["expected"]
        got = parse(kind, case["prediction"], options=case["options"] or ())
        if got.value != expected:
            wrong.append((case["id"], got.value, expected, got.rule))
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("The answer is A or B.", None),
        ("The answer is not A.", None),
        ("A", "A"),
        ("a", "A"),
        ("A chair", "A"),
        ("a table", "B"),
        ("The answer is a table.", "B"),
        ("I would choose (C).", "C"),
        ("D. A book", "D"),
        ("B. Note that A is nearer.", "B"),
        ("(B) is correct. (A) is incorrect.", "B"),
        ("It is either the chair or the table", None),
        ("It isn't the chair.", None),
        ("La respuesta es (C)", "C"),
        ("答案是D", "D"),
        ("<think>The answer is A", None),
        ("<think>It is <answer>A</answer>", None),
        ("reasoning that the prompt opened </think> B", "B"),
        ("<answer></answer>", None),
        ("$LETTER", None),
        ("", None),
        ('```json\n{"answer": "C"}\n```', "C"),
        ("None of the options is right.", None),
    ],
)
def test_choice(text: str, value: str | None) -> None:
    assert parse("choice", text, options=OPTIONS).value == value


def test_letter_and_text_that_disagree_are_flagged() -> None:
    parsed = parse("choice", "<answer>(B) chair</answer>", options=OPTIONS)
    assert parsed.value == "B"
    assert parsed.conflicts


def test_options_named_by_their_letter_are_read_by_their_sentence() -> None:
    options = ["A is closer", "B is closer"]
    assert parse("choice", "Point A, on the car, appears to be nearer than point B.", options=options).value == "A"
    assert parse("choice", "Near point B, point A appears closer.", options=options).value is None
    assert parse("choice", "Point A is not closer.", options=options).value is None


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1,234", None, 1234.0),
        ("I see 2 chairs and 2 sofas, a total of 4.", None, 4.0),
        ("1/2", None, 0.5),
        ("2 1/2 m", "m", 2.5),
        ("½", None, 0.5),
        ("1.5 x 10^3", None, 1500.0),
        ("150 cm", "m", 1.5),
        ("1 m 20 cm", "m", 1.2),
        ("2 minutes", "s", 120.0),
        ("1:30", "s", 90.0),
        ("90 degrees", "deg", 90.0),
        ("20 square meters", "m2", 20.0),
        ("3 seconds", "m", None),
        ("between 8 and 10", None, None),
        ("20-25", None, None),
        ("five to seven", None, None),
        ("2 chairs and 3 tables", None, None),
        ("There are twenty-one.", None, 21.0),
        ("two thousand and five", None, 2005.0),
        ("−3.5", None, -3.5),
        ("no idea", None, None),
        ("1e999", None, None),
        ("1/0", None, None),
        ("\\boxed{12}", None, 12.0),
        ("There are 3 in the room", "m", 3.0),
    ],
)
def test_number(text: str, unit: str | None, value: float | None) -> None:
    got = parse("number", text, unit=unit).value
    assert got == (pytest.approx(value) if value is not None else None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("No, it is not.", False),
        ("No it isn't", False),
        ("Yes and no.", None),
        ("There is no chair here.", None),
        ("I do not know.", None),
        ("The answer is no.", False),
        ("True", True),
        ("<answer>NO</answer>", False),
        ("Is it yes or no?", None),
    ],
)
def test_boolean(text: str, value: bool | None) -> None:
    assert parse("boolean", text).value is value


def test_other_kinds() -> None:
    assert parse("text", "<answer> a red chair </answer>").value == "a red chair"
    assert parse("text", "I looked.\nAnswer: lamp").value == "lamp"
    assert parse("order", "1. lamp\n2. chair").value == ("lamp", "chair")
    assert parse("order", "lamp, cat", options=["lamp", "chair"]).value is None
    assert parse("box", "The box is [1, 2, 3, 4].").value == (1.0, 2.0, 3.0, 4.0)
    assert parse("point", "(3, 4)").value == (3.0, 4.0)
    assert parse("point", "(3, 4, 5)").value is None


def test_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown answer kind 'mcq'"):
        parse("mcq", "A")


FRAGMENTS = st.sampled_from(
    ["<think>", "</think>", "<answer>", "</answer>", "<scene>", "(", ")", "A", "B", " or ", "answer is", "not",
     "1,000", "1/", "e9", "-", "\\boxed{", "}", '"answer":', "option", "twenty", "hundred", "and", "5 ft", "½",
     "答案", ".", "\n", " "]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    text=st.one_of(st.text(), st.lists(FRAGMENTS, max_size=30).map("".join)),
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


@settings(max_examples=100, deadline=None)
@given(order=st.permutations(range(4)), pick=st.integers(0, 3))
def test_permuting_options_permutes_the_letter(order: list[int], pick: int) -> None:
    options = [OPTIONS[i] for i in order]
    parsed = parse("choice", f"I think it is the {OPTIONS[pick]}.", options=options)
    assert options["ABCD".index(str(parsed.value))] == OPTIONS[pick]


ADVERSARIAL = [
    "<think>", "<answer>", "</think>", "\\boxed{", "the answer is ", "(A) ", "A, ", "not ", "answer to ",
    "A is ", "1,111,", "9", "1 ", "twenty ", "hundred and ", "option A shows ", "so is ", "1/2 ",
    "\"answer\": \"", "chair ", "no ", "-", "[1,", " ", "therefore ", "e", "the best option that ",
    "A) chair, ", "答案", "\n\n", "yes or ", "5 ft ", "{", "<", "(", "=",
]  # fmt: skip


@pytest.mark.parametrize("unit_text", ADVERSARIAL)
def test_time_is_linear(unit_text: str) -> None:
    for kind in KINDS:
        small, large = (unit_text * (size // len(unit_text)) for size in (4_000, 32_000))
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
