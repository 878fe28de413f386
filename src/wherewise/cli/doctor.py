"""``wherewise doctor``: what is here, what is missing, and the command that mends it. Works without torch."""

from __future__ import annotations

import importlib
import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from wherewise import __version__
from wherewise.cli.doctor_findings import Finding, Status
from wherewise.cli.doctor_reach import driver_finding, hub_findings, judge_finding
from wherewise.cli.errors import EXTRAS
from wherewise.cli.options import AsJson

MIN_PYTHON = (3, 11)
"""Oldest Python that the package supports."""


@dataclass(frozen=True, slots=True)
class Needed:
    """A package and the versions it was tested with."""

    package: str
    """Its name in ``pip install``."""
    module: str
    """Its name in ``import``."""
    at_least: str
    """Oldest tested version."""
    below: str = ""
    """First version that is too new; empty where there is no such bound."""

    @property
    def requirement(self) -> str:
        """As ``pip install`` takes it."""
        return f"{self.package}>={self.at_least}" + (f",<{self.below}" if self.below else "")

    @property
    def tested(self) -> str:
        """The tested range, in words."""
        return f"{self.at_least} and newer" + (f", below {self.below}" if self.below else "")


CORE = (
    Needed("jinja2", "jinja2", "3.1"),
    Needed("numba", "numba", "0.60"),
    Needed("numpy", "numpy", "2.0"),
    Needed("pillow", "PIL", "11.0"),
    Needed("pyarrow", "pyarrow", "17.0"),
    Needed("pydantic", "pydantic", "2.10.3"),
    Needed("pyyaml", "yaml", "6.0"),
    Needed("rich", "rich", "13.0"),
    Needed("scipy", "scipy", "1.13"),
    Needed("typer", "typer", "0.15"),
)
"""What every command needs; the same as the package's own dependencies."""

TORCH = Needed("torch", "torch", "2.8")
TORCHVISION = Needed("torchvision", "torchvision", "0.23")
AV = Needed("av", "av", "15.0", "19")
OPTIONAL = (
    Needed("transformers", "transformers", "5.10", "6"),
    Needed("peft", "peft", "0.18"),
    Needed("accelerate", "accelerate", "1.10"),
    Needed("openai", "openai", "2.0"),
    Needed("onnxruntime", "onnxruntime", "1.20"),
    Needed("opencv-python-headless", "cv2", "4.10"),
)
"""What some commands need, beside torch, torchvision and PyAV, which are looked at more closely."""

PURPOSE = {
    "train": "training and running models",
    "video": "reading and writing video",
    "judge": "asking a language model",
    "photos": "scenes from photographs",
}
"""What each extra is for."""


Deep = Annotated[
    str | None,
    typer.Option(
        "--deep",
        metavar="MODEL",
        help="Check a model instead: a folder, a Hub name or 'starter'. Do batches, the shared prefix and a saved copy "
        "give its own numbers, and does it look at pictures?",
        show_default=False,
    ),
]
"""The model to look into."""


JudgeFile = Annotated[
    Path | None,
    typer.Option("--judge", metavar="FILE", help="Ask the judge of this config, too.", show_default=False),
]
"""A config with a section ``judge:``."""


def doctor(json_: AsJson = False, deep: Deep = None, judge: JudgeFile = None) -> int:
    """Check this machine and installation; name the fix for each finding.

    The exit code is 0 unless something that every command needs is broken, a model does not compute what it should, or
    the judge that was asked for does not answer.
    """
    found = list(findings() if deep is None else _deep(deep))
    if judge is not None:
        found.append(_judge(judge))
    if json_:
        typer.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    else:
        width = max(len(finding.name) for finding in found)
        for finding in found:
            typer.echo(f"{finding.status:<5} {finding.name:<{width}}  {finding.detail}")
            if finding.fix:
                typer.echo(f"{'':<5} {'':<{width}}  -> {finding.fix}")
        counts = {status: sum(finding.status is status for finding in found) for status in Status}
        typer.echo(f"\n{counts[Status.OK]} ok, {counts[Status.WARN]} to look at, {counts[Status.FAIL]} broken")
    return int(any(finding.status is Status.FAIL for finding in found))


def findings() -> Iterator[Finding]:
    """All that there is to say, in the order of reading."""
    for check in (_python, _machine, _core, _torch, _torchvision, _optional, _av, hub_findings):
        yield from check()


def _deep(model: str) -> Iterator[Finding]:
    from wherewise.training.checks.deep import deep_checks

    for check in deep_checks(model):
        status = Status.OK if check.ok else Status.FAIL
        yield Finding(name=check.name, status=status, detail=check.detail, fix=check.fix)


def _judge(file: Path) -> Finding:
    from wherewise.cli.config import load_config
    from wherewise.judge.config import JudgeFile as Settings

    return judge_finding(load_config(Settings, file).value.judge)


def _python() -> Iterator[Finding]:
    yield Finding(name="wherewise", status=Status.OK, detail=f"{__version__} in {Path(__file__).parents[1]}")
    old = sys.version_info[:2] < MIN_PYTHON
    needed = ".".join(map(str, MIN_PYTHON))
    yield Finding(
        name="python",
        status=Status.FAIL if old else Status.OK,
        detail=f"{platform.python_version()} ({sys.executable})",
        fix=f"python{needed} -m venv .venv && . .venv/bin/activate" if old else "",
    )


def _machine() -> Iterator[Finding]:
    yield Finding(
        name="system", status=Status.OK, detail=f"{platform.system()} {platform.release()} {platform.machine()}"
    )
    cores = usable_cores()
    yield Finding(name="cores", status=Status.OK, detail=f"{cores:g}")
    gib = usable_memory() / 2**30
    small = gib < 4
    yield Finding(
        name="memory",
        status=Status.WARN if small else Status.OK,
        detail=f"{gib:.1f} GiB",
        fix="training the starter model takes about 4 GiB; close other programs or use a larger machine"
        if small
        else "",
    )
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    full = free < 5
    yield Finding(
        name="disk",
        status=Status.WARN if full else Status.OK,
        detail=f"{free:.1f} GiB free in {Path.cwd()}",
        fix="run in a folder with at least 5 GiB free: datasets and checkpoints are written below it" if full else "",
    )


def usable_cores() -> float:
    """Cores that this process may use: the affinity mask, cut by a container's quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    quota = Path("/sys/fs/cgroup/cpu.max")
    if quota.is_file():
        limit, _, period = quota.read_text().strip().partition(" ")
        if limit != "max":
            return min(float(cores), int(limit) / int(period))
    return float(cores)


def usable_memory() -> int:
    """Bytes of memory that this process may use: the machine's, cut by a container's limit."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text().strip()) != "max":
        return min(total, int(text))
    return total


def _core() -> Iterator[Finding]:
    for needed in CORE:
        yield _package(needed, absent=Status.FAIL, fix=f"pip install '{needed.requirement}'")


def _optional() -> Iterator[Finding]:
    for needed in OPTIONAL:
        yield _package(needed, absent=Status.WARN, fix=_extra_fix(needed))


def _extra_fix(needed: Needed) -> str:
    return f"pip install 'wherewise[{EXTRAS[needed.module]}]'"


def _package(needed: Needed, *, absent: Status, fix: str, run: bool = True) -> Finding:
    """Whether a package is there, new enough and, with ``run``, can be imported."""
    try:
        found = version(needed.package)
    except PackageNotFoundError:
        extra = EXTRAS.get(needed.module)
        purpose = f"; only for {PURPOSE[extra]}" if extra else ""
        return Finding(name=needed.package, status=absent, detail=f"not installed{purpose}", fix=fix)
    if _release(found) < _release(needed.at_least):
        detail = f"{found}, older than the oldest that was tested ({needed.at_least})"
        return Finding(name=needed.package, status=absent, detail=detail, fix=f"pip install '{needed.requirement}'")
    if needed.below and _release(found) >= _release(needed.below):
        detail = f"{found}, newer than all that was tested (below {needed.below})"
        return Finding(name=needed.package, status=absent, detail=detail, fix=f"pip install '{needed.requirement}'")
    if run and (broken := _import_problem(lambda: importlib.import_module(needed.module))):
        again = f"pip install --force-reinstall '{needed.requirement}'"
        return Finding(name=needed.package, status=absent, detail=f"{found}, {broken}", fix=again)
    return Finding(name=needed.package, status=Status.OK, detail=f"{found} (tested: {needed.tested})")


def _release(text: str) -> tuple[int, ...]:
    """``2.13.0+cpu`` -> (2, 13), trailing zeros dropped so that 6 equals 6.0.0."""
    match = re.match(r"\d+(?:\.\d+)*", text)
    numbers = [int(part) for part in match[0].split(".")] if match else [0]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _import_problem(load: Callable[[], object]) -> str:
    """What keeps a package from being imported, in one line; empty if nothing does. It may raise anything at all."""
    try:
        load()
    except Exception as error:
        lines = str(error).strip().splitlines()
        return f"can't be imported: {type(error).__name__}: {lines[0] if lines else ''}"
    return ""


def _torch() -> Iterator[Finding]:
    basic = _package(TORCH, absent=Status.WARN, fix=_extra_fix(TORCH))
    if basic.status is not Status.OK:
        yield basic
        return
    import torch

    driver = shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()
    built = (
        f"CUDA {torch.version.cuda}"
        if torch.version.cuda
        else f"ROCm {torch.version.hip}"
        if torch.version.hip
        else "CPU"
    )
    detail = f"{torch.__version__}, built for {built}, {torch.get_num_threads()} threads"
    yield from driver_finding(torch.version.cuda)
    if torch.cuda.is_available():
        yield Finding(name="torch", status=Status.OK, detail=detail)
        for index in range(torch.cuda.device_count()):
            yield _gpu(index)
    elif driver and torch.version.cuda is None:
        fix = "pip install --force-reinstall torch torchvision, from an index with CUDA builds"
        yield Finding(name="torch", status=Status.WARN, detail=f"{detail}, though there is an NVIDIA driver", fix=fix)
    elif driver:
        fix = f"run nvidia-smi: the driver must be new enough for CUDA {torch.version.cuda}, and a GPU visible"
        yield Finding(name="torch", status=Status.WARN, detail=f"{detail}, but it finds no usable GPU", fix=fix)
    else:
        yield Finding(name="torch", status=Status.OK, detail=detail)
        yield Finding(name="gpu", status=Status.OK, detail="none; the starter model trains on the CPU")


def _gpu(index: int) -> Finding:
    import torch

    properties = torch.cuda.get_device_properties(index)
    free, total = torch.cuda.mem_get_info(index)
    bf16 = "bfloat16" if properties.major >= 8 or torch.version.hip else "no bfloat16"
    detail = f"{properties.name}, {total / 2**30:.0f} GiB, {free / 2**30:.0f} GiB free, {bf16}"
    return Finding(name=f"gpu {index}", status=Status.OK, detail=detail)


def _torchvision() -> Iterator[Finding]:
    basic = _package(TORCHVISION, absent=Status.WARN, fix=_extra_fix(TORCHVISION), run=False)
    if basic.status is not Status.OK or _import_problem(lambda: importlib.import_module("torch")):
        yield basic
        return
    import torch

    from wherewise.models.torchvision_shim import ensure_torchvision

    broken = _import_problem(ensure_torchvision)
    if broken:
        release = f"'{TORCHVISION.requirement}', in the release made for torch {torch.__version__}"
        fix = f"pip install --force-reinstall --no-deps {release}"
        yield Finding(name="torchvision", status=Status.WARN, detail=f"{basic.detail}, {broken}", fix=fix)
    elif hasattr(torch.ops.torchvision, "roi_align"):
        yield basic
    else:
        detail = (
            f"{basic.detail}; its compiled part doesn't fit this torch and isn't needed (wherewise loads it without)"
        )
        yield Finding(name="torchvision", status=Status.OK, detail=detail)


def _av() -> Iterator[Finding]:
    basic = _package(AV, absent=Status.WARN, fix=_extra_fix(AV))
    if basic.status is not Status.OK:
        yield basic
        return
    import av

    missing = [
        f"{name} {'encoder' if mode == 'w' else 'decoder'}"
        for name, mode in (("h264", "r"), ("libx264", "w"))
        if _import_problem(lambda name=name, mode=mode: av.codec.Codec(name, mode))  # type: ignore[misc]
    ]
    if missing:
        detail = f"{basic.detail}, built without {' and '.join(missing)}"
        fix = f"pip install --force-reinstall --only-binary av '{AV.requirement}'"
        yield Finding(name="av", status=Status.WARN, detail=detail, fix=fix)
    else:
        yield Finding(name="av", status=Status.OK, detail=f"{basic.detail}, reads and writes H.264")
