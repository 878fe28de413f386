"""Let another program import torchvision's CUDA build beside a CPU-only torch: vLLM, or ``transformers serve``.

    cp tools/torchvision_beside_cpu_torch.py ENVIRONMENT/lib/python3.11/site-packages/sitecustomize.py

torchvision's compiled part cannot load there. Two operators are declared before it is imported, so that the import
succeeds, and pictures are opened by Pillow. (wherewise does this for itself: `wherewise.models.torchvision_shim`.)
"""

from __future__ import annotations

import importlib.machinery
import sys
from typing import Any


def _declare() -> Any:
    """Declare the operators; they live as long as the returned library."""
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            library.define(name + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def _decode_image(input: Any, mode: Any = None, apply_exif_orientation: bool = False) -> Any:
    """`torchvision.io.decode_image` by Pillow."""
    import io

    import numpy
    import torch
    from PIL import Image, ImageOps

    file = io.BytesIO(input.numpy().tobytes()) if isinstance(input, torch.Tensor) else input
    picture = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
    return torch.from_numpy(numpy.array(picture)).permute(2, 0, 1)


class _Finder:
    """Finds torchvision, and nothing else."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        """The usual spec, with the declarations before and the pictures after its execution."""
        if name != "torchvision":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None:
            return None
        run = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            module._declared = _declare()
            run(module)
            import torchvision.io

            torchvision.io.decode_image = torchvision.io.image.decode_image = _decode_image

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, _Finder)  # type: ignore[arg-type]
