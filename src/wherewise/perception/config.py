"""Which backends look at the photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from wherewise.perception.cameras import PhotoCamera
from wherewise.perception.reading import Backends
from wherewise.perception.results import DepthEstimator, Detector, Segmenter


class DetectorConfig(BaseModel):
    """What finds things."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["onnx", "transformers"] = "onnx"
    """``onnx``: an ONNX file; ``transformers``: Grounding DINO or OWLv2, which look for the words of `vocabulary`."""
    weights: Path | None = None
    """ONNX file; null for the COCO detector that ``tools/convert_detector.py`` makes."""
    labels: Path | None = None
    """Labels of the ONNX file, one a line; null reads them from its metadata."""
    scale: float | None = Field(default=None, gt=0)
    """Value of white in the ONNX file's input; null reads it from its metadata, else 1."""
    model: str | None = None
    """Folder or hub name of the transformers model."""
    vocabulary: tuple[str, ...] = ()
    """Categories that the transformers model looks for."""
    floor: float = Field(default=0.08, gt=0, lt=1)
    """Least score of a detection that is taken in at all. What is found above it is never said to be absent."""
    error: float = Field(default=0.05, ge=0, lt=0.5)
    """Usual error of a box's side, as a share of the box's width or height; widens the margins."""
    device: str = "cpu"
    """Torch device of the transformers model."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "transformers" and (self.model is None or not self.vocabulary):
            raise ValueError("a transformers detector needs `model` and `vocabulary`")
        return self

    def make(self) -> Detector:
        """The detector."""
        if self.kind == "onnx":
            from wherewise.perception.onnx_detector import OnnxDetector

            return OnnxDetector(self.weights, labels=self.labels, floor=self.floor, error=self.error, scale=self.scale)
        from wherewise.perception.hf_models import OpenVocabularyDetector

        assert self.model is not None
        return OpenVocabularyDetector(
            self.model, self.vocabulary, floor=self.floor, error=self.error, device=self.device
        )


class SegmenterConfig(BaseModel):
    """What cuts things out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["grabcut", "sam2", "none"] = "grabcut"
    """``grabcut`` needs no weights; ``sam2`` is a transformers model; ``none`` takes boxes for masks."""
    model: str | None = None
    """Folder or hub name of the transformers model."""
    error: float = Field(default=0.06, ge=0, lt=0.5)
    """Usual error of a mask's centroid, as a share of the box's width or height; widens the margins."""
    device: str = "cpu"
    """Torch device of the transformers model."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind == "sam2" and self.model is None:
            raise ValueError("sam2 needs `model`")
        return self

    def make(self) -> Segmenter | None:
        """The segmenter, or None."""
        if self.kind == "none":
            return None
        if self.kind == "grabcut":
            from wherewise.perception.grabcut import GrabCutSegmenter

            return GrabCutSegmenter(error=self.error)
        from wherewise.perception.hf_models import SamSegmenter

        assert self.model is not None
        return SamSegmenter(self.model, error=self.error, device=self.device)


class DepthConfig(BaseModel):
    """What tells depths."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["none", "transformers", "files"] = "none"
    """``none``: only questions that need no depth; ``files``: measured depth or disparity beside each photograph."""
    model: str | None = None
    """Folder or hub name of the transformers model: Depth Anything V2, Depth Pro, ZoeDepth."""
    folder: Path | None = None
    """Folder of the files: ``room/1.jpg`` has ``room/1.npy``, ``.npz``, ``.png`` or ``.tif``."""
    scale: float = Field(default=1.0, gt=0)
    """Metres per unit of a depth file: 0.001 for millimetres."""
    baseline: float | None = Field(default=None, gt=0)
    """Distance between the two cameras in metres: the files hold disparities."""
    focal: float | None = Field(default=None, gt=0)
    """Focal length in pixels, for disparities."""
    offset: float = 0.0
    """Difference of the principal points in pixels, for disparities."""
    error: float = Field(default=0.1, ge=0, lt=1)
    """Usual error as a share of the depth; widens the margins."""
    device: str = "cpu"
    """Torch device of the transformers model."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.kind == "transformers" and self.model is None) or (self.kind == "files" and self.folder is None):
            raise ValueError("depth of kind `transformers` needs `model`, of kind `files` it needs `folder`")
        return self

    def make(self) -> DepthEstimator | None:
        """The depth estimator, or None."""
        if self.kind == "none":
            return None
        if self.kind == "files":
            from wherewise.perception.depth_files import DepthFiles

            assert self.folder is not None
            return DepthFiles(
                self.folder,
                scale=self.scale,
                baseline=self.baseline,
                focal=self.focal,
                offset=self.offset,
                error=self.error,
            )
        from wherewise.perception.hf_models import TransformersDepth

        assert self.model is not None
        return TransformersDepth(self.model, error=self.error, device=self.device)


class CameraConfig(BaseModel):
    """What is known of the lens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    focal: float | None = Field(default=None, gt=0)
    """Focal length as a share of the longest side; null takes Exif's, the depth backend's, or an assumed one."""
    assumed_view: float = Field(default=60.0, gt=5, lt=170)
    """Angle of view over the longest side, in degrees, where nothing is known."""


class BackendsConfig(BaseModel):
    """All that looks at the photographs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    detector: DetectorConfig = DetectorConfig()
    """What finds things."""
    segmenter: SegmenterConfig = SegmenterConfig()
    """What cuts them out."""
    depth: DepthConfig = DepthConfig()
    """What tells depths."""
    camera: CameraConfig = CameraConfig()
    """What is known of the lens."""

    def make(self) -> Backends:
        """The backends; loads their weights."""
        return Backends(
            detector=self.detector.make(),
            segmenter=self.segmenter.make(),
            depth=self.depth.make(),
            camera=PhotoCamera(focal=self.camera.focal, assumed_view=self.camera.assumed_view),
        )
