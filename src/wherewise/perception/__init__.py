"""Photographs to scenes: detectors, segmenters, depth and cameras behind small protocols."""

from wherewise.perception.config import BackendsConfig
from wherewise.perception.ground import Ground, GroundConfig, NoGround, find_ground
from wherewise.perception.photos import Photos
from wherewise.perception.reading import Backends, read_photograph
from wherewise.perception.results import (
    Camera,
    DepthEstimator,
    DepthMap,
    Detection,
    Detector,
    Intrinsics,
    Picture,
    Segmenter,
)
from wherewise.perception.sorting import Doubt, SortingConfig, sort_out

__all__ = [
    "Backends",
    "BackendsConfig",
    "Camera",
    "DepthEstimator",
    "DepthMap",
    "Detection",
    "Detector",
    "Doubt",
    "Ground",
    "GroundConfig",
    "Intrinsics",
    "NoGround",
    "Photos",
    "Picture",
    "Segmenter",
    "SortingConfig",
    "find_ground",
    "read_photograph",
    "sort_out",
]
