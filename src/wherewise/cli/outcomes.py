"""What came of each scene and question type: a table for the terminal, rows for a file, totals for the manifest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from wherewise.questions.annotated import CLEAR, KEPT, Outcome


class OutcomeTable:
    """Collects outcomes."""

    def __init__(self) -> None:
        self._rows: list[Outcome] = []
        self._totals: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._scenes: Counter[str] = Counter()

    def add(self, outcome: Outcome) -> None:
        """Take in what came of one scene and family."""
        self._rows.append(outcome)
        self._totals[outcome.task].update(outcome.counts)
        self._scenes[outcome.task] += CLEAR in outcome.counts

    def totals(self) -> dict[str, dict[str, int]]:
        """For each family how often each outcome came, and ``scenes``, how many scenes gave a clear question."""
        return {task: {"scenes": self._scenes[task], **counts} for task, counts in self._totals.items()}

    def rows(self) -> Iterator[tuple[str | int, ...]]:
        """A header, then source, scene, split, family, outcome and count."""
        yield "source", "scene", "split", "type", "outcome", "count"
        for row in self._rows:
            for outcome, count in row.counts.items():
                yield row.source, row.scene, row.split, row.task, outcome, count

    def text(self) -> str:
        """One line a family: scenes with a clear question, clear questions, kept ones, and reasons of rejection."""
        width = max([len(task) for task in self._totals] + [len("question type")])
        lines = [f"{'question type':<{width}}  scenes   clear    kept  rejected"]
        for task, counts in self._totals.items():
            reasons = Counter({name: n for name, n in counts.items() if name not in (CLEAR, KEPT)}).most_common()
            told = ", ".join(f"{name} {n}" for name, n in reasons)
            lines.append(f"{task:<{width}}  {self._scenes[task]:>6}  {counts[CLEAR]:>6}  {counts[KEPT]:>6}  {told}")
        return "\n".join(lines)
