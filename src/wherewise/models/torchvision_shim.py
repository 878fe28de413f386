"""Stock torchvision beside a CPU-only torch.

The processors of the Qwen-VL families need `torchvision.transforms.v2`, which is plain Python over torch. The
torchvision wheel of the package index is built for CUDA, though: beside a CPU-only torch its compiled part cannot
load, which torchvision tolerates, except that it registers shape functions for two operators (`nms`, `qnms`) that
then do not exist, and its import fails. Declaring these two operators beforehand is enough.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import warnings
from pathlib import Path

import torch

_OPERATORS = ("nms", "qnms")
_declared: list[torch.library.Library] = []  # a library's operators live as long as the object


class TorchvisionMissingError(ImportError):
    """torchvision is not installed, and the model's processor needs it."""


def ensure_torchvision() -> None:
    """Make `import torchvision` work, before transformers' vision modules are imported.

    Does nothing where torchvision works already.

    Raises:
        TorchvisionMissingError: torchvision is not installed; the message has the command that installs it.
    """
    if "torchvision" in sys.modules:
        return
    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations:
        raise TorchvisionMissingError(
            "the processors of Qwen-VL models need torchvision, which is not installed. Install it beside the torch "
            f"{torch.__version__} that is there: pip install --no-deps {_matching_release()}"
        )
    if not _compiled_part_loads(Path(next(iter(spec.submodule_search_locations)))):
        library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
        for name in _OPERATORS:
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
        _declared.append(library)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Failed to load image Python extension")
        importlib.import_module("torchvision")


def _compiled_part_loads(folder: Path) -> bool:
    for path in sorted(folder.glob("_C*.so")) + sorted(folder.glob("_C*.pyd")):
        try:
            torch.ops.load_library(str(path))  # type: ignore[no-untyped-call]
        except OSError:  # the CUDA libraries it was linked with are not there
            return False
        return True
    return False


def _matching_release() -> str:
    """The torchvision release made for this torch: 2.x goes with 0.(x + 15)."""
    major, minor = torch.__version__.split("+")[0].split(".")[:2]
    return f"torchvision==0.{int(minor) + 15}.*" if major == "2" and minor.isdigit() else "torchvision"
