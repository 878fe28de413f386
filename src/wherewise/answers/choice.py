"""Which option a text chooses: letters, option texts, ordinals, in several languages. Linear time."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence

from wherewise.answers.boolean import read_boolean
from wherewise.answers.languages import (
    ANSWER_NOUN,
    ANSWER_VERB,
    ARTICLE,
    CJK,
    CORRECT,
    LETTER_NOUN,
    NONE_OF,
    PICK,
    UNSURE,
)
from wherewise.answers.options import WORDS, WRONG_AFTER, OptionTexts, negated, prepared
from wherewise.answers.parsed import Reading
from wherewise.answers.reply import last_match, plain
from wherewise.samples import LETTERS

_DECLARED = re.compile(
    rf"{ANSWER_NOUN}[ \t]{{0,3}}(?:(?:to|for|in|of|among|from|that|à|a|zu|auf)\b[^.\n:]{{0,100}}?)?"
    rf"(?:[ \t]{{0,2}}{CORRECT})?"
    rf"(?:[\s]{{0,3}}(?P<verb>{ANSWER_VERB})|(?P<colon>[ \t]{{0,3}}[:：=→]|[ \t]{{0,3}}->))\s{{0,4}}[:：]?\s{{0,4}}"
    r"(?:(?:most likely|likely|probably|clearly|therefore|thus|indeed|actually)[ ,]{1,2})?",
    re.IGNORECASE,
)
_BARE_NOUN = re.compile(
    rf"(?:\b(?:answer|respuesta|réponse|antwort)|{PICK})[ \t]{{1,3}}|(?:选项|选择|选|答案|選択肢)", re.IGNORECASE
)
_OPTION_NOUNS = ("option", "choice", "opción", "choix", "opção", "opzione", "选项", "選択肢")
_LETTER = re.compile(
    rf"(?:(?:(?i:{ARTICLE})\s?)?(?i:{LETTER_NOUN})[ :]{{0,2}}|(?i:{ARTICLE})\s)?(?P<open>[(\[{{\"'$「【]{{0,2}})\s?"
    rf"(?P<letter>[A-Za-z])(?P<close>[)\]}}\"'$」】]{{0,2}})(?![^\W_{CJK}]|'[a-z])"
)
_PLURAL = re.compile(r"\b(?:answers|options|choices)\s{1,3}(?:are|would be|could be|might be)\b", re.IGNORECASE)
_LISTED = re.compile(r"(?<![^\s(\[])[A-Z](?=[)\].:,\n]|\s|$)")
_IS_CORRECT = re.compile(
    rf"(?<![^\W{CJK}])(?<![(\['])(?P<open>[(\[]?)(?P<letter>[A-Z])[)\]]?[ ]{{0,2}}(?:(?<=[ ])(?:is|seems|would be"
    r"|appears to be|es|est|ist|è|é)[ ]{1,2}|是)(?:(?:clearly|likely|probably|most likely|indeed)[ ])?"
    r"(?:(?:the|la|le|die|das)[ ])?(?:only[ ])?"
    r"(?:correct|right|best|most (?:likely|appropriate|accurate)|richtig|korrekt|juste\b|bonne|正确|对的|正解)"
    r"(?:a|o|e|en|ige)?(?![a-z])(?![ ](?:of|side|hand|in the))"
)
_CONCLUDES = re.compile(
    r"(?:\btherefore|\bthus|\bhence|\bso|\bin conclusion|\boverall)\b[^.\n]{0,160}?\sis[ ]{1,2}(?:option |choice )?"
    r"\((?P<letter>[A-Z])\)",
    re.IGNORECASE,
)
_AND_MORE = re.compile(
    r"\s{0,2}(?:,|/|&|\bor\b|\band\b|\|)\s{0,2}(?:or\s|and\s)?(?:option\s|point\s)?"
    r"[(\[]?(?P<letter>[A-Z])[)\]]?(?![\w'])"
    r"(?!\s{1,2}(?:is|are|was|were|does|do|shows?|has|have|can|cannot|would|depicts?|looks?|appears?)\b)"
)
_IS_ADJECTIVE = re.compile(CORRECT, re.IGNORECASE)
_ADJECTIVE = re.compile(r"(?:correct|best|right|final|appropriate|likely|accurate)\s$", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[.\n;](?:\s|$)")
_NONE_OF = re.compile(NONE_OF, re.IGNORECASE)
_HEDGED = re.compile(
    r"\bboth (?:of|(?:the )?(?:points|options|answers|objects|choices|boxes)|[(\[]?\w\b)"
    rf"|\beither\b(?! (?:side|end|way|direction))|\bequally\b|\bentweder\b|\bcualquiera de\b|{UNSURE}",
    re.IGNORECASE,
)
_CONCLUSION = re.compile(
    r"\b(?:therefore|thus|hence|so|in conclusion|overall|in summary|por lo tanto|donc|daher)\b|因此|所以|したがって",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    r"(?:option|choice|answer|number|no\.|#)\s{0,2}(?:#|number )?(?P<index>\d{1,2})\s?[.)]?", re.IGNORECASE
)
_NTH = {
    **{word: i for i, word in enumerate(("first", "second", "third", "fourth", "fifth", "sixth"), start=1)},
    **{f"{i}{end}": i for i, end in enumerate(("st", "nd", "rd", "th", "th", "th"), start=1)},
    **{f"第{char}": i for i, char in enumerate("一二三四五六", start=1)},
    **{f"第{i}": i for i in range(1, 7)},
}
_ORDINAL_WORD = re.compile(
    r"(?:the\s|it is the\s|it's the\s)?"
    r"(?P<nth>first|second|third|fourth|fifth|sixth|last|1st|2nd|3rd|[4-6]th|第[一二三四五六1-6]|最后一)\s?(?:个|個)?\s?(?P<noun>one|option|choice|answer|选项|選択肢|答案)?",
    re.IGNORECASE,
)
_HEAD = re.compile(
    r"[\s\"'*#>-]{0,6}(?:(?:option|choice|answer|选项|答案)[\s:：]{0,3})?(?P<open>[(\[{「【]?)\s?(?P<letter>[A-Za-z])\s?"
    r"(?P<close>[)\]}」】]?[.:,、：)]{0,2})(?=(?P<gap>\s{0,3})(?P<next>\S?))",
    re.IGNORECASE,
)
_BRACKETED = re.compile(r"[(\[「【](?P<letter>[A-Z])[)\]」】]")
_LIST_GAPS = re.compile(r"[\s,;/&|()\[\].]*")
_CLOSERS = " .)]}\"'*。」】"
_ARTICLE_FOLLOWERS = frozenset(
    ("and", "or", "because", "since", "as", "due", "based", "for", "given", "with", "is", "so", "but", "however",
     "while", "where", "which", "if", "from", "according", "it", "this")
)  # fmt: skip

MAX_DECLARATIONS = 64
"""Declarations of one form that are looked at, from the end: the last one counts, the others show a conflict."""

Declaration = tuple[int, str | None, str]
"""Position, letter (None where several are declared), rule."""


def _letter_at(text: str, at: int) -> tuple[str, int] | None:
    """A letter that stands as an answer at a position: ``(letter, end)``."""
    match = _LETTER.match(text, at)
    if match is None:
        return None
    letter, bracketed, after = (
        match["letter"],
        bool(match["open"] or match["close"]),
        text[match.end() : match.end() + 1],
    )
    if not bracketed:
        if letter.islower() and after not in ("", ".", "\n"):
            return None
        following = WORDS.match(text, match.end() + 1) if after == " " else None
        if following is not None and letter in "AI" and following[0].lower() not in _ARTICLE_FOLLOWERS:
            return None  # the article or the pronoun
    return letter.upper(), match.end()


def _last(pattern: re.Pattern[str], text: str) -> Iterable[re.Match[str]]:
    """The last `MAX_DECLARATIONS` matches, in order."""
    return deque(pattern.finditer(text), maxlen=MAX_DECLARATIONS)


def _declarations(text: str, options: OptionTexts) -> list[Declaration]:
    """Places where the text says what its answer is, in order."""
    found: list[Declaration] = []
    covered = -1
    for match in _last(_DECLARED, text):
        hit = _letter_at(text, match.end())
        if hit is not None:
            letter, covered = hit
            if _AND_MORE.match(text, covered):
                found.append((match.start(), None, "several_letters"))
            elif not WRONG_AFTER.match(text, covered) and not negated(text, match.start(), 30):
                found.append((match.start(), letter, "declared_letter"))
            continue
        before = text[max(0, match.start() - 14) : match.start()]
        named = match["verb"] and match[0].lower().startswith(_OPTION_NOUNS)
        if named and not _ADJECTIVE.search(before) and not _IS_ADJECTIVE.search(match[0]):
            continue  # "option B is ..." speaks about an option
        clause = _CLAUSE_END.split(text[match.end() : match.end() + 400].lstrip(), maxsplit=1)[0]
        choices = {hit.option for hit in options.find(clause)}
        if len(choices) == 1:
            found.append((match.start(), LETTERS[choices.pop()], "declared_text"))
        elif not choices and (nth := _nth(clause, options)) is not None:
            found.append((match.start(), nth, "declared_ordinal"))
    for match in _last(_PLURAL, text):
        if len(set(_LISTED.findall(text, match.end(), match.end() + 200))) > 1:
            found.append((match.start(), None, "several_letters"))
    for match in _last(_BARE_NOUN, text):
        hit = _letter_at(text, match.end()) if match.end() > covered else None
        if hit is None or _AND_MORE.match(text, hit[1]) or WRONG_AFTER.match(text, hit[1]):
            continue
        if not negated(text, match.start(), 30):
            found.append((match.start(), hit[0], "declared_letter"))
    for match in _last(_IS_CORRECT, text):
        named = text[max(0, match.start() - 8) : match.start()].strip()
        if match["letter"] not in "AI" or match["open"] or named:
            found.append((match.start(), match["letter"], "declared_letter"))
    for match in _last(_CONCLUDES, text):
        if match["letter"].isupper() and not _AND_MORE.match(text, match.end()):
            found.append((match.end() - 3, match["letter"], "declared_letter"))
    found.sort(key=lambda item: item[0])
    return found


def _leading_letter(text: str, options: OptionTexts) -> Reading | None:
    """A letter at the start, with its text or a comment behind: ``B. Note that ...``, ``(C) About the same``."""
    match = _HEAD.match(text)
    if match is None:
        return None
    letter, mark, following = match["letter"].upper(), match["open"] or match["close"], match["next"]
    rest = text[match.end() :].strip()
    if match["letter"].islower() and not mark:
        return None
    if not mark and "\n" not in match["gap"]:
        if following.isalnum() or following in "'’":
            own = options.exact(rest) if match["gap"] else None
            agrees = own is not None and LETTERS[own] == letter
            return Reading(value=letter, rule="letter_text") if agrees else None
        if following not in "-–—=(:":
            return None
    if not match["gap"] and following.isalnum() and match["close"] in (".", "") and not match["open"]:
        return None
    if _AND_MORE.match(text, match.end("letter")) and match["close"] in ("", ",", ")", "]"):
        return Reading(value=None, rule="several_letters")
    if WRONG_AFTER.match(text, match.end()):
        return None
    own = options.exact(rest.split("\n", 1)[0])
    clash = own is not None and LETTERS[own] != letter
    conflicts = (f"letter {letter} but the text of option {LETTERS[own or 0]}",) if clash else ()
    return Reading(value=letter, rule="letter_text", conflicts=conflicts)


def _lists_letters(text: str) -> bool:
    """True for nothing but several letters: ``A, C``, ``(A) and (B)``, ``A/B/C``."""
    if len(text) > 200 or not _LIST_GAPS.fullmatch(WORDS.sub("", text)):
        return False
    words = WORDS.findall(text)
    letters = [word for word in words if len(word) == 1 and word.isascii() and word.isalpha()]
    return len(letters) > 1 and all(word in letters or word.lower() in ("and", "or") for word in words)


def _concluded(text: str, options: OptionTexts) -> str | None:
    """The only option that the last paragraph's conclusion ("Therefore, ...") names."""
    paragraph = text.rsplit("\n\n", 1)[-1]
    mark = last_match(_CONCLUSION, paragraph)
    if mark is None:
        return None
    conclusion = paragraph[mark.end() : mark.end() + 400]
    chosen = {hit.option for hit in options.find(conclusion)}
    return LETTERS[chosen.pop()] if len(chosen) == 1 else None


def read_choice(text: str, options: Sequence[str]) -> Reading:
    """The letter of the option that a text chooses.

    Rules, in order: the text is an option's text, a letter or an ordinal ("the second option"); the last declaration
    ("the answer is (B)") that is not negated; a leading letter with its text or a comment behind; the only option text
    in it (longest match, not negated); the only bracketed letter of its last paragraph; the only option text of its
    conclusion ("Therefore, ..."). Several letters, hedges and "none of" abstain.

    Args:
        text: The answering part of a reply.
        options: Option texts in order; empty when unknown, then only letters are read.
    """
    texts = prepared(tuple(options))
    reading = _read(plain(text).rstrip("</>").strip(), texts)
    if reading.value is None or not options or str(reading.value) in texts.letters:
        return reading
    return Reading(value=None, rule="letter_out_of_range", conflicts=(f"letter {reading.value} is no option",))


def _read(text: str, options: OptionTexts) -> Reading:
    short = _short(text, options)
    if short is not None:
        return short
    if options.echo is not None:
        text = options.echo.sub(" ", text).strip()
    declarations = _declarations(text, options)
    if declarations:
        _, letter, rule = declarations[-1]
        clash = len({letter for _, letter, _ in declarations}) > 1
        return Reading(
            value=letter, rule=rule, conflicts=("declarations disagree; the last one counts",) if clash else ()
        )
    leading = _leading_letter(text, options)
    if leading is not None:
        return leading
    if _NONE_OF.search(text):
        return Reading(value=None, rule="none_of")
    if options.is_boolean:
        yes_no = read_boolean(text)
        letters = [LETTERS[i] for i, words in enumerate(options.words) if (words[0] == "yes") is yes_no.value]
        return Reading(value=letters[0] if letters else None, rule=yes_no.rule, conflicts=yes_no.conflicts)
    return _in_prose(text, options)


def _short(text: str, options: OptionTexts) -> Reading | None:
    """Readings of a text that is an answer and nothing else."""
    exact = options.exact(text)
    match = _HEAD.match(text)
    bare = match is not None and not text[match.end() :].strip(_CLOSERS)
    core = text.strip("()[]. ")
    if exact is not None and not (bare and len(core) == 1 and core.isupper()):
        return Reading(value=LETTERS[exact], rule="text")
    if bare and match is not None:
        return Reading(value=match["letter"].upper(), rule="letter")
    if _lists_letters(text):
        return Reading(value=None, rule="several_letters")
    if len(text) <= 40 and (nth := _nth(text, options)) is not None:
        return Reading(value=nth, rule="ordinal")
    ordinal = _ORDINAL.fullmatch(text[:40].strip()) if len(text) <= 40 else None
    if ordinal is None:
        return None
    named, index = options.exact(ordinal["index"]), int(ordinal["index"])
    if named is not None:
        return Reading(value=LETTERS[named], rule="text")
    return Reading(value=LETTERS[index - 1], rule="ordinal") if 1 <= index <= len(options.texts) else None


def _nth(text: str, options: OptionTexts) -> str | None:
    """The letter of "the second option"; of "the second one" only where no option's text holds such a word."""
    match = _ORDINAL_WORD.fullmatch(text.strip(" .。!\"'"))
    if match is None:
        return None
    noun = (match["noun"] or "").lower()
    if noun in ("", "one") and options.ordinals:
        return None
    nth = _NTH.get(match["nth"].lower(), len(options.texts))
    return LETTERS[nth - 1] if 1 <= nth <= len(options.texts) else None


def _in_prose(text: str, options: OptionTexts) -> Reading:
    chosen = {hit.option for hit in options.find(text)}
    paragraph = text.rsplit("\n\n", 1)[-1]
    bracketed = {
        found["letter"] for found in _BRACKETED.finditer(paragraph) if not negated(paragraph, found.start(), 30)
    }
    by_template = options.by_template(text) if not chosen else set()
    if not _HEDGED.search(text):
        if len(chosen) == 1:
            return Reading(value=LETTERS[chosen.pop()], rule="unique_text")
        if len(by_template) == 1:
            return Reading(value=LETTERS[by_template.pop()], rule="template_text")
        if len(bracketed) == 1:
            return Reading(value=bracketed.pop(), rule="bracketed_letter")
        concluded = _concluded(text, options) if len(chosen) > 1 else None
        if concluded is not None:
            return Reading(value=concluded, rule="concluded_text")
        several = len(chosen) > 1 or len(bracketed) > 1
        return Reading(value=None, rule="several" if several else "no_option")
    return Reading(value=None, rule="hedge")
