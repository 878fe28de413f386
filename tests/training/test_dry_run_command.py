"""``wherewise sft|grpo --dry-run`` from the outside: a dataset on disk, the shipped starter, exit codes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml
from training_toy import toy_samples

from wherewise.cli.main import main
from wherewise.samples import Image
from wherewise.samples.store import write_dataset


def config_file(tmp_path: Path, **changes: object) -> Path:
    values = {
        "out": str(tmp_path / "run"),
        "model": {"path": "starter", "device": "cpu", "lora": {"r": 4}},
        "data": {"path": str(tmp_path / "data")},
        "steps": 10,
        **changes,
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(values), encoding="utf-8")
    return path


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    code = ended.value.code
    return code if isinstance(code, int) else 0


def test_a_run_that_can_begin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_dataset(toy_samples(), tmp_path / "data")
    config = config_file(tmp_path, max_new_tokens=16, prompts_per_step=4)
    assert run("grpo", str(config), "--dry-run", "--memory", "16", "audit=warn") == 0
    told = capsys.readouterr().out
    for part in ("12 of 12 samples", "gold ", "format broken", "memory of 16 GiB: fits", "nothing was trained"):
        assert part in told
    assert not (tmp_path / "run").exists()


def test_a_run_that_cannot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = toy_samples()
    samples[4] = dataclasses.replace(samples[4], media=(Image(path="gone.png", width=32, height=32),))
    write_dataset(samples, tmp_path / "data")
    config = config_file(tmp_path)
    assert run("sft", str(config), "--dry-run", "max_prompt_tokens=3", "optim.part_lr.vision=1e-5") == 2
    told = capsys.readouterr().err
    for part in ("3 problems", "gone.png", "toy-004", "max_prompt_tokens", "optim.part_lr.vision"):
        assert part in told
