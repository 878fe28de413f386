"""The run folder: configuration, environment, logs, checkpoints, final model.

====================== =====================================================================
``config.resolved.yaml`` every setting of the run
``env.json``             versions and hardware
``metrics.jsonl``        one line an optimiser step
``bad_steps.jsonl``      batches whose loss or gradient was not finite; their tensors are in ``bad_steps/``
``quarantine.jsonl``     samples whose media could not be read during the run
``stalls/``              where each thread was when there was no progress for too long
``rollouts/``            completions with their scores; pictures under ``rollouts/media/``
``checkpoints/``         see `wherewise.training.recovery.checkpoint`
``final/``               the trained model, a plain Hugging Face folder
====================== =====================================================================

Logs are append-only. A resumed run cuts them back to where its checkpoint was made, so that no step is there twice.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import yaml
from pydantic import ValidationError

from wherewise.samples.errors import InputError
from wherewise.training.config import RunConfig, drift
from wherewise.training.recovery.checkpoint import (
    CheckpointRef,
    clear_leftovers,
    fsync_path,
    last_complete,
    list_checkpoints,
)

Resume = Literal["auto", "never"]
"""``auto`` goes on from the newest whole checkpoint, or begins; ``never`` refuses a folder that holds a run."""


class RunFolderError(InputError):
    """The run folder cannot be used as asked; the message names the fix."""


class ConfigDriftError(RunFolderError):
    """A resumed run's settings or samples are not those that it began with."""


def environment() -> dict[str, Any]:
    """Versions, hardware and, inside a git checkout, its commit. No paths, no environment variables, no names."""
    packages = ("wherewise", "torch", "transformers", "peft", "accelerate", "safetensors", "numpy", "pillow")
    installed = {d.metadata["Name"].lower(): d.version for d in importlib.metadata.distributions()}
    git = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, cwd=Path(__file__).parent
    )
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": {name: installed[name] for name in packages if name in installed},
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "cpu_threads": torch.get_num_threads(),
        "cpus": os.cpu_count(),
        "git_commit": git.stdout.strip() if git.returncode == 0 else None,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]][:1],
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFolder:
    """Paths of one run, and what may be done with them.

    Attributes:
        path: The run folder.
    """

    path: Path

    @property
    def config_file(self) -> Path:
        """Every setting, as YAML."""
        return self.path / "config.resolved.yaml"

    @property
    def checkpoints(self) -> Path:
        """Folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def rollouts(self) -> Path:
        """Folder of rollouts."""
        return self.path / "rollouts"

    @property
    def bad_steps(self) -> Path:
        """Folder of the tensors of steps that were not finite."""
        return self.path / "bad_steps"

    @property
    def metrics_file(self) -> Path:
        """One JSON line an optimiser step."""
        return self.path / "metrics.jsonl"

    @property
    def final(self) -> Path:
        """The trained model."""
        return self.path / "final"

    def open(self, config: RunConfig, resume: Resume) -> tuple[CheckpointRef | None, list[str]]:
        """Make or re-open the folder.

        Returns:
            The checkpoint to go on from, or None to begin; and remarks about checkpoints that were passed over.

        Raises:
            RunFolderError: The folder holds a run and `resume` is ``never``, or holds something else.
            ConfigDriftError: Settings changed since the run began.
        """
        resolved = config.model_dump(mode="json")
        if self.begun():
            if resume == "never":
                raise RunFolderError(f"{self.path} holds a run already: resume it (--resume auto) or set another `out`")
            old = self._settings(type(config))
            if changed := drift(old, resolved):
                listed = "\n".join(f"  {key}: {was!r} -> {now!r}" for key, (was, now) in changed.items())
                raise ConfigDriftError(
                    f"{self.path} was begun with other settings:\n{listed}\nput them back, or set another `out`"
                )
        elif not self.config_file.exists() and self.path.is_dir() and any(self.path.iterdir()):
            raise RunFolderError(f"{self.path} is not empty and holds no run: set another `out`")
        self.path.mkdir(parents=True, exist_ok=True)
        write_atomic(self.config_file, yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True))
        clear_leftovers(self.checkpoints)
        self._clear_leftovers()
        write_atomic(self.path / "env.json", json.dumps(environment(), indent=2))
        return last_complete(self.checkpoints)

    def _settings(self, kind: type[RunConfig]) -> dict[str, Any]:
        """What the run was begun with; settings that did not exist then have their defaults."""
        stored: dict[str, Any] = yaml.safe_load(self.config_file.read_text(encoding="utf-8"))
        try:
            return kind.model_validate(stored).model_dump(mode="json")
        except ValidationError:  # settings that exist no more: they count as changed
            return stored

    def begun(self) -> bool:
        """Whether a step was ever taken here; a start that failed before (a wrong model path, say) binds nobody."""
        logged = self.metrics_file.exists() and self.metrics_file.stat().st_size > 0
        return self.config_file.exists() and (logged or bool(list_checkpoints(self.checkpoints)))

    def _clear_leftovers(self) -> None:
        """Delete what a killed process had half-written."""
        for path in (*self.path.glob(".*"), *self.rollouts.glob(".*"), *self.rollouts.glob("media/.*")):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def offsets(self) -> dict[str, int]:
        """Sizes of the append-only logs in bytes, once they are on disk."""
        logs = sorted(self.path.glob("*.jsonl"))
        for log in logs:
            fsync_path(log)
        return {log.name: log.stat().st_size for log in logs}

    def cut_back(self, offsets: Mapping[str, int], step: int) -> None:
        """Cut the logs to `offsets` and drop rollouts and bad steps of later steps than `step`."""
        for file in self.path.glob("*.jsonl"):
            os.truncate(file, offsets.get(file.name, 0))
        for file in (*self.rollouts.glob("step-*.jsonl"), *self.bad_steps.glob("step-*.safetensors")):
            if int(file.stem.split("-")[1]) > step:
                file.unlink()

    def records(self, name: str) -> list[dict[str, Any]]:
        """What is in a log; nothing where there is none."""
        file = self.path / name
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []

    def append(self, name: str, record: Mapping[str, Any]) -> None:
        """Add one JSON line to a log."""
        with (self.path / name).open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")


def write_atomic(path: Path, text: str) -> None:
    """Write a small text file so that it is either the old or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    fsync_path(temporary)
    temporary.rename(path)


def last_record(path: Path) -> dict[str, Any]:
    """The last line of a JSON-lines file."""
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
    return record
