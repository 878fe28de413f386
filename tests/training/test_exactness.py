"""The shared prefix equals the plain way on every family; the table in docs/exactness.md is whole."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import exactness_table as tool  # noqa: E402

ALL = list(tool.cells())
SOME = [cell for cell in ALL if (cell[1] == "images") != cell[3] and (cell[2] == "full") == cell[3]]


def check(facts: tool.FamilyFacts, kind: str, tuning: str, checkpointing: bool) -> None:
    if why := tool.reason_against(facts, kind):
        pytest.skip(why)
    found = tool.measure(facts.model_types[0], kind, tuning, checkpointing=checkpointing)
    assert found.logprob <= tool.LOGPROB
    assert found.gradient <= tool.GRADIENT
    assert found.seen > 1e-3
    assert found.parameters > 40


@pytest.mark.parametrize(("facts", "kind", "tuning", "checkpointing"), SOME, ids=lambda value: str(value)[:40])
def test_some_cells(facts: tool.FamilyFacts, kind: str, tuning: str, checkpointing: bool) -> None:
    check(facts, kind, tuning, checkpointing)


@pytest.mark.slow
@pytest.mark.parametrize(("facts", "kind", "tuning", "checkpointing"), ALL, ids=lambda value: str(value)[:40])
def test_all_cells(facts: tool.FamilyFacts, kind: str, tuning: str, checkpointing: bool) -> None:
    check(facts, kind, tuning, checkpointing)


def test_the_page_has_every_cell_with_a_figure_or_a_reason() -> None:
    rows = [line for line in tool.PAGE.read_text().splitlines() if line.startswith("| ") and "family" not in line]
    assert len(rows) == len(ALL)
    for (facts, kind, tuning, checkpointing), row in zip(ALL, rows, strict=True):
        columns = [column.strip() for column in row.strip("|").split("|")]
        assert columns[:4] == [facts.name, kind, tuning, "on" if checkpointing else "off"]
        assert all(columns)
        if kind == "video" and not facts.videos:
            assert columns[4] == columns[5] == tool.NO_CLIPS
        else:
            assert float(columns[4]) <= tool.LOGPROB
            assert float(columns[5]) <= tool.GRADIENT
