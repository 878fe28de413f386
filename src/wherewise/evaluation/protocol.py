"""The settings under which a score was measured, and their id. Scores with different ids are not comparable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wherewise.answers.styles import PromptConfig, PromptStyle, render_prompt
from wherewise.evaluation.load import Benchmark
from wherewise.evaluation.metrics_legacy import FORMULAS
from wherewise.evaluation.providers.base import Request
from wherewise.evaluation.scoring import PARSER_VERSION
from wherewise.evaluation.specs.rows import OFFICIAL
from wherewise.media.reading import ReadingConfig
from wherewise.samples import Sample

DEFAULT_FRAMES = 16
"""Frames of a clip when neither the settings nor the sample say how many."""


class MediaLimits(BaseModel):
    """How much of the pictures and clips the model sees."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    frames: int | None = Field(default=None, ge=2)
    """At most so many frames of a clip, evenly spaced. None: those that the sample names, else `DEFAULT_FRAMES`."""
    fps: float | None = Field(default=None, gt=0)
    """Frames per second at which a clip is sampled, up to `frames`; None: evenly spaced whatever its length."""
    max_pixels: int | None = Field(default=None, ge=1)
    """Largest width x height of a picture or frame; larger ones are shrunk. None: the processor's own limit."""
    clips: Literal["frames", "file"] = "frames"
    """How a clip reaches a server: as pictures of its frames, or whole as ``video_url``, of which the server itself
    takes frames."""
    blind: bool = False
    """Show no picture at all: what the questions give away by themselves."""
    reading: ReadingConfig = ReadingConfig()
    """How clips are read and what is drawn on their frames; its ``max_pixels`` stays unset, `max_pixels` counts."""

    @model_validator(mode="after")
    def _one_limit(self) -> MediaLimits:
        if self.reading.max_pixels is not None:
            raise ValueError("set media.max_pixels, which holds for pictures and clips, and not reading.max_pixels")
        if self.clips == "file" and self.reading != ReadingConfig():
            raise ValueError("clips sent as files are read by the server: leave `reading` out")
        return self


class Decoding(BaseModel):
    """How replies are made; never by chance."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    strategy: Literal["greedy", "letter"] = "greedy"
    """``greedy``: the likeliest next token until the reply ends. ``letter``: the likeliest option letter as the next
    token, as MMLU is scored (Hendrycks et al. 2021): for models that do not follow an answer format."""

    max_new_tokens: int = Field(default=128, ge=1)
    """Longest reply in tokens; a reply that reaches it counts as truncated."""


class EvalConfig(BaseModel):
    """Everything about a run except the benchmark and the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: PromptConfig | None = None
    """How questions are put; None: the benchmark's official prompt, or the default style where it has none."""
    media: MediaLimits = MediaLimits()
    """What the model sees."""
    decoding: Decoding = Decoding()
    """How it answers."""

    @property
    def style(self) -> PromptStyle:
        """Style that replies are read in."""
        return (self.prompt or PromptConfig()).style

    @model_validator(mode="after")
    def _a_file_goes_whole(self) -> EvalConfig:
        chosen = [name for name in ("frames", "fps") if getattr(self.media, name) is not None]
        if self.media.clips == "file" and chosen:
            raise ValueError(
                f"clips sent as files: the server takes the frames, so {' and '.join(chosen)} must be unset"
            )
        return self

    @model_validator(mode="after")
    def _letters_are_shown(self) -> EvalConfig:
        prompt = self.prompt or PromptConfig()
        shown = prompt.options == "letters" and prompt.style is PromptStyle.DIRECT
        if self.decoding.strategy == "letter" and not shown:
            raise ValueError("decoding 'letter' needs options shown as letters and the direct style")
        return self


def prompt_text(sample: Sample, config: EvalConfig) -> str:
    """The user's turn for one sample."""
    if config.prompt is None:
        official = sample.facts.get("prompt")
        return str(official) if official is not None else render_prompt(sample, PromptConfig())
    return render_prompt(sample, config.prompt)


def build_requests(benchmark: Benchmark, config: EvalConfig) -> list[Request]:
    """One request a sample, in the benchmark's order."""
    return [
        Request(
            sample_id=sample.id,
            text=prompt_text(sample, config),
            media=() if config.media.blind else sample.media,
            root=benchmark.root,
            letters=len(sample.options) if sample.answer.kind == "choice" else 0,
        )
        for sample in benchmark.samples
    ]


def protocol(
    benchmark: Benchmark, config: EvalConfig, requests: Sequence[Request], *, replayed: bool
) -> dict[str, Any]:
    """What two scores must share to be comparable; the model is not part of it.

    Args:
        benchmark: Loaded records.
        config: Prompt, media and decoding.
        requests: As asked; their texts are hashed, so that a reworded instruction is another protocol.
        replayed: The replies come from a file, so nothing is known of how they were made.
    """
    media = config.media.model_dump(mode="json")
    if media["clips"] == "frames":
        del media["clips"]  # so that ids of runs that knew of nothing else stay what they are
    shown = {name: value for name, value in media.pop("reading").items() if name in ("keyframes", "overlay") and value}
    if shown:
        media["reading"] = shown  # what it takes, or keeps, changes no score
    overlay = config.media.reading.overlay
    if overlay is not None:  # where the files lie is no part of it
        shown["overlay"] |= {"subtitles": overlay.subtitles is not None, "font": overlay.font and overlay.font.name}
    prompts = json.dumps(sorted((request.sample_id, request.text) for request in requests), ensure_ascii=False)
    spec = benchmark.spec
    rule: dict[str, Any] = {}
    if spec.metrics:
        rule["metrics"] = {name: metric.value for name, metric in sorted(spec.metrics.items())}
    if spec.official:
        rule["official"] = spec.official
        rule["formula"] = FORMULAS[spec.official].formula
    if benchmark.variant != OFFICIAL:
        rule["wording"] = benchmark.variant
    return {
        **rule,
        "benchmark": benchmark.spec.name,
        "split": benchmark.spec.split,
        "metric": benchmark.spec.metric.value,
        "dataset_sha256": benchmark.dataset_hash,
        "prompt": "official" if config.prompt is None else config.prompt.model_dump(mode="json"),
        "prompts_sha256": hashlib.sha256(prompts.encode()).hexdigest(),
        "media": media,
        "decoding": config.decoding.model_dump(mode="json"),
        "replayed": replayed,
        "parser_version": PARSER_VERSION,
    }


def protocol_id(settings: dict[str, Any]) -> str:
    """sha256 of the settings in canonical JSON.

    >>> protocol_id({"a": 1, "b": 2}) == protocol_id({"b": 2, "a": 1})
    True
    """
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
