"""Scenes from annotated room scans: ScanNet, ScanNet++ and ARKitScenes in the schema of VSI-Bench."""

from wherewise.scenes.scans.conventions import BoxAxes, Convention
from wherewise.scenes.scans.metadata import ScanRecord, read_metadata
from wherewise.scenes.scans.source import CONVENTIONS, ScanFiles, Scans, scan_scene

__all__ = ["CONVENTIONS", "BoxAxes", "Convention", "ScanFiles", "ScanRecord", "Scans", "read_metadata", "scan_scene"]
