"""Whether a model computes here what it should: the checks of ``wherewise doctor --deep MODEL``.

Noise pictures and random completions are enough for them: they compare ways that must give the same numbers, and
pictures that must give others. The model is loaded in float32, so that differences are those of the way, not of
rounding.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import torch

from wherewise.models.batch import EncodedPrompt, collate
from wherewise.models.completions import naive_logprobs
from wherewise.models.families import facts_of
from wherewise.models.inputs import encode_prompt, padding_id, vision_token_ids
from wherewise.models.load import LoadedModel, ModelLoadError, check_saved, load_model, save_model
from wherewise.training.checks.exactness import compare, random_completions
from wherewise.training.grpo.prefix import Completions, completion_logprobs, generate, prefill, supports_prefix

LOGPROB = 1e-3
"""Most that log-probabilities of two right ways may differ in float32, in nats; deep models round more."""

GRADIENT = 1e-2
"""Most that gradients of two right ways may differ, relatively."""

SEEN = 1e-3
"""Least that another picture must change some log-probability, in nats."""

GRADIENT_PARAMETERS = 1_500_000_000
"""Models of more parameters are compared without gradients, which would take as much memory again."""

_GROUP = 2
_SIDES = ((196, 280), (280, 196))


@dataclass(frozen=True, kw_only=True, slots=True)
class DeepFinding:
    """One check.

    Attributes:
        name: What was checked.
        ok: Whether it holds.
        detail: The figure and its bound.
        fix: What to do; empty where it holds.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""


def deep_checks(path_or_name: str, *, device: str = "auto") -> Iterator[DeepFinding]:
    """Check a model.

    Args:
        path_or_name: As `load_model` takes it.
        device: ``auto``, ``cpu``, ``cuda``.

    Raises:
        ModelLoadError: It cannot be loaded.
    """
    loaded = load_model(path_or_name, dtype="float32", device=device)
    model, processor = loaded.model, loaded.processor
    facts = facts_of(model)
    count = sum(parameter.numel() for parameter in model.parameters())
    known = supports_prefix(model)
    way = "each prompt is read once a group" if known else facts.reason
    yield DeepFinding(
        name="family", ok=True, detail=f"{facts.name}, {count:,} parameters, coordinates {facts.coordinates}; {way}"
    )
    prompts, others = _prompts(loaded, 0), _prompts(loaded, 1)
    pad, banned, where = padding_id(processor), vision_token_ids(processor), next(model.parameters()).device
    source = torch.Generator().manual_seed(0)
    completions = random_completions(source, len(processor.tokenizer), (9, 5, 3, 7), banned).to(where)
    options: dict[str, Any] = {"group_size": _GROUP, "banned_ids": banned}
    together, changed = (collate(some, pad_id=pad, device=where) for some in (prompts, others))
    with torch.no_grad():
        plain = naive_logprobs(model, together, completions, **options).values
        alone = [
            naive_logprobs(model, collate([prompt], pad_id=pad, device=where), part, **options).values
            for prompt, part in zip(prompts, _parts(completions), strict=True)
        ]
        unseen = naive_logprobs(model, changed, completions, **options).values
    apart = max(
        float((plain[i * _GROUP : (i + 1) * _GROUP, : rows.shape[1]] - rows).abs().max())
        for i, rows in enumerate(alone)
    )
    yield _close("batched = single", apart, "the model minds padding: set `micro_prompts: 1`, and report the model")
    seen = float((plain - unseen).abs().max())
    yield DeepFinding(
        name="not blind",
        ok=seen >= SEEN,
        detail=f"another picture changes log-probabilities by {seen:.1e}, at least {SEEN:.0e} wanted",
        fix="" if seen >= SEEN else "the pictures do not reach the answer: check the checkpoint's vision tower",
    )
    if known:
        yield from _shared(model, together, completions, count, options, pad)
    yield _round_trip(loaded)


def _shared(
    model: Any, batch: Any, completions: Completions, count: int, options: dict[str, Any], pad: int
) -> Iterator[DeepFinding]:
    fix = "the shared prefix is wrong for this model: report it with this output"
    if count <= GRADIENT_PARAMETERS:
        found = compare(model, batch, completions, **options)
        yield _close("prefix = plain", found.logprob, fix)
        yield DeepFinding(
            name="gradients",
            ok=found.gradient <= GRADIENT,
            detail=f"of {found.parameters} tensors differ by {found.gradient:.1e}, at most {GRADIENT:.0e} wanted",
            fix="" if found.gradient <= GRADIENT else fix,
        )
    with torch.no_grad():
        prefix = prefill(model, batch)
        if count > GRADIENT_PARAMETERS:
            ours = completion_logprobs(model, prefix, completions, **options).values
            plain = naive_logprobs(model, batch, completions, **options).values
            yield _close("prefix = plain", float((ours - plain).abs().max()), fix)
        drawn = generate(
            model,
            prefix,
            **options,
            max_new_tokens=8,
            temperature=1.0,
            eos_ids=(),
            pad_id=pad,
            generator=torch.Generator().manual_seed(0),
        )
        again = completion_logprobs(model, prefix, drawn, **options).values
    yield _close("drawn = scored", float((drawn.logprobs - again).abs().max()), fix)


def _round_trip(loaded: LoadedModel) -> DeepFinding:
    """Save the model, load it again, compare every tensor by name and bit."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            check_saved(loaded.model, save_model(loaded.model, loaded.processor, Path(folder) / "model"))
        except ModelLoadError as error:  # this is the finding
            fix = "a checkpoint of this model would not be the model: do not train it with this transformers"
            return DeepFinding(name="save and load", ok=False, detail=str(error), fix=fix)
    tensors = len(loaded.model.state_dict())
    return DeepFinding(name="save and load", ok=True, detail=f"{tensors} tensors are the same, by name and bit")


def _close(name: str, difference: float, fix: str) -> DeepFinding:
    good = difference <= LOGPROB
    detail = f"log-probabilities differ by {difference:.1e}, at most {LOGPROB:.0e} wanted"
    return DeepFinding(name=name, ok=good, detail=detail, fix="" if good else fix)


def _prompts(loaded: LoadedModel, seed: int) -> list[EncodedPrompt]:
    rng = np.random.default_rng(seed)
    return [
        encode_prompt(
            loaded.processor,
            "What is in the picture?" + " Answer with one word." * index,
            [PIL.Image.fromarray(rng.integers(0, 255, (*side, 3), dtype=np.uint8))],
            sample_id=f"noise-{index}",
        )
        for index, side in enumerate(_SIDES)
    ]


def _parts(completions: Completions) -> list[Completions]:
    return [completions.rows(start, start + _GROUP) for start in range(0, len(completions), _GROUP)]
