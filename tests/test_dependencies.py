"""docs/dependencies.md lists what pyproject.toml asks for: every package, its extra and its lowest version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| ([\w.-]+) \|(.*)\|$", re.MULTILINE)
REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?(.*)")


def asked() -> set[tuple[str, str, str]]:
    """(package, extra, range) of the project; the extra is empty for what is always there."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    found = set()
    for extra, requirements in groups.items():
        for requirement in requirements:
            match = REQUIREMENT.fullmatch(requirement)
            assert match is not None, requirement
            if match[1] != "wherewise":
                found.add((match[1], extra, in_words(match[2])))
    return found


def in_words(limits: str) -> str:
    """A range as the page says it.

    >>> in_words(">=5.10,<6"), in_words("")
    ('5.10, below 6', '–')
    """
    return limits.replace(">=", "").replace(",<", ", below ") or "–"


def listed() -> dict[tuple[str, str, str], list[str]]:
    """The page's rows by the same key; the rest of the row is licence and reason."""
    page = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    always, by_extra = page.partition("## Tested")[0].split("## By extra")
    found = {}
    for text, has_extra in ((always, False), (by_extra, True)):
        for match in ROW.finditer(text):
            cells = [cell.strip() for cell in match[2].split("|")]
            if match[1] != "package" and len(cells) == 3 + has_extra:
                found[match[1], cells[0] if has_extra else "", cells[has_extra]] = cells[has_extra + 1 :]
    return found


def test_the_page_lists_exactly_what_is_asked_for() -> None:
    rows = listed()
    # what another extra asks for already is listed once, under the extra that is for users
    development = {name for name, extra, _ in asked() if extra == "dev"}
    repeated = {(n, e, r) for n, e, r in asked() if e == "dev" and any(x != "dev" and m == n for m, x, _ in asked())}
    assert development
    assert set(rows) == asked() - repeated


def test_every_package_has_a_licence_and_a_reason() -> None:
    for key, (licence, reason) in listed().items():
        assert licence, key
        assert len(reason.split()) >= 1, key
