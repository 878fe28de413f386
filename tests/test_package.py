"""The wheel and the source archive hold all that is needed, away from the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="hatchling is not installed: pip install hatchling")
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True)
    return folder


def test_the_wheel_works_away_from_the_repository(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTHONSAFEPATH": "1"}

    def wherewise(*words: str) -> str:
        command = [sys.executable, "-m", "wherewise", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = subprocess.run(
        [sys.executable, "-c", "import wherewise; print(wherewise.__file__)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(tmp_path))
    assert "demo" in wherewise("--help")
    assert "spatialthinker" in wherewise("recipe", "list")
    assert str(tmp_path) in wherewise("recipe", "run", "dora", "--dry-run")
    made = wherewise("recipe", "run", "reinforcesight", "--tiny", "--out", str(tmp_path / "tiny"), "--step", "data")
    assert "[data]" in made
    assert (tmp_path / "tiny" / "data" / "manifest.json").is_file()


def test_the_source_archive_holds_what_a_build_and_the_tests_need(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    wanted = {
        "pyproject.toml",
        "LICENSE",
        "NOTICE",
        "README.md",
        "Makefile",
        "constraints/cpu.txt",
        "tests/test_package.py",
    }
    assert wanted <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("runs/", ".venv"))]
