"""English words as far as counting needs them: singular forms and number words, without word lists to load.

Nouns are taken back to their singular by rules and a table of irregular ones, so that ``women`` and ``woman``,
``benches`` and ``bench``, ``shelves`` and ``shelf`` are one thing.
"""

from __future__ import annotations

import re

IRREGULAR = {
    "people": "person",
    "persons": "person",
    "men": "man",
    "women": "woman",
    "children": "child",
    "feet": "foot",
    "teeth": "tooth",
    "geese": "goose",
    "mice": "mouse",
    "oxen": "ox",
    "dice": "die",
    "leaves": "leaf",
    "knives": "knife",
    "wives": "wife",
    "lives": "life",
    "loaves": "loaf",
    "shelves": "shelf",
    "bookshelves": "bookshelf",
    "wolves": "wolf",
    "calves": "calf",
    "halves": "half",
    "scarves": "scarf",
    "hooves": "hoof",
    "thieves": "thief",
    "elves": "elf",
    "potatoes": "potato",
    "tomatoes": "tomato",
    "heroes": "hero",
    "mangoes": "mango",
    "buffaloes": "buffalo",
    "movies": "movie",
    "cookies": "cookie",
    "brownies": "brownie",
    "ties": "tie",
    "pies": "pie",
    "shoes": "shoe",
    "toes": "toe",
    "canoes": "canoe",
    "horseshoes": "horseshoe",
    "buses": "bus",
    "gases": "gas",
    "lenses": "lens",
    "axes": "axe",
    "headaches": "headache",
    "quizzes": "quiz",
}
"""Plural -> singular where the rules below go wrong."""

SAME = {
    *("bus", "gas", "lens", "glass", "grass", "dress", "cross", "compass", "canvas", "atlas", "christmas", "iris"),
    *("sheep", "deer", "fish", "series", "species", "aircraft", "scissors", "pants", "jeans", "shorts", "tennis"),
    *("trousers", "sunglasses", "eyeglasses", "goggles", "binoculars", "pliers", "tongs", "this", "is", "was", "has"),
    *("its", "yes", "us", "plus", "less", "across", "as", "does", "always", "cactus", "walrus", "octopus", "asparagus"),
}
"""Words that end in s and are singular, or have one form for both."""

NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
"""Number words, by their value."""

_WORD = re.compile(r"[a-z]+")
_VALUE = re.compile(r"(\d{1,4})(?![\d.,]*\d)|([a-z]+)", re.IGNORECASE)


def singular(word: str) -> str:
    """The singular of a lower-case English noun; other words come back as they are, or nearly.

    >>> [singular(word) for word in ("women", "benches", "shelves", "berries", "chairs", "glass", "boxes", "houses")]
    ['woman', 'bench', 'shelf', 'berry', 'chair', 'glass', 'box', 'house']
    """
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word in SAME or len(word) < 3 or not word.endswith("s") or word.endswith("ss"):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zzes")):
        return word[:-2]
    return word[:-1]


def lemmas(text: str) -> tuple[str, ...]:
    """The words of a text in lower case, nouns in the singular.

    >>> lemmas("How many wine glasses are on the tables?")
    ('how', 'many', 'wine', 'glass', 'are', 'on', 'the', 'table')
    """
    return tuple(singular(word) for word in _WORD.findall(text.lower()))


def number_in(text: str) -> int | None:
    """The number that an option begins with, as digits or as a word; None if it begins with something else.

    >>> [number_in(text) for text in ("3", "three chairs", "None", "3.5 m", "left")]
    [3, 3, 0, None, None]
    """
    match = _VALUE.match(text.strip())
    if match is None:
        return None
    if match[1]:
        return int(match[1])
    word = match[2].lower()
    if word in ("none", "no"):
        return 0
    return NUMBERS.index(word) if word in NUMBERS else None


def with_number(text: str, value: int) -> str:
    """An option whose number is replaced, digits by digits and words by words.

    >>> with_number("three chairs", 4), with_number("3", 12)
    ('four chairs', '12')
    """
    match = _VALUE.match(text.strip())
    assert match is not None
    written = str(value)
    if match[2] and value < len(NUMBERS):
        word = NUMBERS[value]
        written = word.capitalize() if match[2][0].isupper() else word
    return written + text.strip()[match.end() :]
