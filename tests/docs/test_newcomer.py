"""The newcomer's trial: every command block of README.md and docs/*.md in a fresh clone, in order, all exit 0."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from test_doc_blocks import ROOT

pytestmark = pytest.mark.slow


def test_every_block_of_the_docs_runs(tmp_path: Path) -> None:
    """The pages, with this environment; `tools/run_doc_blocks.py` alone adds README.md."""
    done = subprocess.run(
        [sys.executable, "tools/run_doc_blocks.py", "--work", str(tmp_path), "--python", sys.executable],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    outcomes = json.loads((tmp_path / "outcomes.json").read_text())
    assert done.returncode == 0, [o for o in outcomes if o["code"]]
    assert sum(o["code"] == 0 for o in outcomes) >= 20
    assert all(o["note"] for o in outcomes if o["code"] is None)


def test_a_failing_block_is_told(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    (copy / "docs").mkdir(parents=True)
    (copy / "tools").mkdir()
    (copy / "tools" / "run_doc_blocks.py").write_text((ROOT / "tools" / "run_doc_blocks.py").read_text())
    (copy / "README.md").write_text("no blocks\n")
    (copy / "docs" / "README.md").write_text("[a](a.md)\n")
    (copy / "docs" / "a.md").write_text(
        "```bash\ncd docs\n```\n```bash\ntest -f a.md\n```\n```bash\necho no >&2; false\ntrue\n```\n"
    )
    subprocess.run(["git", "init", "-q"], cwd=copy, check=True)
    command = [sys.executable, "tools/run_doc_blocks.py", "--work", str(tmp_path / "w"), "--python", sys.executable]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    outcomes = json.loads((tmp_path / "w" / "outcomes.json").read_text())
    assert [o["code"] for o in outcomes] == [0, 0, 1]
    assert "no" in outcomes[2]["note"]
    assert "3 blocks run, 1 failed" in done.stdout
