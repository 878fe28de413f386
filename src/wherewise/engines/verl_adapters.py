"""Adapters as verl names them (``actor_rollout_ref.model``, handed on to peft), and what of ours it does not have."""

from __future__ import annotations

from wherewise.training.config import LoraConfig

LANGUAGE_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Linear layers of the language model; some exist in the vision tower too, which is excluded."""


def lora_misfits(lora: LoraConfig | None) -> list[tuple[bool, str]]:
    """What of `model.lora` verl cannot do: (whether it is asked for, its name)."""
    if lora is None:
        return []
    return [
        (bool(lora.dropout), "model.lora.dropout"),
        (bool(lora.ranks or lora.alphas), "model.lora.ranks and alphas"),
        (lora.dora, "model.lora.dora"),
        (lora.rslora, "model.lora.rslora"),
        (
            lora.targets is None and (lora.vision or lora.merger or not lora.language),
            "model.lora.vision, merger and language: false (name the modules in model.lora.targets)",
        ),
    ]


def adapters(lora: LoraConfig | None) -> list[str]:
    """Verl's settings of the adapters."""
    if lora is None:
        return []
    start = "actor_rollout_ref.model."
    lines = [f"{start}lora_rank={lora.r}", f"{start}lora_alpha={lora.alpha:g}"]
    if lora.targets is not None:
        return [*lines, f"{start}target_modules={hydra_text(lora.targets)}"]
    return [
        *lines,
        f"{start}target_modules=[{','.join(LANGUAGE_MODULES)}]",
        f"{start}exclude_modules={hydra_text('.*visual.*')}",
    ]


def hydra_text(text: str) -> str:
    r"""A text as Hydra's command line reads it back.

    >>> print(hydra_text(r".*\.(q_proj|v_proj)"))
    '.*\.(q_proj|v_proj)'
    """
    return "'" + text.replace("'", r"\'") + "'"
