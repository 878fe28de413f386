"""Training: SFT and GRPO on one small loop, with exact resuming.

``train_sft`` and ``train_grpo`` (loaded when first used: they need torch) take a config and leave a run folder behind.
The configs themselves are in `wherewise.training.config` and need no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wherewise.training.grpo.phase import train_grpo
    from wherewise.training.loop import RunResult
    from wherewise.training.sft.phase import train_sft

__all__ = ["RunResult", "train_grpo", "train_sft"]


def __getattr__(name: str) -> Any:
    if name == "train_sft":
        from wherewise.training.sft.phase import train_sft

        return train_sft
    if name == "train_grpo":
        from wherewise.training.grpo.phase import train_grpo

        return train_grpo
    if name == "RunResult":
        from wherewise.training.loop import RunResult

        return RunResult
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
