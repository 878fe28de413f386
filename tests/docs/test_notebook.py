"""The notebook runs from top to bottom in one process, cell by cell, and prints what it promises."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def executed(path: Path) -> tuple[dict[str, Any], list[str]]:
    """The names that a notebook leaves behind, and what each code cell printed."""
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            with contextlib.redirect_stdout(io.StringIO()) as said:
                exec(compile("".join(cell["source"]), f"{path.name}, {cell['id']}", "exec"), names)
            printed.append(said.getvalue())
    return names, printed


def test_scene_to_score() -> None:
    names, printed = executed(ROOT / "notebooks" / "scene_to_score.ipynb")
    assert all(printed), "every cell shows something"
    totals = names["totals"]
    assert totals["right"] == pytest.approx(1.1)
    assert totals["empty"] == 0
    assert totals["right"] > totals["no layout"] > totals["wrong"] > totals["empty"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_is_stored_without_outputs(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    assert len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    for cell in notebook["cells"]:
        assert not cell.get("outputs"), "clear all outputs before you save"
        assert cell.get("execution_count") is None
