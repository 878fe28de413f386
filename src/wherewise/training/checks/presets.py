"""Which way of training a model fits a GPU, and how much goes into a backward pass: by the arithmetic of `estimate`.

There is no table of models and GPUs: the ways are tried in order of preference on the model's own shapes and on the
longest sample of the user's own data, with a tenth of the memory left free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from wherewise.answers.styles import render_prompt, render_target
from wherewise.models.inputs import encode_target
from wherewise.models.load import load_config, load_processor
from wherewise.samples import Sample
from wherewise.samples.errors import InputError
from wherewise.training.checks.estimate import GIB, Longest, Memory, estimate, skeleton
from wherewise.training.checks.preflight import gold_reply
from wherewise.training.checks.rehearsal import header_pixels, patches_of
from wherewise.training.config import LoraConfig, QuantizeConfig, RunConfig
from wherewise.training.data import Encoder
from wherewise.training.sft.config import SFTConfig

FREE = 0.9
"""Share of the memory that a run may plan with; the rest is for fragmentation and workspaces."""
SMALL = 500_000_000
"""Models below so many parameters train all their weights unless told otherwise."""
MEASURED = 8
"""Samples with the largest media, and with the longest texts, that go through the processor."""
USUAL_GPUS = (16, 24, 48, 80)
"""Sizes of GPUs in GiB for which a table is shown."""


class Weights(StrEnum):
    """What is trained."""

    AUTO = "auto"
    """All weights of a model below 500 million parameters; else adapters, over 4-bit weights if nothing else fits."""
    ALL = "all"
    """All weights, in float32 where there is autocast."""
    LORA = "lora"
    """Low-rank adapters on the language model."""
    QLORA = "qlora"
    """Adapters over weights in 4 bits (needs a GPU and bitsandbytes)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """A way of training that fits.

    Attributes:
        told: The way, in words.
        config: The run with that way and the largest micro-batch that fits.
        micro: That micro-batch: samples (SFT) or prompts (GRPO) a backward pass.
        memory: Its memory, by arithmetic.
        parameters: Weights of the model, adapters left out.
    """

    told: str
    config: RunConfig
    micro: int
    memory: Memory
    parameters: int


def longest_of(config: RunConfig, samples: Sequence[Sample], root: Path | None) -> Longest:
    """The worst sample: tokens of the longest prompt and gold reply, and the most patches.

    Args:
        config: Model, prompt and frames are used; the reply of SFT is its target, of GRPO a gold reply.
        samples: Samples to look at; all headers, and the largest and wordiest through the processor.
        root: What media paths are relative to.

    Raises:
        InputError: A medium or a text of a sample cannot be read or encoded; it is named.
    """
    shape, processor = load_config(config.model.path), load_processor(config.model.path)
    encoder = Encoder(processor=processor, prompt=config.prompt, root=root, frames=config.frames, budget=0)
    pixels = {s.id: sum(header_pixels(medium, root, s.id, config) for medium in s.media) for s in samples}
    largest = sorted(samples, key=lambda s: -pixels[s.id])[:MEASURED]
    wordiest = sorted(samples, key=lambda s: -len(render_prompt(s, config.prompt)))[:MEASURED]
    prompts = [encoder.encode(s) for s in {s.id: s for s in (*largest, *wordiest)}.values()]
    reply = render_target if isinstance(config, SFTConfig) else gold_reply
    replies = sorted(((reply(s, config.prompt), s.id) for s in samples), key=lambda pair: -len(pair[0]))[:MEASURED]
    return Longest(
        prompt=max(prompt.length for prompt in prompts),
        reply=max(len(encode_target(processor, text, sample_id=name)) for text, name in replies),
        patches=max(patches_of(prompt, shape) for prompt in prompts),
    )


def choose(config: RunConfig, longest: Longest, gibibytes: float, *, gpu: bool, weights: Weights) -> Preset:
    """The first way, in order of preference, that fits the memory, with the largest micro-batch that fits.

    An SFT pass should hold two samples before activations are recomputed to make room; one prompt of GRPO is a whole
    group of completions and is enough.

    Args:
        config: SFT or GRPO; its batch is the most that a pass takes.
        longest: The worst sample.
        gibibytes: Memory of the GPU, or of the machine where there is none.
        gpu: Whether it is a GPU's.
        weights: What shall be trained.

    Raises:
        InputError: No way fits.
    """
    batch = "batch_size" if isinstance(config, SFTConfig) else "prompts_per_step"
    key = "micro_batch" if isinstance(config, SFTConfig) else "micro_prompts"
    most = int(getattr(config, batch))
    room = FREE * gibibytes * GIB
    parameters = _parameters(config)
    found: list[Preset] = []
    shapes: dict[str, Any] = {}  # recomputing and few bits change no shape
    least = 0.0
    for told, changes in ways(gpu=gpu, weights=weights, small=parameters < SMALL):
        model = config.model.model_copy(update=changes)
        key_of_shape = f"{model.dtype} {model.lora}"
        if key_of_shape not in shapes:
            shapes[key_of_shape] = skeleton(model)
        shape = shapes[key_of_shape]
        micro = 1 << (most.bit_length() - 1)
        while micro:
            tried = config.model_copy(update={"model": model, key: micro})
            memory = estimate(shape, tried, longest, gpu=gpu)
            if memory.total <= room:
                found.append(Preset(told=told, config=tried, micro=micro, memory=memory, parameters=parameters))
                break
            least = memory.total
            micro //= 2
        if found and (found[-1].micro >= min(2, most) or not isinstance(config, SFTConfig)):
            return found[-1]
    if not found:
        raise InputError(
            f"{config.model.path} does not fit {gibibytes:g} GiB in any way of training ({least / GIB:.1f} GiB "
            "with one item a pass): take a smaller model, fewer frames or smaller pictures, or several GPUs "
            "(docs/distributed.md)"
        )
    return max(found, key=lambda preset: preset.micro)


def _parameters(config: RunConfig) -> int:
    plain = config.model.model_copy(update={"lora": None, "quantize": None})
    return sum(p.numel() for p in skeleton(plain).parameters())


def ways(*, gpu: bool, weights: Weights, small: bool) -> list[tuple[str, dict[str, Any]]]:
    """Ways of training in order of preference: words, and changes to the model's settings."""
    lora = LoraConfig(r=32, alpha=64.0)
    half: dict[str, Any] = {"dtype": "bfloat16", "autocast": None} if gpu else {"dtype": "float32", "autocast": None}
    full: dict[str, Any] = {"dtype": "float32", "autocast": "bfloat16" if gpu else None, "lora": None}
    every = [
        (Weights.ALL, "all weights", full | {"checkpointing": False}),
        (Weights.ALL, "all weights, activations recomputed", full | {"checkpointing": True}),
        (Weights.LORA, "LoRA", half | {"lora": lora, "checkpointing": False}),
        (Weights.LORA, "LoRA, activations recomputed", half | {"lora": lora, "checkpointing": True}),
        (
            Weights.QLORA,
            "LoRA over 4-bit weights, activations recomputed",
            half | {"lora": lora, "checkpointing": True, "quantize": QuantizeConfig()},
        ),
    ]
    wanted = {weights}
    if weights is Weights.AUTO:
        wanted = {Weights.ALL} if small else {Weights.LORA, *([Weights.QLORA] if gpu else [])}
    if weights is Weights.QLORA and not gpu:
        raise InputError("4-bit weights need a GPU: give --gpu GIB, or another --weights")
    return [(told, changes) for kind, told, changes in every if kind in wanted]
