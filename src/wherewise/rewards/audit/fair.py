"""Right answers in other words: what a reward must pay, whatever they look like. Pure functions of the question."""

from __future__ import annotations

from wherewise.answers.styles import number_text
from wherewise.rewards.audit.attacks import Reply
from wherewise.rewards.audit.case import Case
from wherewise.samples import Boolean, Choice, Number, Text

_COUNTS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def _letter(pattern: str) -> Reply:
    def reply(case: Case) -> str | None:
        answer = case.sample.answer
        if not isinstance(answer, Choice) or not case.letters:
            return None
        return case.say(pattern.format(letter=answer.letter, text=answer.text))

    return reply


def _option_text(case: Case) -> str | None:
    answer = case.sample.answer
    return case.say(answer.text) if isinstance(answer, Choice) else None


def _lines(case: Case) -> str | None:
    answer = case.sample.answer
    if not isinstance(answer, (Choice, Boolean, Number, Text)):
        return None
    said = case.say(f"\n{case.answer_text(answer)}\n")
    return said if case.prompt.blocks or "<" in said else None


def _count(pattern: str) -> Reply:
    def reply(case: Case) -> str | None:
        answer = case.sample.answer
        if not isinstance(answer, Number) or answer.unit is not None or answer.value not in range(len(_COUNTS)):
            return None
        word = _COUNTS[int(answer.value)]
        return case.say(pattern.format(word=word, value=number_text(answer.value)))

    return reply


def _with_unit(case: Case) -> str | None:
    answer = case.sample.answer
    if not isinstance(answer, Number) or answer.unit is None:
        return None
    return case.say(f"{number_text(answer.value)} {answer.unit}")


def _capital_yes(case: Case) -> str | None:
    answer = case.sample.answer
    return case.say("Yes." if answer.value else "No.") if isinstance(answer, Boolean) else None


def _capitals(case: Case) -> str | None:
    answer = case.sample.answer
    return case.say(answer.value.capitalize()) if isinstance(answer, Text) else None


FAIR: dict[str, tuple[Reply, str]] = {
    "bare_letter": (_letter("{letter}"), "the right letter alone"),
    "letter_and_text": (_letter("({letter}) {text}"), "(B) and the option's text"),
    "letter_sentence": (_letter("The answer is {letter}."), "the right letter in a sentence"),
    "option_text": (_option_text, "the right option's text alone"),
    "answer_on_lines": (_lines, "the right answer with line breaks around it"),
    "number_word": (_count("{word}"), "the right number in words"),
    "number_sentence": (_count("a total of {value}"), "the right number in a phrase"),
    "number_decimal": (_count("{value}.0"), "the right number with a decimal"),
    "number_unit": (_with_unit, "the right number with its unit"),
    "yes_sentence": (_capital_yes, "Yes. or No."),
    "capitals": (_capitals, "the right words with a capital"),
}
"""Right answers in other words by name, and what they are."""
