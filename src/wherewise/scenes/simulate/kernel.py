"""Numba decorators that keep a function's type for the type checker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., object])


def kernel(function: F) -> F:
    """Compile to machine code on first call and keep it on disk; IEEE arithmetic, no fused or reordered operations."""
    return cast(F, njit(cache=True, fastmath=False, error_model="numpy")(function))


def inlined(function: F) -> F:
    """The same, copied into its callers."""
    return cast(F, njit(cache=True, fastmath=False, error_model="numpy", inline="always")(function))
