"""Static HTML: one self-contained file, no outside request, every model word shown as text."""

from wherewise.reports.build import ReportInputs, build_report
from wherewise.reports.gallery import Gallery, GalleryInputs, build_gallery

__all__ = ["Gallery", "GalleryInputs", "ReportInputs", "build_gallery", "build_report"]
