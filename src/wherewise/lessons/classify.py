"""The six labels of DORA's multiple-choice set, by its published rules on the text alone."""

from __future__ import annotations

import re
from collections.abc import Callable

_VISUAL = ("see", "look", "watch", "show", "color", "colour", "where", "which", "find", "point")
_SPOKEN = ("say", "said", "hear", "sing", "call", "name", "tell", "word", "spanish")

_CATEGORIES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("counting", lambda q: "how many" in q or "count" in q),
    ("navigation", lambda q: "where do we go" in q or "where should we go" in q),
    ("spatial_location", lambda q: "do you see" in q or q.strip(" ¿?!.") == "where"),
    ("object_selection", lambda q: "which" in q or "should we choose" in q),
    ("problem_solving", lambda q: any(part in q for part in ("how are we", "how can we", "how do we"))),
    ("recall_knowledge", lambda q: any(part in q for part in ("who do we", "who helps", "what do we use when"))),
    ("language", lambda q: "can you say" in q or "¿" in q),
)


def classify(question: str, answer: str, transcript: str) -> dict[str, str | bool]:
    """Category, complexity, time span, modality and what is needed.

    >>> found = classify("How many stars do you see?", "Five", "")
    >>> found["reasoning_category"], found["temporal_span"], found["requires_visual"]
    ('counting', 'immediate', True)
    """
    asked = question.lower()
    category = next((name for name, fits in _CATEGORIES if fits(asked)), "other")
    rules = sum(transcript.lower().count(word) for word in ("without", "must", "need", "should"))
    complexity = ("simple", "constrained", "multi-constrained")[min(2, rules)]
    words = set(re.findall(r"\w+", asked))
    sees, hears = bool(words & set(_VISUAL)), bool(words & set(_SPOKEN))
    return {
        "reasoning_category": category,
        "compositional_complexity": complexity if category in ("object_selection", "navigation") else "simple",
        "temporal_span": "sequential"
        if words & {"first", "then", "after", "before", "across", "through"}
        else "immediate",
        "requires_visual": sees or not hears,
        "requires_transcript": hears or not sees,
        "modality": "visual" if sees and not hears else "text" if hears and not sees else "multimodal",
    }
