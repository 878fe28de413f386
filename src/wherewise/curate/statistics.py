"""What was written so far, and what is wanted next: the part of the prompt that changes from round to round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from wherewise.curate.tasks import LEVELS, Category

NAMED = 3
"""Categories that are asked for, and that are to be left alone."""


class Statistics:
    """Counts accepted questions.

    Args:
        shares: Wanted share of each category.
        levels: Wanted share of each level.
    """

    def __init__(self, shares: Mapping[Category, float], levels: Mapping[str, float]) -> None:
        whole, rest = sum(shares.values()), sum(levels.values())
        self._shares = {category: shares.get(category, 0.0) / whole for category in Category}
        self._levels = {level: levels[level] / rest for level in LEVELS}
        self.categories: Counter[Category] = Counter()
        self.levels: Counter[str] = Counter()

    def add(self, category: Category, level: str) -> None:
        """Count one question."""
        self.categories[category] += 1
        self.levels[level] += 1

    def text(self) -> str:
        """The message to the writer; the same counts give the same text."""
        total = self.categories.total()
        never = [category for category, share in self._shares.items() if not share]
        lines = [f"Questions so far: {total}."]
        if total:
            told = (f"{c} {self.categories[c] / total:.0%} (wanted {s:.0%})" for c, s in self._shares.items() if s)
            lines.append("Categories: " + ", ".join(told) + ".")
            told = (f"{v} {self.levels[v] / total:.0%} (wanted {s:.0%})" for v, s in self._levels.items())
            lines.append("Levels: " + ", ".join(told) + ".")
            order = sorted(
                (category for category, share in self._shares.items() if share),
                key=lambda category: self.categories[category] / self._shares[category],
            )
            lines.append("Most wanted now: " + ", ".join(order[:NAMED]) + ".")
            if len(order) > 2 * NAMED:
                lines.append("Only if nothing else fits: " + ", ".join(order[-NAMED:]) + ".")
        else:
            told = (f"{category} {share:.0%}" for category, share in self._shares.items() if share)
            lines.append("Wanted categories: " + ", ".join(told) + ".")
        if never:
            lines.append("Not wanted at all: " + ", ".join(never) + ".")
        return "\n".join(lines)
