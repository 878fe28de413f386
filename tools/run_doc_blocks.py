"""The newcomer's trial: run every command block of README.md and docs/*.md, in order, in a fresh clone.

    python tools/run_doc_blocks.py --work FOLDER        README.md, then the pages in the order of docs/README.md
    python tools/run_doc_blocks.py --work FOLDER --page docs/data.md --python .venv/bin/python
    python tools/run_doc_blocks.py --list               what is run, and what is not and why

Blocks in ``bash`` and ``python`` are run. An HTML comment before a block (its last one, or several) says how:

    <!-- not run: needs a GPU -->
    <!-- run with: "Qwen/Qwen3-VL-4B-Instruct" -> "starter"; "splits.train=5000" -> "splits.train=40" -->
    <!-- first: cp tests/formats/data/x.json x.json -->

``first`` makes what the reader is supposed to have. The environment is the one that ``make setup`` builds in the clone;
``--python`` takes another one that has the dependencies, and the code of the clone is used all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
LANGUAGES = ("bash", "python")
"""Blocks that are run."""
FENCE = re.compile(r"^```(\w*)\s*$")
COMMENT = re.compile(r"<!--\s*(not run|run with|first):\s*(.*?)\s*-->", re.DOTALL)
REPLACEMENT = re.compile(r'"([^"]+)"\s*->\s*"([^"]*)"')


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A fenced block of a page."""

    page: str
    """Path in the repository."""
    line: int
    """Line of its fence, from 1."""
    language: str
    """Word behind the fence."""
    text: str
    """What it holds."""
    not_run: str = ""
    """Why it is not run; empty where it is."""
    replaced: tuple[tuple[str, str], ...] = ()
    """What the trial puts in place of what."""
    first: tuple[str, ...] = ()
    """Commands that make what the reader has."""

    @property
    def name(self) -> str:
        """Where it is."""
        return f"{self.page}:{self.line}"

    @property
    def tried(self) -> str:
        """The text as the trial runs it.

        Raises:
            ValueError: Something that is to be replaced is not there.
        """
        text = self.text
        for old, new in self.replaced:
            if old not in text:
                raise ValueError(f"{self.name}: {old!r} is to be replaced and is not in the block")
            text = text.replace(old, new)
        return text


def blocks_of(page: str, text: str) -> Iterator[Block]:
    """The fenced blocks of a page, with what the comments before each say.

    Raises:
        ValueError: A fence is not closed, or a comment belongs to no block.
    """
    lines = text.split("\n")
    number, prose = 0, 0
    while number < len(lines):
        opened = FENCE.match(lines[number])
        if not opened:
            number += 1
            continue
        end = next((i for i in range(number + 1, len(lines)) if lines[i].rstrip() == "```"), None)
        if end is None:
            raise ValueError(f"{page}:{number + 1}: this block is not closed")
        said = _comments(lines[prose:number])
        yield Block(
            page=page,
            line=number + 1,
            language=opened[1],
            text="\n".join(lines[number + 1 : end]),
            not_run="; ".join(text for kind, text in said if kind == "not run"),
            replaced=tuple(pair for kind, text in said if kind == "run with" for pair in REPLACEMENT.findall(text)),
            first=tuple(text for kind, text in said if kind == "first"),
        )
        number = prose = end + 1


def _comments(lines: Sequence[str]) -> list[tuple[str, str]]:
    """The comments that stand right before a block, with nothing but blank lines between."""
    text = "\n".join(lines).rstrip()
    found: list[tuple[str, str]] = []
    while text.endswith("-->"):
        start = text.rindex("<!--")
        match = COMMENT.fullmatch(text[start:])
        if match is None:
            break
        found.insert(0, (match[1], match[2]))
        text = text[:start].rstrip()
    return found


def pages(root: Path = ROOT) -> list[str]:
    """README.md, then the pages of docs/ in the order of their table, then those that are not in it."""
    table = re.findall(r"\]\(([\w/-]+\.md)\)", (root / "docs" / "README.md").read_text(encoding="utf-8"))
    listed = [f"docs/{name}" for name in dict.fromkeys(table) if (root / "docs" / name).is_file()]
    others = sorted(f"docs/{path.relative_to(root / 'docs')}" for path in (root / "docs").rglob("*.md"))
    return ["README.md", *dict.fromkeys([*listed, *others])]


def all_blocks(root: Path = ROOT, only: Sequence[str] = ()) -> list[Block]:
    """The blocks of all pages, or of some in the order given."""
    chosen = list(only) or pages(root)
    return [block for page in chosen for block in blocks_of(page, (root / page).read_text(encoding="utf-8"))]


def snapshot(source: Path, target: Path) -> None:
    """A repository with one commit: the files of a working tree that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=source,
        check=True,
        capture_output=True,
    ).stdout.decode()
    for name in sorted(set(filter(None, listed.split("\0")))):
        if (source / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    who = ["-c", "user.name=trial", "-c", "user.email=trial@localhost"]
    for words in (["init", "-q"], ["add", "-A", "-f"], [*who, "commit", "-q", "-m", "the working tree"]):
        subprocess.run(["git", *words], cwd=target, check=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What became of a block."""

    block: str
    """Where it is."""
    code: int | None
    """Exit code; None where it was not run."""
    seconds: float
    """How long it took."""
    note: str
    """Why it was not run, or the end of what it printed when it failed."""


class Trial:
    """Runs blocks one after the other, each where the one before ended."""

    def __init__(self, work: Path, python: Path | None, timeout: float) -> None:
        self.work, self.timeout = work, timeout
        self.repository = work / "repository"
        self.clone = work / "newcomer" / "wherewise"
        self.cwd = work / "newcomer"
        self.cwd.mkdir(parents=True, exist_ok=True)
        binaries = [str(python.parent.resolve())] if python else []
        path = [*binaries, str(self.clone / ".venv" / "bin"), os.environ["PATH"]]
        self.environment = {
            "PATH": os.pathsep.join(path),
            "HOME": os.environ["HOME"],
            "REPOSITORY": str(self.repository),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "2"),
            **({"PYTHONPATH": str(self.clone / "src")} if python else {}),
            **{key: value for key, value in os.environ.items() if key.startswith(("PIP_", "UV_"))},
        }

    def run(self, block: Block) -> Outcome:
        """Run one block; a new page begins at the clone's top."""
        if block.not_run:
            return Outcome(block=block.name, code=None, seconds=0.0, note=block.not_run)
        end = self.work / "cwd"
        text = block.tried
        if block.language == "python":
            text = f"python - <<'END_OF_BLOCK'\n{text}\nEND_OF_BLOCK"
        script = "\n".join(["set -euo pipefail", *block.first, text, f'pwd > "{end}"'])
        began = time.monotonic()
        log = self.work / "logs" / (block.name.replace("/", "_").replace(":", "_") + ".log")
        log.parent.mkdir(exist_ok=True)
        with log.open("w", encoding="utf-8") as sink:
            process = subprocess.run(
                ["timeout", str(self.timeout), "bash", "-c", script],
                cwd=self.cwd,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if process.returncode == 0:
            self.cwd = Path(end.read_text(encoding="utf-8").strip())
        said = log.read_text(encoding="utf-8", errors="replace")
        note = "" if process.returncode == 0 else said[-1500:]
        return Outcome(block=block.name, code=process.returncode, seconds=time.monotonic() - began, note=note)


def main() -> int:
    """Run what is asked for; exit code 1 if a block failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="folder for the clone and the logs")
    parser.add_argument("--page", action="append", default=[], help="only this page; may be repeated")
    parser.add_argument("--python", type=Path, help="an interpreter that has the dependencies already")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for a block")
    parser.add_argument("--list", action="store_true", help="only say what is run")
    options = parser.parse_args()
    blocks = [block for block in all_blocks(only=options.page) if block.language in LANGUAGES]
    if options.list:
        for block in blocks:
            print(f"{block.name:<34}{block.language:<8}" + (f"not run: {block.not_run}" if block.not_run else "run"))
        return 0
    if options.work is None:
        parser.error("--work is needed")
    if options.python is not None:  # README.md installs things: into an environment of its own, or not at all
        blocks = [block for block in blocks if block.page != "README.md"]
        options.page = options.page or ["docs"]
    trial = Trial(options.work.resolve(), options.python, options.timeout)
    if not trial.repository.exists():
        snapshot(ROOT, trial.repository)
    if options.page and "README.md" not in options.page and not trial.clone.exists():
        subprocess.run(["git", "clone", "-q", trial.repository, trial.clone], check=True)
        if options.python is None:
            subprocess.run(["make", "-s", "setup-dev"], cwd=trial.clone, check=True)
    outcomes: list[Outcome] = []
    page = ""
    for block in blocks:
        if block.page != page:
            page = block.page
            if trial.clone.exists() and page != "README.md":
                trial.cwd = trial.clone
        outcome = trial.run(block)
        outcomes.append(outcome)
        written = json.dumps([asdict(o) for o in outcomes], indent=1)
        (options.work / "outcomes.json").write_text(written, encoding="utf-8")
        state = "not run" if outcome.code is None else "ok" if outcome.code == 0 else f"EXIT {outcome.code}"
        print(f"{outcome.block:<34}{state:<9}{outcome.seconds:>7.1f} s  {outcome.note}", flush=True)
    failed = [o for o in outcomes if o.code]
    run = [o for o in outcomes if o.code is not None]
    print(f"{len(run)} blocks run, {len(failed)} failed; {len(outcomes) - len(run)} not run (reasons above)")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
