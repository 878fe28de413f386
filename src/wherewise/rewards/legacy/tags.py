"""The seeds' tag patterns, in linear time: what their regular expressions find, without the backtracking."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise


def first_block(text: str, tag: str) -> str | None:
    """Body of the first ``<tag>`` that is closed, up to the next ``</tag>``; None if there is none.

    The same as ``re.search("<tag>(.*?)</tag>", text, re.DOTALL)``.

    >>> first_block("<answer>a<answer>b</answer>", "answer"), first_block("<answer>a", "answer")
    ('a<answer>b', None)
    """
    start = text.find(f"<{tag}>")
    end = text.find(f"</{tag}>", start) if start >= 0 else -1
    return text[start + len(tag) + 2 : end] if end >= 0 else None


def first_line_block(text: str, tag: str) -> str | None:
    r"""As `first_block`, but the body must not hold a line break: the same pattern without ``re.DOTALL``.

    >>> first_line_block("<answer>a\n</answer> <answer>b</answer>", "answer")
    'b'
    """
    opening, closing, size = f"<{tag}>", f"</{tag}>", len(tag) + 2
    start, end = text.find(opening), -1
    while start >= 0:
        if end < start + size:
            end = text.find(closing, start + size)
        if end < 0:
            return None
        line = text.find("\n", start + size, end)
        if line < 0:
            return text[start + size : end]
        start = text.find(opening, line)
    return None


def keeps_order(text: str, tags: Sequence[str], *, last_filled: bool = False) -> bool:
    r"""True if the whole text matches ``<a>.*?</a>\s*<b>.*?</b>...`` with ``re.DOTALL``.

    Bodies may hold anything, further tags too.

    Args:
        text: The reply.
        tags: The blocks in order.
        last_filled: The last body must hold at least one character (``.+?``).

    >>> keeps_order("<think>a</think> <answer></answer>", ["think", "answer"])
    True
    >>> keeps_order("<think>a</think> <answer></answer>\n", ["think", "answer"])
    False
    """
    closing = f"</{tags[-1]}>"
    if not text.startswith(f"<{tags[0]}>") or not text.endswith(closing):
        return False
    at = len(tags[0]) + 2
    for before, after in pairwise(tags):
        seam = re.compile(rf"</{before}>\s*<{after}>").search(text, at)
        if seam is None:
            return False
        at = seam.end()
    return at + last_filled <= len(text) - len(closing)
