"""Yes or no in text. Linear time."""

from __future__ import annotations

import re

from wherewise.answers.parsed import Reading

_STRICT_YES = frozenset(("yes", "yeah", "yep", "true", "是的", "はい", "sí", "oui"))
_STRICT_NO = frozenset(("no", "nope", "false", "いいえ", "nein", "não"))
YES = _STRICT_YES | {"correct", "right", "si", "ja", "да", "sim", "是", "对", "对的", "有", "正确"}
"""Words that mean yes where they are the whole answer."""
NO = _STRICT_NO | {"incorrect", "wrong", "non", "нет", "否", "不", "不是", "不对", "没有", "错误"}
"""Words that mean no where they are the whole answer."""
_STOPS = ("", ".", ",", "!", ";", ":", "\n", '"', "'", ")")
_WORD = re.compile(r"[^\W\d_]+", re.UNICODE)
_ANSWER = re.compile(
    r"(?:\banswer\b|\bantwort\b|\brespuesta\b|\bréponse\b|答案)[\s]{0,3}(?:to[^.\n:]{0,80}?)?"
    r"(?:is|would be|should be|must be|ist|es|est|是|为)?[\s:：=\"'(]{1,6}(?:a[ ]|likely[ ]|probably[ ])?([^\W\d_]+)",
    re.IGNORECASE,
)
_IDIOM = re.compile(
    r"\b(?:no (?:doubt|question|wonder|problem|matter)|yes and no|yes or no|true or false|yes/no)\b", re.I
)
_HEDGE = re.compile(
    r"\b(?:unclear|cannot (?:be )?(?:determine|tell|say)|can't (?:determine|tell|say)|not (?:sure|certain|possible)|"
    r"i don't know|unable to|ambiguous|impossible to (?:say|tell|determine))",
    re.I,
)
_PRONOUNS = frozenset(["it", "the", "they", "there", "that", "this", "i", "he", "she", "a", "an", "we", "you"])


def _polarity(word: str, yes: frozenset[str], no: frozenset[str]) -> bool | None:
    word = word.lower()
    return True if word in yes else False if word in no else None


def read_boolean(text: str) -> Reading:
    """Yes (True) or no (False).

    Rules, in order: the whole text is a yes or no word; the last "answer: yes"; the first word, when it stands alone or
    before a pronoun; standing-alone yes or no words that all agree. Hedges and idioms ("no doubt") don't count.
    """
    whole = _WORD.findall(text[:40])
    if len(text) <= 40 and len(whole) == 1:
        found = _polarity(whole[0], YES, NO)
        return Reading(value=found, rule="word" if found is not None else "no_polarity")
    if _IDIOM.fullmatch(text.strip(" .!")):
        return Reading(value=None, rule="hedge")
    text = _IDIOM.sub(" ", text)
    declared = [
        value
        for match in _ANSWER.finditer(text)
        if (value := _polarity(match[1], YES, NO)) is not None and not text[match.end() :].startswith((" or ", "/"))
    ]
    if declared:
        clash = (f"{len(declared)} declarations disagree; the last one counts",) if len(set(declared)) > 1 else ()
        return Reading(value=declared[-1], rule="declared", conflicts=clash)
    first = _WORD.search(text[:200])
    if first is not None and not text[: first.start()].strip(" \t\n\"'(*-."):
        value = _polarity(first[0], _STRICT_YES | {"是", "对"}, _STRICT_NO | {"否", "不是", "没有"})
        tail = text[first.end() : first.end() + 40]
        following = _WORD.search(tail)
        alone = not tail.startswith(" ") or (following is not None and following[0].lower() in _PRONOUNS)
        if value is not None and alone and not re.match(r"\s?(?:or|/)\s?(?:no|yes)\b", tail, re.I):
            return Reading(value=value, rule="first_word")
    standing: set[bool] = set()
    for match in _WORD.finditer(text):
        value = _polarity(match[0], _STRICT_YES, _STRICT_NO)
        if value is None:
            continue
        after = text[match.end() : match.end() + 1]
        if value is False and match[0].lower() == "no" and after not in _STOPS:
            continue
        before = text[max(0, match.start() - 8) : match.start()].lower()
        if before.endswith(("not ", "n't ")):
            continue
        standing.add(value)
    if len(standing) == 1 and not _HEDGE.search(text):
        return Reading(value=standing.pop(), rule="unique_word")
    return Reading(value=None, rule="several" if len(standing) > 1 else "no_polarity")
