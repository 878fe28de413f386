"""Static HTML: one self-contained file, no outside request, every model word shown as text."""

from wherewise.reports.build import ReportInputs, build_report

__all__ = ["ReportInputs", "build_report"]
