"""The command as users run it: help, exit codes, messages; each in a process of its own."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from wherewise import __version__
from wherewise.cli.main import GROUPS, VERBS

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "numpy", "pydantic", "yaml", "pyarrow", "numba", "rich")


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return _python("-m", "wherewise", *words, **environment)


def run_test_verb(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return _python(str(Path(__file__).with_name("verbs_for_tests.py")), *words, **environment)


def _python(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "120", **environment}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=env, check=False, timeout=300)


def test_help_lists_every_verb_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from wherewise.cli.main import run; code = run(['--help']); "
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules]); sys.exit(code)"
    )
    done = _python("-c", code)
    assert done.returncode == 0, done.stderr
    assert "HEAVY []" in done.stdout
    for name in VERBS:
        assert f"  {name.partition(' ')[0]} " in done.stdout


def test_help_takes_a_fifth_of_a_second_at_most() -> None:
    spent = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        assert run("--help").returncode == 0
        spent.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
    assert min(spent) <= 0.2


@pytest.mark.parametrize("name", sorted(VERBS))
def test_every_verb_exists_and_has_help_without_torch(name: str) -> None:
    code = (
        f"import sys; from wherewise.cli.main import run; code = run({[*name.split(), '--help']!r}); "
        "print('HEAVY', [m for m in ('torch', 'transformers') if m in sys.modules]); sys.exit(code)"
    )
    done = _python("-c", code)
    assert done.returncode == 0, done.stderr
    assert f"Usage: wherewise {name}" in done.stdout
    assert "HEAVY []" in done.stdout


def test_every_group_has_a_summary() -> None:
    assert {name.partition(" ")[0] for name in VERBS if " " in name} <= set(GROUPS)


def test_version() -> None:
    assert run("--version").stdout == f"{__version__}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["trian"], "There is no command 'trian'. Did you mean 'train'?"),
        (["make"], "There is no command 'make'. Did you mean 'data make'?"),
        (["data", "mak"], "There is no command 'data mak'. Did you mean 'data make'?"),
        (["qqqq"], "There is no command 'qqqq'."),
        (["train"], "Missing argument 'CONFIG'"),
        (["train", "x.yaml", "--limt", "3"], "--limit"),
        (["train", "x.yaml", "--limit", "0"], "Invalid value for '--limit'"),
        (["train", "nowhere.yaml"], "nowhere.yaml: no such file"),
    ],
)
def test_wrong_command_line_is_exit_2_without_traceback(words: list[str], expected: str) -> None:
    done = run_test_verb(*words)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_group_help_lists_its_verbs_and_a_broken_verb_does_not_break_help() -> None:
    assert "make  Make data." in run_test_verb("data", "--help").stdout
    assert "Listed, yet its module is missing." in run_test_verb("--help").stdout
    assert run_test_verb("broken").returncode == 1


def test_four_mistakes_are_four_located_errors_and_exit_2(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("train:\n  num_generations: 1\n  learning_rat: 3\nmodle: x\n")
    done = run_test_verb("train", str(config), "train.loss=grppo")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert lines[0] == "wherewise: 4 problems in the config:"
    assert [line.split(": ")[0] for line in lines[1:] if " | " not in line] == [
        *(f"{config}:2:3", f"{config}:3:3", f"{config}:4:1"),
        "override 'train.loss=grppo'",
    ]
    assert "Traceback" in run_test_verb("train", str(config), "x", WHEREWISE_TRACEBACK="1").stderr


def test_shared_options(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("train: {num_generations: 4}\n")
    words = ("train", str(config), "--dry-run", "train.num_generations=6", "--limit", "9", "--resume", "auto")
    done = run_test_verb(*words)
    assert done.stdout == "6 True 9 True\n"
    assert done.stderr.startswith("training: 9/9 in 0:00")
    assert run_test_verb(*words, "--quiet").stderr == ""
    shown = run_test_verb("train", str(config), "--print-config")
    assert shown.stdout.startswith("model: starter\ntrain:\n  learning_rate: 1.0e-05\n")
    assert shown.stderr == ""
    missing = run_test_verb("train", str(config), "--resume", "nowhere")
    assert missing.returncode == 2
    assert "--resume nowhere: give 'auto' or 'none'" in missing.stderr


@pytest.mark.parametrize(
    ("how", "code", "expected"),
    [
        ("0", 0, ""),
        ("1", 1, ""),
        ("nothing", 3, "wherewise: nothing came out: all 12 scenes were rejected: no free wall\n"),
        ("missing", 1, "wherewise: this needs torch; install it with: pip install 'wherewise[train]'\n"),
    ],
)
def test_exit_codes_with_a_message_only(how: str, code: int, expected: str) -> None:
    done = run_test_verb("fail", how)
    assert (done.returncode, done.stderr) == (code, expected)


def test_interrupt_says_how_to_go_on() -> None:
    done = run_test_verb("fail", "interrupt")
    assert done.returncode == 130
    hint = "the same command with '--resume auto' goes on from the last checkpoint"
    assert done.stderr == f"wherewise: interrupted; {hint}\n"
    shown = run_test_verb("fail", "interrupt", WHEREWISE_TRACEBACK="1").stderr
    assert "os.kill(os.getpid(), signal.SIGINT)" in shown


def test_a_bug_shows_its_traceback() -> None:
    done = run_test_verb("fail", "bug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "ZeroDivisionError: a bug" in done.stderr


def test_a_closed_pipe_is_no_traceback() -> None:
    script = Path(__file__).with_name("verbs_for_tests.py")
    command = f"'{sys.executable}' '{script}' shout | head -n 1"
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=env, check=False, timeout=300)
    assert (done.stdout, done.stderr) == ("0\n", "")
