"""HTML pages in one file each, no outside request, every model word shown as text; and the server of the live one."""

from wherewise.reports.build import ReportInputs, build_report
from wherewise.reports.gallery import Gallery, GalleryInputs, build_gallery

__all__ = ["Gallery", "GalleryInputs", "ReportInputs", "build_gallery", "build_report"]
