"""Where in a reply the answer stands: tags, boxes, JSON, or the text after the reasoning. Linear time on any input."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_TAG = re.compile(r"<[ \t]{0,3}(/?)[ \t]{0,3}(answer|think|thinking|scene|observe)[ \t]{0,3}>", re.IGNORECASE)
_SPECIAL = re.compile(r"</?s>|<\|[a-z_]{1,40}\|>|<pad>|<eos>|<bos>", re.IGNORECASE)
_BOXED = re.compile(r"\\(?:boxed|fbox)[ \t]{0,3}\{")
_LATEX_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mathbf|textrm)\{([^{}]{0,400})\}")
_JSON = re.compile(
    r"[\"'](?:final_answer|final answer|answer|choice|option|result)[\"']\s{0,4}:\s{0,4}"
    r"(?:\"([^\"\n]{0,4000})\"|'([^'\n]{0,4000})'|(\[[^\[\]]{0,4000}\])|([^\s,}\"']{1,60}))",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"\$?\\?\{[\w ]{1,40}\}|\$[A-Z_]{2,40}|[\[<(](?:your|the|final|correct)[ _][\w ]{1,40}[\])>]|\.{3}|…"
    r"|A(?:/B)(?:/C)?(?:/D)?(?:/E)?|(?:\(\{\w{1,40}\}\) ?)?\{\w{1,40}\}|(?:option|answer)[ _](?:letter|here)|X",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """The part of a reply that answers.

    Attributes:
        body: Its text, trimmed; empty when the reply holds no answer.
        rule: ``tag``, ``open_tag``, ``boxed``, ``json``, ``after_reasoning``, ``whole`` or ``unfinished``.
        truncated: A block was opened and never closed.
        declared: The reply itself marks this part as its answer (tag, box, JSON).
    """

    body: str
    rule: str
    truncated: bool
    declared: bool


def plain(text: str) -> str:
    """Compatibility characters folded (full-width letters, superscripts), special tokens and emphasis marks removed."""
    text = _SPECIAL.sub(" ", text)
    text = unicodedata.normalize("NFKC", text)
    text = _LATEX_TEXT.sub(r"\1", text)
    return text.replace("**", "").replace("__", "").replace("`", "").replace("’", "'").strip()


def _boxed(text: str) -> str | None:
    """Content of the last box with balanced braces."""
    starts = [match.end() for match in _BOXED.finditer(text)]
    if not starts:
        return None
    depth = 1
    for at in range(starts[-1], len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return text[starts[-1] : at]
    return None


def is_placeholder(body: str) -> bool:
    """True for text copied from a prompt's example (``$LETTER``, ``A/B/C/D``, ``{answer}``, ``...``)."""
    return _PLACEHOLDER.fullmatch(body.strip().strip("\"'")) is not None


def locate(text: str) -> Located:
    r"""Find the answering part: last complete answer tag, an unclosed one, last box, JSON field, rest after reasoning.

    Reasoning (``<think>``, ``<scene>``, ``<observe>``) never answers; an answer inside unfinished reasoning is none.

    >>> locate("<think>maybe A</think><answer>B</answer>").body, locate("<think>So the answer is A").rule
    ('B', 'unfinished')
    """
    outside: list[str] = []
    at = 0
    reasoning: str | None = None
    answer_from: int | None = None
    last_complete: str | None = None
    reasoned = False
    for match in _TAG.finditer(text):
        closing, name = bool(match[1]), match[2].lower().removesuffix("ing")
        if name == "answer":
            if reasoning is not None:
                continue
            if not closing:
                outside.append(text[at : match.start()])
                at = answer_from = match.end()
            elif answer_from is not None:
                last_complete = text[answer_from : match.start()]
                answer_from = None
                outside.append(last_complete)
                at = match.end()
            continue
        if not closing:
            if reasoning is None:
                outside.append(text[at : match.start()])
                reasoning, reasoned, answer_from = name, True, None
        elif reasoning == name:
            reasoning = None
            at = match.end()
        elif reasoning is None:
            # A closing tag alone: the prompt opened the block, so all before it was reasoning.
            outside, last_complete, answer_from, reasoned = [], None, None, True
            at = match.end()
    if last_complete is not None:
        return Located(body=last_complete.strip(), rule="tag", truncated=reasoning is not None, declared=True)
    if reasoning is not None:
        return Located(body="", rule="unfinished", truncated=True, declared=False)
    rest = text[at:]
    if answer_from is not None:
        return Located(body=rest.strip(), rule="open_tag", truncated=True, declared=True)
    outside.append(rest)
    body = " ".join(outside).strip()
    box = _boxed(body)
    if box is not None:
        return Located(body=box.strip(), rule="boxed", truncated=False, declared=True)
    fields = list(_JSON.finditer(body))
    if fields:
        value = next(group for group in fields[-1].groups() if group is not None)
        return Located(body=value.strip(), rule="json", truncated=False, declared=True)
    return Located(body=body, rule="after_reasoning" if reasoned else "whole", truncated=False, declared=False)
