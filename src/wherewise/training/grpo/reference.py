"""The starting model that a KL penalty holds on to."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """Under LoRA the model itself with its adapters off; otherwise a frozen copy.

    Attributes:
        copy: The frozen copy, or None under LoRA.
    """

    copy: nn.Module | None

    @classmethod
    def of(cls, model: nn.Module, *, lora: bool) -> Reference:
        """The reference of a model that has not been trained yet."""
        if lora:
            return cls(copy=None)
        return cls(copy=copy.deepcopy(model).eval().requires_grad_(False))

    @contextmanager
    def model(self, policy: Any) -> Iterator[nn.Module]:
        """The reference as a model, in evaluation mode; `policy` is as before afterwards."""
        if self.copy is not None:
            yield self.copy
            return
        training = policy.training
        policy.eval()
        with policy.disable_adapter():
            yield policy
        policy.train(training)
