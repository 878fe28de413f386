"""What annotators wrote between two objects, in one spelling.

Free annotation says the same thing in many ways (``in front of``, ``infront of``, ``sitting in front of``). Spatial
relations get the names that the rest of the toolkit uses; everything else keeps its words, joined by underscores.
"""

from __future__ import annotations

import re

SAME: dict[str, tuple[str, ...]] = {
    "left_of": ("left of", "to left of", "to the left of", "on left of", "on the left of", "on left side of"),
    "right_of": ("right of", "to right of", "to the right of", "on right of", "on the right of", "on right side of"),
    "in_front_of": ("in front of", "infront of", "in front", "standing in front of", "sitting in front of"),
    "behind": ("behind", "in back of", "standing behind", "sitting behind"),
    "above": ("above", "over", "is above", "hanging over"),
    "below": ("below", "beneath", "is below"),
    "under": ("under", "underneath", "is under"),
    "on": ("on", "on top of", "is on", "on a", "sitting on", "standing on", "lying on", "laying on", "resting on"),
    "in": ("in", "inside", "inside of", "is in", "in a", "sitting in"),
    "near": ("near", "by", "close to", "around"),
    "next_to": ("next to", "beside", "standing next to", "sitting next to", "along side"),
}
"""Name of each spatial relation -> the words for it, in lower case."""

_NAMES = {words: name for name, all_words in SAME.items() for words in all_words}


def canonical(predicate: str) -> str:
    """The name of a relation.

    >>> canonical("On top of"), canonical("to the left of"), canonical("wearing a")
    ('on', 'left_of', 'wearing_a')
    """
    words = " ".join(re.findall(r"[\w'-]+", predicate.lower().replace("_", " ")))
    return _NAMES.get(words, words.replace(" ", "_"))
