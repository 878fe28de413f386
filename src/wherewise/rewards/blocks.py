"""Blocks of a reply: their bodies, and whether they stand in the asked order. Linear time; tags as written."""

from __future__ import annotations

from collections.abc import Sequence

KNOWN = ("observe", "scene", "map", "timeline", "think", "answer")
"""Blocks that some layout has."""


def body_of(text: str, name: str) -> str | None:
    """Body of the last complete block ``<name>...</name>``, trimmed; None without one.

    >>> body_of("<think>a</think><think>b</think>", "think"), body_of("<think>a", "think")
    ('b', None)
    """
    end = text.rfind(f"</{name}>")
    start = text.rfind(f"<{name}>", 0, end) if end >= 0 else -1
    return None if start < 0 else text[start + len(name) + 2 : end].strip()


def layout_problem(text: str, names: Sequence[str]) -> str | None:
    """Why a reply isn't exactly these blocks, each once, closed, not empty, in order, with only space between them.

    Returns:
        The first problem in words; None if there is none.

    >>> layout_problem("<think>It is near.</think> <answer>A</answer>", ("think", "answer"))
    >>> layout_problem("<answer>A</answer><think>It is near.</think>", ("think", "answer"))
    'there is text before <think>'
    """
    for name in KNOWN:
        for mark in (f"<{name}>", f"</{name}>"):
            count = text.count(mark)
            if count != (name in names):
                return f"{mark} occurs {count} times instead of {int(name in names)}"
    at = 0
    for name in names:
        start, end = text.find(f"<{name}>", at), text.find(f"</{name}>", at)
        if start < 0 or end < start:
            return f"<{name}> is out of order: expected {' '.join(f'<{n}>' for n in names)}"
        if text[at:start].strip():
            return f"there is text before <{name}>"
        if not text[start + len(name) + 2 : end].strip():
            return f"<{name}> is empty"
        at = end + len(name) + 3
    return "there is text after the last block" if text[at:].strip() else None
