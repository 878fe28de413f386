"""Which option a text chooses: letters, option texts, ordinals, in several languages. Linear time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from wherewise.answers.boolean import read_boolean
from wherewise.answers.numbers import NUMBER_WORDS
from wherewise.answers.parsed import Reading
from wherewise.answers.reply import plain
from wherewise.samples import LETTERS

_TRANSLATIONS = {
    "左": "left", "左边": "left", "左侧": "left", "右": "right", "右边": "right", "右侧": "right", "上": "above",
    "上面": "above", "下": "below", "下面": "below", "前": "front", "前面": "front", "后": "behind", "后面": "behind",
    "是": "yes", "是的": "yes", "对": "yes", "否": "no", "不是": "no", "不": "no", "izquierda": "left",
    "derecha": "right", "gauche": "left", "droite": "right", "links": "left", "rechts": "right", "はい": "yes",
    "いいえ": "no", "ja": "yes", "nein": "no", "oui": "yes", "sí": "yes",
}  # fmt: skip

_SYNONYMS = {"nearer": "closer", "nearest": "closest", "further": "farther", "furthest": "farthest"}
_STATES = frozenset(["is", "are", "was", "has", "looks", "appears", "seems"])
_SENTENCE = re.compile(r"[.!?](?=\s|$)|\n")

_NOUN = (
    r"(?:\banswer|\bchoice|\boption|\bantwort|\brespuesta|\bréponse|\bresposta|\brisposta|答案|选项|选择|答え|ответ)"
)
_VERB = (
    r"(?:is|are|was|would be|should be|must be|will be|could be|might be|may be|can be|(?:seems|appears|likely) to be"
    r"|ist|lautet|es|est|è|é|是|为|は)"
)
_DECLARED = re.compile(
    rf"{_NOUN}[ \t]{{0,3}}(?:(?:to|for|in|of|among|from|that)\b[^.\n:]{{0,100}}?)?"
    rf"(?:[\s]{{0,3}}(?P<verb>{_VERB})|(?P<colon>[ \t]{{0,3}}[:：=→]|[ \t]{{0,3}}->))\s{{0,4}}[:：]?\s{{0,4}}"
    r"(?:(?:most likely|likely|probably|clearly|therefore|thus|indeed|actually)[ ,]{1,2})?",
    re.IGNORECASE,
)
_BARE_NOUN = re.compile(
    r"(?:\banswer|选项|选择|答案|\b(?:choose|select|pick|opt for|go with))[ \t]{1,3}|(?:选项|选择|选|答案)", re.I
)
_LETTER = re.compile(
    r"(?:(?:the\s)?(?:option|choice|letter|answer)[ :]{1,2})?(?P<open>[(\[{\"'$]{0,2})\s?(?P<letter>[A-Za-z])(?P<close>[)\]}\"'$]{0,2})"
    r"(?![^\W_]|'[a-z])"
)
_IS_CORRECT = re.compile(
    r"(?<![\w(\['])(?P<open>[(\[]?)(?P<letter>[A-Z])[)\]]?[ ]{1,2}(?:is|seems|would be|appears to be)[ ]{1,2}"
    r"(?:(?:clearly|likely|probably|most likely|indeed)[ ])?(?:the[ ])?(?:only[ ])?"
    r"(?:correct|right|best|most (?:likely|appropriate|accurate))\b(?![ ](?:of|side|hand|in the))"
)
_AND_MORE = re.compile(
    r"\s{0,2}(?:,|/|&|\bor\b|\band\b|\|)\s{0,2}(?:or\s|and\s)?(?:option\s|point\s)?[(\[]?(?P<letter>[A-Z])[)\]]?(?![\w'])"
    r"(?!\s{1,2}(?:is|are|was|were|does|do|shows?|has|have|can|cannot|would|depicts?|looks?|appears?)\b)"
)
_WRONG_AFTER = re.compile(
    r"[)\]\"']{0,2}\s{0,2}(?:[^.\n;,]{0,20}\s)?(?:is|was|are|looks|seems|would be)\s(?:clearly\s|definitely\s|also\s)?"
    r"(?:not\b|incorrect|wrong|false|ruled out|excluded|unlikely)",
    re.IGNORECASE,
)
_NEGATES = re.compile(
    r"(?:\bnot|n't|\bnever|\bneither|\bnor|\bwithout|\bincorrect(?:ly)?|\brather than|\binstead of|\bunlike|\bopposed to"
    r"|\bthan|\bcompared (?:to|with)|\bexcept|\bisn't|不是|不在|\bruled? out|\bexcludes?|\beliminates?)"
    r"(?:\s(?:to|on|at|in|of|be|a|an|the|option|choice|answer|is|that|its|it|for|from|by|really|exactly)){0,4}[\s(\"']{0,3}$",
    re.IGNORECASE,
)
_NONE_OF = re.compile(
    r"\b(?:none|neither) of (?:the|these|them|those)\b|\bnone of the above\b|\bno (?:correct|suitable) (?:option|answer|choice)\b",
    re.IGNORECASE,
)
_HEDGED = re.compile(
    r"\b(?:both|either|equally|cannot (?:be )?determine|can't (?:be )?determine|unable to|not possible)\b", re.I
)
_CONCLUDES = re.compile(
    r"(?:\btherefore|\bthus|\bhence|\bso|\bin conclusion|\boverall)\b[^.\n]{0,160}?\sis[ ]{1,2}(?:option |choice )?"
    r"(?P<open>\()(?P<letter>[A-Z])\)",
    re.IGNORECASE,
)
_ORDINAL = re.compile(
    r"(?:option|choice|answer|number|no\.|#)\s{0,2}(?:#|number )?(?P<index>\d{1,2})\s?[.)]?", re.IGNORECASE
)
_HEAD = re.compile(
    r"[\s\"'*#>-]{0,6}(?:(?:option|choice|answer|选项|答案)[\s:：]{0,3})?(?P<open>[(\[{]?)\s?(?P<letter>[A-Za-z])\s?"
    r"(?P<close>[)\]}]?[.:,、：)]{0,2})(?=(?P<gap>\s{0,3})(?P<next>\S?))"
)
_BRACKETED = re.compile(r"[(\[](?P<letter>[A-Z])[)\]]")
_WORDS = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+", re.UNICODE)
_LIST = re.compile(
    r"[\s(\[]{0,3}[A-Za-z][)\]]?(?:[\s,;/&|()\[\]]{1,4}(?:and\s|or\s)?[(\[]?[A-Za-z][)\]]?(?![\w'])){1,25}[\s.)\]]{0,3}"
)
_ARTICLE_FOLLOWERS = frozenset(
    [
        "and",
        "or",
        "because",
        "since",
        "as",
        "due",
        "based",
        "for",
        "given",
        "and",
        "with",
        "is",
        "so",
        "but",
        "however",
        "while",
        "where",
        "which",
        "if",
        "from",
        "according",
        "it",
        "this",
    ]
)


def _fold(word: str) -> str:
    word = word.lower()
    return str(NUMBER_WORDS[word]) if word in NUMBER_WORDS else _TRANSLATIONS.get(word, _SYNONYMS.get(word, word))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Hit:
    """An option's text found in a text: option index, first character, end."""

    option: int
    start: int
    end: int


class _Options:
    """Option texts prepared for look-up by words."""

    def __init__(self, options: Sequence[str]) -> None:
        self.texts = tuple(plain(option) for option in options)
        self.words = [tuple(_fold(word) for word in _WORDS.findall(text)) for text in self.texts]
        self.by_first: dict[str, list[int]] = {}
        for i, words in enumerate(self.words):
            if words:
                self.by_first.setdefault(words[0], []).append(i)
        for candidates in self.by_first.values():
            candidates.sort(key=lambda i: -len(self.words[i]))
        self.letters = LETTERS[: len(options)]
        self.echo = self._echo_pattern()
        self.template = self._template()
        self.is_boolean = {words[:1] for words in self.words} == {("yes",), ("no",)} and len(self.words) == 2

    def _echo_pattern(self) -> re.Pattern[str] | None:
        if len(self.texts) < 2 or any(not text for text in self.texts):
            return None
        parts = [rf"[(\[]?{LETTERS[i]}[)\].:]{{1,2}}\s{{0,3}}{re.escape(text)}" for i, text in enumerate(self.texts)]
        return re.compile(r"[\s,;.|]{0,5}(?:(?:and|or)\s)?".join(parts), re.IGNORECASE)

    def _template(self) -> tuple[dict[str, int], str] | None:
        """For options such as ``A is closer``, ``B is closer``: the differing word of each, and the last word."""
        if len(self.words) < 2 or len({len(words) for words in self.words}) != 1:
            return None
        differing = [i for i, column in enumerate(zip(*self.words, strict=True)) if len(set(column)) > 1]
        if len(differing) != 1:
            return None
        at, first = differing[0], self.words[0]
        if (
            len({words[at] for words in self.words}) < len(self.words)
            or len(first) < at + 3
            or first[at + 1] not in _STATES
        ):
            return None
        return {words[at]: i for i, words in enumerate(self.words)}, first[-1]

    def by_template(self, text: str) -> set[int]:
        """Options whose own word is the only one of its kind before the shared last word of its sentence.

        ``Point A, which is on the car, is closer than point B`` says ``A is closer``.
        """
        if self.template is None:
            return set()
        own, last = self.template
        chosen: set[int] = set()
        for sentence in _SENTENCE.split(text):
            named: set[int] = set()
            for match in _WORDS.finditer(sentence):
                raw, word = match[0], _fold(match[0])
                if word == last:
                    if len(named) == 1 and not re.search(
                        r"\bnot\b|n't\b|\bnever\b|\bless\b", sentence[: match.start()]
                    ):
                        chosen |= named
                    break
                if word in own and not (len(raw) == 1 and raw.islower() and raw.isascii()):
                    named.add(own[word])
        return chosen

    def find(self, text: str) -> list[_Hit]:
        """Occurrences of option texts, longest first at each place, not overlapping, not negated."""
        tokens = [(match.start(), match.end(), _fold(match[0])) for match in _WORDS.finditer(text)]
        hits: list[_Hit] = []
        i = 0
        while i < len(tokens):
            step = 1
            for option in self.by_first.get(tokens[i][2], ()):
                words = self.words[option]
                window = tokens[i : i + len(words)]
                if tuple(token[2] for token in window) != words:
                    continue
                start, end = window[0][0], window[-1][1]
                raw = text[start:end]
                if len(words) == 1 and len(words[0]) == 1 and not raw.isupper() and not raw.isdigit() and len(raw) == 1:
                    if raw.isascii():
                        continue  # the article "a" is not the option "A"
                step = len(words)
                if not _NEGATES.search(text[max(0, start - 40) : start]) and not _WRONG_AFTER.match(text, end):
                    hits.append(_Hit(option=option, start=start, end=end))
                break
            i += step
        return hits

    def exact(self, text: str) -> int | None:
        """The option whose text this is, up to case and punctuation."""
        words = tuple(_fold(word) for word in _WORDS.findall(text[:2000]))
        matches = [i for i, option in enumerate(self.words) if option == words and words]
        if len(matches) == 1:
            return matches[0]
        same = [i for i, option in enumerate(self.texts) if option.strip().lower() == text.strip().lower()]
        return same[0] if len(same) == 1 else None


@lru_cache(maxsize=4096)
def _prepared(options: tuple[str, ...]) -> _Options:
    return _Options(options)


def _letter_at(text: str, at: int) -> tuple[str, int] | None:
    """A letter that stands as an answer at a position: ``(letter, end)``."""
    match = _LETTER.match(text, at)
    if match is None:
        return None
    letter, bracketed = match["letter"], bool(match["open"] or match["close"])
    following = _WORDS.match(text, match.end() + 1) if text[match.end() : match.end() + 1] in (" ", "\n") else None
    if not bracketed and following is not None and text[match.end()] == " ":
        if letter.islower() or (letter in "AI" and following[0].lower() not in _ARTICLE_FOLLOWERS):
            return None  # the article or the pronoun
    if letter.islower() and not bracketed and text[match.end() : match.end() + 1] not in ("", ".", "\n"):
        return None
    return letter.upper(), match.end()


def _declarations(text: str, options: _Options) -> list[tuple[int, str | None, str]]:
    """Places where the text says what its answer is: ``(position, letter or None if several/unknown, rule)``."""
    found: list[tuple[int, str | None, str]] = []
    covered = -1
    for match in _DECLARED.finditer(text):
        noun_is_option = match[0][:6].lower() in ("option", "choice")
        hit = _letter_at(text, match.end())
        if hit is not None:
            letter, end = hit
            covered = end
            if _AND_MORE.match(text, end):
                found.append((match.start(), None, "several"))
            elif not _WRONG_AFTER.match(text, end) and not _NEGATES.search(
                text[max(0, match.start() - 30) : match.start()]
            ):
                found.append((match.start(), letter, "declared_letter"))
            continue
        if (
            noun_is_option
            and match["verb"]
            and not re.search(
                r"(?:correct|best|right|final|appropriate|likely|accurate)\s$",
                text[max(0, match.start() - 14) : match.start()],
                re.I,
            )
        ):
            continue
        clause = re.split(r"[.\n;](?:\s|$)", text[match.end() : match.end() + 400].lstrip(), maxsplit=1)[0]
        choices = {hit.option for hit in options.find(clause)}
        if len(choices) == 1:
            found.append((match.start(), LETTERS[choices.pop()], "declared_text"))
    for match in _BARE_NOUN.finditer(text):
        hit = _letter_at(text, match.end()) if match.end() > covered else None
        if hit is not None and not _AND_MORE.match(text, hit[1]) and not _WRONG_AFTER.match(text, hit[1]):
            if not _NEGATES.search(text[max(0, match.start() - 30) : match.start()]):
                found.append((match.start(), hit[0], "declared_letter"))
    for match in _IS_CORRECT.finditer(text):
        if match["letter"] not in "AI" or match["open"] or text[max(0, match.start() - 8) : match.start()].strip():
            found.append((match.start(), match["letter"], "declared_letter"))
    for match in _CONCLUDES.finditer(text):
        if match["letter"].isupper() and not _AND_MORE.match(text, match.end()):
            found.append((match.end() - 3, match["letter"], "declared_letter"))
    found.sort(key=lambda item: item[0])
    return found


def _whole_letter(text: str, options: _Options) -> Reading | None:
    """The reply is a letter, or starts with a letter and goes on with its text or a comment."""
    match = _HEAD.match(text)
    if match is None:
        return None
    letter, mark, following = match["letter"].upper(), match["open"] or match["close"], match["next"]
    rest = text[match.end() :].strip()
    if not rest.strip(" .)]}\"'*"):
        return Reading(value=letter, rule="letter")
    if match["letter"].islower() and not mark:
        return None
    if not mark and "\n" not in match["gap"]:
        if following.isalnum() or following in "'’":
            own = options.exact(rest) if match["gap"] else None
            if own is not None and LETTERS[own] == letter:
                return Reading(value=letter, rule="letter_text")
            return None
        if following not in "-–—=(:":
            return None
    if not match["gap"] and following.isalnum() and match["close"] in (".", "") and match["open"] == "":
        return None
    if match["open"] and not match["close"] and not following:
        return None
    if _AND_MORE.match(text, match.end("letter")) and match["close"] in ("", ",", ")", "]"):
        return Reading(value=None, rule="several_letters")
    if _WRONG_AFTER.match(text, match.end()):
        return None
    conflicts: tuple[str, ...] = ()
    own = options.exact(rest.split("\n", 1)[0])
    if own is not None and LETTERS[own] != letter:
        conflicts = (f"letter {letter} but the text of option {LETTERS[own]}",)
    return Reading(value=letter, rule="letter_text", conflicts=conflicts)


def read_choice(text: str, options: Sequence[str], *, declared: bool) -> Reading:
    """The letter of the option that a text chooses.

    Rules, in order: the text is a letter; the last declaration ("the answer is (B)"), unless negated; a letter with its
    text or a comment behind; the only option text in it (longest match, not negated); the only option in its last
    sentence; the only bracketed letter of its last paragraph. Several letters, hedges and "none of" abstain.

    Args:
        text: The answering part of a reply.
        options: Option texts in order; empty when unknown, then only letters are read.
        declared: The text was marked as the answer, so that it holds nothing else.
    """
    prepared = _prepared(tuple(options))
    text = plain(text).rstrip("</>").strip()
    reading = _read(text, prepared, declared)
    if reading.value is None or not options or str(reading.value) in prepared.letters:
        return reading
    return Reading(value=None, rule="letter_out_of_range", conflicts=(f"letter {reading.value} is no option",))


def _read(text: str, options: _Options, declared: bool) -> Reading:
    exact = options.exact(text)
    match = _HEAD.match(text)
    bare = match is not None and not text[match.end() :].strip(" .)]}\"'*")
    if exact is not None and not (
        bare and match is not None and match["letter"].isupper() and len(text.strip("().")) == 1
    ):
        return Reading(value=LETTERS[exact], rule="text")
    if bare and match is not None:
        return Reading(value=match["letter"].upper(), rule="letter")
    if _LIST.fullmatch(text[:200]) and len(text) <= 200:
        return Reading(value=None, rule="several_letters")
    ordinal = _ORDINAL.fullmatch(text[:40].strip())
    if ordinal is not None and len(text) <= 40:
        index = int(ordinal["index"])
        as_text = options.exact(ordinal["index"])
        if as_text is not None:
            return Reading(value=LETTERS[as_text], rule="text")
        if 1 <= index <= len(options.texts):
            return Reading(value=LETTERS[index - 1], rule="ordinal")
    if options.echo is not None:
        text = options.echo.sub(" ", text).strip()
    declarations = _declarations(text, options)
    if declarations:
        letters = {letter for _, letter, _ in declarations}
        clash = ("declarations disagree; the last one counts",) if len(letters) > 1 else ()
        _, letter, rule = declarations[-1]
        return Reading(value=letter, rule=rule if letter else "several_letters", conflicts=clash)
    whole = _whole_letter(text, options)
    if whole is not None:
        return whole
    if _NONE_OF.search(text):
        return Reading(value=None, rule="none_of")
    if options.is_boolean:
        yes_no = read_boolean(text)
        if yes_no.value is not None:
            letter = next(LETTERS[i] for i, words in enumerate(options.words) if (words[0] == "yes") == yes_no.value)
            return Reading(value=letter, rule=f"text_{yes_no.rule}")
        return Reading(value=None, rule=yes_no.rule)
    hits = options.find(text)
    chosen = {hit.option for hit in hits}
    if len(chosen) == 1 and not _HEDGED.search(text):
        return Reading(value=LETTERS[chosen.pop()], rule="unique_text")
    if not chosen:
        chosen = options.by_template(text)
        if len(chosen) == 1 and not _HEDGED.search(text):
            return Reading(value=LETTERS[chosen.pop()], rule="template_text")
    bracketed = {found["letter"] for found in _BRACKETED.finditer(text.rsplit("\n\n", 1)[-1])}
    if len(bracketed) == 1 and not _HEDGED.search(text):
        return Reading(value=bracketed.pop(), rule="bracketed_letter")
    return Reading(value=None, rule="several" if len(chosen) > 1 or len(bracketed) > 1 else "no_option")
