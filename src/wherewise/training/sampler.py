"""Which samples come next: shuffled passes, a pure function of seed and cursor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(kw_only=True, slots=True)
class ShuffledSampler:
    """Endless shuffled passes over ``range(size)``; its whole state is one number.

    Attributes:
        size: Number of samples.
        seed: Seed of the shuffles; each pass has its own.
        cursor: Samples drawn so far.

    >>> a, b = ShuffledSampler(size=5, seed=1), ShuffledSampler(size=5, seed=1, cursor=3)
    >>> a.take(7)[3:] == b.take(4), sorted(ShuffledSampler(size=5, seed=1).take(5))
    (True, [0, 1, 2, 3, 4])
    """

    size: int
    seed: int
    cursor: int = 0

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError("there is nothing to sample from: the dataset is empty")

    def order(self, epoch: int) -> list[int]:
        """The permutation of one pass."""
        return [int(i) for i in np.random.default_rng([self.seed, epoch]).permutation(self.size)]

    def take(self, count: int) -> list[int]:
        """The next `count` indices; moves the cursor."""
        picked: list[int] = []
        while len(picked) < count:
            epoch, start = divmod(self.cursor, self.size)
            part = self.order(epoch)[start : start + count - len(picked)]
            picked += part
            self.cursor += len(part)
        return picked
