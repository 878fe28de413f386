"""What a reward says about one reply."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """One reward's verdict.

    Attributes:
        value: The reward, or None when the reply could not be judged: None is masked out of the group, never read as 0.
        parts: What the value was made of, by name.
        note: Why, in words; empty when there is nothing to say.

    Raises:
        ValueError: The value or a part is not finite.
    """

    value: float | None
    parts: Mapping[str, float] = field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        numbers = {"value": self.value, **self.parts}
        wrong = {name: number for name, number in numbers.items() if number is not None and not math.isfinite(number)}
        if wrong:
            raise ValueError(f"a score is finite or None, got {wrong}")
