"""What a describer's words are used for: what to look for, and how things of one category are told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from wherewise.perception.results import Describer, Detection, OpenDetector, Picture

COLORS = (
    "black", "white", "gray", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "beige",
)  # fmt: skip
"""Colour words that a label may begin with."""
_SAME = {"grey": "gray"}


class TaggedDetector:
    """An open detector that looks for its vocabulary and for what a describer says is in the picture.

    Only the vocabulary is looked for in every picture, so only of that may be said that it is absent.

    Args:
        detector: Looks for words.
        describer: Says what to look for.
    """

    def __init__(self, detector: OpenDetector, describer: Describer) -> None:
        self._detector, self._describer = detector, describer
        self.vocabulary, self.error = detector.vocabulary, detector.error
        self.name = f"{detector.name}+tags:{describer.name}"

    def detect(self, picture: Picture) -> list[Detection]:
        """Detections of the vocabulary and the tags, best first."""
        tags = [tag for tag in self._describer.tags(picture) if tag not in self.vocabulary]
        return self._detector.find(picture, (*self.vocabulary, *tags))


def color_in(caption: str, label: str) -> str | None:
    """The only colour that a caption gives to a thing of this label; None where it gives none or several.

    A colour counts if it stands before the label with at most two words between, or begins a caption without it.

    >>> color_in("A red wooden chair", "chair"), color_in("red and white chair", "chair"), color_in("Grey.", "cat")
    ('red', None, 'gray')
    """
    words = re.findall(r"[a-z]+", caption.lower())
    named = [_SAME.get(word, word) for word in words if word in COLORS]
    if len(set(named)) != 1:
        return None
    last = label.lower().split()[-1]
    first = next(place for place, word in enumerate(words) if word in COLORS)
    places = [place for place, word in enumerate(words) if word in (last, f"{last}s")]
    if not places:
        return named[0] if first == 0 or words[:first] in (["a"], ["an"], ["the"]) else None
    return named[0] if any(0 < place - first <= 3 for place in places) else None


def told_apart(labels: Sequence[str], captions: Sequence[str]) -> list[str | None]:
    """A colour for each thing of a category that several have, where captions give every one another colour.

    >>> told_apart(["cup", "cup", "dog"], ["a red cup", "a blue cup", "a brown dog"])
    ['red', 'blue', None]
    >>> told_apart(["cup", "cup"], ["a red cup", "a cup"])
    [None, None]
    """
    found: list[str | None] = [None] * len(labels)
    for label in set(labels):
        places = [place for place, each in enumerate(labels) if each == label]
        colors = [color_in(captions[place], label) for place in places]
        if len(places) > 1 and None not in colors and len(set(colors)) == len(colors):
            for place, color in zip(places, colors, strict=True):
                found[place] = color
    return found
