"""The walls between the rooms, held against the code."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "wherewise"

MAY_IMPORT: dict[str, set[str]] = {
    "samples": set(),
    "media": {"samples"},
    "scenes": {"samples", "media"},
    "workers": set(),
    "perception": {"samples", "media", "scenes", "models", "workers"},
    "formats": {"samples", "media"},
    "lessons": {"samples", "media", "judge", "models"},
    "questions": {"samples", "media", "scenes", "workers"},
    "answers": {"samples"},
    "judge": {"samples"},
    "curate": {"samples", "media", "scenes", "judge"},
    "rewards": {"samples", "answers", "judge"},
    "models": {"samples", "media"},
    "training": {"samples", "media", "answers", "rewards", "models"},
    "evaluation": {"samples", "media", "answers", "models", "judge"},
    "engines": {"samples", "media", "answers", "rewards", "training"},
    "reports": {"samples", "media", "scenes", "answers", "evaluation"},
}
"""For each room the rooms that it may import; ``cli`` may import all. ARCHITECTURE.md prints the same table."""

TRANSPORT = {"backoff", "breaker", "cache", "config", "delivery", "endpoint", "verdict"}
"""Modules of ``judge`` that know of servers and nothing of judging; ``evaluation`` may import these alone."""

WITHOUT_TORCH = (
    "samples",
    "media",
    "scenes",
    "workers",
    "perception",
    "formats",
    "lessons",
    "questions",
    "answers",
    "judge",
    "curate",
    "rewards",
    "evaluation",
    "engines",
    "reports",
    "cli",
)
"""Rooms that must import where there is no torch."""


CONFIGS = {"config", "grpo.config", "grpo.advantages"}
"""Modules of ``training`` that hold settings; ``engines`` may import these alone."""


def imports(path: Path, *, top_level: bool) -> Iterator[str]:
    """Dotted names of the modules that a file imports; with `top_level` only those that importing it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes: list[ast.AST] = [*tree.body] if top_level else [*ast.walk(tree)]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def rooms() -> set[str]:
    return {path.name for path in SOURCE.iterdir() if path.is_dir() and (path / "__init__.py").exists()}


def test_every_room_is_in_the_table() -> None:
    assert rooms() == {*MAY_IMPORT, "cli"}


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_a_room_imports_only_what_it_may(room: str) -> None:
    for path in (SOURCE / room).rglob("*.py"):
        for name in imports(path, top_level=False):
            parts = name.split(".")
            if parts[0] == "wherewise" and len(parts) > 1 and parts[1] in rooms():
                assert parts[1] in MAY_IMPORT[room] | {room}, f"{path.relative_to(SOURCE)} imports {name}"


def test_engines_take_only_settings_from_training() -> None:
    for path in (SOURCE / "engines").rglob("*.py"):
        for name in imports(path, top_level=False):
            if name.startswith("wherewise.training"):
                assert name.removeprefix("wherewise.training").lstrip(".") in CONFIGS, f"{path.name} imports {name}"


@pytest.mark.parametrize("room", ["perception", "lessons"])
def test_a_room_takes_only_the_shim_from_models(room: str) -> None:
    for path in (SOURCE / room).rglob("*.py"):
        for name in imports(path, top_level=False):
            if name.startswith("wherewise.models"):
                assert name == "wherewise.models.torchvision_shim", f"{path.name} imports {name}"


def test_evaluation_takes_only_the_transport_from_the_judge() -> None:
    for path in (SOURCE / "evaluation").rglob("*.py"):
        for name in imports(path, top_level=False):
            if name.startswith("wherewise.judge"):
                assert name.removeprefix("wherewise.judge").lstrip(".") in TRANSPORT, f"{path.name} imports {name}"


@pytest.mark.parametrize("room", WITHOUT_TORCH)
def test_a_room_imports_without_torch(room: str) -> None:
    code = (
        "import sys; sys.modules.update({m: None for m in ('torch', 'transformers', 'torchvision', 'peft')});"
        f"import wherewise.{room}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_files_stay_readable() -> None:
    long = {
        str(path.relative_to(SOURCE)): lines
        for path in SOURCE.rglob("*.py")
        if (lines := path.read_text(encoding="utf-8").count("\n")) > 450
    }
    assert not long, f"which two things is each of these? {long}"
