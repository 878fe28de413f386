"""Every command that the pages show is one that the command line takes; the trial runs them all (`test_newcomer`)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from run_doc_blocks import Block, all_blocks, blocks_of, pages
from wherewise.cli.main import root_command

ROOT = Path(__file__).parents[2]

BLOCKS = [block for block in all_blocks() if block.language == "bash"]
STOP = re.compile(r"[;&|<>()]+")


def command_lines(text: str) -> Iterator[list[str]]:
    """The words behind each ``wherewise`` of a shell script, comments and continuation lines aside."""
    for line in text.replace("\\\n", " ").split("\n"):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for token in (*lexer, ";"):
            if STOP.fullmatch(token):
                if "wherewise" in words and (at := words.index("wherewise")) in (0, *_after(words)):
                    yield words[at + 1 :]
                words = []
            elif token not in ("do", "then", "done", "time"):
                words.append(token)


def _after(words: list[str]) -> list[int]:
    """Where ``wherewise`` is run as a module or through a launcher."""
    return [i for i, word in enumerate(words) if word == "wherewise" and i and words[i - 1] in ("-m", "exec")]


def accept(words: list[str]) -> None:
    """Let the parser read a command line without running it.

    Raises:
        Exception: A usage error of the parser.
    """
    command: Any = root_command()
    context = command.make_context("wherewise", list(words[:0]), resilient_parsing=True)
    rest = list(words)
    while hasattr(command, "list_commands"):
        name = rest.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {name!r}"
        command = found
    command.make_context(command.name, rest, parent=context)


@pytest.mark.parametrize("block", [b for b in BLOCKS if "wherewise" in b.text], ids=lambda b: b.name)
def test_the_command_line_takes_every_command(block: Block) -> None:
    for words in command_lines(block.tried):
        try:
            accept(words)
        except Exception as error:
            said = error.format_message() if hasattr(error, "format_message") else str(error)
            pytest.fail(f"{block.name}: wherewise {shlex.join(words)}: {said}")


def test_most_blocks_are_run_and_reasons_are_given() -> None:
    not_run = [block for block in BLOCKS if block.not_run]
    assert len(not_run) <= 0.4 * len(BLOCKS), [block.name for block in not_run]
    for block in not_run:
        assert len(block.not_run) > 8, f"{block.name}: say what it needs"
    for block in BLOCKS:
        assert block.tried, f"{block.name} is empty"


def test_every_page_is_in_the_table() -> None:
    table = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    missing = [page for page in pages() if page not in ("README.md", "docs/README.md") and page[5:] not in table]
    assert not missing, f"name them in docs/README.md: {missing}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in pages():
        text = re.sub(r"```.*?```|`[^`]*`", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in target and not target.startswith("mailto:"):
                assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}"


def test_what_the_comments_say_is_read() -> None:
    page = (
        "text\n\n<!-- first: touch a\ntouch b -->\n"
        '<!-- run with: "big" -> "small"; "x" -> "" -->\n\n```bash\nwherewise big x\n```\n'
        "<!-- not run: needs a GPU -->\n```bash\nnvidia-smi\n```\n```yaml\na: 1\n```\n"
    )
    first, second, third = blocks_of("p.md", page)
    assert (first.first, first.tried, first.line) == (("touch a\ntouch b",), "wherewise small ", 7)
    assert (second.not_run, third.not_run, third.language) == ("needs a GPU", "", "yaml")
    with pytest.raises(ValueError, match=r"p\.md:1: this block is not closed"):
        list(blocks_of("p.md", "```bash\nls\n"))
    with pytest.raises(ValueError, match="'y' is to be replaced"):
        _ = next(blocks_of("p.md", '<!-- run with: "y" -> "z" -->\n```bash\nls\n```\n')).tried


def test_wrong_commands_are_found() -> None:
    for wrong in ("data simulat x.yaml", "sft x.yaml --dry", "eval run", "export verl x.yaml --out y --gpus none"):
        with pytest.raises((AssertionError, Exception)):
            accept(wrong.split())
    for right in (
        "data simulate x.yaml --seed 3",
        "sft x.yaml a.b=c --dry-run --memory 24",
        "init grpo f.yaml --gpu 16",
    ):
        accept(right.split())
    text = (
        "for run in a b; do  # x\n  wherewise eval run x --model $run/final \\\n --out e/$run\ndone && wherewise doctor"
    )
    assert list(command_lines(text)) == [
        ["eval", "run", "x", "--model", "$run/final", "--out", "e/$run"],
        ["doctor"],
    ]
