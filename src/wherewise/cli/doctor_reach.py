"""What ``wherewise doctor`` says about things outside: the GPU's driver, the Hugging Face hub, a judge.

Nothing is downloaded and no token is printed. The hub is asked for one page with a deadline of seconds; with
``HF_HUB_OFFLINE=1`` it is not asked at all. A judge is asked for its list of models, which costs nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from wherewise.cli.doctor_findings import Finding, Status

if TYPE_CHECKING:
    from wherewise.judge.config import JudgeConfig

SECONDS = 5.0
"""Deadline of a request."""
HUB = "https://huggingface.co"
"""Where models come from; ``HF_ENDPOINT`` names a mirror."""
DRIVERS = {11: (450,), 12: (525,), 13: (580,)}
"""Oldest Linux driver for each major version of CUDA (NVIDIA, CUDA compatibility, minor version compatibility)."""


def driver_finding(cuda: str | None) -> Iterator[Finding]:
    """The NVIDIA driver, if there is one, against the CUDA that torch was built for.

    Args:
        cuda: ``torch.version.cuda``, or None for another build.
    """
    found = nvidia_driver()
    if found is None:
        return
    text = ".".join(map(str, found))
    needed = DRIVERS.get(int(cuda.partition(".")[0])) if cuda else None
    if needed and found < needed:
        oldest = ".".join(map(str, needed))
        yield Finding(
            name="driver",
            status=Status.WARN,
            detail=f"NVIDIA {text}, older than CUDA {cuda} needs ({oldest})",
            fix=f"update the NVIDIA driver to {oldest} or newer, or install a torch built for an older CUDA",
        )
    else:
        yield Finding(name="driver", status=Status.OK, detail=f"NVIDIA {text}")


def nvidia_driver(proc: Path = Path("/proc/driver/nvidia/version")) -> tuple[int, ...] | None:
    """Version of the loaded NVIDIA driver; None without one.

    Args:
        proc: The kernel module's own file; ``nvidia-smi`` is asked where there is none.
    """
    if proc.is_file():
        text = proc.read_text(encoding="utf-8", errors="replace")
    elif smi := shutil.which("nvidia-smi"):
        asked = [smi, "--query-gpu=driver_version", "--format=csv,noheader"]
        text = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False).stdout
    else:
        return None
    match = re.search(r"\b(\d{3,})\.(\d+)(?:\.(\d+))?\b", text)
    return tuple(int(part) for part in match.groups() if part) if match else None


def hub_findings() -> Iterator[Finding]:
    """Whether models can be fetched, with whose rights, and room for them."""
    home = hub_home()
    token = bool(os.environ.get("HF_TOKEN", "").strip()) or (home / "token").is_file()
    rights = "with a token" if token else "without a token (gated models want one: hf auth login)"
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        detail = "not asked: HF_HUB_OFFLINE is set, only models that are here can be used"
        yield Finding(name="hub", status=Status.OK, detail=detail)
    else:
        address = os.environ.get("HF_ENDPOINT", HUB).rstrip("/")
        problem = unreachable(f"{address}/api/models?limit=1")
        if problem:
            fix = "export HTTPS_PROXY, or HF_ENDPOINT for a mirror, or name a model by its folder (HF_HUB_OFFLINE=1)"
            yield Finding(name="hub", status=Status.WARN, detail=f"{address}: {problem}", fix=fix)
        else:
            yield Finding(name="hub", status=Status.OK, detail=f"{address} answers; {rights}")
    there = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(there).free / 2**30
    low = free < 20
    yield Finding(
        name="hub disk",
        status=Status.WARN if low else Status.OK,
        detail=f"{free:.1f} GiB free for models in {home}",
        fix="export HF_HOME=FOLDER on a disk with room: a model of 4 billion parameters takes 8 GiB" if low else "",
    )


def hub_home() -> Path:
    """Where the hub's client keeps models."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return Path(os.environ.get("HF_HOME", f"{cache}/huggingface")).expanduser()


def judge_finding(config: JudgeConfig) -> Finding:
    """Whether a judge's server answers and serves the model; it is asked for its list of models."""
    import json

    from wherewise.samples.errors import InputError

    name, models = "judge", f"{config.base_url}/models"
    try:
        key = config.api_key()
    except InputError as error:
        return Finding(name=name, status=Status.FAIL, detail=str(error), fix=f"export {config.api_key_env}=...")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    request = urllib.request.Request(models, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as reply:
            listed = json.loads(reply.read(config.max_reply_bytes))
    except urllib.error.HTTPError as error:
        fix = f"check the key in {config.api_key_env}" if error.code in (401, 403) else "check base_url: it ends in /v1"
        return Finding(name=name, status=Status.FAIL, detail=f"{models}: HTTP {error.code}", fix=fix)
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "reason", error))
        fix = f"start it: wherewise judge serve-command {config.model} prints the command; or correct base_url"
        return Finding(name=name, status=Status.FAIL, detail=f"{models}: {reason}", fix=fix)
    served = [entry.get("id") for entry in listed.get("data", ())] if isinstance(listed, dict) else []
    if config.model not in served:
        known = ", ".join(map(str, served[:5])) or "nothing"
        detail = f"{config.base_url} serves {known}, not {config.model}"
        return Finding(name=name, status=Status.FAIL, detail=detail, fix="correct model: in the judge's config")
    return Finding(name=name, status=Status.OK, detail=f"{config.base_url} serves {config.model}")


def unreachable(address: str) -> str:
    """Why an address does not answer; empty where it does."""
    try:
        with urllib.request.urlopen(address, timeout=SECONDS) as reply:
            reply.read(1)
    except urllib.error.HTTPError as error:
        return "" if error.code < 500 else f"HTTP {error.code}"
    except OSError as error:
        return f"does not answer ({getattr(error, 'reason', error)})"
    return ""
