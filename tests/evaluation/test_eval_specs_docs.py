from __future__ import annotations

from pathlib import Path

from wherewise.evaluation.specs import BENCHMARKS
from wherewise.evaluation.tables import benchmarks_table, formulas_table, sources_list

DOCS = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def test_the_page_holds_what_the_specs_say() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for part in (benchmarks_table(BENCHMARKS), formulas_table(), sources_list(BENCHMARKS)):
        assert part in text, "docs/benchmarks.md is out of date: paste what wherewise.evaluation.tables gives"


def test_every_benchmark_has_one_row() -> None:
    rows = benchmarks_table(BENCHMARKS).split("\n")[2:]
    assert [row.split("`")[1] for row in rows] == sorted(BENCHMARKS)
