"""Prompt styles: what the model is asked to write, what is expected back, and whether the format was kept."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from wherewise.answers.coordinates import (
    CODECS,
    Claim,
    CoordinateCodec,
    Frame,
    claims_of,
    encode_box,
    parse_claims,
    write_claims,
)
from wherewise.answers.grid_text import grid_problem, write_grid
from wherewise.answers.timelines import timeline_problem, write_timeline
from wherewise.samples import (
    LETTERS,
    Answer,
    Boolean,
    Box,
    Choice,
    Evidence,
    GridMap,
    Number,
    Order,
    Point,
    Sample,
    SceneGraph,
    Text,
    Timeline,
)
from wherewise.samples.errors import DatasetError

TAGS = ("scene", "map", "timeline", "think", "answer")
"""Tags that any style uses."""


class PromptStyle(StrEnum):
    """How a reply is laid out. Instruction, target text and format check of a style live in this module."""

    DIRECT = "direct"
    """The answer alone."""
    THINK = "think"
    """``<think>reasoning</think><answer>answer</answer>``."""
    SCENE_GRAPH = "scene_graph"
    """``<scene>claims</scene>[<think>...</think>]<answer>answer</answer>``: the objects and where they are, first."""
    GRID_MAP = "grid_map"
    """``<map>{"chair": [[1, 2]]}</map>[<think>...</think>]<answer>answer</answer>``: the scene from above, first."""
    TIMELINE = "timeline"
    """``<timeline>00:03-00:05 label; ...</timeline>[<think>...</think>]<answer>answer</answer>``: what happens when."""


_EVIDENCE: dict[PromptStyle, tuple[str, type[Evidence]]] = {
    PromptStyle.SCENE_GRAPH: ("scene", SceneGraph),
    PromptStyle.GRID_MAP: ("map", GridMap),
    PromptStyle.TIMELINE: ("timeline", Timeline),
}
"""First block of a style, and the evidence that it writes down."""


class PromptConfig(BaseModel):
    """How a sample is put to the model, and what is expected back."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    style: PromptStyle = PromptStyle.DIRECT
    """Layout of the reply."""
    options: Literal["letters", "words", "none"] = "letters"
    """How options are shown: ``A. left`` lines (the reply holds the letter); ``left or right`` behind the question;
    or not at all, when the question names them (the reply holds the option's text)."""
    instruction: bool | str = True
    """True: the style's own instruction; False: none; text: that text."""
    coordinates: str = "tenths"
    """Codec of the places in ``<scene>``, boxes and points: ``tenths``, ``norm1000`` or ``pixels``."""
    think: bool = False
    """``scene_graph``, ``grid_map``, ``timeline``: ask for ``<think>`` between the evidence and the answer."""
    grid: int = Field(default=10, ge=2)
    """Cells along each side of a grid map."""

    @field_validator("coordinates")
    @classmethod
    def _known_codec(cls, value: str) -> str:
        if value not in CODECS:
            raise ValueError(f"unknown coordinate codec {value!r}; known: {', '.join(CODECS)}")
        return value

    @property
    def codec(self) -> CoordinateCodec:
        """The codec that `coordinates` names."""
        return CODECS[self.coordinates]

    @property
    def blocks(self) -> tuple[str, ...]:
        """Tags of the reply, in order; empty for ``direct``."""
        match self.style:
            case PromptStyle.DIRECT:
                return ()
            case PromptStyle.THINK:
                return ("think", "answer")
            case PromptStyle.SCENE_GRAPH | PromptStyle.GRID_MAP | PromptStyle.TIMELINE:
                first = _EVIDENCE[self.style][0]
                return (first, "think", "answer") if self.think else (first, "answer")


def _options_text(options: tuple[str, ...], prompt: PromptConfig) -> str:
    if not options or prompt.options == "none":
        return ""
    if prompt.options == "letters":
        return "".join(f"\n{LETTERS[i]}. {option}" for i, option in enumerate(options))
    inline = options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"
    return f" {inline}?"


def _answer_hint(sample: Sample, prompt: PromptConfig) -> str:
    """What the answer consists of, as the end of "The answer is ..."."""
    match sample.answer:
        case Choice():
            return "the option's letter" if prompt.options == "letters" else "one of the options, word for word"
        case Number():
            return "a number" if sample.answer.unit is None else f"a number in {sample.answer.unit}"
        case Boolean():
            return "yes or no"
        case Text():
            return "a word or a short phrase"
        case Order():
            return "the items in order, separated by commas"
        case Box():
            return f"the box [x1, y1, x2, y2], {_codec_hint(prompt)}"
        case Point():
            return f"the point [x, y], {_codec_hint(prompt)}"
        case GridMap():
            return f"a JSON object of each name and its list of [column, row] cells, 0 to {prompt.grid - 1}"


def _codec_hint(prompt: PromptConfig) -> str:
    match prompt.coordinates:
        case "tenths":
            return "in tenths (0-9) of the picture from left and from top"
        case "norm1000":
            return "in thousandths (0-1000) of the picture from left and from top"
        case _:
            return "in pixels"


def instruction_text(sample: Sample, prompt: PromptConfig) -> str:
    """The instruction that follows question and options; empty when the config wants none."""
    if prompt.instruction is False:
        return ""
    if isinstance(prompt.instruction, str):
        return prompt.instruction
    hint = _answer_hint(sample, prompt)
    if prompt.style is PromptStyle.DIRECT:
        return f"Answer with {hint} only."
    if prompt.style is PromptStyle.THINK:
        return f"Reason inside <think></think>, then write {hint} inside <answer></answer>."
    reason = "reason inside <think></think>, then " if prompt.think else ""
    then = f"Then {reason}write {hint} inside <answer></answer>."
    if prompt.style is PromptStyle.GRID_MAP:
        last = prompt.grid - 1
        return (
            f"First draw the scene from above inside <map></map>, as a JSON object of each object's name and its list "
            f"of [column, row] cells on a {prompt.grid} x {prompt.grid} grid, 0 to {last}. {then}"
        )
    if prompt.style is PromptStyle.TIMELINE:
        return (
            "First list what happens inside <timeline></timeline> as: MM:SS-MM:SS event; ... in the order of time, "
            f"with a single MM:SS for a moment. {then}"
        )
    unit = f"{prompt.codec.distance_step:g} m"
    place = "x1,y1,x2,y2,distance" if prompt.codec.box_claims else "x,y,distance"
    return (
        f"First list the objects that matter inside <scene></scene> as: name ({place}); ... with places "
        f"{_codec_hint(prompt)} and distances in steps of {unit}. {then}"
    )


def render_prompt(sample: Sample, prompt: PromptConfig) -> str:
    """The user turn's text: question, options, instruction. Media are not in it."""
    text = sample.question + _options_text(sample.options, prompt)
    instruction = instruction_text(sample, prompt)
    return f"{text}\n{instruction}" if instruction else text


def number_text(value: float) -> str:
    """The shortest text that reads back as the same float.

    >>> number_text(3.0), number_text(0.1)
    ('3', '0.1')
    """
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def frame_of(sample: Sample, seen: tuple[int, int] | None = None) -> Frame:
    """The size of the picture that the sample's boxes refer to.

    Args:
        sample: Its scene graph or else its first medium declares the original size.
        seen: ``(width, height)`` in pixels of what the model saw, where it was resized.

    Raises:
        DatasetError: Neither declares a size.
    """
    seen_width, seen_height = seen or (None, None)
    if isinstance(sample.evidence, SceneGraph):
        width, height = sample.evidence.width, sample.evidence.height
    else:
        first = sample.media[0] if sample.media else None
        if first is None or first.width is None or first.height is None:
            raise DatasetError(
                "boxes and points need the picture's size",
                sample=sample.id,
                field="media[0]",
                fix="set its width and height",
            )
        width, height = first.width, first.height
    return Frame(width=width, height=height, seen_width=seen_width, seen_height=seen_height)


def render_answer(sample: Sample, prompt: PromptConfig, seen: tuple[int, int] | None = None) -> str:
    """The gold answer as the reply should write it.

    Args:
        sample: The question and its answer.
        prompt: With ``options="letters"`` a choice is its letter, otherwise its text.
        seen: ``(width, height)`` in pixels of the picture as the model saw it, for the ``pixels`` codec.
    """
    answer: Answer = sample.answer
    match answer:
        case Choice():
            return answer.letter if prompt.options == "letters" else answer.text
        case Number():
            return number_text(answer.value)
        case Boolean():
            return "yes" if answer.value else "no"
        case Text():
            return answer.value
        case Order():
            return ("; " if any("," in item for item in answer.items) else ", ").join(answer.items)
        case Box():
            return "[" + ", ".join(map(str, encode_box(prompt.codec, answer.xyxy, frame_of(sample, seen)))) + "]"
        case Point():
            return "[" + ", ".join(map(str, prompt.codec.encode_point(answer.xy, frame_of(sample, seen)))) + "]"
        case GridMap():
            return write_grid(answer)


def render_target(sample: Sample, prompt: PromptConfig, seen: tuple[int, int] | None = None) -> str:
    """The reply that SFT teaches.

    Args:
        sample: ``think`` needs its rationale; ``scene_graph`` its `SceneGraph`, ``grid_map`` its `GridMap` and
            ``timeline`` its `Timeline` as evidence.
        prompt: Style, options and codec.
        seen: ``(width, height)`` in pixels of the picture as the model saw it, for the ``pixels`` codec.

    Raises:
        DatasetError: The sample lacks what the style needs.
    """
    answer = render_answer(sample, prompt, seen)
    if prompt.style is PromptStyle.DIRECT:
        return answer
    text = ""
    for block in prompt.blocks:
        if block == "answer":
            body = answer
        elif block == "think":
            if not sample.rationale:
                raise DatasetError(
                    f"style {prompt.style.value!r} needs a rationale",
                    sample=sample.id,
                    field="rationale",
                    fix="write one or choose style 'direct'",
                )
            body = sample.rationale
        else:
            body = evidence_text(sample, prompt, seen)
        text += f"<{block}>{body}</{block}>"
    return text


def has_evidence(sample: Sample, style: PromptStyle) -> bool:
    """Whether a sample carries the evidence that a style writes down; True for styles that write none."""
    return style not in _EVIDENCE or isinstance(sample.evidence, _EVIDENCE[style][1])


def evidence_text(sample: Sample, prompt: PromptConfig, seen: tuple[int, int] | None = None) -> str:
    """The gold body of the style's first block: ``<scene>``, ``<map>`` or ``<timeline>``.

    Raises:
        DatasetError: The sample's evidence is of another kind, or a map has another grid than the prompt says.
        ValueError: The style has no such block.
    """
    if prompt.style not in _EVIDENCE:
        raise ValueError(f"style {prompt.style.value!r} writes no evidence")
    evidence, kind = sample.evidence, _EVIDENCE[prompt.style][1]
    if not isinstance(evidence, kind):
        raise DatasetError(
            f"style {prompt.style.value!r} needs a {kind.__name__}, got {type(evidence).__name__}",
            sample=sample.id,
            field="evidence",
            fix="choose another style or drop the sample",
        )
    if isinstance(evidence, GridMap):
        if evidence.size != prompt.grid:
            raise DatasetError(
                f"the map has {evidence.size} cells along a side, the prompt says {prompt.grid}",
                sample=sample.id,
                field="evidence.size",
                fix=f"set prompt.grid to {evidence.size}",
            )
        return write_grid(evidence)
    return write_timeline(evidence) if isinstance(evidence, Timeline) else scene_text(sample, prompt, seen)


def scene_text(sample: Sample, prompt: PromptConfig, seen: tuple[int, int] | None = None) -> str:
    """The gold body of ``<scene>``: ``red chair (3,5,4); blue table (7,5,6)``, or ``none`` without focus objects.

    Raises:
        DatasetError: The sample's evidence is no scene graph.
    """
    return write_claims(gold_claims(sample, prompt, seen))


def gold_claims(sample: Sample, prompt: PromptConfig, seen: tuple[int, int] | None = None) -> tuple[Claim, ...]:
    """What a perfect ``<scene>`` claims about this sample.

    Raises:
        DatasetError: The sample's evidence is no scene graph, or its focus names an object that it does not have.
    """
    if not isinstance(sample.evidence, SceneGraph):
        raise DatasetError(
            f"style 'scene_graph' needs a SceneGraph, got {type(sample.evidence).__name__}",
            sample=sample.id,
            field="evidence",
            fix="choose another style or drop the sample",
        )
    unknown = sorted(set(sample.evidence.focus) - {item.id for item in sample.evidence.objects})
    if unknown:
        raise DatasetError(
            f"focus names objects that the graph does not have: {unknown}",
            sample=sample.id,
            field="evidence.focus",
            fix="add the objects or correct the ids",
        )
    return claims_of(sample.evidence, prompt.codec, frame_of(sample, seen))


def format_problems(text: str, prompt: PromptConfig) -> tuple[str, ...]:
    """Why a reply does not keep the style's layout; empty when it does. Linear time.

    ``direct``: one line without tags. Others: every block of the style exactly once, in order, closed, not empty, and
    nothing but white space between; ``<scene>`` holds well-formed claims or ``none``, ``<map>`` a readable map of cells
    inside the grid, ``<timeline>`` only events in the order of their start, or ``none``.
    """
    text = text.strip()
    if not text:
        return ("the reply is empty",)
    blocks = prompt.blocks
    if not blocks:
        found = [tag for tag in TAGS if f"<{tag}>" in text or f"</{tag}>" in text]
        problems = [f"<{tag}> does not belong in a direct answer" for tag in found]
        return (*problems, "the answer is more than one line") if "\n" in text else tuple(problems)
    for tag in TAGS:
        for mark in (f"<{tag}>", f"</{tag}>"):
            count = text.count(mark)
            if count != (tag in blocks):
                return (f"{mark} occurs {count} times instead of {int(tag in blocks)}",)
    at = 0
    for block in blocks:
        start, end = text.find(f"<{block}>"), text.find(f"</{block}>")
        if start < at or end < start:
            return (f"<{block}> is out of order: expected {' '.join(f'<{b}>' for b in blocks)}",)
        if text[at:start].strip():
            return (f"there is text before <{block}>",)
        body = text[start + len(block) + 2 : end].strip()
        if not body:
            return (f"<{block}> is empty",)
        problem = _body_problem(block, body, prompt)
        if problem:
            return (problem,)
        at = end + len(block) + 3
    return ("there is text after the answer",) if text[at:].strip() else ()


def _body_problem(block: str, body: str, prompt: PromptConfig) -> str:
    """What is wrong inside a block; empty when it can be read."""
    if block == "scene":
        malformed = parse_claims(body, prompt.codec).malformed
        return f"<scene> has {malformed} malformed claims" if malformed else ""
    if block == "map":
        return grid_problem(body, prompt.grid)
    return timeline_problem(body) if block == "timeline" else ""


def format_ok(text: str, prompt: PromptConfig) -> bool:
    """True if `format_problems` finds none.

    >>> format_ok("<think>It is near.</think><answer>A</answer>", PromptConfig(style=PromptStyle.THINK))
    True
    """
    return not format_problems(text, prompt)
