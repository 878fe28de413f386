"""Write docs/exactness.md: how close the shared prefix is to the plain way, for every family and kind of media.

    python tools/exactness_table.py            prints the table
    python tools/exactness_table.py --write    replaces the one in docs/exactness.md

Models are tiny ones of the real classes with random weights, in float32 on the CPU. Every cell compares, for two
prompts of different length with three completions each, all log-probabilities and the gradient of every trained
parameter. SmolVLM's processor needs the package num2words.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

import numpy as np
import PIL.Image
import torch

from wherewise.models.batch import PromptBatch, collate
from wherewise.models.families import FAMILIES, FamilyFacts
from wherewise.models.inputs import encode_prompt, padding_id, vision_token_ids
from wherewise.models.lora import apply_lora
from wherewise.models.tiny_families import build_tiny_family
from wherewise.training.checks.exactness import Exactness, compare, random_completions

PAGE = Path(__file__).resolve().parents[1] / "docs" / "exactness.md"
MEDIA = ("image", "images", "video")
TUNING = ("LoRA", "full")
GROUP = 3
LOGPROB, GRADIENT = 1e-5, 1e-4
"""Most that a cell may differ: log-probabilities absolutely, gradients relatively."""

NO_CLIPS = "does not apply: takes no clips here"
NO_PACKAGE = "not measured: needs the package num2words"


@dataclass(frozen=True)
class Clip:
    """Random frames."""

    array: np.ndarray[Any, Any]
    times: tuple[float, ...]


def picture(rng: np.random.Generator, height: int, width: int) -> PIL.Image.Image:
    """A noise picture."""
    return PIL.Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8))


def clip(rng: np.random.Generator, frames: int, height: int, width: int) -> Clip:
    """A noise clip."""
    times = tuple(0.25 + 0.75 * index for index in range(frames))
    return Clip(rng.integers(0, 255, (frames, height, width, 3), dtype=np.uint8), times)


def prompts(processor: Any, kind: str, seed: int) -> PromptBatch:
    """Two prompts of different length with media of a kind."""
    rng = np.random.default_rng(seed)
    media: list[list[Any]] = {
        "image": [[picture(rng, 64, 96)], [picture(rng, 128, 64)]],
        "images": [[picture(rng, 64, 96), picture(rng, 64, 64)], [picture(rng, 64, 64), picture(rng, 96, 64)]],
        "video": [[clip(rng, 4, 64, 64)], [clip(rng, 6, 64, 96)]],
    }[kind]
    encoded = [
        encode_prompt(processor, "Where is the red chair?" * (index + 1), items, sample_id=f"sample-{index}")
        for index, items in enumerate(media)
    ]
    return collate(encoded, pad_id=padding_id(processor))


def measure(family: str, kind: str, tuning: str, *, checkpointing: bool) -> Exactness:
    """One cell."""
    model, processor = build_tiny_family(family, seed=3)
    if tuning == "LoRA":
        model = apply_lora(model, r=4)
        generator = torch.Generator().manual_seed(2)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if "lora_B" in name:
                    parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    model.train()
    batch = prompts(processor, kind, 7)
    banned = vision_token_ids(processor)
    generator = torch.Generator().manual_seed(0)
    completions = random_completions(generator, len(processor.tokenizer), (9, 4, 1, 7, 9, 2), banned)
    return compare(
        model,
        batch,
        completions,
        group_size=GROUP,
        banned_ids=banned,
        other=prompts(processor, kind, 8),
        checkpointing=checkpointing,
    )


def reason_against(facts: FamilyFacts, kind: str) -> str:
    """Why a cell has no figures; empty where it has."""
    if kind == "video" and not facts.videos:
        return NO_CLIPS
    if facts.name == "SmolVLM" and importlib.util.find_spec("num2words") is None:
        return NO_PACKAGE
    return ""


def cells() -> Iterator[tuple[FamilyFacts, str, str, bool]]:
    """Every cell."""
    for facts in FAMILIES:
        for kind in MEDIA:
            for tuning in TUNING:
                for checkpointing in (False, True):
                    yield facts, kind, tuning, checkpointing


def table() -> str:
    """All cells as Markdown.

    Raises:
        SystemExit: A cell is beyond its bound.
    """
    lines = [
        "| family | media | trained | checkpointing | largest difference of a log-probability "
        "| of a gradient, relative | parameters |",
        "|---|---|---|---|---|---|---|",
    ]
    for facts, kind, tuning, checkpointing in cells():
        head = f"| {facts.name} | {kind} | {tuning} | {'on' if checkpointing else 'off'} |"
        if why := reason_against(facts, kind):
            lines.append(f"{head} {why} | {why} | – |")
            continue
        found = measure(facts.model_types[0], kind, tuning, checkpointing=checkpointing)
        if found.logprob > LOGPROB or found.gradient > GRADIENT or found.seen < 1e-3:
            raise SystemExit(f"{head} {found}")
        lines.append(f"{head} {found.logprob:.1e} | {found.gradient:.1e} | {found.parameters} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


def main() -> None:
    """Print or write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="replace the table in docs/exactness.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    made = table()
    if not options.write:
        print(made)
        return
    begin, end = "<!-- table -->", "<!-- /table -->"
    text = PAGE.read_text()
    PAGE.write_text(f"{text[: text.index(begin) + len(begin)]}\n{made}\n{text[text.index(end) :]}")


if __name__ == "__main__":
    main()
