"""The structure of the container files: what a linter looks for, and that what they name is there."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KNOWN = {"FROM", "RUN", "COPY", "ENV", "WORKDIR", "USER", "ENTRYPOINT", "CMD", "ARG", "LABEL"}
FILES = ("Dockerfile", ".devcontainer/Dockerfile")


def instructions(text: str) -> list[tuple[str, str]]:
    """Instruction and arguments of every line, comments and continuation lines aside.

    Raises:
        ValueError: A line is no instruction.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    found = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        if word not in KNOWN:
            raise ValueError(f"{word!r} is no instruction")
        found.append((word, " ".join(rest.split())))
    return found


def problems(text: str) -> list[str]:
    """What is wrong with a Dockerfile."""
    steps = instructions(text)
    found = []
    if steps[0][0] != "FROM":
        found.append("begins with no base image")
    for word, rest in steps:
        if word == "FROM" and not re.fullmatch(r"[\w./-]+:(?!latest$)[\w.-]+(@sha256:[0-9a-f]{64})?", rest):
            found.append(f"base image without a tag: {rest}")
        if word == "RUN":
            if re.search(r"(curl|wget)[^&;]*\|\s*(ba|z|da)?sh", rest) or "--trusted-host" in rest:
                found.append("runs what it downloads")
            if "sudo " in rest:
                found.append("sudo")
            if "apt-get install" in rest and not ("--no-install-recommends" in rest and "rm -rf /var/lib/apt" in rest):
                found.append("apt-get leaves its lists, or brings what is only recommended")
        if word in ("ENV", "ARG") and re.search(r"(?i)(token|secret|password|api_?key)\w*=", rest):
            found.append("a secret in a layer")
        if word in ("ENTRYPOINT", "CMD") and not rest.startswith("["):
            found.append(f"{word} goes through a shell")
    users = [rest for word, rest in steps if word == "USER"]
    if not users or users[-1] in ("root", "0"):
        found.append("runs as root")
    return found


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_wrong(name: str) -> None:
    assert problems((ROOT / name).read_text(encoding="utf-8")) == []


def test_what_is_wrong_is_found() -> None:
    bad = (
        "FROM ubuntu\nENV HF_TOKEN=hf_1\nRUN curl -s https://x.org/i.sh | bash\n"
        "RUN sudo apt-get install -y git\nCMD wherewise doctor\n"
    )
    assert len(problems(bad)) == 7
    assert problems("FROM a/b:latest\nUSER x\n") == ["base image without a tag: a/b:latest"]
    with pytest.raises(ValueError, match="RUNN"):
        instructions("FROM a:1\nRUNN true\n")


def test_what_is_copied_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".git", ".env", "runs", "data"} <= set(ignored)
    for word, rest in instructions((ROOT / "Dockerfile").read_text(encoding="utf-8")):
        if word == "COPY":
            *sources, _ = rest.split()
            for source in sources:
                assert (ROOT / source).exists(), source
                assert source not in ignored


def test_the_base_and_the_extras_fit_the_package() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (extras,) = re.findall(r"/source\[([\w,]+)\]", text)
    assert set(extras.split(",")) <= set(project["optional-dependencies"])
    (torch,) = re.findall(r"FROM pytorch/pytorch:(\d+\.\d+)", text)
    (least,) = (
        want.partition(">=")[2] for want in project["optional-dependencies"]["train"] if want.startswith("torch>")
    )
    assert tuple(map(int, torch.split("."))) >= tuple(map(int, least.split(".")))
    assert "wherewise" in project["scripts"]


def test_the_devcontainer_is_json_and_names_what_is_there() -> None:
    made = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert (ROOT / ".devcontainer" / made["build"]["dockerfile"]).is_file()
    assert made["remoteUser"] != "root"
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert re.search(r"make ([\w-]+)", made["postCreateCommand"])[1] in targets  # type: ignore[index]
