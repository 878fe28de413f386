"""Pieces that many formats write the same way: lettered options, tagged answers, answers without a declared kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from wherewise.samples import LETTERS, Answer, Boolean, Choice, Image, Number, Text, Video, answer_text
from wherewise.samples.errors import DatasetError

_OPTION = re.compile(r"^\s*\(?([A-Z])[.):]\s*(.*?)\s*$")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def tagged(text: str, tag: str) -> str | None:
    r"""The stripped content of the only pair of tags, or None.

    >>> tagged("<think>a</think> <answer> B. left\n</answer>", "answer")
    'B. left'
    """
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", text, flags=re.DOTALL)
    return found[0].strip() if len(found) == 1 else None


def split_options(lines: Sequence[str]) -> tuple[str, ...] | None:
    """Texts of lines ``A. x``, ``B. y``, ... in alphabetical order from A; None if they are not such lines.

    >>> split_options(["A. left", "(B) right"]), split_options(["A. left", "C. right"])
    (('left', 'right'), None)
    """
    matches = [_OPTION.match(line) for line in lines]
    found = [match.groups() for match in matches if match]
    in_order = [letter for letter, _ in found] == list(LETTERS[: len(lines)])
    return tuple(text for _, text in found) if lines and len(found) == len(lines) and in_order else None


def split_question(text: str) -> tuple[str, tuple[str, ...]]:
    r"""A question and its options, where the last lines of the text are options.

    >>> split_question("Which way?\nOptions:\nA. left\nB. right")
    ('Which way?', ('left', 'right'))
    >>> split_question("How many chairs?")
    ('How many chairs?', ())
    """
    lines = text.rstrip().split("\n")
    for start in range(1, len(lines)):
        options = split_options([line for line in lines[start:] if line.strip()])
        if options is not None and len(options) > 1:
            head = lines[:start]
            if head and re.fullmatch(r"\s*(options|choices)\s*:?\s*", head[-1], flags=re.IGNORECASE):
                head = head[:-1]
            return "\n".join(head).strip(), options
    return text.strip(), ()


def lettered(options: Sequence[str]) -> list[str]:
    """Options as ``A. x``.

    >>> lettered(["left", "right"])
    ['A. left', 'B. right']
    """
    return [f"{LETTERS[i]}. {option}" for i, option in enumerate(options)]


def choice(text: str, options: Sequence[str]) -> Choice | None:
    """The option that an answer names: by letter, by letter and text, or by text; None if none or several.

    >>> choice("(B)", ["left", "right"]).text, choice("B. right", ["left", "right"]).letter, choice("C", ["left"])
    ('right', 'B', None)
    """
    found = text.strip()
    letter = re.fullmatch(r"\(?([A-Z])\)?[.:]?", found)
    option = _OPTION.match(found) or re.match(r"^\(([A-Z])\)\s*(.*)$", found, flags=re.DOTALL)
    for match in (letter, option):
        if match and LETTERS.index(match.group(1)) < len(options):
            index = LETTERS.index(match.group(1))
            if match is letter or match.group(2).strip().lower() == options[index].strip().lower():
                return Choice(letter=LETTERS[index], text=options[index])
    same = [i for i, text in enumerate(options) if text.strip().lower() == found.lower()]
    return Choice(letter=LETTERS[same[0]], text=options[same[0]]) if len(same) == 1 else None


def answer_of(text: str, options: Sequence[str], *, unit: str | None = None) -> Answer:
    """An answer whose kind the file does not declare.

    With options it is one of them. Otherwise a number where the whole text is one, a boolean where it is ``yes`` or
    ``no``, else a text.

    Raises:
        DatasetError: There are options and the answer names none of them.
    """
    if options:
        found = choice(text, options)
        if found is None:
            raise DatasetError(
                f"the answer {text!r} names none of {list(options)}", fix="correct the answer or the options"
            )
        return found
    stripped = text.strip()
    if _NUMBER.fullmatch(stripped):
        return Number(value=float(stripped), unit=unit)
    if stripped.lower() in ("yes", "no"):
        return Boolean(value=stripped.lower() == "yes")
    return Text(value=stripped)


def plain_answer(answer: Answer) -> str:
    """A choice's letter, a number without its unit and to its last digit, another answer's text.

    >>> plain_answer(Number(value=0.3507, unit="m")), plain_answer(Number(value=7.0)), plain_answer(Boolean(value=True))
    ('0.3507', '7', 'yes')
    """
    if isinstance(answer, Choice):
        return answer.letter
    if isinstance(answer, Number):
        return str(int(answer.value)) if answer.value == int(answer.value) else repr(answer.value)
    return answer_text(answer)


def relative(path: str) -> str:
    """A media path of a file as a sample can hold it: inside the data root, so without a leading ``/`` or a scheme.

    >>> relative("/mnt/data/a.mp4"), relative("file:///x/b.jpg"), relative("./c.png"), relative("d/e.png")
    ('mnt/data/a.mp4', 'x/b.jpg', 'c.png', 'd/e.png')
    """
    return re.sub(r"^(file://)?(\./|/)*", "", path.replace("\\", "/"))


def path_of(medium: Image | Video, sample_id: str) -> str:
    """The path of a medium, for formats that hold paths only.

    Raises:
        DatasetError: It is in memory.
    """
    if medium.path is None:
        raise DatasetError(
            "this format holds paths, and the medium is in memory", sample=sample_id, field="media", fix="give --media"
        )
    return medium.path


def stem(path: str) -> str:
    """A path without its suffix: the group of what is asked about one file.

    >>> stem("scannet/scene0653_00.mp4")
    'scannet/scene0653_00'
    """
    return str(PurePosixPath(path).with_suffix(""))
