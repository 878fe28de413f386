"""Answers: what a prompt asks for, what a reply says, and whether it is right. One parser for reward and evaluation."""

from wherewise.answers.compare import is_correct, normalise, relative_error, score_number
from wherewise.answers.coordinates import (
    CODECS,
    Claim,
    Claims,
    CoordinateCodec,
    Frame,
    claims_of,
    parse_claims,
    write_claims,
)
from wherewise.answers.parse import KINDS, parse
from wherewise.answers.parsed import Parsed
from wherewise.answers.styles import (
    PromptConfig,
    PromptStyle,
    format_ok,
    format_problems,
    render_answer,
    render_prompt,
    render_target,
)

__all__ = [
    "CODECS",
    "KINDS",
    "Claim",
    "Claims",
    "CoordinateCodec",
    "Frame",
    "Parsed",
    "PromptConfig",
    "PromptStyle",
    "claims_of",
    "format_ok",
    "format_problems",
    "is_correct",
    "normalise",
    "parse",
    "parse_claims",
    "relative_error",
    "render_answer",
    "render_prompt",
    "render_target",
    "score_number",
    "write_claims",
]
